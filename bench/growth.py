"""How the board grows: millions of closed incidents against ten thousand, with as many open.

``BENCH_INCIDENTS`` makes the large database smaller, for a small disk or little time.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg

from bench.database import board_times, make_reader
from bench.report import Figure, cluster, fresh_database, median_of_five

OPEN = 1_000
SMALL = 10_000
LARGE = 5_000_000
READS = 100
# Rows, indexes and the log of writing them, rounded up.
BYTES_EACH = 2_000
SERVICES = 40

_INCIDENTS = """
insert into warroom.incident (title, severity, opened_by, policy_id, opened_at, status,
  acknowledged_at, resolved_at, ended_at, updated_at)
select 'Incident number ' || n, 1 + mod(n, 5), '00000000-0000-7000-8000-000000000001', p.id, t.at,
  case when mod(n, %(step)s) = 0 then 'triggered' else 'closed' end,
  t.acknowledged, t.ended, t.ended, coalesce(t.ended, t.at)
from generate_series(1, %(count)s) n
cross join (select id from warroom.escalation_policy where key = 'default') p
cross join lateral (select o.at,
  case when mod(n, %(step)s) <> 0 then o.at + interval '5 minutes' end as acknowledged,
  case when mod(n, %(step)s) <> 0 then o.at + interval '1 hour' end as ended
  from (select now() - (%(count)s - n) * interval '10 seconds' as at) o) t
"""
_LINKS = """
insert into warroom.incident_service (incident_id, service_id, state, unit, visibility)
select i.id, s.id, case when i.ended_at is null then 'suspected' else 'recovered' end, i.unit,
  i.visibility
from warroom.incident i
join (select id, row_number() over (order by key) as n from warroom.service) s
  on s.n = 1 + mod(i.number + {shift}, {services})
where {which}
"""
_TIMERS = """
insert into warroom.timer (kind, incident_id, due_at, state, unit, visibility)
select 'escalate', i.id, i.opened_at + interval '5 minutes',
  case when i.ended_at is null then 'armed' else 'cancelled' end, i.unit, i.visibility
from warroom.incident i
"""


def _size() -> int:
    """Return how many incidents the large database gets, bounded by what was designed for."""
    said = os.environ.get("BENCH_INCIDENTS", str(LARGE))
    if not said.isdecimal() or not SMALL <= int(said) <= LARGE:
        raise SystemExit(f"BENCH_INCIDENTS is {said!r}; it is a number from {SMALL} to {LARGE}")
    count = int(said)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < count * BYTES_EACH:
        raise SystemExit(
            f"{count} incidents need {count * BYTES_EACH >> 30} GiB in {tempfile.gettempdir()},"
            f" {free >> 30} are free; set BENCH_INCIDENTS to less"
        )
    return count


def _unwatched(conninfo: str, table: str, statements: Sequence[str], count: int) -> None:
    """Fill one table without its triggers: neither the record nor foreign keys are measured."""
    args = {"count": count, "step": count // OPEN}
    with psycopg.connect(conninfo) as conn:
        conn.execute(f"alter table warroom.{table} disable trigger all")
        for statement in statements:
            conn.execute(statement, args)
        conn.execute(f"alter table warroom.{table} enable trigger all")
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(f"vacuum analyze warroom.{table}")


def fill(conninfo: str, count: int) -> None:
    """Make ``count`` incidents with links and timers; every ``count / OPEN``-th is open.

    The open ones are spread over all of the table, which is the worst that age can do.
    """
    with psycopg.connect(conninfo) as conn:
        conn.execute(
            "insert into warroom.service (key, name, team_id, tier) select 's' || n, 'Service '"
            " || n, t.id, mod(n, 5) from generate_series(1, %s) n, warroom.team t"
            " where t.key = 'unassigned'",
            (SERVICES,),
        )
    _unwatched(conninfo, "incident", [_INCIDENTS], count)
    links = [
        _LINKS.format(shift=0, services=SERVICES, which="true"),
        _LINKS.format(shift=7, services=SERVICES, which="i.ended_at is null"),
    ]
    with ThreadPoolExecutor(2) as pool:
        filling = [
            pool.submit(_unwatched, conninfo, table, statements, count)
            for table, statements in (("incident_service", links), ("timer", [_TIMERS]))
        ]
        for each in filling:
            each.result()
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("vacuum analyze warroom.service")
        conn.execute("checkpoint")


def board_growth() -> list[Figure]:
    """Measure the board's p50 at the large size over its p50 at 10,000, as a reader."""
    count = _size()
    with cluster() as server:
        places = {}
        for name, incidents in (("small", SMALL), ("large", count)):
            conninfo = fresh_database(server, name)
            fill(conninfo, incidents)
            places[name] = (conninfo, make_reader(conninfo))
        took: dict[str, list[float]] = {"small": [], "large": []}
        # Each goes first in turn, so that what else the machine does weighs on both.
        orders = itertools.cycle((("small", "large"), ("large", "small")))

        def once() -> float:
            for name in next(orders):
                conninfo, reader = places[name]
                times = asyncio.run(board_times(conninfo, reader, open_count=OPEN, reads=READS))
                took[name].append(statistics.median(times))
            return took["large"][-1] / took["small"][-1]

        growth = median_of_five(once)
        small, large = (statistics.median(took[name][1:]) for name in ("small", "large"))
        return [
            Figure("db.board_growth", growth, f"x, {count} incidents over {SMALL}",
                   budget="<= 1.5"),
            Figure(f"db.board_p50_{count}", large, "ms", f"the same at {SMALL} incidents", small),
        ]  # fmt: skip
