"""Impact by hardness: what each dependency passes on, and that any graph ends in one order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain.panes import ImpactTotals
from warroom.impact.graph import Dependency, Graph, Hardness, Seed, Service, build
from warroom.impact.hardness import Impact, reason

HARD, SOFT = Hardness.HARD, Hardness.SOFT


def service(key: str, tier: int = 2) -> Service:
    return Service(key, key.upper(), tier, "team")


def graph(*edges: tuple[str, Hardness, str] | Dependency, tiers: dict[str, int] | None = None
          ) -> Graph:  # fmt: skip
    """Build from (service, hardness, what it depends on)."""
    dependencies = [e if isinstance(e, Dependency) else Dependency(e[0], e[2], e[1]) for e in edges]
    keys = {k for d in dependencies for k in (d.service, d.depends_on)}
    return build([service(k, (tiers or {}).get(k, 2)) for k in keys], dependencies)


def drawn(impact: Impact) -> list[str]:
    """Return the tree in one line a node."""
    return [
        f"{'  ' * n.depth}{n.key} {n.state}{' (elsewhere)' if n.elsewhere else ''}"
        for n in impact.nodes
    ]


@pytest.mark.parametrize(
    ("state", "hardness", "expected"),
    [
        ("down", HARD, "expected-down"),
        ("down", SOFT, "expected-degraded"),
        ("degraded", HARD, "expected-degraded"),
        ("degraded", SOFT, None),
        ("suspected", HARD, "expected-degraded"),
        ("suspected", SOFT, None),
        ("recovered", HARD, None),
        ("recovered", SOFT, None),
    ],
)
def test_what_one_dependency_passes_on(
    state: str, hardness: Hardness, expected: str | None
) -> None:
    impact = reason(graph(("app", hardness, "db")), [Seed("db", state)])
    assert [n.state for n in impact.nodes] == [state, *([expected] if expected else [])]
    if expected:
        assert impact.nodes[1].why == f"{hardness.word} on db"
        assert impact.nodes[1].hardness == hardness.word
    assert impact.totals.services == (expected is not None) + (state != "recovered")


def group(size: int, needed: int | None, hardness: Hardness = HARD) -> Graph:
    return graph(*(Dependency("app", f"db{n}", hardness, "dbs", needed) for n in range(size)))


@pytest.mark.parametrize(
    ("size", "needed", "states", "hardness", "expected"),
    [
        (3, 2, ["down"], HARD, None),
        (3, 2, ["down", "down"], HARD, "expected-down"),
        (3, 2, ["down", "down", "recovered"], HARD, "expected-down"),
        (3, 2, ["down", "down"], SOFT, "expected-degraded"),
        (3, 2, ["down", "suspected"], HARD, "expected-degraded"),
        (3, 2, ["down", "down", "down"], HARD, "expected-down"),
        (3, 2, ["down", "down", "down"], SOFT, "expected-degraded"),
        (3, 2, ["down", "degraded"], SOFT, None),
        (3, 2, ["down", "recovered", "recovered"], HARD, None),
        (2, None, ["down"], HARD, None),
        (2, None, ["degraded", "degraded"], HARD, "expected-degraded"),
        # More needed than there are: all of them are.
        (2, 9, ["down"], HARD, "expected-down"),
        (2, 9, ["degraded"], HARD, "expected-degraded"),
        (1, 1, ["down"], HARD, "expected-down"),
    ],
)
def test_a_redundancy_group_holds_while_enough_are_up(
    size: int, needed: int | None, states: list[str], hardness: Hardness, expected: str | None
) -> None:
    seeds = [Seed(f"db{n}", state) for n, state in enumerate(states)]
    impact = reason(group(size, needed, hardness), seeds)
    found = {n.state for n in impact.nodes if n.key == "app"}
    assert found == ({expected} if expected else set())


def test_a_group_says_how_many_are_left() -> None:
    impact = reason(group(3, 2), [Seed("db0", "down"), Seed("db1", "down")])
    app = next(n for n in impact.nodes if n.key == "app" and not n.elsewhere)
    assert app.why == "hard on db1 (1 of 3 in dbs left, 2 needed)"


def test_members_that_nobody_gave_count_as_up() -> None:
    services = [service("app"), service("db")]
    pair = [
        Dependency("app", "db", HARD, "dbs", 1),
        Dependency("app", "not given", HARD, "dbs", 1),
    ]
    impact = reason(build(services, pair), [Seed("db", "down")])
    assert drawn(impact) == ["db down"]


def test_the_tree_of_the_sketch() -> None:
    estate = graph(
        ("orders", HARD, "pg-main"), ("checkout", HARD, "orders"), ("catalogue", SOFT, "pg-main"),
        ("reports", SOFT, "orders"), ("mail", SOFT, "catalogue"), ("shop", HARD, "catalogue"),
        tiers={"pg-main": 0, "orders": 1, "checkout": 1, "reports": 3},
    )  # fmt: skip
    impact = reason(estate, [Seed("pg-main", "down")])
    assert drawn(impact) == [
        "pg-main down",
        "  orders expected-down",
        "    checkout expected-down",
        "    reports expected-degraded",
        "  catalogue expected-degraded",
        "    shop expected-degraded",
    ]
    whys = {n.key: n.why for n in impact.nodes}
    assert whys["checkout"] == "hard on orders ← hard on pg-main"
    assert whys["shop"] == "hard on catalogue ← soft on pg-main"
    assert whys["pg-main"] == "reported down"


def test_a_service_reached_twice_stands_under_the_strongest_path() -> None:
    estate = graph(("app", SOFT, "a"), ("app", HARD, "b"), tiers={"a": 0, "b": 1})
    impact = reason(estate, [Seed("a", "down"), Seed("b", "down")])
    assert drawn(impact) == [
        "a down",
        "  app expected-down (elsewhere)",
        "b down",
        "  app expected-down",
    ]
    assert impact.totals.services == 3


def test_a_service_of_the_incident_is_not_overruled_and_marked_below_others() -> None:
    estate = graph(("app", HARD, "db"), ("web", HARD, "app"))
    impact = reason(estate, [Seed("app", "degraded"), Seed("db", "down")])
    assert drawn(impact) == [
        "db down",
        "  app degraded (elsewhere)",
        "app degraded",
        "  web expected-degraded",
    ]


def test_what_has_recovered_is_shown_last_and_passes_nothing_on() -> None:
    estate = graph(("app", HARD, "db"), ("db", HARD, "disk"))
    impact = reason(estate, [Seed("db", "recovered"), Seed("disk", "down")])
    assert drawn(impact) == ["disk down", "  db recovered (elsewhere)", "db recovered"]


def test_a_cycle_ends() -> None:
    estate = graph(("b", HARD, "a"), ("c", HARD, "b"), ("a", HARD, "c"))
    impact = reason(estate, [Seed("a", "down")])
    assert drawn(impact) == [
        "a down",
        "  b expected-down",
        "    c expected-down",
        "      a down (elsewhere)",
    ]


def test_a_long_chain_of_reasons_is_cut() -> None:
    names = [f"s{n}" for n in range(9)]
    estate = graph(*((b, HARD, a) for a, b in itertools.pairwise(names)))
    last = reason(estate, [Seed("s0", "down")]).nodes[-1]
    assert last.why == "hard on s7 ← hard on s6 ← hard on s5 ← hard on s4 ← …"


def test_the_tree_is_bounded_nearest_first_and_the_totals_are_not() -> None:
    edges = [(f"deep{n + 1}", HARD, f"deep{n}") for n in range(50)]
    near = [(f"near{n}", SOFT, "deep0") for n in range(10)]
    impact = reason(graph(*edges, *near), [Seed("deep0", "down")], limit=20)
    assert impact.truncated
    assert len(impact.nodes) == 20
    assert {n.key for n in impact.nodes} >= {f"near{n}" for n in range(10)}
    assert impact.totals.services == 61
    whole = reason(graph(*edges, *near), [Seed("deep0", "down")])
    assert not whole.truncated


def test_totals_in_business_words() -> None:
    estate = build(
        [
            Service("db", "DB", 0, "t", region="eu", user_share=10.0, customers=5),
            Service("app", "App", 1, "t", region="us", user_share=62.0),
            Service("pay", "Pay", 2, "t", kind="third_party", region="eu", customers=900),
            Service("well", "Well", 1, "t", region="asia", user_share=99.0),
        ],
        [Dependency("app", "db", HARD), Dependency("pay", "db", SOFT)],
    )
    impact = reason(estate, [Seed("db", "down"), Seed("well", "recovered")])
    assert impact.totals == ImpactTotals(3, 2, 62.0, 900, ("eu", "us"), 1, "App down")


def test_nothing_is_known_of_a_service_that_is_not_given() -> None:
    assert reason(build((), ()), [Seed("x", "down")]).nodes == ()


KEYS = [f"s{n}" for n in range(9)]
STATES = ["recovered", "suspected", "degraded", "down"]
DEPENDENCIES = st.lists(
    st.builds(
        Dependency,
        st.sampled_from(KEYS),
        st.sampled_from(KEYS),
        st.sampled_from(Hardness),
        st.sampled_from([None, None, "g", "h"]),
        st.sampled_from([None, 1, 2, 3]),
    ),
    max_size=30,
    unique_by=lambda d: (d.service, d.depends_on),
)
SEEDS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(STATES), min_size=1, max_size=4)
BAD = {"recovered": 0, "expected-degraded": 1, "suspected": 1, "degraded": 1, "expected-down": 2,
       "down": 2}  # fmt: skip


def levels(dependencies: list[Dependency], seeds: dict[str, str]) -> dict[str, int]:
    impact = reason(
        build([service(k) for k in KEYS], dependencies), [Seed(k, s) for k, s in seeds.items()]
    )
    return {n.key: BAD[n.state] for n in impact.nodes}


@given(dependencies=DEPENDENCIES, seeds=SEEDS, data=st.data())
def test_worse_news_never_makes_anything_better(
    dependencies: list[Dependency], seeds: dict[str, str], data: st.DataObject
) -> None:
    chosen = data.draw(st.sampled_from(sorted(seeds)))
    worse = data.draw(st.sampled_from(STATES[STATES.index(seeds[chosen]) :]))
    before = levels(dependencies, seeds)
    after = levels(dependencies, {**seeds, chosen: worse})
    assert all(after.get(key, 0) >= level for key, level in before.items())


@given(dependencies=DEPENDENCIES, seeds=SEEDS, limit=st.integers(1, 40), data=st.data())
def test_the_tree_is_well_formed_and_does_not_depend_on_the_order_of_the_input(
    dependencies: list[Dependency], seeds: dict[str, str], limit: int, data: st.DataObject
) -> None:
    services = [service(k) for k in KEYS]
    given_seeds = [Seed(k, s) for k, s in seeds.items()]
    impact = reason(build(services, dependencies), given_seeds, limit=limit)
    shuffled = reason(
        build(data.draw(st.permutations(services)), data.draw(st.permutations(dependencies))),
        data.draw(st.permutations(given_seeds)),
        limit=limit,
    )
    assert shuffled == impact
    assert len(impact.nodes) <= limit
    first = [n.key for n in impact.nodes if not n.elsewhere]
    assert len(first) == len(set(first))
    if not impact.truncated:
        assert {n.key for n in impact.nodes} == set(first)
        assert set(seeds) <= set(first)
        assert impact.totals.services == sum(
            1 for n in impact.nodes if not n.elsewhere and n.state != "recovered"
        )
    depth = -1
    for node in impact.nodes:
        assert 0 <= node.depth <= depth + 1
        assert (node.depth == 0) == (node.hardness == "")
        depth = node.depth


@given(dependencies=DEPENDENCIES, seeds=SEEDS)
def test_a_tree_that_just_fits_is_whole_and_one_node_less_is_not(
    dependencies: list[Dependency], seeds: dict[str, str]
) -> None:
    estate = build([service(k) for k in KEYS], dependencies)
    given_seeds = [Seed(k, s) for k, s in seeds.items()]
    whole = reason(estate, given_seeds)
    assert not whole.truncated
    assert reason(estate, given_seeds, limit=len(whole.nodes)) == whole
    short = reason(estate, given_seeds, limit=len(whole.nodes) - 1)
    assert short.truncated
    assert short.totals == whole.totals
