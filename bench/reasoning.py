"""How long the reasoning takes at 10,000 services and 50,000 dependencies."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bench.impact import SERVICES, catalogue
from bench.ranking import Case, deepest_unhealthy
from bench.report import Figure, median_of_five
from warroom.impact.graph import Graph, Seed, build
from warroom.impact.hardness import reason, spread_of
from warroom.impact.restart import waves
from warroom.impact.storm import Storm
from warroom.impact.suspects import Change, Signal, suspects
from warroom.impact.weak_points import edges

_NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
# A realistic incident: so many services alert, and as many strays besides.
_ALERTING = 25
_STRAYS = 5
_CHANGES = 200
_INCIDENTS = 40
_ALERTS_A_S = 500
_STORM_S = 10
# The API works out what changed this often.
_TICK_S = 0.1


def suspects_figure() -> list[Figure]:
    """Rank the suspects of an incident that hits hundreds of services, 30 of which alert."""
    graph = build(*catalogue())
    case = _incident(graph)

    def once() -> None:
        found = suspects(case.graph, case.seeds, case.signals, case.changes, now=case.now)
        assert found

    return [
        Figure(
            "impact.suspects", median_of_five(_timed(once)), "ms",
            f"deepest unhealthy, {len(case.signals)} alerts, {_CHANGES} changes",
            median_of_five(_timed(lambda: deepest_unhealthy(case))), "<= 20 ms",
        )
    ]  # fmt: skip


def restart() -> list[Figure]:
    """Put the waves of the service that takes down the most; nearly the whole estate."""
    graph = build(*catalogue())
    impact = reason(graph, [Seed(_worst(graph), "down")])
    hit = len(impact.down) + len(impact.hurt)
    return [
        Figure(
            "impact.restart", median_of_five(_timed(lambda: waves(graph, impact))), "ms",
            f"only listing the dependencies, same graph; {hit} services are hit",
            median_of_five(_timed(lambda: edges(graph))), "<= 50 ms",
        )
    ]  # fmt: skip


def recompute() -> list[Figure]:
    """Hold 40 incidents true through ten seconds of 500 alerts each.

    All time that telling and working out take, over the number of alerts; what changed is worked
    out ten times a second of the storm.  The peer reasons again about the incident of every alert.
    """
    graph = build(*catalogue())
    alerts = _storm(graph)
    a_tick = round(_ALERTS_A_S * _TICK_S)

    def held() -> float:
        storm: Storm[int] = Storm(graph)
        begun = time.perf_counter()
        for begin in range(0, len(alerts), a_tick):
            for incident, seed in alerts[begin : begin + a_tick]:
                storm.tell(incident, seed)
            storm.changed()
        return (time.perf_counter() - begun) * 1000 / len(alerts)

    def each() -> float:
        known: dict[int, dict[str, Seed]] = {}
        begun = time.perf_counter()
        for incident, seed in alerts:
            seeds = known.setdefault(incident, {})
            seeds[seed.key] = seed
            reason(graph, list(seeds.values()))
        return (time.perf_counter() - begun) * 1000 / len(alerts)

    return [
        Figure(
            "impact.recompute", median_of_five(held), "ms an alert",
            f"reasoning again at every alert; {len(alerts)} alerts, {_INCIDENTS} incidents",
            each(), "<= 2 ms",
        )
    ]  # fmt: skip


def _timed(what: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        begun = time.perf_counter()
        what()
        return (time.perf_counter() - begun) * 1000

    return once


def _worst(graph: Graph) -> str:
    """Return the service of the best known that takes down the most."""
    seeds = {s.key: [Seed(s.key, "down")] for s in graph.services[:50]}
    return max(seeds, key=lambda k: len(spread_of(graph, seeds[k]).down))


def _incident(graph: Graph) -> Case:
    """Make an incident that hits hundreds of services, with changes all over the estate."""
    chance = random.Random(5)
    for at in range(60, SERVICES):
        impact = reason(graph, [Seed(graph.services[at].key, "down")])
        hit = sorted(impact.down | impact.hurt)
        if 200 <= len(hit) <= 800:
            break
    alerting = [at, *chance.sample(hit, _ALERTING - 1), *chance.sample(range(SERVICES), _STRAYS)]
    signals = tuple(
        Signal(graph.services[a].key, _NOON + timedelta(seconds=chance.uniform(0, 300)), "down")
        for a in alerting
    )
    changes = tuple(
        Change(_uuid(chance), graph.services[chance.randrange(SERVICES)].key, "deploy",
               _NOON - timedelta(minutes=chance.uniform(0, 240)))
        for _ in range(_CHANGES)
    )  # fmt: skip
    seeds = tuple(Seed(graph.services[a].key, "down") for a in alerting[1:4])
    return Case(graph, seeds, signals, _NOON + timedelta(minutes=10), changes)


def _storm(graph: Graph) -> list[tuple[int, Seed]]:
    """Make the alerts of many incidents at once, as they come in: most repeat what is known."""
    chance = random.Random(9)
    hits = []
    for _ in range(_INCIDENTS):
        at = chance.randrange(SERVICES)
        impact = reason(graph, [Seed(graph.services[at].key, "down")])
        hits.append(sorted(impact.down | impact.hurt)[:50])
    alerts = []
    for _ in range(_ALERTS_A_S * _STORM_S):
        incident = chance.randrange(_INCIDENTS)
        key = graph.services[chance.choice(hits[incident])].key
        alerts.append((incident, Seed(key, chance.choice(("degraded", "down")), _NOON)))
    return alerts


def _uuid(chance: random.Random) -> UUID:
    return UUID(int=chance.getrandbits(128))
