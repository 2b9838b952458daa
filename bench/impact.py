"""The figure of impact: how long it takes to say what one service takes down."""

from __future__ import annotations

import random
import time

from bench.report import Figure, median_of_five
from warroom.impact.graph import Dependency, Graph, Hardness, Seed, Service, build
from warroom.impact.hardness import reason

SERVICES = 10_000
EDGES = 50_000
HARD_SHARE = 0.7
GROUP_SHARE = 0.1


def _estate() -> Graph:
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
    return build(
        services,
        (
            Dependency(
                f"service-{a}",
                f"service-{b}",
                Hardness.HARD if chance.random() < HARD_SHARE else Hardness.SOFT,
                "replicas" if chance.random() < GROUP_SHARE else None,
            )
            for a, b in sorted(pairs)
        ),
    )


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
    graph = _estate()
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

    return [
        Figure("impact.blast_radius", median_of_five(once), "ms",
               f"only counting the dependants, same graph; {hit} services are hit",
               median_of_five(walk), "<= 5 ms")
    ]  # fmt: skip


def _down(graph: Graph, at: int) -> Seed:
    return Seed(graph.services[at].key, "down")
