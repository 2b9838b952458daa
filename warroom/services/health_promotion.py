"""Whether a standby that is gone was promoted: only it can say."""

from __future__ import annotations

import contextlib
from time import monotonic
from typing import Final

import psycopg

from warroom.db.probe import Server, ask_once
from warroom.domain.picture import SourceKind
from warroom.errors import WarRoomError

EVERY_S: Final = 3.0
ANSWER_S: Final = 0.5


class Promotion:
    """Asks one standby, now and then.

    Args:
        conninfo: how to reach it, None when nobody said.
    """

    def __init__(self, conninfo: str | None) -> None:
        self._conninfo = conninfo
        self._ask_at = 0.0
        self._found: Server | None = None

    async def ask(self) -> None:
        """Ask it what it is, if that was not done just now; no answer is no news."""
        if self._conninfo is None or monotonic() < self._ask_at:
            return
        self._found = None
        # Without an answer, gone is all that can be said of it.
        with contextlib.suppress(psycopg.Error, WarRoomError, OSError):
            self._found = await ask_once(self._conninfo, ANSWER_S)
        self._ask_at = monotonic() + EVERY_S

    def timeline_of(self, node: str, *, beyond: int) -> int | None:
        """Return the timeline of a node that takes writes on a later one than ``beyond``.

        None when it does not, when it did not answer, and when what answered is another.
        """
        found = self._found
        if found is None or found.kind is not SourceKind.PRIMARY or found.timeline <= beyond:
            return None
        return found.timeline if found.name in {"", node} else None
