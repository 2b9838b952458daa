"""Figures of the database alone: the board query as a reader, what audit costs, verification."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from uuid import UUID, uuid4

import psycopg

from bench.report import Figure, cluster, fresh_database, median_of_five, percentile
from warroom.db.engine import Database
from warroom.db.reads import read_board
from warroom.domain.principal import CommandContext, Principal, PrincipalKind, Scope
from warroom.services import incidents

BOARD_INCIDENTS = 10_000
COMMANDS = 400
CALLERS = 8
READS = 300
VERIFY_ENTRIES = 100_000


def _fill(conninfo: str, incidents: int) -> None:
    with psycopg.connect(conninfo) as conn:
        # Filling is not what is measured; the record of it would only take time.
        conn.execute("alter table warroom.incident disable trigger all")
        conn.execute("alter table warroom.incident_service disable trigger all")
        conn.execute("alter table warroom.timer disable trigger all")
        conn.execute(
            "insert into warroom.service (key, name, team_id, tier) select 's' || n, 'Service '"
            " || n, t.id, n % 5 from generate_series(1, 40) n, warroom.team t"
            " where t.key = 'unassigned'"
        )
        conn.execute(
            "insert into warroom.incident (title, severity, opened_by, policy_id, opened_at)"
            " select 'Incident number ' || n, 1 + n % 5, '00000000-0000-7000-8000-000000000001',"
            " p.id, now() - n * interval '1 second'"
            f" from generate_series(1, {incidents}) n, warroom.escalation_policy p"
            " where p.key = 'default'"
        )
        conn.execute(
            "insert into warroom.incident_service (incident_id, service_id, unit, visibility)"
            " select i.id, s.id, i.unit, i.visibility from warroom.incident i join"
            " (select id, row_number() over () as n from warroom.service) s"
            " on s.n in (1 + i.number % 40, 1 + (i.number + 7) % 40)"
        )
        conn.execute(
            "insert into warroom.timer (kind, incident_id, due_at, unit, visibility)"
            " select 'escalate', i.id, now() + i.number * interval '1 second', i.unit,"
            " i.visibility from warroom.incident i"
        )
        for table in ("incident", "incident_service", "timer"):
            conn.execute(f"alter table warroom.{table} enable trigger all")
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("vacuum analyze")


async def board_times(
    conninfo: str, reader: str, *, open_count: int, limit: int = 500, reads: int = READS
) -> list[float]:
    """Read the board again and again as a role; return how long each took, in ms.

    The first ten reads do not count; each must show ``open_count`` open incidents.
    """
    times: list[float] = []
    # As the console does after its first picture; see warroom/console/feed.py.
    gc.collect()
    gc.freeze()
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
        await conn.execute(f"set session authorization {reader}")
        for _ in range(10 + reads):
            begun = time.perf_counter()
            picture = await read_board(conn, limit=limit)
            times.append((time.perf_counter() - begun) * 1000)
            assert picture.open_count == open_count
    return times[10:]


def make_reader(conninfo: str) -> str:
    """Make a person with a database role of a reader, one for the whole cluster; return it."""
    with psycopg.connect(conninfo) as conn:
        conn.execute(
            "insert into warroom.principal (name, kind, db_role)"
            " values ('bench', 'person', 'wr_bench')"
        )
        if not conn.execute("select 1 from pg_roles where rolname = 'wr_bench'").fetchone():
            conn.execute("create role wr_bench login in role warroom_reader")
    return "wr_bench"


def board() -> list[Figure]:
    """Measure the board query as a reader at 10,000 open incidents, 500 rows read."""
    with cluster() as server:
        conninfo = fresh_database(server, "board")
        _fill(conninfo, BOARD_INCIDENTS)
        reader = make_reader(conninfo)
        mine: list[float] = []
        direct: list[float] = []

        def once() -> float:
            for times, role in ((mine, reader), (direct, "warroom_super")):
                times[:] = asyncio.run(board_times(conninfo, role, open_count=BOARD_INCIDENTS))
            return percentile(mine, 0.99)

        value = median_of_five(once)
        return [
            Figure("db.board_p99", value, "ms", "the same query as superuser, no policies",
                   percentile(direct, 0.99), "<= 20 ms")
        ]  # fmt: skip


def _auditing(conninfo: str, *, audited: bool) -> None:
    """Switch every audit trigger of the database."""
    word = "enable always" if audited else "disable"
    with psycopg.connect(conninfo) as conn:
        triggers = conn.execute(
            "select c.oid::regclass::text, g.tgname from pg_trigger g"
            " join pg_class c on c.oid = g.tgrelid where g.tgname like 'audit%'"
            " and not g.tgisinternal"
        ).fetchall()
        for table, trigger in triggers:
            conn.execute(f"alter table {table} {word} trigger {trigger}")


async def _acknowledge(url: str, numbers: list[int]) -> float:
    """Acknowledge each incident once, eight callers at a time; return commands a second."""
    api = Database.open(url, role="api", pool_size=CALLERS)
    who = Principal(
        UUID("00000000-0000-7000-8000-000000000003"), "system", PrincipalKind.AUTOMATION,
        frozenset(Scope),
    )  # fmt: skip
    queue = iter(numbers)

    async def caller() -> None:
        for number in queue:
            ctx = CommandContext(who, uuid4().hex, "bench", uuid4().hex)
            await incidents.acknowledge(api, ctx, f"INC-{number}", version=1)

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    lasted = time.perf_counter() - begun
    await api.close()
    return len(numbers) / lasted


def audit_cost() -> list[Figure]:
    """Measure audit's share of the throughput of a command: acknowledge, with all it writes."""
    with cluster() as server:
        conninfo = fresh_database(server, "cost")
        rounds = 12
        _fill(conninfo, rounds * COMMANDS)
        url = server.url("warroom_api", "cost")
        with psycopg.connect(conninfo) as conn:
            found = conn.execute("select number from warroom.incident order by number").fetchall()
        numbers = iter([row[0] for row in found])
        without: list[float] = []
        # What comes second finds a longer record and a warmer server: each goes first in turn.
        orders = itertools.cycle(((False, True), (True, False)))

        def once() -> float:
            each: dict[bool, float] = {}
            for audited in next(orders):
                _auditing(conninfo, audited=audited)
                chosen = list(itertools.islice(numbers, COMMANDS))
                each[audited] = asyncio.run(_acknowledge(url, chosen))
            without.append(each[False])
            return 100 * (1 - each[True] / each[False])

        share = median_of_five(once)
        return [
            Figure("audit.cost", share, "% of throughput", "commands/s without audit",
                   sorted(without)[len(without) // 2], "<= 15 %")
        ]  # fmt: skip


def audit_verify() -> list[Figure]:
    """Measure how many audit entries are verified a second."""
    with cluster() as server:
        conninfo = fresh_database(server, "verify")
        _fill(conninfo, 1000)
        with psycopg.connect(conninfo) as conn:
            for _ in range(VERIFY_ENTRIES // 1000):
                conn.execute("update warroom.incident set version = version + 1")
                conn.commit()
        with psycopg.connect(conninfo, autocommit=True) as conn:
            conn.execute("vacuum analyze")
            conn.execute("alter table warroom.incident disable trigger audit_row")

            def once() -> float:
                begun = time.perf_counter()
                rows = conn.execute("select * from read_v1.audit_verify()").fetchall()
                return float(rows[-1][0]) / (time.perf_counter() - begun)

            value = median_of_five(once)

            def scan() -> float:
                begun = time.perf_counter()
                row = conn.execute(
                    "select count(*), sum(length(payload)) from warroom.audit"
                ).fetchone()
                assert row is not None
                return float(row[0]) / (time.perf_counter() - begun)

            return [
                Figure("audit.verify", value, "entries/s", "reading the same rows only",
                       median_of_five(scan), ">= 200000")
            ]  # fmt: skip
