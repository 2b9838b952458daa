"""What an import would change, for any catalogue and any estate."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain.catalogue import (
    ATTRIBUTES,
    EDGE_ATTRIBUTES,
    Catalogue,
    DependencyEntry,
    ServiceEntry,
    TeamEntry,
)
from warroom.domain.catalogue_plan import (
    Known,
    KnownDependency,
    KnownService,
    Plan,
    plan,
)
from warroom.domain.cycles import cycles

KEYS = [f"s{n}" for n in range(8)]
ENTRIES = st.builds(
    ServiceEntry, st.sampled_from(KEYS), name=st.none() | st.sampled_from(["A", "B"]),
    kind=st.none() | st.sampled_from(["service", "datastore"]),
    tier=st.none() | st.integers(0, 5), team=st.none() | st.sampled_from(["t", "u"]),
    zone=st.none() | st.just("z"), slo=st.none() | st.just(99.9),
)  # fmt: skip
EDGES = st.builds(
    DependencyEntry, st.sampled_from(KEYS), st.sampled_from([*KEYS, "nowhere"]),
    st.sampled_from([None, "hard", "soft"]), st.sampled_from([None, True, False]),
    st.none() | st.just("g"), st.none() | st.integers(1, 3),
).filter(lambda d: d.service != d.depends_on)  # fmt: skip
CATALOGUES = st.builds(
    Catalogue, st.just("x"),
    st.lists(ENTRIES, unique_by=lambda s: s.key, max_size=6).map(tuple),
    st.lists(EDGES, unique_by=lambda d: d.pair, max_size=8).map(tuple),
    st.just((TeamEntry("t", "T"), TeamEntry("u", "U"))),
)  # fmt: skip
EMPTY = Known({}, (), frozenset({"unassigned"}))


def carried_out(known: Known, done: Plan, source: str) -> Known:
    """Return the estate after a plan, as the database would hold it."""
    services = dict(known.services)
    for added in done.services_added:
        services[added.key] = KnownService(f"i-{added.key}", added, source)
    for change in done.services_changed:
        there = services[change.after.key]
        services[change.after.key] = replace(there, entry=change.after, provisional=False)
    edges = {d.id: d for d in known.dependencies}
    for edge in done.dependencies_added:
        row_id = f"{edge.pair}{done.observed}"
        verdict = "open" if done.observed else ""
        edges[row_id] = KnownDependency(row_id, edge, source, done.observed, verdict)
    for edge_change in done.dependencies_changed:
        edges[edge_change.id] = replace(edges[edge_change.id], entry=edge_change.after)
    if done.prune:
        for gone in done.dependencies_gone:
            del edges[gone.id]
        left = {s.entry.key for s in done.services_gone}
        services = {k: s for k, s in services.items() if k not in left}
        edges = {
            i: d for i, d in edges.items()
            if not (d.observed and d.verdict != "confirmed" and left & set(d.entry.pair))
        }  # fmt: skip
    teams = known.teams | {t.key for t in done.teams_added}
    return Known(services, tuple(edges.values()), teams)


@given(CATALOGUES, CATALOGUES, st.booleans(), st.booleans())
def test_carried_out_once_nothing_is_left_to_do(
    before: Catalogue, files: Catalogue, prune: bool, observed: bool
) -> None:
    known = carried_out(EMPTY, plan(before, EMPTY, source="old"), "old")
    if observed:
        files = replace(files, observed=True, services=())
    done = plan(files, known, source="new", prune=prune)
    after = carried_out(known, done, "new")
    again = plan(files, after, source="new", prune=prune)
    assert not again.changes_anything
    assert again.services_unchanged == len(files.services)


@given(CATALOGUES, CATALOGUES)
def test_what_is_said_holds_and_what_is_not_stays(before: Catalogue, files: Catalogue) -> None:
    known = carried_out(EMPTY, plan(before, EMPTY, source="old"), "old")
    after = carried_out(known, plan(files, known, source="new"), "new")
    for said in files.services:
        there = after.services[said.key].entry
        earlier = known.services.get(said.key)
        for name in ATTRIBUTES:
            if getattr(said, name) is not None:
                assert getattr(there, name) == getattr(said, name)
            elif earlier is not None:
                assert getattr(there, name) == getattr(earlier.entry, name)
    edges = {d.entry.pair: d.entry for d in after.dependencies}
    for edge in files.dependencies:
        if edge.depends_on in after.services and edge.service in after.services:
            for name in EDGE_ATTRIBUTES:
                assert getattr(edge, name) in (None, getattr(edges[edge.pair], name))


@given(CATALOGUES, CATALOGUES, st.sets(st.sampled_from(KEYS)))
def test_nothing_foreign_and_nothing_named_is_ever_removed(
    before: Catalogue, files: Catalogue, used: set[str]
) -> None:
    known = carried_out(EMPTY, plan(before, EMPTY, source="mine"), "mine")
    known = carried_out(
        known, plan(Catalogue("x", (ServiceEntry("hand"),)), known, source="h"), "h"
    )
    ids = {known.services[k].id for k in used if k in known.services}
    done = plan(files, known, source="mine", prune=True, in_use=ids)
    after = carried_out(known, done, "mine")
    assert "hand" in after.services
    assert {k for k in used if k in known.services} <= set(after.services)
    assert all(end in after.services for d in after.dependencies for end in d.entry.pair), (
        "a dependency without its end"
    )
    assert {d.entry.pair for d in after.dependencies} <= {d.pair for d in files.dependencies} | {
        d.entry.pair for d in known.dependencies
    }


@given(CATALOGUES)
def test_nothing_is_invented(files: Catalogue) -> None:
    done = plan(files, EMPTY, source="x")
    assert {s.key for s in done.services_added} == {s.key for s in files.services}
    named = {end for d in done.dependencies_added for end in d.pair}
    assert named <= {s.key for s in files.services}
    dangling = sum(f.code == "dangling" for f in done.findings)
    assert dangling + len(done.dependencies_added) == len(files.dependencies)


def test_an_unknown_team_is_one_error_however_many_it_owns() -> None:
    services = tuple(ServiceEntry(k, team="nobody", place=f"f:{k}") for k in KEYS)
    (error,) = plan(Catalogue("x", services), EMPTY, source="x").errors
    assert (error.code, error.place) == ("unknown-team", "f:s0")
    assert "and 7 more" in error.text
    made = plan(Catalogue("x", services), EMPTY, source="x", make_teams=True)
    assert (made.errors, [t.key for t in made.teams_added]) == ((), ["nobody"])


PAIRS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


@given(PAIRS)
def test_a_circle_is_who_reaches_each_other(numbers: list[tuple[int, int]]) -> None:
    pairs = {(f"n{a}", f"n{b}") for a, b in numbers if a != b}
    reach = {n: {n} for pair in pairs for n in pair}
    for _ in reach:
        for a, b in pairs:
            reach[a] |= reach[b]
    together = {tuple(sorted(m for m in reach if m in reach[n] and n in reach[m])) for n in reach}
    assert set(cycles(pairs)) == {c for c in together if len(c) > 1}


def test_a_very_long_chain_is_no_problem() -> None:
    chain = [(f"n{n}", f"n{n + 1}") for n in range(100_000)]
    assert cycles(chain) == []
    (circle,) = cycles([*chain, ("n100000", "n0")])
    assert len(circle) == 100_001


@pytest.mark.parametrize("strict", [False, True])
def test_strict_makes_errors_of_warnings(strict: bool) -> None:
    files = Catalogue(
        "x", (ServiceEntry("a"), ServiceEntry("b")),
        (DependencyEntry("a", "b"), DependencyEntry("b", "a"), DependencyEntry("a", "c")),
    )  # fmt: skip
    found = plan(files, EMPTY, source="x", strict=strict)
    assert {f.code for f in found.findings} == {"cycle", "dangling"}
    assert bool(found.errors) == strict
