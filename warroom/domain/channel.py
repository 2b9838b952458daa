"""Channels: where messages go out, and what an address that they are sent to may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from warroom.domain.validate import check_text
from warroom.errors import InvalidInput

URL_MAX = 2000
SECRET_BYTES = 32
"""Of a signing secret; Standard Webhooks wants 24 to 64."""


def mark_drill(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message of a drill: nobody may take it for the real thing.

    ``drill`` is true and ``text`` begins with DRILL; everything else is as in earnest, for a drill
    tries out the very way that messages go.
    """
    return {**payload, "drill": True, "text": f"DRILL {payload.get('text', '')}"}


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
