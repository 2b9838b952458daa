"""The figures of impact: how long it takes to say what one service takes down, and to keep it."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from uuid import UUID

import psycopg

from bench.report import Figure, cluster, fresh_database, median_of_five
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_automation
from warroom.domain.principal import SYSTEM_PRINCIPAL, CommandContext, Principal, PrincipalKind
from warroom.impact.graph import Dependency, Graph, Hardness, Seed, Service, build
from warroom.impact.hardness import reason
from warroom.services import impact

SERVICES = 10_000
EDGES = 50_000
HARD_SHARE = 0.7
GROUP_SHARE = 0.1


def catalogue() -> tuple[list[Service], list[Dependency]]:
    """Make an estate as estates are: few services that much depends on, many leaves."""
    chance = random.Random(7)
    services = [
        Service(
            f"service-{n}", f"Service {n}", min(5, n * 6 // SERVICES), f"team-{n % 40}",
            region=("eu", "us", "asia")[n % 3], user_share=n % 100, customers=n,
        )
        for n in range(SERVICES)
    ]  # fmt: skip
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < EDGES:
        service = chance.randrange(1, SERVICES)
        # Squared: what came early has more dependants.
        pairs.add((service, int(service * chance.random() ** 2)))
    return services, [
        Dependency(
            f"service-{a}",
            f"service-{b}",
            Hardness.HARD if chance.random() < HARD_SHARE else Hardness.SOFT,
            "replicas" if chance.random() < GROUP_SHARE else None,
        )
        for a, b in sorted(pairs)
    ]


def _fill(conninfo: str) -> None:
    services, dependencies = catalogue()
    with psycopg.connect(conninfo) as conn:
        # Filling is not what is measured; the record of it would only take time.
        for table in ("service", "dependency"):
            conn.execute(f"alter table warroom.{table} disable trigger all")
        with conn.cursor() as cursor:
            cursor.executemany(
                "insert into warroom.service (key, name, tier, team_id, region, user_share,"
                " customers) select %s, %s, %s, id, %s, %s, %s from warroom.team"
                " where key = 'unassigned'",
                [(s.key, s.name, s.tier, s.region, s.user_share, s.customers) for s in services],
            )
            cursor.executemany(
                "insert into warroom.dependency (service_id, depends_on_id, hardness,"
                " redundancy_group) select a.id, b.id, %s, %s from warroom.service a,"
                " warroom.service b where a.key = %s and b.key = %s",
                [(d.hardness.word, d.group, d.service, d.depends_on) for d in dependencies],
            )
        for table in ("service", "dependency"):
            conn.execute(f"alter table warroom.{table} enable trigger all")
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("vacuum analyze")


def _incident(conninfo: str, key: str) -> UUID:
    with psycopg.connect(conninfo) as conn:
        row = conn.execute(
            "with i as (insert into warroom.incident (title, severity, opened_by) select 'x', 1,"
            " id from warroom.principal where name = 'system' returning id, unit, visibility)"
            " insert into warroom.incident_service (incident_id, service_id, state, unit,"
            " visibility) select i.id, s.id, 'down', i.unit, i.visibility from i,"
            " warroom.service s where s.key = %s returning incident_id",
            (key,),
        ).fetchone()
    assert row is not None
    incident: UUID = row[0]
    return incident


async def _refresh_times(url: str, incident: UUID, times: int) -> list[float]:
    """Reason again about one incident in transactions of their own; milliseconds each."""
    db = Database.open(url, role="api", pool_size=2, command_deadline_s=30.0)
    ctx = CommandContext(
        Principal(SYSTEM_PRINCIPAL, "system", PrincipalKind.AUTOMATION), "bench", "bench"
    )

    async def handler(work: Work) -> Answer:
        await impact.refresh(work, [incident])
        return Answer(200, {})

    took: list[float] = []
    try:
        for _ in range(times):
            begun = time.perf_counter()
            await run_automation(db, ctx, "impact.refresh", handler, deadline_s=30.0)
            took.append((time.perf_counter() - begun) * 1000)
    finally:
        await db.close()
    return took


def refresh() -> list[Figure]:
    """Measure loading, reasoning and storing in a catalogue of 10,000 services."""
    with cluster() as server:
        conninfo = fresh_database(server, "impact")
        _fill(conninfo)
        url = f"postgresql://warroom_api@/impact?host={server.socket_dir}"
        few = _incident(conninfo, f"service-{SERVICES // 2}")
        many = _incident(conninfo, "service-0")
        usual = median_of_five(lambda: statistics.median(_run(url, few, 20)))
        worst = median_of_five(lambda: statistics.median(_run(url, many, 3)))
        return [
            Figure("impact.refresh", usual, "ms", "the service that takes down the most", worst)
        ]


def _run(url: str, incident: UUID, times: int) -> list[float]:
    return asyncio.run(_refresh_times(url, incident, times))


def _descendants(graph: Graph, start: int) -> int:
    """Count what depends on a service without saying anything about it: the floor of a walk."""
    seen = {start}
    stack = [start]
    while stack:
        at = stack.pop()
        for dependants in (graph.hard[at], graph.soft[at]):
            for dependant in dependants:
                if dependant not in seen:
                    seen.add(dependant)
                    stack.append(dependant)
    return len(seen)


def blast_radius() -> list[Figure]:
    """Measure the worst service of 10,000 with 50,000 dependencies: nearly all fall with it."""
    graph = build(*catalogue())
    # The best known service takes down the most; the search is not what is measured.
    worst = max(range(50), key=lambda at: reason(graph, [_down(graph, at)]).totals.services)
    seeds = [_down(graph, worst)]
    hit = reason(graph, seeds).totals.services

    def once() -> float:
        begun = time.perf_counter()
        impact = reason(graph, seeds)
        took = (time.perf_counter() - begun) * 1000
        assert impact.totals.services == hit
        return took

    def walk() -> float:
        begun = time.perf_counter()
        _descendants(graph, worst)
        return (time.perf_counter() - begun) * 1000

    chance = random.Random(11)
    usual = [_down(graph, chance.randrange(SERVICES)) for _ in range(200)]

    def each() -> float:
        times = []
        for seed in usual:
            begun = time.perf_counter()
            reason(graph, [seed])
            times.append((time.perf_counter() - begun) * 1000)
        return statistics.median(times)

    return [
        Figure("impact.blast_radius", median_of_five(once), "ms",
               f"only counting the dependants, same graph; {hit} services are hit",
               median_of_five(walk), "<= 5 ms"),
        Figure("impact.blast_radius_usual", median_of_five(each), "ms",
               "the median of 200 services at random, each down alone", None, "<= 5 ms"),
    ]  # fmt: skip


def _down(graph: Graph, at: int) -> Seed:
    return Seed(graph.services[at].key, "down")
