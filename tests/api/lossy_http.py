"""A door to the API that loses answers: the command was done, and nobody hears of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit


class LossyHttp:
    """A loopback port that leads to the API; the next ``lose`` answers to commands are lost."""

    def __init__(self, behind: str) -> None:
        parts = urlsplit(behind)
        self._host, self._port = parts.hostname, parts.port
        self.url = ""
        self.lose = 0
        self.lost = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[LossyHttp]:
        """Listen for as long as the block lasts."""
        listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with listener:
            yield self

    async def _serve(self, ours: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        command = False

        async def forth() -> None:
            nonlocal command
            while data := await ours.read(65536):
                command = command or data.startswith((b"POST ", b"DELETE "))
                writer.write(data)
                await writer.drain()

        async def home() -> None:
            while data := await reader.read(65536):
                if command and self.lose > 0:
                    self.lose -= 1
                    self.lost += 1
                    return
                back.write(data)
                await back.drain()

        both = {asyncio.ensure_future(forth()), asyncio.ensure_future(home())}
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        writer.close()
        back.close()
