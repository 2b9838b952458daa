"""The hint after a commit: one empty NOTIFY in a transaction of its own, coalesced.

NOTIFY inside the data transaction would serialise commits.  A lost hint costs a reader at most
its polling interval, so failures are only logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from warroom.errors import WarRoomError

if TYPE_CHECKING:
    from warroom.db.engine import Database

CHANNEL = "warroom"
EVERY_S = 0.05
DEADLINE_S = 1.0
log = logging.getLogger(__name__)


class HintSender:
    """Sends at most 20 hints a second for any number of commits."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Say whether nothing is owed and nothing under way."""
        return self._task is None or self._task.done()

    def wanted(self) -> None:
        """Ask for a hint; returns at once."""
        self._wanted.set()
        if self.idle:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End the sender, sending what is still owed."""
        task, self._task = self._task, None
        if task is not None:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await asyncio.wait_for(task, DEADLINE_S)

    async def _run(self) -> None:
        while self._wanted.is_set():
            self._wanted.clear()
            try:
                await self._send()
            except (WarRoomError, SQLAlchemyError, psycopg.Error, OSError) as error:
                log.warning("hint not sent: %s", type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def _send(self) -> None:
        from warroom.db.deadline import within
        from warroom.db.engine import driver_of
        from warroom.db.lend import lend

        ends_at = time.monotonic() + DEADLINE_S
        async with lend(self._db, ends_at) as (conn, socket):
            left = ends_at - time.monotonic()
            await within(_hint(driver_of(conn)), left, socket.to_cut, "sending a hint")


async def _hint(driver: psycopg.AsyncConnection[Any]) -> None:
    async with driver.pipeline():  # one round trip
        await driver.execute("select pg_notify(%s, '')", (CHANNEL,))
        await driver.commit()
