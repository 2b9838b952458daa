"""Senders as monitoring tools are: they keep a connection, and repeat what was not taken in.

What is answered with 429 or 503 is sent again after the time that ``Retry-After`` names; what got
no answer at all, after a second.  Nothing is given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.load_script import Target

UNANSWERED_S = 1.0


@dataclass
class Told:
    """What senders sent and were told.

    ``sent`` and ``stored`` count each alert by name: what left, and what was answered with 2xx;
    ``took_s`` are the seconds from a post's first try to its 2xx, ``at`` the moment of that.
    """

    sent: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    took_s: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    posts: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """A body, where it goes, and which alerts are in it."""

    target: Target
    body: bytes
    alerts: tuple[str, ...]


class Connection:
    """One kept connection to the API."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, target: Target, body: bytes) -> tuple[int, float]:
        """Return the status and the seconds after which to come back; 0 for no answer."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(target.host, target.port)
            reader, writer = self._streams
            writer.write(target.head(len(body)) + body)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            fields = dict(line.split(b": ", 1) for line in head[1:] if b": " in line)
            await reader.readexactly(int(fields.get(b"content-length", b"0")))
        except (OSError, asyncio.IncompleteReadError):
            await self.close()
            return 0, UNANSWERED_S
        if fields.get(b"connection") == b"close":
            await self.close()
        return int(head[0].split(b" ", 2)[1]), float(fields.get(b"retry-after", b"1"))

    async def close(self) -> None:
        """Close it; the next post opens another."""
        if self._streams is not None:
            self._streams[1].close()
            with contextlib.suppress(OSError):
                await self._streams[1].wait_closed()
            self._streams = None


async def send(parcels: Iterator[Parcel], told: Told, *, patient: bool = True) -> None:
    """Send parcels over one connection until there are none.

    Raises:
        RuntimeError: one was refused for good.
    """
    connection: Connection | None = None
    try:
        for parcel in parcels:
            connection = connection or Connection(parcel.target)
            begun = time.perf_counter()
            while True:
                told.sent.update(parcel.alerts)
                status, wait = await connection.post(parcel.target, parcel.body)
                told.statuses[status] += 1
                if 200 <= status < 300:
                    break
                if status not in (0, 429, 503, 504):
                    raise RuntimeError(f"{parcel.target.path} answered {status}")
                await asyncio.sleep(wait if patient else 0)
            told.stored.update(parcel.alerts)
            told.at.append(time.perf_counter())
            told.took_s.append(told.at[-1] - begun)
            told.posts += 1
    finally:
        if connection is not None:
            await connection.close()


async def send_all(parcels: Sequence[Parcel], told: Told, connections: int) -> float:
    """Send all parcels over so many connections, in order; return the seconds it took."""
    queue = iter(parcels)
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(send(queue, told))
    return time.perf_counter() - begun
