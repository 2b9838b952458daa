"""What is reasoned beside the tree: shared domains, weak points, a severity, and storms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.impact_graphs import DEPENDENCIES, HARD, KEYS, SEEDS, SOFT, estate, keyed, service
from warroom.domain.panes import ImpactTotals
from warroom.domain.reasoned import SharedDomain, Suggestion
from warroom.impact.domains import shared_domains
from warroom.impact.graph import Dependency, Graph, Seed, build
from warroom.impact.hardness import reason
from warroom.impact.severity import suggest
from warroom.impact.storm import Storm
from warroom.impact.weak_points import edges, weak_points


def regions(*where: str) -> Graph:
    return build([service(f"s{n}", region=r, zone=f"{r}-1") for n, r in enumerate(where)], ())


def test_what_hit_services_share_and_nothing_else() -> None:
    graph = regions("eu", "eu", "eu", "us", "us", "us", "us")
    assert shared_domains(graph, {0, 1, 2}) == (
        SharedDomain("zone", "eu-1", 3, 3, 0),
        SharedDomain("region", "eu", 3, 3, 0),
    )
    assert shared_domains(graph, {0, 1, 3})[0] == SharedDomain("zone", "eu-1", 2, 3, 1)


def test_a_domain_of_an_impact_says_the_worst_state_in_it() -> None:
    graph = build(
        [service(key, zone=zone) for key, zone in
         (("a", "z1"), ("b", "z1"), ("c", "z2"), ("d", "z2"), *((k, "z3") for k in "efgh"))],
        [Dependency("b", "a", HARD), Dependency("c", "a", SOFT), Dependency("d", "c", HARD)],
    )  # fmt: skip
    found = shared_domains(graph, reason(graph, [Seed("a", "degraded")]))
    assert [(d.value, d.state) for d in found] == [("z1", "degraded")]
    found = shared_domains(graph, reason(graph, [Seed("a", "down")]))
    assert sorted((d.value, d.state) for d in found) == [
        ("z1", "down"), ("z2", "expected-degraded")
    ]  # fmt: skip


@pytest.mark.parametrize("hit", [set(), {0}, {0, 3}, {0, 1, 3, 4, 5}])
def test_what_says_nothing_is_left_out(hit: set[int]) -> None:
    assert shared_domains(regions("eu", "eu", "eu", "us", "us", "us", "us"), hit) == ()


def test_a_domain_that_holds_everything_tells_nothing() -> None:
    assert shared_domains(regions("eu", "eu", "eu"), {0, 1}) == ()


@given(where=st.lists(st.sampled_from("abc"), min_size=2, max_size=12), data=st.data())
def test_a_shared_domain_counts_right(where: list[str], data: st.DataObject) -> None:
    graph = regions(*where)
    hit = data.draw(st.sets(st.sampled_from(range(len(where)))))
    for domain in shared_domains(graph, hit):
        inside = {
            at for at, s in enumerate(graph.services)
            if {"region": s.region, "zone": s.zone}[domain.kind] == domain.value
        }  # fmt: skip
        assert (domain.hit, domain.of) == (len(hit & inside), len(inside))
        assert domain.outside == len(hit - inside)
        assert domain.hit / domain.of > len(hit - inside) / (len(where) - len(inside))


@given(dependencies=DEPENDENCIES, felt=st.sets(st.sampled_from(KEYS)))
def test_weak_points_are_those_of_brute_force(
    dependencies: list[Dependency], felt: set[str]
) -> None:
    services = [service(k, 3, user_share=5.0 if k in felt else None) for k in KEYS]
    graph = keyed(dependencies, services)
    found = {p.key: p for p in weak_points(graph, limit=99).services}
    pairs = set(edges(graph))
    for at, one in enumerate(graph.services):
        impact = reason(graph, [Seed(one.key, "down")])
        taken = {graph.services[a].key for a in impact.down if a != at} & felt
        cut = reached(graph, pairs, felt, None) - reached(graph, pairs, felt, at) - {at}
        splits = parts(len(KEYS), pairs, at) > parts(len(KEYS), pairs, None)
        point = found.get(one.key)
        if point is None:
            assert len(impact.down) + len(impact.hurt) == 1
            assert not cut
            continue
        assert (point.down, point.hurt) == (len(impact.down) - 1, len(impact.hurt))
        assert set(point.takes_down) == taken
        assert point.felt == len(taken)
        assert point.single == bool(taken)
        assert point.cut_off == len(cut)
        assert point.splits == splits


def reached(
    graph: Graph, pairs: set[tuple[int, int]], felt: set[str], without: int | None
) -> set[int]:
    """Return what customers reach, without one service."""
    frontier = [graph.index[k] for k in felt if graph.index[k] != without]
    seen = set(frontier)
    while frontier:
        at = frontier.pop()
        for a, b in pairs:
            if a == at and b != without and b not in seen:
                seen.add(b)
                frontier.append(b)
    return seen


def parts(count: int, pairs: set[tuple[int, int]], without: int | None) -> int:
    """Count the connected parts of what is left without one service."""
    left = {n for n in range(count) if n != without}
    found = 0
    while left:
        found += 1
        frontier = [left.pop()]
        while frontier:
            at = frontier.pop()
            near = {b for a, b in pairs if a == at} | {a for a, b in pairs if b == at}
            frontier += near & left
            left -= near
    return found


def test_the_loss_of_a_domain_is_that_of_all_its_services() -> None:
    services = [
        service("db1", zone="z1"), service("db2", zone="z2"), service("web", 0, user_share=62.0),
    ]  # fmt: skip
    pair = [Dependency("web", k, HARD, "dbs", 1) for k in ("db1", "db2")]
    graph = build([*services, service("lb", zone="z1")], [*pair, Dependency("web", "lb", SOFT)])
    report = weak_points(graph)
    assert [(p.kind, p.key, p.down, p.hurt) for p in report.domains] == [
        ("zone", "z1", 2, 1), ("zone", "z2", 1, 0),
    ]  # fmt: skip
    assert report.considered == 4
    assert not any(p.single for p in report.services)


def test_what_is_in_a_domain_is_lost_with_it() -> None:
    services = [
        service("web", 0, user_share=62.0, region="eu"), service("db", 0, kind="datastore"),
        service("cart", 1, region="eu"), service("shop", 1),
    ]  # fmt: skip
    graph = build(services, [Dependency("web", "db", HARD), Dependency("shop", "cart", HARD)])
    (eu,) = weak_points(graph).domains
    assert (eu.down, eu.takes_down, eu.single) == (3, ("web", "cart", "shop"), True)
    assert eu.down == eu.totals.services
    db = next(p for p in weak_points(graph).services if p.key == "db")
    assert (db.down, db.takes_down) == (1, ("web",)), "of a service only the others"


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        (ImpactTotals(), None),
        (ImpactTotals(1), Suggestion(4, "1 service hit")),
        (
            ImpactTotals(14, 3, 62.0, headline="checkout down"),
            Suggestion(1, "checkout down, ~62 % of users feel it, 3 tier 0–1 services hit"),
        ),
        (ImpactTotals(2, 1, 7.0), Suggestion(2, "1 tier 0–1 service hit")),
        (
            ImpactTotals(12, 0, 6.0, regions=("eu", "us")),
            Suggestion(3, "~6 % of users feel it, 12 services hit"),
        ),
        (
            ImpactTotals(2, 1, regions=("eu", "us")),
            Suggestion(1, "2 regions hit, tier 0 or 1 among them"),
        ),
    ],
)
def test_a_severity_is_suggested_with_its_reason(
    totals: ImpactTotals, expected: Suggestion | None
) -> None:
    assert suggest(totals) == expected
    if expected is not None:
        assert suggest(totals, current=expected.severity) is None


STORM = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(KEYS), st.sampled_from(
        ["suspected", "degraded", "down"])),
    max_size=30,
)  # fmt: skip
BADNESS = {"suspected": 1, "degraded": 2, "down": 3}


@given(dependencies=DEPENDENCIES, alerts=STORM, asked=st.sets(st.integers(0, 29)))
def test_a_storm_ends_where_reasoning_from_scratch_does(
    dependencies: list[Dependency], alerts: list[tuple[int, str, str]], asked: set[int]
) -> None:
    graph = keyed(dependencies)
    storm: Storm[int] = Storm(graph)
    worst: dict[int, dict[str, str]] = {}
    told: dict[int, object] = {}
    for number, (incident, key, state) in enumerate(alerts):
        known = worst.setdefault(incident, {})
        news = key not in known or BADNESS[known[key]] < BADNESS[state]
        assert storm.tell(incident, Seed(key, state)) == news
        if news:
            known[key] = state
        if number in asked:
            told |= storm.changed()
    told |= storm.changed()
    assert storm.changed() == {}
    for incident, seeds in worst.items():
        scratch = reason(graph, [Seed(k, s) for k, s in seeds.items()])
        assert told[incident] == storm.impact(incident) == scratch


def test_a_storm_works_out_an_incident_once_however_many_alerts_come() -> None:
    storm: Storm[str] = Storm(estate(("app", HARD, "db")))
    for _ in range(100):
        storm.tell("a", Seed("db", "down"))
        storm.tell("b", Seed("db", "down"))
    assert set(storm.changed()) == {"a", "b"}
    assert storm.worked_out == 1


@given(dependencies=DEPENDENCIES, seeds=SEEDS)
def test_another_catalogue_makes_everything_new(
    dependencies: list[Dependency], seeds: list[Seed]
) -> None:
    storm: Storm[int] = Storm(keyed([]))
    storm.put(1, seeds)
    storm.changed()
    assert not storm.put(1, seeds)
    graph = keyed(dependencies)
    storm.use(graph)
    assert storm.changed() == {1: reason(graph, seeds)}
    storm.end(1)
    assert storm.changed() == {}
    with pytest.raises(KeyError):
        storm.impact(1)
