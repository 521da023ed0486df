"""The errors of kaolabel: one root, so that the command can catch them all and print one line.

KaolabelError
├── UsageError            what was asked for cannot be done as asked
│   └── ArchiveGoneError  an archive's folder is not there (any more)
├── UnavailableError      a server or device does not answer
├── DetectorError         a face detector cannot be used
├── ModelError            a model, backbone or artifact cannot be used
└── UnreadableImageError  bytes are no image that can be decoded
"""

from __future__ import annotations


class KaolabelError(Exception):
    """Raised when kaolabel cannot do what it was asked to; the message says what to do next."""


class UsageError(KaolabelError):
    """Raised when an argument, folder or file does not fit what was asked for."""


class ArchiveGoneError(UsageError):
    """Raised when an archive's folder is missing or empty though it was listed before."""


class UnavailableError(KaolabelError):
    """Raised when the broker, the database or a device does not answer."""


class DetectorError(KaolabelError):
    """Raised when a face detector cannot be loaded, or does not find a drawn face."""


class ModelError(KaolabelError):
    """Raised when a backbone, head or artifact is missing, damaged or of the wrong shape."""


class UnreadableImageError(KaolabelError):
    """Raised when bytes cannot be decoded as an image.

    Args:
        reason: a short code that is stored and counted, such as `truncated`.
        detail: one line for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
