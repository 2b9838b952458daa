"""A whole instance for the figures, and the first of them: start to data on the screen."""

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

from bench.report import Figure
from tests.console.ptyrun import PtyConsole
from warroom.cli.down import stop
from warroom.client import Client
from warroom.embedded.boot import start
from warroom.embedded.runtime import Runtime, admin_token

HELLO = (
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class Hello(App):\n"
    "    def compose(self):\n        yield Static('hello')\n"
    "Hello().run()\n"
)


@asynccontextmanager
async def instance() -> AsyncIterator[tuple[Runtime, Client, str]]:
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


def webhook(name: str) -> dict[str, Any]:
    """Return an Alertmanager webhook of one critical alert."""
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
    async with instance() as (runtime, client, _token):
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


def data() -> list[Figure]:
    """Measure start to first incidents painted, against a hello-world app's first frame."""
    return asyncio.run(_data())
