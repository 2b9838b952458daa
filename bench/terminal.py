"""Figures of a real console on a real pseudo-terminal: key to mark, post to screen under load."""

from __future__ import annotations

import asyncio
import os
import secrets
import statistics
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.live import instance, webhook
from bench.report import Figure, percentile
from tests.console.ptyrun import PtyConsole
from warroom.client import Client
from warroom.embedded.runtime import Runtime
from warroom.errors import WarRoomError

KEYS = 60
POSTS = 100
SENDERS = 4
ALERTS_A_POST = 50
POSTS_A_SECOND = 10
DISTINCT = 10_000
ALPHABETS = ("ABCDEFGHIJKM", "NOPQRSTUVWXYZ")
PENDING = "… ".encode()
CONFIRMED = "✓".encode()


class Watcher:
    """Reads a pseudo-terminal in a thread and remembers when each piece came."""

    def __init__(self, console: PtyConsole) -> None:
        self._console = console
        self._pieces: list[tuple[float, bytes]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(OSError):
            while piece := os.read(self._console.master, 65536):
                self._pieces.append((time.perf_counter(), piece))

    def seen_at(self, text: bytes, since: float) -> float | None:
        """Return when ``text`` was complete, None if it has not come since."""
        sent = b""
        for moment, piece in list(self._pieces):
            if moment < since:
                continue
            sent += piece
            if text in sent:
                return moment
        return None

    async def wait(self, text: bytes, since: float, seconds: float = 30.0) -> float:
        """Wait for ``text`` and return when it came."""
        end = time.perf_counter() + seconds
        while (moment := self.seen_at(text, since)) is None:
            if time.perf_counter() > end:
                raise TimeoutError(f"{text!r} never came")
            await asyncio.sleep(0.005)
        return moment


@asynccontextmanager
async def _console(runtime: Runtime, size: tuple[int, int]) -> AsyncIterator[tuple[Watcher, Any]]:
    command = ["-m", "warroom", "console", "--api-url", runtime.api_url, "--token-file",
               runtime.admin_token_file]  # fmt: skip
    console = PtyConsole(command, size)
    try:
        watcher = Watcher(console)
        await watcher.wait(b"No open", 0.0)
        yield watcher, console
    finally:
        console.process.kill()
        console.process.wait()


async def _keys() -> list[Figure]:
    pending: list[float] = []
    confirmed: list[float] = []
    async with (
        instance() as (runtime, client, _token),
        _console(runtime, (120, 40)) as (watcher, console),
    ):
        for number in range(KEYS):
            begun = time.perf_counter()
            made = await client.declare(f"key{number:03d}x", 1)
            await watcher.wait(f"key{number:03d}x".encode(), begun)
            await asyncio.sleep(0.1)
            begun = time.perf_counter()
            console.press(b"a")
            pending.append((await watcher.wait(PENDING, begun) - begun) * 1000)
            confirmed.append((await watcher.wait(CONFIRMED, begun) - begun) * 1000)
            found = await client.incident(made["ref"])
            await client.resolve(made["ref"], found["version"])
            await watcher.wait(b"No open", begun)
    return [
        Figure("console.key_pending_p99", percentile(pending, 0.99), "ms", "median",
               statistics.median(pending), "<= 50 ms"),
        Figure("console.key_confirmed_p99", percentile(confirmed, 0.99), "ms", "median",
               statistics.median(confirmed), "<= 150 ms"),
    ]  # fmt: skip


async def _load(door: Client, counted: list[int], turn: int) -> None:
    """Take one turn of ``SENDERS`` at posting 500 alerts a second, until cancelled.

    One after the other would post less as soon as a post takes longer than its share of a second.
    """
    number = turn
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        now = datetime.now(UTC)
        alerts = [
            {
                "labels": {
                    "alertname": "Load", "service": f"load-{n % 20}", "severity": "warning",
                    "instance": f"host-{n % DISTINCT}",
                },
                "annotations": {"summary": "load"},
                "startsAt": now.isoformat(),
                "endsAt": (now + timedelta(minutes=5)).isoformat(),
            }
            for n in range(number * ALERTS_A_POST, (number + 1) * ALERTS_A_POST)
        ]  # fmt: skip
        with suppress(WarRoomError):
            await door.post_alerts(alerts, dialect="v2")
            counted[0] += ALERTS_A_POST
        number += SENDERS
        await asyncio.sleep(max(begun + number / POSTS_A_SECOND - loop.time(), 0.0))


async def _visible() -> list[Figure]:
    times: list[float] = []
    counted = [0]
    async with (
        instance() as (runtime, client, _token),
        _console(runtime, (250, 70)) as (watcher, _),
    ):
        source = await client.add("sources", {"key": "bench"})
        async with (
            Client(runtime.api_url, source["token"]) as door,
            Client(runtime.api_url, source["token"]) as other,
        ):
            load = asyncio.gather(*(_load(other, counted, turn) for turn in range(SENDERS)))
            begun_load = time.perf_counter()
            await asyncio.sleep(2.0)
            for number in range(POSTS):
                # Wholly new each time, column by column: what stays is not sent again.
                letters = ALPHABETS[number % 2]
                name = "".join(secrets.choice(letters) for _ in range(12))
                sent = time.perf_counter()
                await door.post_alerts(webhook(name))
                told = time.perf_counter()
                # The commit is heard of before its 2xx comes, now and then: then it took nothing.
                seen = await watcher.wait(name.encode(), sent)
                times.append(max(seen - told, 0.0) * 1000)
                # Its sender may have been answered before it was on any incident.
                page = await client.incidents(limit=20)
                found = next(i for i in page["items"] if name in i["title"])
                await client.resolve(found["ref"], found["version"])
            rate = counted[0] / (time.perf_counter() - begun_load)
            load.cancel()
            with suppress(asyncio.CancelledError):
                await load
    return [
        Figure("ingest.visible_p99", percentile(times, 0.99), "ms", "median",
               statistics.median(times), "<= 250 ms"),
        Figure("ingest.visible_load", rate, "alerts/s beside it", "wanted", 500.0, ""),
    ]  # fmt: skip


def keys() -> list[Figure]:
    """Measure key to pending mark, and key to confirmed by the database."""
    return asyncio.run(_keys())


def visible() -> list[Figure]:
    """Measure the door's 2xx to the cell on the screen, at 500 alerts a second beside it."""
    return asyncio.run(_visible())
