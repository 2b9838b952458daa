"""How a figure is printed, and what every figure needs."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from warroom.db import migrate
from warroom.embedded.binaries import find_binaries, reachable_binaries
from warroom.embedded.cluster import Cluster
from warroom.embedded.identity import find_identity


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. ``peer`` names what stands beside it in the same run."""

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    budget: str = ""

    def line(self) -> str:
        """Return the JSON line."""
        ratio = None
        if self.peer_value:
            ratio = round(self.value / self.peer_value, 3)
        return json.dumps(
            {
                "name": self.name,
                "value": round(self.value, 3),
                "unit": self.unit,
                "peer": self.peer,
                "peer_value": None if self.peer_value is None else round(self.peer_value, 3),
                "ratio": ratio,
                "budget": self.budget,
                "machine": f"{platform.machine()} {os.cpu_count()} cores",
            }
        )


def median_of_five(measure: Callable[[], float]) -> float:
    """Return the median of five runs after one that does not count."""
    measure()
    return statistics.median(measure() for _ in range(5))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a throw-away PostgreSQL 18 with durable settings (fsync on)."""
    folder = Path(tempfile.mkdtemp(prefix="wrbench-"))
    folder.chmod(0o755)
    identity = find_identity()
    sockets = folder / "s"
    sockets.mkdir(mode=0o700)
    identity.own(sockets)
    server = Cluster(
        folder / "d",
        sockets,
        reachable_binaries(find_binaries(), identity),
        identity,
        {"shared_buffers": "256MB", "max_wal_size": "4GB"},
    )
    try:
        server.init()
        server.start()
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def fresh_database(server: Cluster, name: str) -> str:
    """Make a migrated database; return the superuser's connection string."""
    with psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    conninfo = server.conninfo(dbname=name)
    migrate.upgrade(conninfo)
    return conninfo
