"""TLS to the broker: the server is always verified, the client may show a certificate."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from db.errors import UsageError
from worker.broker.url import TLS

if TYPE_CHECKING:
    from worker.broker.settings import BrokerSettings


def tls_options(scheme: str, settings: BrokerSettings) -> dict[str, Any] | None:
    """What kombu and Celery's result store want to know about TLS; None without it.

    Left to itself, kombu takes any certificate for good: `Connection._init_params` (kombu 5.7).

    Args:
        scheme: of the broker's URL.
        settings: name the files.

    Raises:
        UsageError: when a file cannot be used, or the URL asks for no TLS though one is given.
    """
    files = {
        "ssl_ca_certs": settings.broker_ca,
        "ssl_certfile": settings.broker_cert,
        "ssl_keyfile": settings.broker_key,
    }
    named = {option: str(path) for option, path in files.items() if path is not None}
    if scheme != TLS:
        if named:
            raise UsageError(
                "KAOLABEL_BROKER_CA, _CERT and _KEY are for TLS: let KAOLABEL_BROKER_URL begin with"
                " rediss://, or unset them"
            )
        return None
    _prove(settings)
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **named}


def _prove(settings: BrokerSettings) -> None:
    try:
        for path in filter(None, (settings.broker_ca, settings.broker_cert, settings.broker_key)):
            # Unlike OpenSSL, names the file that is not there.
            path.open("rb").close()
        context = ssl.create_default_context(cafile=settings.broker_ca)
        if settings.broker_cert or settings.broker_key:
            # An empty password keeps OpenSSL from asking for one at the terminal.
            chain = settings.broker_cert or settings.broker_key or ""
            context.load_cert_chain(chain, settings.broker_key, password="")
    except OSError as error:
        raise UsageError(
            f"KAOLABEL_BROKER_CA, _CERT or _KEY cannot be used: {error}; give PEM files, and a key"
            " without a password"
        ) from error
