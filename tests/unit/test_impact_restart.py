"""Restart waves: what is needed first, and every cycle cut where it costs least."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.impact_graphs import (
    DEPENDENCIES,
    HARD,
    KEYS,
    SEEDS,
    SOFT,
    alert,
    estate,
    keyed,
    service,
)
from warroom.domain.reasoned import RestartWave
from warroom.impact.cycles import Broken, Firmness, Need, untie
from warroom.impact.graph import Dependency, Graph, Seed, build
from warroom.impact.hardness import reason
from warroom.impact.restart import waves


def keys(found: tuple[RestartWave, ...]) -> list[list[str]]:
    return [[s.key for s in wave.steps] for wave in found]


def needs(graph: Graph, hit: set[str]) -> set[tuple[str, str]]:
    name = [s.key for s in graph.services]
    found = {
        (name[at], name[on])
        for at in range(len(name))
        for on in (*graph.needs_hard[at], *graph.needs_soft[at])
    }
    for number, group in enumerate(graph.groups):
        found |= {(name[group.service], name[on]) for on in graph.members[number]}
    return {(a, b) for a, b in found if a in hit and b in hit}


def test_a_database_comes_before_what_needs_it() -> None:
    graph = estate(
        ("orders", HARD, "pg"), ("checkout", HARD, "orders"), ("search", SOFT, "pg"),
        services=[service("checkout", 0)],
    )  # fmt: skip
    found = waves(graph, reason(graph, [Seed("pg", "down")]))
    assert keys(found) == [["pg"], ["orders", "search"], ["checkout"]]
    assert [w.number for w in found] == [1, 2, 3]
    assert [s.state for w in found for s in w.steps] == [
        "down", "expected-down", "expected-degraded", "expected-down",
    ]  # fmt: skip
    assert not any(w.breaks for w in found)


@given(dependencies=DEPENDENCIES, seeds=SEEDS)
def test_each_hit_service_once_and_each_need_before_but_for_what_is_named(
    dependencies: list[Dependency], seeds: list[Seed]
) -> None:
    graph = keyed(dependencies)
    impact = reason(graph, seeds)
    found = waves(graph, impact)
    flat = [key for wave in keys(found) for key in wave]
    hit = {graph.services[at].key for at in impact.down | impact.hurt}
    assert sorted(flat) == sorted(hit)
    wave_of = {key: n for n, wave in enumerate(keys(found)) for key in wave}
    said = [sentence for wave in found for sentence in wave.breaks]
    for a, b in needs(graph, hit):
        if wave_of[b] >= wave_of[a]:
            assert any(s.startswith(f"{a} starts before {b}:") for s in said), (a, b, said)
    # As early as possible: whoever is not in the first wave needs something of the one before.
    passed = {(s.split(" starts before ")[0], s.split(" starts before ")[1].split(":")[0])
              for s in said}  # fmt: skip
    for key, number in wave_of.items():
        if number:
            assert any(
                wave_of[b] == number - 1
                for a, b in needs(graph, hit) - passed
                if a == key
            )  # fmt: skip


@given(dependencies=DEPENDENCIES, seeds=SEEDS, data=st.data())
def test_the_order_of_the_input_never_shows(
    dependencies: list[Dependency], seeds: list[Seed], data: st.DataObject
) -> None:
    unique = list({(d.service, d.depends_on): d for d in dependencies}.values())
    graph = keyed(unique)
    mixed = build(
        data.draw(st.permutations([service(k) for k in KEYS])), data.draw(st.permutations(unique))
    )
    assert waves(mixed, reason(mixed, seeds)) == waves(graph, reason(graph, seeds))


@pytest.mark.parametrize(
    ("weak", "word"),
    [
        (Dependency("db", "app", SOFT), "soft"),
        (Dependency("db", "app", HARD, sync=False), "asynchronous"),
        (Dependency("db", "app", HARD, "spares", 1), "redundant"),
    ],
)
def test_a_cycle_is_cut_at_its_weakest_dependency(weak: Dependency, word: str) -> None:
    graph = estate(("app", HARD, "db"), weak, Dependency("db", "spare", HARD, "spares", 1))
    first, second = waves(graph, {"app": "down", "db": "down"})
    assert [s.key for s in first.steps] == ["db"]
    assert [s.key for s in second.steps] == ["app"]
    sentence = f"db starts before app: its {word} dependency is passed over,"
    assert first.breaks == (f"{sentence} they need each other (db → app → db)",)


NEEDS = st.lists(
    st.builds(Need, st.integers(0, 5), st.integers(0, 5), st.sampled_from(Firmness)),
    unique_by=lambda n: (n.service, n.on),
).map(lambda found: [n for n in found if n.service != n.on])


def acyclic(found: list[Need]) -> bool:
    left = list(found)
    while left:
        needing = {n.service for n in left}
        rest = [n for n in left if n.on in needing]
        if len(rest) == len(left):
            return False
        left = rest
    return True


@given(found=NEEDS)
def test_nothing_is_passed_over_in_vain(found: list[Need]) -> None:
    broken = untie(found)
    out = {b.need for b in broken}
    kept = [n for n in found if n not in out]
    assert acyclic(kept)
    assert all(not acyclic([*kept, need]) for need in out)
    for item in broken:
        assert isinstance(item, Broken)
        assert item.cycle[0] == item.cycle[-1] == item.need.service
        edges = {(n.service, n.on) for n in found}
        assert all(pair in edges for pair in itertools.pairwise(item.cycle))


def test_a_hard_dependency_is_kept_where_a_soft_one_cuts_the_cycle_as_well() -> None:
    ring = [Need(n, (n + 1) % 4, Firmness.HARD) for n in range(4)]
    ring[2] = ring[2]._replace(firmness=Firmness.SOFT)
    assert [b.need for b in untie(ring)] == [ring[2]]


def test_what_to_verify_is_what_is_known() -> None:
    graph = estate(
        ("orders", HARD, "pg"), ("cart", HARD, "pg"), ("web", HARD, "pg"),
        services=[service("orders", slo=99.9)],
    )  # fmt: skip
    found = waves(graph, reason(graph, [Seed("pg", "down")]), [alert("orders", name="ErrorRate")])
    verify = {s.key: s.verify for w in found for s in w.steps}
    assert verify["pg"] == "cart, orders and 1 more can reach it"
    assert verify["orders"] == "ErrorRate clears, SLO 99.9 % holds"
    assert verify["web"] == "it answers, and stays so for 5 min"


def test_a_long_list_ends_where_everything_in_it_finds_what_it_needs() -> None:
    graph = estate(*((b, HARD, a) for a, b in itertools.pairwise(f"n{n:02}" for n in range(30))))
    found = waves(graph, reason(graph, [Seed("n00", "down")]), limit=12)
    assert [key for wave in keys(found) for key in wave] == [f"n{n:02}" for n in range(12)]


def test_what_is_well_needs_no_restart() -> None:
    graph = estate(("app", HARD, "db"))
    assert waves(graph, {"app": "recovered", "db": "well", "gone": "down"}) == ()
    assert waves(graph, reason(graph, [Seed("db", "recovered")])) == ()
