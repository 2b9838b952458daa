"""A real API on a real database for the console's tests, as processes that can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.pgfixtures import TestDatabase
from tests.typist import Server
from warroom.console.door import Door
from warroom.db import migrate

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class LiveRoom:
    """The API process, the database, and the administrator's token."""

    database: TestDatabase
    token: str
    port: int
    log: Path
    process: Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def door(self) -> Door:
        return Door(self.url, self.token)

    def start_api(self) -> None:
        """Start ``warroom serve`` and wait until it is ready."""
        environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "WARROOM_DATABASE_URL": self.database.server.cluster.url(
                "warroom_api", self.database.name
            ),
            "WARROOM_API_PORT": str(self.port),
        }
        self.process = Server(["serve"], environ, self.log, self.log.parent)
        deadline = time.monotonic() + 30
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the API did not start:\n{self.log.read_text('utf-8')[-3000:]}")

    def _ready(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(urllib.request.urlopen(f"{self.url}/readyz", timeout=2).status == 200)
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
        return False

    def kill_api(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Signal the API process."""
        if self.process is not None:
            self.process.send_signal(how)
            if how is not signal.SIGSTOP:
                self.process.wait(20)

    def call(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        """Ask the API as the administrator, or with somebody else's token."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {token or self.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": os.urandom(8).hex(),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            pytest.fail(f"{method} {path}: {error.code} {error.read().decode()}")

    def declare(self, title: str, severity: int = 2, summary: str = "") -> dict[str, Any]:
        """Declare an incident through the API."""
        body = {"title": title, "severity": severity, "summary": summary}
        found: dict[str, Any] = self.call("POST", "/v1/incidents", body)
        return found

    def fetch(self, query: str, *args: object) -> list[tuple[Any, ...]]:
        """Ask the database as its superuser."""
        with psycopg.connect(self.database.conninfo(), autocommit=True) as conn:
            return conn.execute(query.encode(), args).fetchall()

    def postgres_pids(self) -> list[int]:
        """Return the postmaster and all its children."""
        pid_file = self.database.server.cluster.data_dir / "postmaster.pid"
        main = int(pid_file.read_text().splitlines()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]


@pytest.fixture
def live(pg18: TestDatabase, tmp_path: Path) -> Iterator[LiveRoom]:
    """A running API on PostgreSQL 18, with an administrator called ana."""
    token = migrate.bootstrap_admin(pg18.conninfo(), "ana")
    room = LiveRoom(pg18, token, free_port(), tmp_path / "api.log")
    try:
        room.start_api()
        yield room
    finally:
        if room.process is not None and room.process.poll() is None:
            room.process.send_signal(signal.SIGCONT)
            room.process.kill()
            room.process.wait(20)
