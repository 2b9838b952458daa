"""The panes beside the board: read on a connection of their own, each by its own deadline.

A pane that does not answer costs this connection, never the board's, and is left alone for a
while, so that the others go on.  A pane that is not visible is not read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from textual.message import Message

from screens.messages import OlderArrived, PaneArrived, PaneTrouble
from warroom.console.feed import bounded, reason_of
from warroom.console.options import FeedOptions
from warroom.domain.panes import Pane, PaneWatch, Picture
from warroom.domain.safe_text import safe_text
from warroom.errors import WarRoomError

if TYPE_CHECKING:
    import psycopg

_GAP_S: Final = 0.2
_PAGE: Final = 100
_REST: Final = 4
_LONGEST_REST_S: Final = 0.8
_BACKOFF_S: Final = (1.0, 2.0, 4.0)
_ORDER: Final = (Pane.TIMERS, Pane.IMPACT, Pane.TIMELINE, Pane.HEALTH, Pane.ESTATE, Pane.TRIAGE,
                 Pane.SILENCES, Pane.CHANGES)  # fmt: skip
_OF_INCIDENT: Final = frozenset({Pane.IMPACT, Pane.TIMELINE, Pane.CHANGES})
Connect = Callable[[], Awaitable[tuple[Any, float]]]


class PaneFeed:
    """Reads what is watched, again and again. Use it in the background's loop only."""

    def __init__(
        self,
        connect: Connect,
        post: Callable[[Message], object],
        options: FeedOptions,
        place: Callable[[], str] = lambda: "the database",
    ) -> None:
        self._connect = connect
        self._post = post
        self._options = options
        self._place = place
        self._whom = place()
        self._wake = asyncio.Event()
        self._watch = PaneWatch()
        self._older: deque[tuple[PaneWatch, UUID]] = deque(maxlen=4)
        self._failures: dict[Pane, int] = {}
        self._not_before: dict[Pane, float] = {}

    def watch(self, watch: PaneWatch) -> None:
        """Read these panes from now on."""
        if watch != self._watch:
            self._watch = watch
            self._wake.set()

    def older(self, watch: PaneWatch, before: UUID) -> None:
        """Read one older page of the timeline."""
        self._older.append((watch, before))
        self._wake.set()

    def hint(self) -> None:
        """Read soon: something has probably changed."""
        self._wake.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        import psycopg

        failures = 0
        while True:
            if not self._wanted():
                self._wake.clear()
                await self._wake.wait()
                continue
            self._whom = self._place()
            try:
                conn, renew_at = await self._connect()
            except (psycopg.Error, WarRoomError, OSError) as error:
                for pane in self._wanted():
                    self._trouble(pane, error)
                await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1
                continue
            failures = 0
            # What ended the connection has been said where it happened.
            with contextlib.suppress(psycopg.Error, WarRoomError, OSError):
                await self._read_on(conn, renew_at)
            with contextlib.suppress(Exception):
                await conn.close()

    def _wanted(self) -> list[Pane]:
        """Return the visible panes that can be read: some need a chosen incident."""
        watch = self._watch
        return [
            pane
            for pane in _ORDER
            if pane in watch.panes and (pane not in _OF_INCIDENT or watch.incident is not None)
        ]

    async def _read_on(self, conn: psycopg.AsyncConnection[Any], renew_at: float) -> None:
        place = self._whom = self._place()
        # The board's age says how far its server lags: the panes must come from the same one.
        while monotonic() < renew_at and self._wanted() and self._place() == place:
            self._wake.clear()
            began = monotonic()
            for pane in self._wanted():
                # While another pane was read, a screen may have covered this one.
                visible = pane in self._wanted()
                if visible and self._not_before.get(pane, 0.0) <= monotonic():
                    await self._read_pane(conn, pane)
            while self._older:
                await self._read_older(conn, *self._older.popleft())
            pause = self._options.poll_s - (monotonic() - began)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(pause, _GAP_S)):
                    await self._wake.wait()
            # Hints come in bursts: the panes are read five times a second at the most.
            await asyncio.sleep(max(_GAP_S - (monotonic() - began), 0.0))

    async def _read_pane(self, conn: psycopg.AsyncConnection[Any], pane: Pane) -> None:
        """Read one pane and post it, or its trouble; raises when the connection is lost."""
        import psycopg

        from warroom.db.deadline import DeadlineExceeded

        watch = self._watch
        began = monotonic()
        try:
            call = read_call(conn, pane, watch)
            picture = await bounded(conn, call, self._options.deadline_s, f"reading {pane}")
        except (psycopg.Error, WarRoomError, OSError) as error:
            self._trouble(pane, error)
            if conn.broken or conn.closed or isinstance(error, DeadlineExceeded | OSError):
                raise
        else:
            self._failures.pop(pane, None)
            if pane is Pane.ESTATE:
                # Thousands of services take their time: reading them is not all that is done.
                took = monotonic() - began
                self._not_before[pane] = monotonic() + min(_REST * took, _LONGEST_REST_S)
            self._post(PaneArrived(pane, picture, watch, began))

    async def _read_older(
        self, conn: psycopg.AsyncConnection[Any], watch: PaneWatch, before: UUID
    ) -> None:
        import psycopg

        from warroom.db.deadline import DeadlineExceeded
        from warroom.db.reads import read_log

        if watch.incident is None:
            return
        call = read_log(conn, watch.incident, before=before, kinds=watch.kinds, limit=_PAGE)
        try:
            page = await bounded(conn, call, self._options.deadline_s, "reading older entries")
        except (psycopg.Error, WarRoomError, OSError) as error:
            self._post(OlderArrived(None, watch))
            if conn.broken or conn.closed or isinstance(error, DeadlineExceeded | OSError):
                raise
        else:
            self._post(OlderArrived(page, watch))

    def _trouble(self, pane: Pane, error: Exception) -> None:
        count = self._failures[pane] = self._failures.get(pane, 0) + 1
        self._not_before[pane] = monotonic() + _BACKOFF_S[min(count, len(_BACKOFF_S)) - 1]
        self._post(PaneTrouble(pane, safe_text(reason_of(error, self._whom), 120)))


async def read_call(
    conn: psycopg.AsyncConnection[Any], pane: Pane, watch: PaneWatch
) -> Picture | None:
    """Read one pane's picture.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    from warroom.db import reads

    if pane is Pane.TIMERS:
        return await reads.read_timers(conn)
    if pane is Pane.HEALTH:
        return await reads.read_health(conn)
    if pane is Pane.ESTATE:
        return await reads.read_estate(conn)
    if pane is Pane.TRIAGE:
        return await reads.read_triage(conn)
    if pane is Pane.SILENCES:
        return await reads.read_silences(conn)
    assert watch.incident is not None
    if pane is Pane.IMPACT:
        return await reads.read_impact(conn, watch.incident)
    if pane is Pane.CHANGES:
        return await reads.read_linkable(conn, watch.incident)
    page = await reads.read_log(conn, watch.incident, kinds=watch.kinds, limit=_PAGE)
    return page if page.number else None
