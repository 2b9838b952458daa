"""The load script of the ingest figures: HTTP/1.1 posts over kept connections, as fast as answered.

Who closes the connection after each answer, as gunicorn's plain workers do, gets a new one.

It does as little as it can for each post (bodies are made beforehand, answers are only counted),
because it shares the machine with what is measured.  Every peer is measured by this same script.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop

CONNECTIONS = 16


@dataclass
class Sent:
    """What a run came to: answers by HTTP status, 0 for a connection that was lost; seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def refused(self) -> int:
        """Return how many posts got no 2xx."""
        return sum(n for status, n in self.statuses.items() if not 200 <= status < 300)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the posts go."""

    host: str
    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def head(self, length: int) -> bytes:
        """Return the head of a post with a body of ``length`` bytes."""
        given = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Content-Type: application/json\r\n{given}Content-Length: {length}\r\n\r\n"
        ).encode()


class _Connection(asyncio.Protocol):
    """One connection: posts, waits for the whole answer, posts the next."""

    def __init__(self, target: Target, bodies: Iterator[bytes], sent: Sent) -> None:
        self._target = target
        self._bodies = bodies
        self._sent = sent
        self._got = b""
        self._transport: asyncio.Transport | None = None
        self._again: asyncio.Task[object] | None = None
        self._closes = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        assert self._transport is not None
        body = next(self._bodies, None)
        if body is None:
            self._end()
            self._transport.close()
            return
        self._transport.write(self._target.head(len(body)) + body)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, mark, rest = self._got.partition(b"\r\n\r\n")
        if not mark:
            return
        lines = head.lower().split(b"\r\n")
        length = next((int(x[15:]) for x in lines if x.startswith(b"content-length:")), 0)
        if len(rest) < length:
            return
        self._got = b""
        self._sent.statuses[int(lines[0].split(b" ", 2)[1])] += 1
        if b"connection: close" in lines:
            assert self._transport is not None
            self._closes = True
            self._transport.close()
        else:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        if self._closes:
            self._closes = False
            loop = asyncio.get_running_loop()
            self._again = loop.create_task(self._connect(loop))
            return
        if not self.done.done():
            self._sent.statuses[0] += 1
        self._end()

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            await loop.create_connection(lambda: self, self._target.host, self._target.port)
        except OSError:
            self._sent.statuses[0] += 1
            self._end()

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _post(target: Target, bodies: Sequence[bytes], connections: int) -> Sent:
    sent = Sent()
    queue = iter(bodies)
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: _Connection(target, queue, sent), target.host, target.port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    sent.seconds = time.perf_counter() - begun
    return sent


def post(target: Target, bodies: Sequence[bytes], *, connections: int = CONNECTIONS) -> Sent:
    """Post every body once and return what was answered, and how long it all took."""
    return uvloop.run(_post(target, bodies, connections))


def rate(target: Target, bodies: Sequence[bytes], alerts: int) -> float:
    """Post every body once; return how many of their alerts were taken a second.

    Raises:
        RuntimeError: an answer was no 2xx.
    """
    sent = post(target, bodies)
    if sent.refused:
        raise RuntimeError(f"{target.host}:{target.port}{target.path} answered {sent.statuses}")
    return alerts / sent.seconds
