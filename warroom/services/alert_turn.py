"""Batches of one process lock one after the other: here, where waiting costs no lock_timeout."""

from __future__ import annotations

import asyncio


class Turn:
    """One batch's turn among those that lock what they change; mere repeats need none.

    Args:
        lock: what the batches of the process share.
    """

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._mine = False

    async def take(self) -> None:
        """Wait until no other batch holds locks, or will before its transaction has ended."""
        if not self._mine:
            await self._lock.acquire()
            self._mine = True

    def give_back(self) -> None:
        """The transaction has ended, however."""
        if self._mine:
            self._mine = False
            self._lock.release()
