"""Ids as people type them: the end of one is enough where only one ends so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from warroom.errors import NotFound

Json = dict[str, Any]
Pages = Callable[[str | None], Awaitable[Json]]
"""Returns the page behind a cursor: ``{items, next_cursor}``."""
LENGTH: Final = 36


async def whole(given: str, pages: Pages, *, noun: str) -> str:
    """Return the one id that is, or ends as, what somebody typed.

    Args:
        given: an id, or the end of one.
        pages: asks for the items among which it is.
        noun: what they are, as its command is called; for the error.

    Raises:
        NotFound: none ends so, or several do.
    """
    if len(given) == LENGTH:
        try:
            return str(UUID(given))
        except ValueError:
            pass  # then nothing ends so, and the error below says it
    found: list[str] = []
    cursor: str | None = None
    while given and len(found) < 2:
        page = await pages(cursor)
        found += [i["id"] for i in page["items"] if str(i["id"]).endswith(given.lower())]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    if len(found) != 1:
        many = "there are several" if found else "there is none"
        raise NotFound(
            f"The end {given!r} of an id: {many}.", field="id", remedy=f"`warroom {noun} list`"
        )
    return str(found[0])
