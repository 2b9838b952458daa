"""Where in the WAL a command ended, so that a reader of a standby can wait for its own write."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

HEADER = "X-Warroom-Write-Position"
ASK = "select pg_current_wal_insert_lsn()::text"

_told: ContextVar[Callable[[str], None] | None] = ContextVar("write_position", default=None)


def tell_to(listener: Callable[[str], None]) -> None:
    """Have the position of every commit of this task told, e.g. ``0/3000060``."""
    _told.set(listener)


def listener() -> Callable[[str], None] | None:
    """Return who wants to know, None when nobody does."""
    return _told.get()
