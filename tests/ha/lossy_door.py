"""A door to PostgreSQL that loses the connection in the middle of COMMIT, on either side of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class Lose(StrEnum):
    """Where the connection is lost: before COMMIT has arrived, or behind it with the answer."""

    NOTHING = "nothing"
    BEFORE = "before"
    BEHIND = "behind"


class LossyDoor:
    """A Unix socket in ``folder`` that leads to the one in ``server``; ``lose`` may be changed."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder = folder
        self._server = server
        self.lose = Lose.NOTHING
        self.lost = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[LossyDoor]:
        """Listen for as long as the block lasts."""
        listener = await asyncio.start_unix_server(self._serve, self.folder / SOCKET)
        async with listener:
            yield self

    async def _serve(self, ours: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._server / SOCKET))
        committing = asyncio.Event()

        async def forth() -> None:
            while data := await ours.read(65536):
                if self.lose is not Lose.NOTHING and b"COMMIT" in data:
                    if self.lose is Lose.BEFORE:
                        return
                    committing.set()
                writer.write(data)
                await writer.drain()

        async def home() -> None:
            while data := await reader.read(65536):
                if committing.is_set():
                    return  # the server has committed; nobody will ever hear of it
                back.write(data)
                await back.drain()

        both = {asyncio.ensure_future(forth()), asyncio.ensure_future(home())}
        # Cancelled when the door is shut: whoever is still inside goes with it.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if self.lose is not Lose.NOTHING:
                self.lost += 1
        for task in both:
            task.cancel()
        writer.close()
        back.close()
