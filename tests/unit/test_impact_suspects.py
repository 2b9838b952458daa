"""Suspects: who is named first for which picture, and that nothing but the picture counts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.impact_graphs import (
    DEPENDENCIES,
    HARD,
    KEYS,
    NOON,
    SEEDS,
    SIGNALS,
    SOFT,
    alert,
    estate,
    keyed,
    service,
)
from warroom.domain.reasoned import Suspect
from warroom.impact.evidence import UNHEALTHY_MAX, gather
from warroom.impact.graph import Dependency, Graph, Seed, build
from warroom.impact.hardness import reason
from warroom.impact.suspects import Change, Earlier, Signal, suspects
from warroom.impact.way import ways
from warroom.impact.weights import DEFAULT

NOW = NOON + timedelta(minutes=20)
SHOP = (
    ("orders", HARD, "pg"), ("checkout", HARD, "orders"), ("checkout", HARD, "payments"),
    ("catalogue", HARD, "pg"), ("payments", HARD, "acme-pay"), ("reports", SOFT, "orders"),
)  # fmt: skip
SERVICES = [
    service("checkout", 0, user_share=62.0),
    service("acme-pay", 2, kind="third_party", provider="acme"),
]


def shop() -> Graph:
    return estate(*SHOP, services=SERVICES)


def named(found: tuple[Suspect, ...]) -> list[str]:
    return [s.key for s in found]


def test_the_deepest_that_explains_all_comes_first_and_says_so() -> None:
    signals = [alert("pg", 58), alert("orders", 90), alert("checkout", 120), alert("catalogue", 95)]
    first = suspects(shop(), [Seed("checkout", "down")], signals, now=NOW)[0]
    assert first.key == "pg"
    assert first.kind == "service"
    assert first.reasons == (
        "deepest unhealthy: all 3 others alerting or reported need it",
        "first alert, 12:00:58",
    )
    assert first.path == ("pg", "orders", "checkout")
    assert first.since == NOON + timedelta(seconds=58)


def test_the_path_leads_to_the_service_of_the_headline() -> None:
    def path(graph: Graph, seeds: list[Seed], signals: list[Signal]) -> tuple[str, ...]:
        impact = reason(graph, seeds)
        found = suspects(graph, seeds, signals, now=NOW, impact=impact)
        end = next(s for s in graph.services if impact.totals.headline.startswith(s.name + " "))
        assert found[0].path[-1] == end.key
        return found[0].path

    assert path(shop(), [Seed("pg", "down")], [alert("pg")]) == ("pg", "orders", "checkout")
    silent = [Seed("orders", "down"), Seed("catalogue", "down")]
    assert path(shop(), silent, [alert("orders"), alert("catalogue")])[0] == "pg"
    readers = [Dependency("reader", f"rep-{n}", HARD, "replicas", 2) for n in (1, 2, 3)]
    graph = estate(*readers, services=[service("reader", 1)])
    gone = [Seed("rep-1", "down"), Seed("rep-3", "down")]
    assert path(graph, gone, [alert("rep-1"), alert("rep-3")]) == ("rep-1", "reader")


def test_the_way_of_thousands_leads_there_as_well() -> None:
    many = [f"a{n:03}" for n in range(600)]
    graph = estate(*((key, HARD, "db") for key in many), ("shop", HARD, "a300"),
                   services=[service("shop", 0, user_share=60.0)])  # fmt: skip
    impact = reason(graph, [Seed("db", "down")])
    start = graph.index["db"]
    assert [graph.services[at].key for at in ways(impact, {start})[start]] == ["db", "a300", "shop"]


def test_what_is_only_expected_to_be_hit_contradicts_no_reason() -> None:
    seeds, signals = [Seed("acme-pay", "down")], [alert("acme-pay")]
    impact = reason(shop(), seeds)
    first = suspects(shop(), seeds, signals, now=NOW, impact=impact)[0]
    assert impact.totals.services == 3
    assert "nothing else alerts or is reported" in first.reasons
    graph = estate(*((f"a{n}", HARD, "db") for n in range(4)))
    alone = suspects(graph, [Seed("db", "down")], [alert("db")], now=NOW)[0]
    assert "against it: 0 of 4 services that need it alert or are reported" in alone.reasons
    assert not any("hit" in reason.split() for s in (first, alone) for reason in s.reasons)


def test_a_cause_that_gives_no_alert_is_found_by_those_that_need_it() -> None:
    signals = [alert("orders", 90), alert("catalogue", 95), alert("checkout", 99)]
    first = suspects(shop(), [Seed("checkout", "down")], signals, now=NOW)[0]
    assert first.key == "pg"
    assert first.reasons[0] == "no alert of its own, but all 3 alerting or reported need it"
    assert first.since is None


def test_a_late_alert_does_not_hide_the_cause() -> None:
    signals = [alert("orders", 0), alert("checkout", 10), alert("catalogue", 5), alert("pg", 800)]
    assert named(suspects(shop(), [Seed("checkout", "down")], signals, now=NOW))[0] == "pg"


def test_the_deploy_to_blame_is_named_with_its_distance_in_time_and_hops() -> None:
    change = Change(
        UUID(int=7),
        "orders",
        "deploy",
        NOON - timedelta(minutes=4),
        version="4.18",
        link="https://ci",
    )
    signals = [alert("orders", 0), alert("checkout", 30)]
    first = suspects(shop(), [Seed("checkout", "down")], signals, [change], now=NOW)[0]
    assert (first.kind, first.key, first.change, first.link) == (
        "change", "orders", UUID(int=7), "https://ci",
    )  # fmt: skip
    assert first.reasons[0] == "deploy orders 4.18 4 min before the first alert"
    assert first.since == change.at, "when it was made, not when its service alerted"
    silent = suspects(shop(), [Seed("checkout", "down")], signals[1:], [change], now=NOW)
    assert "deploy orders 4.18 4 min before the first alert, 1 hop" in next(
        s.reasons for s in silent if s.key == "orders"
    )


def test_a_change_is_named_by_its_title_and_author_where_they_say_more() -> None:
    def said(title: str, **more: str) -> str:
        change = Change(UUID(int=7), "orders", "config", NOON - timedelta(seconds=2), title, **more)
        seeds, signals = [Seed("orders", "down")], [alert("orders", 0)]
        return suspects(shop(), seeds, signals, [change], now=NOW)[0].reasons[0]

    assert said("") == "config orders 2 s before the first alert"
    assert said("Orders 4.18", version="4.18") == "config orders 4.18 2 s before the first alert"
    assert said("pool size\n 50", by="sara") == (
        "config orders “pool size 50” by sara 2 s before the first alert"
    )
    assert len(said("x" * 500, by="y" * 500)) < 160


def test_without_an_alert_a_change_does_not_grow_older_with_the_clock() -> None:
    def first(minutes: int, after: int, state: Seed) -> Suspect:
        change = Change(UUID(int=7), "orders", "deploy", NOON + timedelta(minutes=minutes))
        now = NOON + timedelta(minutes=after)
        return suspects(shop(), [state], [], [change], now=now, opened=NOON)[0]

    down = Seed("orders", "down", NOON)
    assert first(-5, 1, down).reasons[0] == "deploy orders 5 min before the incident opened"
    assert first(-5, 1, down) == first(-5, 40, down)
    later = Seed("orders", "down", NOON + timedelta(minutes=20))
    assert first(17, 21, later).reasons[0] == "deploy orders 3 min before it was reported"
    assert first(17, 21, later) == first(17, 90, later)


def test_a_deploy_on_what_uses_a_stalled_database_is_named_after_it() -> None:
    change = Change(UUID(int=7), "orders", "deploy", NOON - timedelta(minutes=4), version="4.18")
    signals = [
        alert("pg", 0),
        alert("orders", 180),
        alert("checkout", 240),
        alert("catalogue", 600),
    ]
    first, second = suspects(shop(), [Seed("pg", "down")], signals, [change], now=NOW)[:2]
    assert first.key == "pg"
    assert (second.kind, second.key) == ("change", "orders")
    assert second.reasons[0] == "deploy orders 4.18 4 min before the first alert"
    assert "it uses pg, which is unhealthy" in second.reasons


def test_an_old_deploy_is_no_suspect_and_a_cleared_one_neither() -> None:
    signals = [alert("checkout", 0)]
    for change in (
        Change(UUID(int=1), "orders", "deploy", NOON - timedelta(days=2)),
        Change(UUID(int=2), "orders", "deploy", NOON, verdict="cleared"),
        Change(UUID(int=3), "orders", "deploy", NOON + timedelta(minutes=9)),
    ):
        found = suspects(shop(), [Seed("checkout", "down")], signals, [change], now=NOW)
        assert all(s.kind != "change" for s in found)
        assert not any("deploy" in r for s in found for r in s.reasons)


def test_what_a_person_named_as_the_cause_leads() -> None:
    change = Change(UUID(int=3), "payments", "flag", NOON - timedelta(hours=9), verdict="cause")
    signals = [alert("pg", 0), alert("orders", 5), alert("checkout", 9)]
    first = suspects(shop(), [Seed("checkout", "down")], signals, [change], now=NOW)[0]
    assert (first.kind, first.key) == ("change", "payments")


def test_what_a_person_links_is_ranked_however_far_away() -> None:
    many = [f"a{n:02}" for n in range(40)]
    graph = estate(*((key, HARD, "db") for key in many), ("cart", HARD, "cache"))
    signals = [alert(key, n) for n, key in enumerate(["db", *many])]
    seeds = [Seed("db", "down")]

    def said(service: str, verdict: str) -> tuple[Suspect, ...]:
        change = Change(UUID(int=3), service, "flag", NOON - timedelta(days=9), verdict=verdict)
        return suspects(graph, seeds, signals, [change], now=NOW, limit=3)

    for changed in ("cart", "flag-store"):
        named_it = said(changed, "cause")
        assert (named_it[0].kind, named_it[0].key) == ("change", changed)
        assert named_it[0].path in ((), (changed,))
        assert "named as the cause" in named_it[0].reasons[0]
        assert named_it[1].key == "db"
        assert named(said(changed, "suspected"))[0] == "db"
        assert named(said(changed, "suspected"))[-1] == changed
        assert changed not in named(said(changed, "cleared"))
        assert changed not in named(said(changed, ""))


def test_a_third_party_that_reports_an_outage_is_one_of_its_own_kind() -> None:
    signals = [
        alert("payments", 0), alert("checkout", 20),
        alert("acme-pay", 60, kind="third-party-status"),
    ]  # fmt: skip
    first = suspects(shop(), [Seed("checkout", "down")], signals, now=NOW)[0]
    assert (first.kind, first.key) == ("third-party", "acme-pay")
    assert "third party reports an outage" in first.reasons


def test_a_third_party_that_flaps_does_not_accuse_our_own_database() -> None:
    found = suspects(
        shop(),
        [Seed("payments", "degraded")],
        [alert("payments", 40), alert("acme-pay", 0)],
        now=NOW,
    )
    assert named(found)[0] == "acme-pay"
    assert "pg" not in named(found)


def test_the_cause_of_a_like_incident_gains_and_says_which() -> None:
    graph = estate(("app", HARD, "a"), ("app", HARD, "b"))
    seeds, signals = [Seed("app", "down")], [alert("app")]
    plain = {s.key: s.score for s in suspects(graph, seeds, signals, now=NOW)}
    earlier = [Earlier(1822, "b", frozenset({"app"}), NOON - timedelta(days=3))]
    found = suspects(graph, seeds, signals, earlier=earlier, now=NOW)
    after = {s.key: s for s in found}
    assert plain["a"] == plain["b"]
    assert after["b"].score > after["a"].score
    assert "a change of b was the cause of INC-1822, same 1 service" in after["b"].reasons


def zoned(in_zone: int, outside: int) -> Graph:
    eu = [service(f"eu{n}", zone="eu-1") for n in range(in_zone)]
    us = [service(f"us{n}", zone="us-1") for n in range(outside)]
    return build([*eu, *us], [])


def test_a_zone_whose_services_all_fail_is_the_suspect() -> None:
    graph = zoned(5, 8)
    signals = [alert(f"eu{n}", n) for n in range(4)]
    first = suspects(graph, [Seed("eu0", "down")], signals, now=NOW)[0]
    assert (first.kind, first.key, first.name) == ("domain", "zone:eu-1", "eu-1")
    assert first.reasons == (
        "4 of 4 alerting or reported are in eu-1, 4 of the 5 there",
        "nothing outside eu-1 alerts or is reported",
    )


def test_one_service_that_explains_everything_beats_the_zone_that_it_is_in() -> None:
    services = [service(k, zone="eu-1") for k in ("db", "a", "b", "c")]
    others = [service(f"us{n}", zone="us-1") for n in range(6)]
    edges = [Dependency(k, "db", HARD) for k in ("a", "b", "c")]
    graph = build([*services, *others], edges)
    signals = [alert(k, n) for n, k in enumerate(("db", "a", "b", "c"))]
    assert named(suspects(graph, [Seed("a", "down")], signals, now=NOW))[0] == "db"


def test_strength_tells_a_side_effect_from_the_cause() -> None:
    graph = estate(("web", HARD, "app"), ("app", HARD, "cache"), ("web", HARD, "side"))
    signals = [
        alert("web", strength=1.0), alert("app", strength=1.0),
        alert("cache", strength=0.15), alert("side", strength=0.2),
    ]  # fmt: skip
    assert named(suspects(graph, [Seed("web", "degraded")], signals, now=NOW))[0] == "app"


def test_a_silent_dependency_that_nobody_watches_is_likelier_than_a_watched_one() -> None:
    services = [service("seen"), service("unseen", watched=False)]
    graph = estate(("app", HARD, "seen"), ("app", HARD, "unseen"), services=services)
    found = {s.key: s.score for s in suspects(graph, [Seed("app", "down")], [], now=NOW)}
    assert found["unseen"] > found["seen"]


@given(
    key=st.sampled_from(KEYS),
    dependencies=DEPENDENCIES,
    state=st.sampled_from(["down", "degraded"]),
)
def test_a_service_that_is_hit_alone_is_always_a_suspect(
    key: str, dependencies: list[Dependency], state: str
) -> None:
    found = suspects(keyed(dependencies), [Seed(key, state)], [alert(key)], now=NOW, limit=20)
    assert key in named(found)


@given(dependencies=DEPENDENCIES, seeds=SEEDS, signals=SIGNALS, data=st.data())
def test_the_order_of_the_input_never_shows(
    dependencies: list[Dependency], seeds: list[Seed], signals: list[Signal], data: st.DataObject
) -> None:
    unique = list({(d.service, d.depends_on): d for d in dependencies}.values())
    changes = [
        Change(UUID(int=n), KEYS[n], "deploy", NOON - timedelta(minutes=n)) for n in range(4)
    ]
    earlier = [Earlier(n, KEYS[n], frozenset(KEYS[:4]), NOON) for n in range(3)]
    services = [service(k, n % 3, zone=f"z{n % 2}") for n, k in enumerate(KEYS)]
    mixed = suspects(
        build(data.draw(st.permutations(services)), data.draw(st.permutations(unique))),
        data.draw(st.permutations(seeds)),
        data.draw(st.permutations(signals)),
        data.draw(st.permutations(changes)),
        earlier=data.draw(st.permutations(earlier)),
        now=NOW,
    )
    assert mixed == suspects(
        build(services, unique), seeds, signals, changes, earlier=earlier, now=NOW
    )


@given(dependencies=DEPENDENCIES, seeds=SEEDS, signals=SIGNALS, limit=st.integers(1, 6))
def test_the_list_is_well_formed(
    dependencies: list[Dependency], seeds: list[Seed], signals: list[Signal], limit: int
) -> None:
    graph = keyed(dependencies)
    found = suspects(graph, seeds, signals, now=NOW, limit=limit)
    assert len(found) <= limit
    assert len(set(named(found))) == len(found)
    scores = [s.score for s in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= s <= 1.0 for s in scores)
    for suspect in found:
        assert suspect.reasons
        if suspect.kind != "domain":
            assert suspect.path[0] == suspect.key


@given(dependencies=DEPENDENCIES, signals=SIGNALS, chosen=st.sampled_from(KEYS))
def test_a_fresh_change_never_makes_its_service_less_suspect(
    dependencies: list[Dependency], signals: list[Signal], chosen: str
) -> None:
    graph, seeds = keyed(dependencies), [Seed("s0", "down")]

    def rank(changes: list[Change]) -> int:
        found = named(suspects(graph, seeds, signals, changes, now=NOW, limit=99))
        return found.index(chosen) if chosen in found else 99

    first = min((s.since for s in signals), default=NOON)
    assert rank([Change(UUID(int=1), chosen, "deploy", first)]) <= rank([])


@given(dependencies=DEPENDENCIES, seeds=SEEDS, signals=SIGNALS, chosen=st.sampled_from(KEYS))
def test_another_dependant_that_alerts_never_helps_its_only_dependency_out_of_suspicion(
    dependencies: list[Dependency], seeds: list[Seed], signals: list[Signal], chosen: str
) -> None:
    leaf = Dependency("newcomer", chosen, HARD)
    graph = build([service(k) for k in [*KEYS, "newcomer"]], [*dependencies, leaf])
    late = alert("newcomer", 900)

    def score(more: list[Signal]) -> float:
        found = suspects(graph, seeds, [*signals, *more], now=NOW, limit=99)
        alone = {s.key: s.score for s in found}
        return alone.get(chosen, 0.0) / (alone.get(chosen, 0.0) + alone.get("s8", 0.0) or 1.0)

    if chosen != "s8" and not any("s8" in (d.service, d.depends_on) for d in dependencies):
        assert score([late]) >= score([]) - 1e-3


def test_of_a_storm_the_incidents_own_and_the_earliest_count() -> None:
    many = UNHEALTHY_MAX + 200
    graph = estate(*((f"a{n:04}", HARD, "db") for n in range(many)), ("checkout", HARD, "db"))
    signals = [alert(f"a{n:04}", n) for n in range(many)] + [alert("checkout", 9_000)]
    unhealthy = gather(graph, [Seed("checkout", "down")], signals, DEFAULT)
    keys = {graph.services[at].key for at in unhealthy}
    assert len(keys) == UNHEALTHY_MAX
    assert keys == {"checkout", *(f"a{n:04}" for n in range(UNHEALTHY_MAX - 1))}
    first = suspects(graph, [Seed("checkout", "down")], signals, now=NOW)[0]
    assert first.key == "db"


def test_nothing_unhealthy_has_no_suspects() -> None:
    assert suspects(shop(), [], [], now=NOW) == ()
    assert suspects(shop(), [Seed("pg", "recovered")], [alert("pg", firing=False)], now=NOW) == ()
    assert suspects(shop(), [Seed("unknown", "down")], [alert("unknown")], now=NOW) == ()
