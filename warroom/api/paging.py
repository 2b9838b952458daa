"""Pages: the limit and the opaque cursor that every listing takes, and how a page is cut."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query

from warroom.domain.validate import unstorable
from warroom.errors import InvalidInput

Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str | None, Query(max_length=1200, description="next_cursor of the page before")]

Key = Annotated[str, Path(min_length=1, max_length=63, description="the key of one of them")]


def encode_cursor(value: object) -> str:
    """Return an opaque cursor."""
    return base64.urlsafe_b64encode(str(value).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """Return what a cursor carries: some text that can be stored.

    Raises:
        InvalidInput: it is none of ours.
    """
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("utf-8")
    except ValueError:
        raise bad_cursor() from None
    if unstorable(text) or encode_cursor(text) != cursor:
        raise bad_cursor()
    return text


def decode_id_cursor(cursor: str | None) -> UUID | None:
    """Return the id that a cursor carries.

    Raises:
        InvalidInput: it is none of ours.
    """
    text = decode_cursor(cursor)
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise bad_cursor() from None


def bad_cursor() -> InvalidInput:
    """Return the error for a cursor that no page has given."""
    return InvalidInput(
        "cursor is none of ours.", field="cursor", remedy="Use next_cursor of the page before."
    )


def cut(items: Sequence[Mapping[str, Any]], limit: int, by: str) -> dict[str, Any]:
    """Return the page of ``limit`` items; one more was asked for, to know whether more follow.

    Args:
        items: up to ``limit`` + 1, in the order of ``by``.
        limit: how many belong on the page.
        by: the field that the next page begins behind.
    """
    more = encode_cursor(items[limit - 1][by]) if len(items) > limit else None
    return {"items": list(items[:limit]), "next_cursor": more}
