"""The detector chain and the decoders that the settings describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.sandbox.limits import Limits, Order
from worker.sandbox.pool import DecoderPool, check
from worker.vision.chain import Chain, default_chain, find_cascade

if TYPE_CHECKING:
    from pathlib import Path

    from worker.settings import WorkerSettings

# The input size of faces that no model asks for.
DEFAULT_INPUT = 96


def fetched_cascade(home: Path) -> Path:
    """Where `kaolabel detector fetch` puts its file, and where it is looked for."""
    return home / "cascades" / "lbpcascade_animeface.xml"


def configured_chain(settings: WorkerSettings, home: Path) -> Chain:
    """The chain of the cascade that the settings name, else of the fetched one, else of none.

    Raises:
        DetectorError: when there is no such cascade, or it cannot be used.
    """
    if settings.cascade:
        return default_chain(find_cascade(settings.cascade))
    fetched = fetched_cascade(home)
    return default_chain(fetched.absolute() if fetched.exists() else None)


def check_detectors(settings: WorkerSettings, chain: Chain) -> bool:
    """Prove in a decoder process that every detector of the chain finds a drawn face.

    Returns:
        Whether decoders are confined here.

    Raises:
        DetectorError: with the reason.
    """
    return check(order(settings, chain, probe=True))


def decoder_pool(
    settings: WorkerSettings, chain: Chain, *, input_size: int = DEFAULT_INPUT
) -> DecoderPool:
    """Decoders as the settings want them."""
    return DecoderPool(order(settings, chain, input_size=input_size), decoders=settings.decoders)


def order(
    settings: WorkerSettings,
    chain: Chain,
    *,
    input_size: int = DEFAULT_INPUT,
    probe: bool = False,
) -> Order:
    """What decoder processes are told."""
    limits = Limits(
        max_pixels=settings.max_pixels,
        memory=settings.decoder_memory,
        seconds=settings.decoder_seconds,
    )
    return Order(chain.to_json(), limits, input_size=input_size, probe=probe)
