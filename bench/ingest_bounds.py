"""How far the ingest figures are from what bounds them: HTTP alone, and PostgreSQL alone.

HTTP alone is the same server with nothing behind it.  PostgreSQL alone is COPY of the very rows
that war room had written (bodies, alerts, events, entries), into tables with the same indexes, as
many a transaction as its batches had, durable; without who may see them, without digests, audit,
history and counts: what is between that and ours is the record, and what is decided.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from bench.ingest_alerts import posts
from bench.ingest_peers import free_port, process
from bench.ingest_room import Room, room
from bench.load_script import CONNECTIONS, Target, rate
from bench.report import Figure, cluster

ROUNDS = 6
TABLES = ("delivery", "alert", "alert_event", "timeline")
Step = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Load:
    """What is posted: under which figure, how many alerts in all, and a post."""

    figure: str
    alerts: int
    each: int

    @property
    def batch(self) -> int:
        """Return how many alerts war room stores at a time: half of all that are under way."""
        return self.each * CONNECTIONS // 2


LOADS = (Load("ingest.batch50", 10_000, 50), Load("ingest.single", 2_000, 1))


def _lines(conn: psycopg.Connection, table: str) -> list[bytes]:
    """Return a table's rows as COPY writes them."""
    query = sql.SQL("copy (select * from warroom.{}) to stdout").format(sql.Identifier(table))
    found = bytearray()
    with conn.cursor().copy(query) as copy:
        for part in copy:
            found += part
    return bytes(found).splitlines(keepends=True)


def _parts(lines: Sequence[bytes], alerts: int, batch: int) -> list[bytes]:
    """Cut rows into as many parts as the alerts have batches."""
    many = -(-alerts // batch)
    edges = [len(lines) * n // many for n in range(many + 1)]
    return [b"".join(lines[a:b]) for a, b in itertools.pairwise(edges)]


def rows_alone(conninfo: str, alerts: int, batch: int) -> float:
    """Store the rows of all alerts once more, as fast as PostgreSQL can; return alerts a second."""
    with psycopg.connect(conninfo) as conn:
        conn.execute("drop schema if exists bare cascade")
        conn.execute("create schema bare")
        parts = {}
        for table in TABLES:
            name = sql.Identifier(table)
            parts[table] = _parts(_lines(conn, table), alerts, batch)
            conn.execute(
                sql.SQL("create table bare.{0} (like warroom.{0} including indexes)").format(name)
            )
        conn.commit()
        begun = time.perf_counter()
        for number in range(len(parts["alert"])):
            for table in TABLES:
                into = sql.SQL("copy bare.{} from stdin").format(sql.Identifier(table))
                with conn.cursor().copy(into) as copy:
                    copy.write(parts[table][number])
            conn.commit()
        seconds = time.perf_counter() - begun
        row = conn.execute("select count(*) from bare.alert").fetchone()
        assert row == (alerts,), row
    return alerts / seconds


def _of(load: Load, ours: Room, bare: Target) -> Iterator[Figure]:
    mine: list[float] = []
    http: list[float] = []
    rows: list[float] = []
    sofar = ours.number("select count(*) from warroom.alert")
    for number in range(ROUNDS):
        bodies = posts(load.alerts, load.each, f"{load.figure}{number}")
        mine.append(ours.rates(bodies, load.alerts)[1])
        http.append(rate(bare, bodies, load.alerts))
        sofar += load.alerts
        rows.append(rows_alone(ours.conninfo, sofar, load.batch))
        print(f"round {number}: {mine[-1]:.0f}, HTTP alone {http[-1]:.0f}, rows alone"
              f" {rows[-1]:.0f} alerts/s", file=sys.stderr)  # fmt: skip
    value = statistics.median(mine[1:])
    yield Figure(f"{load.figure}.of_http", value, "alerts/s", "the same server, nothing behind it",
                 statistics.median(http[1:]))  # fmt: skip
    yield Figure(f"{load.figure}.of_rows", value, "alerts/s",
                 f"COPY of the same rows, {load.batch} alerts a commit",
                 statistics.median(rows[1:]))  # fmt: skip


def bounds() -> list[Figure]:
    """Measure new alerts, 50 and one a post, beside HTTP alone and PostgreSQL alone."""
    port = free_port()
    found: list[Figure] = []
    with process([sys.executable, "-m", "bench.ingest_bare_app", str(port)], port):
        bare = Target("127.0.0.1", port, "/api/v2/alerts")
        for load in LOADS:
            with cluster() as server, room(server, "bounds") as ours:
                found += _of(load, ours, bare)
    return found
