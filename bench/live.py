"""Figures of the whole: key to pending, key to confirmed, post to screen, start to data."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.report import Figure, percentile
from tests.console.ptyrun import PtyConsole
from warroom.cli.down import stop
from warroom.client import Client
from warroom.embedded.boot import start
from warroom.embedded.runtime import Runtime, admin_token
from warroom.settings import Settings

KEYS = 30
POSTS = 40
HELLO = (
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class Hello(App):\n"
    "    def compose(self):\n        yield Static('hello')\n"
    "Hello().run()\n"
)


@asynccontextmanager
async def _instance() -> AsyncIterator[tuple[Runtime, Client, str]]:
    """Run everything on a throw-away directory."""
    with tempfile.TemporaryDirectory(prefix="wrbench-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        runtime = await asyncio.to_thread(
            start, data, lambda _text: None, detach=True, extra={"WARROOM_API_PORT": "18420"}
        )
        token = admin_token(runtime) or ""
        client = Client(runtime.api_url, token)
        try:
            yield runtime, client, token
        finally:
            await client.close()
            await asyncio.to_thread(stop, data)


def _options(runtime: Runtime, token: str) -> Any:
    from warroom.console.door import Door

    return Settings(), Door(runtime.api_url, token)


def _app(runtime: Runtime, token: str) -> Any:
    from warroom.console.app import WarRoomApp
    from warroom.console.run import _options as console_options
    from warroom.console.run import terminal_profile

    settings, door = _options(runtime, token)
    look = terminal_profile(settings, os.environ, headless=True)
    return WarRoomApp(console_options(settings, look, None, None), door=door)


async def _keys() -> list[Figure]:
    async with _instance() as (runtime, client, token):
        app = _app(runtime, token)
        pending: list[float] = []
        confirmed: list[float] = []
        async with app.run_test(size=(120, 40)) as pilot:
            for number in range(KEYS):
                made = await client.declare(f"key {number}", 1)
                await _until(lambda ref=made["ref"]: ref in _screen(app))
                await pilot.press("home")
                begun = time.perf_counter()
                await pilot.press("a")
                await _until(lambda: "…" in _screen(app) or "acknowledged" in _screen(app))
                pending.append((time.perf_counter() - begun) * 1000)
                await _until(lambda: "✓" in _screen(app) or "acknowledged" in _screen(app))
                confirmed.append((time.perf_counter() - begun) * 1000)
                found = await client.incident(made["ref"])
                await client.resolve(made["ref"], found["version"])
                await _until(lambda ref=made["ref"]: f"{ref} " not in _screen(app).split("\n")[1])
        return [
            Figure("console.key_pending_p99", percentile(pending, 0.99), "ms", "median",
                   statistics.median(pending), "<= 50 ms"),
            Figure("console.key_confirmed_p99", percentile(confirmed, 0.99), "ms", "median",
                   statistics.median(confirmed), "<= 150 ms"),
        ]  # fmt: skip


def _screen(app: Any) -> str:
    """Return the text that the screen shows."""
    lines = app.screen._compositor.render_strips()  # noqa: SLF001 - what is really shown
    return "\n".join("".join(segment.text for segment in line) for line in lines)


async def _until(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the screen never showed it")
        await asyncio.sleep(0.004)


def _webhook(name: str) -> dict[str, Any]:
    alert = {
        "status": "firing",
        "labels": {"alertname": name, "service": name, "severity": "critical"},
        "annotations": {"summary": name},
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
    }
    return {
        "version": "4", "groupKey": "g", "status": "firing", "receiver": "r", "groupLabels": {},
        "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0,
        "alerts": [alert],
    }  # fmt: skip


async def _visible() -> list[Figure]:
    async with _instance() as (runtime, client, token):
        source = await client.add("sources", {"key": "bench"})
        app = _app(runtime, token)
        times: list[float] = []
        async with (
            Client(runtime.api_url, source["token"]) as door,
            app.run_test(size=(250, 70)),
        ):
            for number in range(POSTS):
                name = f"svc{number:03d}x"
                answer = await door.post_alerts(_webhook(name))
                begun = time.perf_counter()
                ref = answer["incidents"][0]
                await _until(lambda name=name: name in _screen(app))
                times.append((time.perf_counter() - begun) * 1000)
                found = await client.incident(ref)
                await client.resolve(ref, found["version"])
        return [
            Figure("ingest.visible_p99", percentile(times, 0.99), "ms", "median (without the"
                   " budget's 500 alerts/s beside it)", statistics.median(times), "<= 250 ms")
        ]  # fmt: skip


def _first(command: list[str], text: bytes, env: dict[str, str]) -> float:
    console = PtyConsole(command, (120, 40), env)
    begun = time.perf_counter()
    seen = b""
    try:
        while text not in seen:
            if time.perf_counter() - begun > 30:
                raise TimeoutError(f"{text!r} never appeared")
            seen += os.read(console.master, 65536)
        return time.perf_counter() - begun
    finally:
        console.process.kill()
        console.process.wait()


async def _data() -> list[Figure]:
    async with _instance() as (runtime, client, _token):
        await client.declare("Zzyzx burns", 1)
        with tempfile.NamedTemporaryFile("w", suffix=".py") as hello:
            hello.write(HELLO)
            hello.flush()
            ours: list[float] = []
            theirs: list[float] = []
            command = ["-m", "warroom", "console", "--api-url", runtime.api_url, "--token-file",
                       runtime.admin_token_file]  # fmt: skip
            for _ in range(6):
                theirs.append(await asyncio.to_thread(_first, [hello.name], b"hello", {}))
                ours.append(await asyncio.to_thread(_first, command, b"Zzyzx", {}))
        return [
            Figure("console.data_on_screen", 1000 * statistics.median(ours[1:]), "ms",
                   "hello-world's first frame", 1000 * statistics.median(theirs[1:]),
                   "ratio <= 3")
        ]  # fmt: skip


def keys() -> list[Figure]:
    """Measure key to pending mark, and key to confirmed by the database."""
    return asyncio.run(_keys())


def visible() -> list[Figure]:
    """Measure the door's 2xx to the cell on the screen."""
    return asyncio.run(_visible())


def data() -> list[Figure]:
    """Measure start to first incidents painted, against a hello-world app's first frame."""
    return asyncio.run(_data())
