"""The storm of the bench: what its plan holds, and how incidents are judged by the causes."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from bench.storm_judge import astray, judge
from bench.storm_plan import AREAS, CAUSES, EACH, INSTANCES, TOLD, area, make

TRUTH = {"a": "A", "b": "A", "c": "C", "n": "n"}
TITLES = {"1": "A is down", "2": "C is down", "3": "n is odd"}


def test_all_in_their_place_is_whole() -> None:
    placed = [("a", "1", 3), ("b", "1", 2), ("c", "2", 4), ("n", "3", 1)]
    found = judge(placed, TRUTH, ["A", "C"], TITLES)
    assert (found.precision, found.recall) == (1.0, 1.0)
    assert (found.incidents, found.true_causes, found.named, found.whole) == (3, 3, 2, 2)
    assert astray(placed, TRUTH, TITLES) == []


def test_what_is_mixed_costs_precision_and_what_is_split_recall() -> None:
    mixed = judge([("a", "1", 2), ("c", "1", 2)], TRUTH, ["A"], TITLES)
    assert mixed.precision == pytest.approx(2 / 6)
    assert mixed.recall == 1.0
    split = judge([("a", "1", 2), ("b", "2", 2)], TRUTH, ["A"], TITLES)
    assert split.precision == 1.0
    assert split.recall == pytest.approx(2 / 6)
    assert (split.named, split.whole) == (1, 0)


def test_alerts_on_no_incident_are_alone() -> None:
    found = judge([("a", "1", 2), ("b", None, 2)], TRUTH, ["A"], TITLES)
    assert (found.incidents, found.lonely) == (1, 2)
    assert found.recall == pytest.approx(2 / 6)
    assert "2 of b (A): INC-None" in astray([("a", "1", 2), ("b", None, 2)], TRUTH, TITLES)[0]


def test_the_plan_tells_each_alert_so_often_and_knows_its_cause() -> None:
    plan = make(20_000)
    told = Counter(name for post in plan.posts for name in post.alerts)
    assert set(told.values()) == {TOLD}
    assert all(len(post.alerts) <= EACH for post in plan.posts)
    assert len(plan.services) * INSTANCES == 10_000
    assert len(plan.causes) == CAUSES
    assert {name.split(" ", 1)[0] for name in told} <= plan.truth.keys()
    first = json.loads(plan.posts[0].body)[0]
    assert first["labels"]["alertname"] == plan.posts[0].alerts[0]
    other = make(20_000)
    assert [p.alerts for p in other.posts] == [p.alerts for p in plan.posts]


def test_causes_are_independent_and_nobody_rests_on_two() -> None:
    plan = make(20_000)
    needs: dict[str, list[str]] = {}
    groups = Counter((n.service, n.group) for n in plan.needs if n.group)
    assert set(groups.values()) == {2}  # one of two needed: neither is a cause alone
    for n in plan.needs:
        if n.hard and not n.group:
            needs.setdefault(n.service, []).append(n.on)

    def below(key: str) -> set[str]:
        found: set[str] = set()
        waiting = [key]
        while waiting:
            for on in needs.get(waiting.pop(), ()):
                if on not in found:
                    found.add(on)
                    waiting.append(on)
        return found

    for service in plan.services:
        causes = below(service) & plan.causes.keys()
        assert len(causes) <= 1
        if causes:
            assert plan.truth[service] in causes
    assert {area(c) for c in plan.causes} == set(range(CAUSES))
    assert {area(s) for s in plan.services} == set(range(AREAS))


def test_a_cause_speaks_up_when_the_plan_says() -> None:
    plan = make(20_000)
    order: dict[str, list[str]] = {cause: [] for cause in plan.causes}
    for post in plan.posts:
        for name in post.alerts:
            service = name.split(" ", 1)[0]
            cause = plan.truth[service]
            if cause in order and service not in order[cause]:
                order[cause].append(service)
    for cause, when in plan.causes.items():
        place = order[cause].index(cause)
        if when == "first":
            assert place == 0
        elif when == "late":
            assert 0 < place < len(order[cause]) - 1
        else:
            assert place >= len(order[cause]) - 3
