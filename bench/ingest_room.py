"""War room as the ingest figures need it: a durable database, the API as a process, a source."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from bench.ingest_peers import free_port, process
from bench.load_script import Target, rate
from bench.report import fresh_database
from warroom.client import Client
from warroom.db import migrate
from warroom.embedded.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Room:
    """A running API with its database; ``token`` is a source's, ``admin`` the administrator's."""

    target: Target
    url: str
    token: str
    admin: str
    conninfo: str
    pid: int
    server: Cluster

    def number(self, query: str) -> int:
        """Return the one number that a query finds, asked as the superuser."""
        with psycopg.connect(self.conninfo) as conn:
            row = conn.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def drained(self) -> None:
        """Wait until no alert waits that its sender was told is taken.

        Raises:
            RuntimeError: some wait for a minute already.
        """
        until = time.monotonic() + 60
        with psycopg.connect(self.conninfo, autocommit=True) as conn:
            while conn.execute("select exists (select from warroom.intake)").fetchone() == (True,):
                if time.monotonic() > until:
                    raise RuntimeError("taken alerts wait and wait")
                time.sleep(0.005)

    def rates(self, bodies: Sequence[bytes], alerts: int) -> tuple[float, float]:
        """Post every body once; return how many of their alerts a second were taken, and stored.

        Taken: answered with 2xx, the body committed.  Stored: on their incidents, every one.
        """
        begun = time.perf_counter()
        taken = rate(self.target, bodies, alerts)
        self.drained()
        return taken, alerts / (time.perf_counter() - begun)

    def cpu(self) -> tuple[float, float]:
        """Return the CPU seconds that the API and the database's processes have used."""
        return _cpu([psutil.Process(self.pid)]), _cpu(self._servers())

    def memory_mb(self) -> float:
        """Return the resident memory of the API, in MB."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    def _servers(self) -> list[psutil.Process]:
        found = self.server.status().process
        if found is None:
            return []
        parent = psutil.Process(found.pid)
        return [parent, *parent.children()]


def _cpu(processes: Sequence[psutil.Process]) -> float:
    total = 0.0
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system
    return total


@contextlib.contextmanager
def room(
    server: Cluster,
    name: str,
    env: dict[str, str] | None = None,
    *,
    log_to: Path | None = None,
) -> Iterator[Room]:
    """Serve the API on a fresh database of a server until the block ends."""
    conninfo = fresh_database(server, name)
    admin = migrate.bootstrap_admin(conninfo, "ana")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="wrbench-") as folder:
        announced = Path(folder) / "url"
        command = [sys.executable, "-m", "warroom", "serve", "--port", str(port),
                   "--announce", str(announced)]  # fmt: skip
        settings = {"WARROOM_DATABASE_URL": server.url("warroom_api", name), **(env or {})}
        with process(command, port, {**os.environ, **settings}, log_to=log_to) as running:
            url = f"http://127.0.0.1:{port}"
            token = asyncio.run(_source(url, admin))
            target = Target(
                "127.0.0.1", port, "/api/v2/alerts", {"Authorization": f"Bearer {token}"}
            )
            yield Room(target, url, token, admin, conninfo, running.pid, server)


async def _source(url: str, admin: str) -> str:
    async with Client(url, admin) as client:
        made = await client.add("sources", {"key": "bench"})
    return str(made["token"])
