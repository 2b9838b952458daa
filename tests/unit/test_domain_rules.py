"""The pure rules on alerts: matching, declaration, priority, flapping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain import flapping
from warroom.domain.alert_rule import (
    FIELDS,
    RuleBook,
    RuleKind,
    Subject,
    check_rule,
    environment_of,
    group_key,
    spec_of,
)
from warroom.domain.declaration import (
    Outcome,
    Rate,
    check_declaration,
    decide,
    held_until,
)
from warroom.domain.priority import Impact, begins_with, priority
from warroom.errors import InvalidInput

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ALERT = Subject(
    {"service": "payments", "region": "eu-west", "source": "am", "name": "Slow"},
    {"env": "prod", "rack": "r7"},
)


@pytest.mark.parametrize(
    ("matches", "wanted"),
    [
        ({}, True),
        ({"service": "pay*"}, True),
        ({"service": ["shop", "payments"]}, True),
        ({"service": "pay*", "region": "us-*"}, False),
        ({"label:rack": "r?"}, True),
        ({"label:other": "*"}, False),
        ({"zone": "*"}, False),
        ({"service": "PAY*"}, False),
    ],
)
def test_every_field_must_fit_one_of_its_patterns(matches: dict[str, Any], wanted: bool) -> None:
    assert check_rule("r", "declare", 1, matches, {}).fits(ALERT) is wanted


def test_the_first_by_its_place_decides_and_one_that_groups_by_what_is_not_there_does_not() -> None:
    zone = check_rule("zone", "group", 1, {}, {"by": ["zone"]})
    region = check_rule("region", "group", 2, {}, {"by": ["region", "label:env"]})
    book = RuleBook((zone, region, check_rule("late", "group", 3, {}, {})))
    assert book.first(RuleKind.GROUP, ALERT) is region
    assert group_key(region, ALERT) == "region: region=eu-west, label:env=prod"
    assert book.first(RuleKind.DECLARE, ALERT) is None
    assert group_key(None, ALERT) is None


def test_a_place_is_the_services_else_the_label_of_that_name() -> None:
    subject = Subject({"region": "eu"}, {"region": "us", "zone": "z1", "team": "web", "host": "h"})
    assert [subject.get(n) for n in ("region", "zone", "host", "provider", "team")] == [
        "eu", "z1", "h", "", "",
    ]  # fmt: skip
    assert subject.get("label:region") == "us"


@pytest.mark.parametrize(
    ("kind", "matches", "spec", "field"),
    [
        ("merge", {}, {}, "kind"),
        ("group", {"servic": "x"}, {}, "matches"),
        ("group", {"label:": "x"}, {}, "matches"),
        ("group", {"service": "*" * 9}, {}, "matches.service"),
        ("group", {"service": 5}, {}, "matches.service"),
        ("group", {}, {"by": []}, "spec.by"),
        ("group", {}, {"window_s": -1}, "spec.window_s"),
        ("group", {}, {"windows": 1}, "spec"),
        ("declare", {}, {"outcome": "wait"}, "spec.outcome"),
        ("declare", {}, {"for_s": True}, "spec.for_s"),
        ("declare", {}, {"factor": float("nan")}, "spec.factor"),
        ("declare", {}, {"classification": "secret"}, "spec.classification"),
        ("declare", [], {}, "matches"),
        ("declare", {}, [], "spec"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_field(
    kind: str, matches: Any, spec: Any, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_rule("r", kind, 1, matches, spec)
    assert caught.value.field == field


@given(
    kind=st.sampled_from(["group", "declare"]),
    matches=st.dictionaries(
        st.sampled_from([*FIELDS, "label:x"]),
        st.lists(st.text("ab*?", min_size=1, max_size=5), min_size=1, max_size=3),
        max_size=4,
    ),
    window=st.one_of(st.none(), st.integers(0, 1000)),
    held=st.integers(0, 900),
)
def test_a_rule_reads_back_as_it_was_written(
    kind: str, matches: dict[str, list[str]], window: int | None, held: int
) -> None:
    spec: dict[str, Any] = {"for_s": held, "outcome": "triage"}
    if kind == "group":
        spec = {"by": ["region"]} | ({} if window is None else {"window_s": window})
    rule = check_rule("r", kind, 7, matches, spec)
    found = {name: list(patterns) for name, patterns in rule.matches.items()}
    assert check_rule("r", kind, 7, found, spec_of(rule)) == rule


def test_an_environment_is_what_the_alert_says_else_its_source() -> None:
    assert environment_of({"env": "qa", "environment": "prod"}, "x") == "prod"
    assert environment_of({}, "staging") == "staging"


# Declaration


def test_it_must_hold_and_a_short_gap_does_not_begin_the_time_anew() -> None:
    rule = check_declaration({"for_s": 300, "forgive_s": 60})
    due = held_until(rule, NOW, None, None)
    assert due == NOW + timedelta(seconds=300)
    waiting = decide(rule, "slow", NOW, due, Rate())
    assert (waiting.outcome, waiting.due) == (Outcome.WAIT, due)
    assert waiting.sentence == "waits 5 min more: it must hold for 5 min (rule slow)"
    assert decide(rule, "slow", due, due, Rate()).outcome is Outcome.DECLARE
    later = NOW + timedelta(seconds=100)
    assert held_until(rule, later, due, later - timedelta(seconds=60)) == due
    gone = later - timedelta(seconds=61)
    assert held_until(rule, later, due, gone) == later + timedelta(seconds=300)


def test_a_rate_and_what_a_source_usually_brings() -> None:
    rule = check_declaration({"count": 3, "within_s": 600})
    assert decide(rule, "r", NOW, NOW, Rate(2)).sentence == (
        "recorded only: 2 of 3 within 10 min (rule r)"
    )
    assert decide(rule, "r", NOW, NOW, Rate(3)).outcome is Outcome.DECLARE
    more = check_declaration({"factor": 4, "within_s": 86_400, "outcome": "triage"})
    assert decide(more, "r", NOW, NOW, Rate(7, 14)).sentence == (
        "recorded only: 7 within 24 h, its source usually brings 2.0, less than 4 times that"
        " (rule r)"
    )
    assert decide(more, "r", NOW, NOW, Rate(8, 14)).outcome is Outcome.TRIAGE


@given(
    for_s=st.integers(0, 1000), waited=st.integers(0, 2000), count=st.integers(0, 9),
    recent=st.integers(0, 20), before=st.integers(0, 5000), factor=st.floats(0, 10),
    outcome=st.sampled_from(["declare", "record", "triage"]),
)  # fmt: skip
def test_no_rule_ever_does_more_than_it_says(
    for_s: int, waited: int, count: int, recent: int, before: int, factor: float, outcome: str
) -> None:
    spec = {"for_s": for_s, "count": count, "factor": factor, "outcome": outcome}
    rule = check_declaration(spec)
    due = held_until(rule, NOW, None, None)
    verdict = decide(rule, "r", NOW + timedelta(seconds=waited), due, Rate(recent, before))
    if verdict.outcome is Outcome.WAIT:
        assert waited < for_s
        assert verdict.due == due
    elif verdict.outcome is not Outcome.RECORD:
        assert verdict.outcome.value == outcome
        assert waited >= for_s
        assert not rule.counts or recent >= count
    assert verdict.sentence


# Priority


@pytest.mark.parametrize(
    ("impact", "environment", "level", "reason"),
    [
        (Impact(0), "", 1, "tier 0"),
        (Impact(3), "prod", 4, "tier 3"),
        (Impact(3, 20_000), "Production", 3, "tier 3, 20 000 customers"),
        (Impact(3, 20_000, 62.0), "", 2, "tier 3, 62 % of users, 20 000 customers"),
        (Impact(0, 10**6, 100.0), "staging", 5, "tier 0, but staging is not production"),
        (Impact(5), "", 5, "tier 5"),
    ],
)
def test_priority_comes_from_the_business(
    impact: Impact, environment: str, level: int, reason: str
) -> None:
    found = priority(impact, environment)
    assert (found.level, found.reason) == (level, reason)


@given(
    st.integers(0, 5), st.integers(0, 10**7), st.floats(0, 100), st.integers(0, 10**7),
    st.floats(0, 100),
)  # fmt: skip
def test_more_hit_is_never_less_important(
    tier: int, customers: int, share: float, more_customers: int, more_share: float
) -> None:
    less = priority(Impact(tier, min(customers, more_customers), min(share, more_share)), "")
    more = priority(Impact(tier, max(customers, more_customers), max(share, more_share)), "")
    assert 1 <= more.level <= less.level <= 5


@given(st.integers(1, 5), st.one_of(st.none(), st.integers(1, 5)))
def test_an_incident_never_begins_milder_than_its_alert(severity: int, level: int | None) -> None:
    assert begins_with(severity, level) <= severity
    assert begins_with(severity, 1) <= 3


# Flapping


def test_it_flaps_from_six_changes_in_a_quarter_of_an_hour_until_it_is_steady() -> None:
    flips: tuple[datetime, ...] = ()
    flaps = False
    for minute in range(6):
        at = NOW + timedelta(minutes=minute)
        found = flapping.follow(flips, at, changed=True, flapping=flaps, name="Slow")
        flips, flaps = found.flips, found.flapping
        assert flaps is (minute == 5)
    assert found.sentence.startswith("alert Slow flaps: 6 changes in 15 min; ")
    due = flapping.steady_at(flips, at)
    assert due == NOW + timedelta(minutes=3 + 15)
    before = flapping.follow(flips, due - timedelta(seconds=1), changed=False, flapping=True,
                             name="Slow")  # fmt: skip
    assert (before.flapping, before.sentence) == (True, "")
    after = flapping.follow(flips, due, changed=False, flapping=True, name="Slow")
    assert (after.flapping, after.sentence) == (False, "alert Slow is steady again")


@given(st.lists(st.tuples(st.integers(0, 2000), st.booleans()), max_size=60))
def test_between_the_two_marks_it_stays_what_it_was(moves: list[tuple[int, bool]]) -> None:
    now, flaps = NOW, False
    flips: tuple[datetime, ...] = ()
    for seconds, changed in moves:
        now += timedelta(seconds=seconds)
        found = flapping.follow(flips, now, changed=changed, flapping=flaps, name="a")
        assert all(now - f < flapping.WINDOW for f in found.flips)
        if found.flapping != flaps:
            assert found.sentence
            many = len(found.flips)
            assert many >= flapping.START if found.flapping else many <= flapping.STOP
        else:
            assert not found.sentence
        flips, flaps = found.flips, found.flapping
