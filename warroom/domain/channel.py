"""Channels: where messages go out, and what an address that they are sent to may be."""

from __future__ import annotations

from urllib.parse import urlsplit

from warroom.domain.validate import check_text
from warroom.errors import InvalidInput

URL_MAX = 2000
SECRET_BYTES = 32
"""Of a signing secret; Standard Webhooks wants 24 to 64."""


def check_url(value: object, field: str = "url") -> str:
    """Return a webhook's address: http or https, a host, and nothing that is better kept secret.

    Raises:
        InvalidInput: says what is wrong with it.
    """
    text = check_text(value, field, longest=URL_MAX, shortest=1)
    remedy = "For example: https://hooks.example.org/warroom"
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise InvalidInput(
            f"{field} must be visible ASCII without blanks.", field=field, remedy=remedy
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidInput(f"{field} is no address.", field=field, remedy=remedy) from None
    if parts.scheme not in ("http", "https"):
        raise InvalidInput(f"{field} must begin with https:// or http://.", field=field,
                           remedy=remedy)  # fmt: skip
    if not parts.hostname or port == 0:
        raise InvalidInput(f"{field} names no host.", field=field, remedy=remedy)
    if "@" in parts.netloc:
        raise InvalidInput(
            f"{field} carries a name or password.", field=field,
            remedy="Messages are signed: the receiver checks the signature.",
        )  # fmt: skip
    if parts.fragment:
        raise InvalidInput(f"{field} has a part behind '#', which is never sent.", field=field)
    return text
