"""Three ways to the same blast radius: sets, arrays, and a reference that only looks at edges."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.impact_graphs import DEPENDENCIES, KEYS, SEEDS, estate, keyed, service
from warroom.impact.arrays import LayeredSpread
from warroom.impact.graph import Dependency, Graph, Hardness, Seed, build
from warroom.impact.hardness import reason
from warroom.impact.sets import SetSpread
from warroom.impact.spread import Spread
from warroom.impact.totals import by_arrays, by_walk
from warroom.impact.tree import Tree

EVERYTHING = 10**9
SAME = ("level", "down", "hurt", "tipped", "hurt_members")


def far(spread: Spread) -> dict[int, int]:
    """Return how far each service that is hit is from the incident's own."""
    return {at: spread.hops[at] for at in spread.down | spread.hurt}


def both(graph: Graph, seeds: list[Seed]) -> tuple[Spread, Spread]:
    said = {graph.index[s.key]: s for s in seeds}
    by_sets = SetSpread(graph, said).run(at_most=EVERYTHING)
    assert by_sets is not None
    return by_sets, LayeredSpread(graph, said).run()


def naive(graph: Graph, seeds: list[Seed]) -> dict[int, int]:
    """Repeat until nothing changes: 2 is down, 1 degraded; what was said stands."""
    said = {graph.index[s.key]: s.state for s in seeds}
    level = dict.fromkeys(range(len(graph.services)), 0)
    level |= {at: {"down": 2, "recovered": 0}.get(state, 1) for at, state in said.items()}
    while True:
        before = dict(level)
        for at in level:
            if at in said:
                continue
            worst = max((level[on] for on in graph.needs_hard[at]), default=0)
            if any(level[on] == 2 for on in graph.needs_soft[at]):
                worst = max(worst, 1)
            for number in graph.groups_of.get(at, ()):
                group = graph.groups[number]
                firm = group.hardness is Hardness.HARD
                hit = [level[on] for on in graph.members[number]]
                if group.size - hit.count(2) < group.needed and firm:
                    worst = 2
                struck = sum(1 for one in hit if one == 2 or (one == 1 and firm))
                if group.size - struck < group.needed:
                    worst = max(worst, 1)
            level[at] = worst
        if level == before:
            return {at: value for at, value in level.items() if value}


@given(dependencies=DEPENDENCIES, seeds=SEEDS)
def test_the_blast_radius_is_that_of_a_naive_reference(
    dependencies: list[Dependency], seeds: list[Seed]
) -> None:
    graph = keyed(dependencies)
    impact = reason(graph, seeds)
    found = dict.fromkeys(impact.hurt, 1) | dict.fromkeys(impact.down, 2)
    assert found == naive(graph, seeds)


@given(dependencies=DEPENDENCIES, seeds=SEEDS)
def test_arrays_and_sets_agree_to_the_last_tie(
    dependencies: list[Dependency], seeds: list[Seed]
) -> None:
    by_sets, by_layers = both(keyed(dependencies), seeds)
    for field in SAME:
        assert getattr(by_sets, field) == getattr(by_layers, field), field
    assert far(by_sets) == far(by_layers)


@pytest.mark.parametrize("state", ["down", "degraded"])
def test_a_large_incident_is_drawn_the_same_by_arrays(state: str) -> None:
    chance = random.Random(4)
    keys = [f"s{n}" for n in range(1_500)]
    pairs = {
        (n, int(n * chance.random() ** 2)) for n in (chance.randrange(1, 1_500) for _ in keys * 5)
    }
    dependencies = [
        Dependency(keys[a], keys[b], chance.choice(list(Hardness)),
                   "g" if chance.random() < 0.2 else None, sync=chance.random() < 0.9)
        for a, b in sorted(pairs)
    ]  # fmt: skip
    graph = build([service(k, n % 5) for n, k in enumerate(keys)], dependencies)
    seeds = [Seed("s0", state), Seed("s1", "down")]
    by_sets, by_layers = both(graph, seeds)
    assert len(by_sets.down) + len(by_sets.hurt) > 500
    for field in SAME:
        assert getattr(by_sets, field) == getattr(by_layers, field), field
    assert far(by_sets) == far(by_layers)
    assert Tree(by_sets, 500).draw() == Tree(by_layers, 500).draw()
    assert by_walk(graph, by_sets.down, by_sets.hurt) == by_arrays(graph, by_sets.level)


@given(
    hit=st.dictionaries(st.sampled_from(range(9)), st.booleans(), min_size=1),
    shares=st.lists(st.sampled_from([None, 0.0, 5.0, 62.0]), min_size=9, max_size=9),
    customers=st.lists(st.sampled_from([None, 0, 7]), min_size=9, max_size=9),
    tiers=st.lists(st.integers(0, 3), min_size=9, max_size=9),
)
def test_totals_by_walk_and_by_arrays_agree(
    hit: dict[int, bool],
    shares: list[float | None],
    customers: list[int | None],
    tiers: list[int],
) -> None:
    services = [
        service(k, tiers[n], user_share=shares[n], customers=customers[n],
                region=("eu", "", None)[n % 3], kind=("third_party", "service", "datastore")[n % 3])
        for n, k in enumerate(KEYS)
    ]  # fmt: skip
    graph = build(services, ())
    down = [at for at, is_down in hit.items() if is_down]
    hurt = [at for at, is_down in hit.items() if not is_down]
    level = bytes(1 + hit[at] if at in hit else 0 for at in range(9))
    assert by_walk(graph, down, hurt) == by_arrays(graph, level)


def test_what_is_asynchronous_hurts_softer() -> None:
    queue = Dependency("mail", "queue", Hardness.HARD, sync=False)
    impact = reason(estate(queue), [Seed("queue", "down")])
    assert [n.state for n in impact.nodes] == ["down", "expected-degraded"]
    assert len(reason(estate(queue), [Seed("queue", "degraded")]).nodes) == 1


def test_the_headline_names_what_customers_feel_most() -> None:
    services = [
        service("db", 0), service("search", 1, user_share=30.0),
        service("checkout", 1, user_share=62.0), service("blog", 3, user_share=90.0),
    ]  # fmt: skip
    graph = estate(
        ("checkout", Hardness.HARD, "db"), ("search", Hardness.SOFT, "db"),
        ("blog", Hardness.HARD, "db"), services=services,
    )  # fmt: skip
    assert reason(graph, [Seed("db", "down")]).totals.headline == "checkout down"
    assert reason(graph, [Seed("search", "degraded")]).totals.headline == "search degraded"
    assert reason(graph, [Seed("blog", "down")]).totals.headline == "blog down"
    assert reason(graph, []).totals.headline == ""


def test_customers_feel_a_service_never_its_database() -> None:
    services = [
        service("db", 0, kind="datastore", user_share=100.0),
        service("web", 0, user_share=70.0), service("checkout", 1, user_share=40.0),
    ]  # fmt: skip
    graph = estate(("web", Hardness.SOFT, "db"), ("checkout", Hardness.HARD, "db"),
                   services=services)  # fmt: skip
    # Down for 40 % of users is worse than slow for 70 %.
    assert reason(graph, [Seed("db", "down")]).totals.headline == "checkout down"
