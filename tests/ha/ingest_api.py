"""The API as a process that tests may kill, and the token of a source."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.monitoring import free_port
from tests.helpers import wait_until_sync
from tests.pgfixtures import TestDatabase
from warroom.client import Client
from warroom.db import migrate


@dataclass
class ApiProcess:
    """`warroom serve` on a port of its own; the port stays when it is started again."""

    db: TestDatabase
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start it and wait until it takes requests."""
        self.starts += 1
        announced = self.folder / f"url-{self.port}-{self.starts}"
        environment = {
            **os.environ,
            "WARROOM_DATABASE_URL": f"postgresql://warroom_api@/{self.db.name}"
            f"?host={self.db.server.cluster.socket_dir}",
        }
        with announced.with_suffix(".log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "warroom", "serve", "--port", str(self.port),
                 "--announce", str(announced)],
                env=environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        wait_until_sync(announced.exists, timeout_s=60, what="the API to listen")
        assert announced.read_text(encoding="utf-8").strip() == self.url

    def kill(self) -> None:
        """Kill it, as the kernel does when memory is short."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """End it in order."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


@contextlib.asynccontextmanager
async def api_processes(
    db: TestDatabase, folder: Path, count: int = 1
) -> AsyncIterator[list[ApiProcess]]:
    """Run some API processes on one database until the block ends."""
    running = [ApiProcess(db, folder, free_port()) for _ in range(count)]
    try:
        for one in running:
            await asyncio.to_thread(one.start)
        yield running
    finally:
        for one in running:
            await asyncio.to_thread(one.end)


async def source_token(api: ApiProcess, key: str = "storm") -> str:
    """Make an alert source and return its token."""
    async with Client(api.url, migrate.bootstrap_admin(api.db.conninfo(), "ana")) as client:
        made = await client.add("sources", {"key": key})
    return str(made["token"])


def number(db: TestDatabase, query: str) -> int:
    """Return the one number that a query finds, asked as the superuser."""
    with db.connect() as conn:
        row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])
