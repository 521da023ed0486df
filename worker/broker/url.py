"""The broker's URL: what may stand in it, and how it is shown without its password."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from db.errors import UsageError

SOCKET = "redis+socket"
PLAIN = "redis"
TLS = "rediss"

_FORM = "write redis://USER:PASSWORD@HOST:PORT/0, with special characters of the password as %XX"


def require_redis(url: str) -> str:
    """The scheme of a URL that names a Redis and nothing more.

    The errors do not quote the URL: what stands in a wrong place may be a piece of the password.

    Raises:
        UsageError: when it cannot be read, is not Redis's, or holds options.
    """
    try:
        parts = urlsplit(url)
        # As the resolver will: it knows neither empty labels nor halves of characters.
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        # Not chained, as the reason quotes what stands in the port's place.
        raise UsageError(f"KAOLABEL_BROKER_URL cannot be read: {_FORM}") from None
    if parts.scheme == SOCKET:
        return SOCKET
    if parts.scheme not in {PLAIN, TLS} or not parts.netloc:
        raise UsageError(f"KAOLABEL_BROKER_URL is no redis:// or rediss:// URL: {_FORM}")
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise UsageError(f"KAOLABEL_BROKER_URL cannot be read: {_FORM}")
    if parts.query or parts.fragment:
        # Kombu would take ssl_cert_reqs=none, and the name of a class to import.
        raise UsageError(
            "KAOLABEL_BROKER_URL ends in options, which are not read: drop what follows the `?`;"
            " for TLS write rediss:// and set KAOLABEL_BROKER_CA"
        )
    return parts.scheme


def mask(url: str) -> str:
    """A URL that `require_redis` let pass, without its password, fit for a log."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}{port}"))
