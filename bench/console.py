"""Figures of the console on a real pseudo-terminal, and of the way from a post to the screen."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import psutil

from bench.report import Figure
from tests.console.ptyrun import PtyConsole

SETTLE_S = 3.0
LOAD_S = 10.0


def _collect(console: PtyConsole, seconds: float) -> int:
    """Read for a while; return how many bytes arrived."""
    import select

    end = time.monotonic() + seconds
    got = 0
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([console.master], [], [], left)
        if ready:
            got += len(os.read(console.master, 65536))
    return got


def _with_app(mode: str, measure: Callable[[PtyConsole], list[Figure]]) -> list[Figure]:
    console = PtyConsole(["-m", "tests.console.pty_app", mode, "60"], (160, 45))
    try:
        _collect(console, SETTLE_S)
        return measure(console)
    finally:
        console.process.send_signal(signal.SIGKILL)
        console.process.wait()


def one_change() -> list[Figure]:
    """Measure the bytes of one visible changed row, less what an idle second sends."""

    def measure(console: PtyConsole) -> list[Figure]:
        idle = sorted(_collect(console, 1.0) for _ in range(5))[2]
        changed: list[int] = []
        for _ in range(5):
            console.process.send_signal(signal.SIGUSR1)
            changed.append(_collect(console, 1.0))
        value = sorted(changed)[2]
        return [
            Figure("console.bytes_per_change", value, "B", "a second without a change", idle,
                   "<= 400 B")
        ]  # fmt: skip

    return _with_app("one", measure)


def load() -> list[Figure]:
    """Measure bytes, processor and memory with 2,000 incidents, 50 of them changed a second."""

    def measure(console: PtyConsole) -> list[Figure]:
        process = psutil.Process(console.process.pid)
        before = process.cpu_times()
        rss_before = process.memory_info().rss / 1e6
        begun = time.monotonic()
        got = _collect(console, LOAD_S)
        lasted = time.monotonic() - begun
        after = process.cpu_times()
        busy = (after.user + after.system) - (before.user + before.system)
        rss = process.memory_info().rss / 1e6
        return [
            Figure("console.bytes_per_s", got / lasted, "B/s", budget="<= 8192 B/s"),
            Figure("console.cpu", 100 * busy / lasted, "% of a core", budget="<= 10 %"),
            Figure("console.rss_mb", rss, "MB", "ten seconds earlier", rss_before,
                   "<= 130 MB and flat"),
        ]  # fmt: skip

    return _with_app("load", measure)
