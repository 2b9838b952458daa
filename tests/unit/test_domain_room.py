"""What the commands of the room decide: entries, changes and clocks; and what no rule is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.rooms import ANA, ANA_, BOT, FRESH, LUC, LUC_, MIRA, NOW, POLICY, entry, incident
from warroom.domain import (
    clocks,
    harm,
    incident_merge,
    incident_moves,
    incident_roles,
    incident_services,
    log_book,
)
from warroom.domain.custom_fields import FieldDefinition, FieldType, check_value
from warroom.domain.incident import MOVES, Command, Decision, Offer, Status, is_open
from warroom.domain.incident_services import check_link
from warroom.domain.timeline import EntryKind
from warroom.domain.timer import TimerKind
from warroom.errors import InvalidInput, Refused


def texts(decision: Decision) -> list[str]:
    return [e.text for e in decision.entries]


def ends(decision: Decision) -> set[TimerKind]:
    return {c.kind for c in decision.cancel}


ALL_BUT_THE_LAW = set(TimerKind) - {TimerKind.REGULATORY}


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
def test_only_the_machines_moves_are_possible(before: Status, after: Status) -> None:
    state = incident(before)
    if after not in MOVES[before]:
        with pytest.raises(Refused):
            incident_moves.set_status(state, ANA, NOW, status=after.value)
        return
    decision = incident_moves.set_status(state, ANA, NOW, status=after.value, note="why")
    assert decision.status is after
    assert decision.changes["status"] == after.value
    assert TimerKind.ESCALATE in ends(decision)
    assert (before is Status.TRIGGERED) == ("acknowledged_at" in decision.changes) or not is_open(
        after
    )
    if not is_open(before) and is_open(after):
        assert decision.changes["resolved_at"] is None
        assert decision.changes["resolution"] is None
        assert texts(decision)[0].startswith("reopened by ana: ")
    if is_open(after):
        assert decision.changes["owner_id"] == ANA.id, "who works on what nobody owns, owns it"


def test_an_automation_moves_but_never_owns() -> None:
    decision = incident_moves.set_status(FRESH, BOT, NOW, status="mitigating")
    assert "owner_id" not in decision.changes


def test_severity_owner_drill_and_false_alarm() -> None:
    worse = incident_moves.set_severity(
        incident(snoozed=True), ANA, NOW, severity=1, reason="all users"
    )
    assert texts(worse) == ["SEV2 → SEV1 by ana: all users"]
    assert (worse.wake, ends(worse)) == (True, {TimerKind.SNOOZE})
    milder = incident_moves.set_severity(incident(snoozed=True), ANA, NOW, severity=3)
    assert (milder.wake, milder.cancel) == (False, ())
    given_away = incident_moves.assign(incident(owner=ANA_), ANA, NOW, owner=LUC_)
    assert (given_away.changes, texts(given_away)) == (
        {"owner_id": LUC.id}, ["owner ana → luc by ana"],
    )  # fmt: skip
    left = incident_moves.assign(incident(owner=ANA_), ANA, NOW, owner=None)
    assert (left.changes, left.sentence) == ({"owner_id": None}, "Nobody owns INC-12 now.")
    assert incident_moves.set_drill(FRESH, ANA, NOW, drill=True).changes == {"drill": True}
    real = incident_moves.set_drill(incident(drill=True), ANA, NOW, drill=False)
    assert texts(real) == ["this is no drill: marked as real by ana"]
    nothing = incident_moves.false_alarm(FRESH, ANA, NOW, note="the prober")
    assert (nothing.status, nothing.changes["resolution"]) == (Status.RESOLVED, "false-alarm")
    assert texts(nothing) == ["triggered → resolved as a false alarm by ana", "the prober"]
    assert ends(nothing) == ALL_BUT_THE_LAW


def test_who_restricts_stays_among_the_named() -> None:
    hidden = incident_moves.restrict(FRESH, ANA, NOW, visibility="security", people=[LUC_, MIRA])
    assert hidden.changes == {"visibility": "security"}
    assert texts(hidden) == ["restricted to security and ana, luc, mira by ana"]
    shown = incident_moves.restrict(
        incident(visibility="restricted"), ANA, NOW, visibility="normal"
    )
    assert texts(shown) == ["opened to the whole unit by ana"]


def test_a_role_goes_from_hand_to_hand_with_a_brief() -> None:
    assert texts(incident_roles.take(FRESH, ANA, NOW, role="scribe")) == ["ana is scribe"]
    led = incident(roles={"commander": ANA_})
    offered = incident_roles.offer(led, ANA, NOW, role="commander", to=LUC_, brief=" Pool full ")
    assert [(e.kind, e.text) for e in offered.entries] == [
        (EntryKind.STATUS, "ana offers commander to luc"),
        (EntryKind.COMMUNICATION, "Pool full"),
    ]
    asked = replace(led, offers={"commander": Offer("commander", LUC_, "Pool full")})
    taken = incident_roles.answer(asked, LUC, NOW, role="commander", accept=True)
    assert texts(taken) == ["commander ana → luc, accepted"]
    left = incident_roles.answer(asked, LUC, NOW, role="commander", accept=False)
    assert (texts(left), left.sentence) == (
        ["luc declines to become commander"], "Declined: ana stays commander of INC-12.",
    )  # fmt: skip
    own = incident_roles.release(led, ANA, NOW, role="commander")
    other = incident_roles.release(led, LUC, NOW, role="commander")
    assert texts(own) == ["ana is commander no more"]
    assert texts(other) == ["ana is commander no more: released by luc"]


def test_partial_recovery_is_said() -> None:
    part = incident_services.set_service(FRESH, ANA, NOW, service="pg", to="recovered")
    assert texts(part) == ["service pg: down → recovered by ana (1 of 2 services recovered)"]
    new = incident_services.set_service(FRESH, ANA, NOW, service="cdn", to="suspected")
    assert texts(new) == ["service cdn: attached → suspected by ana"]


def test_a_merge_ends_and_a_split_goes_on() -> None:
    target = incident(id=MIRA.id, number=13)
    merged = incident_merge.merge(FRESH, target, ANA, NOW)
    assert (merged.status, merged.changes["resolution"]) == (Status.RESOLVED, "merged")
    # What is merged takes no alert in any more: its grouping is the other's.
    assert merged.changes["grouping_key"] is None
    assert ends(merged) == ALL_BUT_THE_LAW
    parted = incident_merge.split(FRESH, ANA, NOW, new_ref="INC-13", services=["pg"], alerts=3)
    assert (parted.changes, texts(parted)) == ({}, ["pg split off as INC-13 by ana"])
    alone = incident_merge.split(FRESH, ANA, NOW, new_ref="INC-13", services=[], alerts=3)
    assert texts(alone) == ["3 alerts split off as INC-13 by ana"]


def test_a_correction_points_at_the_old_and_a_fate_names_its_hypothesis() -> None:
    old = entry(EntryKind.DECISION)
    (fresh,) = log_book.correct(FRESH, ANA, NOW, entry=old, text="fail over").entries
    assert (fresh.kind, fresh.corrects, fresh.text) == (EntryKind.DECISION, old.id, "fail over")
    guess = entry(EntryKind.HYPOTHESIS, fate="open")
    said = log_book.judge(FRESH, ANA, NOW, hypothesis=guess, fate="refuted", reason="flat graph")
    assert texts(said) == ["hypothesis refuted by ana: pool leak (flat graph)"]
    again = log_book.judge(FRESH, ANA, NOW, hypothesis=replace(guess, fate="refuted"), fate="open")
    assert again.sentence == "INC-12: hypothesis open again."
    assert log_book.pin(FRESH, ANA, NOW, entry=old, pinned=True).entries == ()


def test_clocks_that_people_set() -> None:
    due = clocks.set_update_due(incident(owner=LUC_), ANA, NOW, in_s=600)
    (timer,) = due.arm
    assert (timer.kind, timer.due_at, timer.target) == (
        TimerKind.UPDATE_DUE, NOW + timedelta(minutes=10), "luc",
    )  # fmt: skip
    assert texts(due) == ["next update due at 10:51 UTC, from luc (set by ana)"]
    assert ends(clocks.set_update_due(FRESH, ANA, NOW, in_s=None)) == {TimerKind.UPDATE_DUE}
    asleep = clocks.snooze(FRESH, ANA, NOW, for_s=1800, reason="vendor works")
    assert texts(asleep) == ["snoozed until 11:11 UTC by ana: vendor works"]
    assert asleep.arm[0].why == "by ana: vendor works"
    awake = clocks.snooze(incident(snoozed=True), ANA, NOW, for_s=0, reason="")
    assert (awake.wake, ends(awake)) == (True, {TimerKind.SNOOZE})


def test_a_clock_that_runs_out() -> None:
    late = NOW - timedelta(seconds=62)
    led = incident(roles={"commander": LUC_}, owner=ANA_)
    owed = clocks.fire_update_due(led, "db", NOW, late)
    said = "update on INC-12 was due at 10:39 UTC, said 62 s late; person luc owes it"
    assert (owed.sent, owed.sentence, owed.next_timer) == (True, said, None)
    assert [(e.kind, e.text) for e in owed.entries] == [(EntryKind.AUTOMATION, said)]
    again = clocks.fire_update_due(led, "db", NOW, NOW)
    assert again.sentence == "update on INC-12 was due at 10:41 UTC; person luc owes it"
    assert owed.pages[0].dedup_key != again.pages[0].dedup_key
    assert str(clocks.fire_update_due(FRESH, "db", NOW, NOW).pages[0].target) == "team db"
    assert str(clocks.fire_update_due(FRESH, None, NOW, NOW).pages[0].target) == "team owner"
    woke = clocks.fire_snooze(FRESH, "by ana: vendor works", "db", NOW, late)
    assert woke.entries[0].text == (
        "woke: the snooze is over, 62 s late; it was snoozed by ana: vendor works"
    )
    assert clocks.fire_snooze(FRESH, "", None, NOW, NOW).entries[0].text.endswith("is over")
    for status in (Status.RESOLVED, Status.CLOSED):
        for gone in (
            clocks.fire_update_due(incident(status), None, NOW, NOW),
            clocks.fire_snooze(incident(status), "x", None, NOW, NOW),
        ):
            assert (gone.sent, gone.pages, gone.entries) == (False, (), ())
            assert gone.sentence.endswith(f"it is {status}")


def test_even_the_longest_reason_fits_where_it_is_told() -> None:
    asleep = clocks.snooze(FRESH, ANA, NOW, for_s=60, reason="x" * 10_000)
    assert len(asleep.entries[0].text) == 10_000
    woke = clocks.fire_snooze(FRESH, asleep.arm[0].why, None, NOW, NOW)
    assert len(woke.entries[0].text) == 10_000
    assert max(len(woke.sentence), len(woke.pages[0].text)) < 1200


WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("severity", lambda: incident_moves.set_severity(FRESH, ANA, NOW, severity=0)),
    ("reason", lambda: incident_moves.set_severity(FRESH, ANA, NOW, severity=1, reason="\x00")),
    ("status", lambda: incident_moves.set_status(FRESH, ANA, NOW, status="burning")),
    ("note", lambda: incident_moves.set_status(FRESH, ANA, NOW, status="mitigating", note=7)),
    ("visibility", lambda: incident_moves.restrict(FRESH, ANA, NOW, visibility="secret")),
    ("role", lambda: incident_roles.take(FRESH, ANA, NOW, role="king")),
    ("brief", lambda: incident_roles.offer(FRESH, ANA, NOW, role="scribe", to=LUC_, brief=" ")),
    ("state", lambda: incident_services.set_service(FRESH, ANA, NOW, service="pg", to="up")),
    ("services", lambda: incident_merge.split(FRESH, ANA, NOW, new_ref="x", services=[], alerts=0)),
    ("fate", lambda: log_book.judge(FRESH, ANA, NOW, hypothesis=entry(), fate="dead")),
    ("text", lambda: log_book.correct(FRESH, ANA, NOW, entry=entry(), text="")),
    ("stance", lambda: log_book.log_entry(FRESH, ANA, NOW, kind="fact", text="x", stance="for")),
    ("kind", lambda: log_book.log_entry(
        FRESH, ANA, NOW, kind="fact", text="x", stance="for", about=entry())),
    ("in_s", lambda: clocks.set_update_due(FRESH, ANA, NOW, in_s=0)),
    ("in_s", lambda: clocks.set_update_due(FRESH, ANA, NOW, in_s=True)),
    ("in_s", lambda: clocks.set_update_due(FRESH, ANA, NOW, in_s=float("nan"))),
    ("in_s", lambda: clocks.set_update_due(FRESH, ANA, NOW, in_s=7 * 86_400 + 1)),
    ("for_s", lambda: clocks.snooze(FRESH, ANA, NOW, for_s=59, reason="x")),
    ("for_s", lambda: clocks.snooze(FRESH, ANA, NOW, for_s=86_401, reason="x")),
    ("for_s", lambda: clocks.snooze(FRESH, ANA, NOW, for_s=False, reason="x")),
    ("reason", lambda: clocks.snooze(FRESH, ANA, NOW, for_s=60, reason="  ")),
    ("do", lambda: clocks.escalation(FRESH, ANA, NOW, do="up", policy=POLICY, running="armed")),
    ("step", lambda: clocks.escalation(
        FRESH, ANA, NOW, do="skip", policy=POLICY, running="armed", step=4)),
]  # fmt: skip


@pytest.mark.parametrize(("field", "call"), WRONG)
def test_what_cannot_be_meant_names_its_field(field: str, call: Callable[[], Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        call()
    assert caught.value.field == field


@pytest.mark.parametrize(
    "url",
    ["https://meet.example/r?x=1", "http://[::1]:8080/", "tel:+49-30-123", "sip:noc@x.example"],
)
def test_links_that_are_taken(url: str) -> None:
    assert check_link("bridge", url, " Bridge ") == ("bridge", url, "Bridge")


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "file:///etc/passwd", "https:", "data:,x", "https://a b/",
     "https://a\x1b[2J", "https://a\x85b", "//host", "", "https://[", "https://" + "a" * 2001, 7,
     None],
)  # fmt: skip
def test_links_that_are_not(url: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_link("bridge", url, "x")
    assert caught.value.field == "url"


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [("number", "7", 7), ("number", " -2.5 ", -2.5), ("boolean", "Yes", True),
     ("boolean", "false", False), ("text", "7", "7"), ("choice", "eu", "eu")],
)  # fmt: skip
def test_what_is_typed_is_taken_for_the_fields_type(kind: str, typed: str, stored: object) -> None:
    choices = ("eu", "us") if kind == "choice" else ()
    definition = FieldDefinition("f", "F", FieldType(kind), choices)
    assert check_value(definition, typed) == stored


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [("text", "x", 1), ("text", "x", ""), ("number", 2.5, True), ("number", 1, float("nan")),
     ("number", 1, "one"), ("number", 1, "nan"), ("boolean", True, 1),
     ("boolean", True, "maybe"), ("date", "2031-05-04", "soon"),
     ("date", "2031-05-04", 20310504), ("choice", "eu", "us"), ("choice", "eu", None)],
)  # fmt: skip
def test_field_values(kind: str, good: object, bad: object) -> None:
    field = FieldDefinition("k", "Label", FieldType(kind), ("eu",), required=True)
    assert check_value(field, good) == good
    assert check_value(replace(field, required=False), None) is None
    with pytest.raises(InvalidInput) as caught:
        check_value(field, bad)
    assert caught.value.field == "custom.k"


def test_the_question_grows_with_harm_and_number() -> None:
    assert set(harm.HARM) == set(Command)
    ask, asked = harm.question, harm.Question
    assert {ask(harm.Harm.NONE, n) for n in (1, 2, 500)} == {asked.NOTHING}
    assert [ask(harm.Harm.SOME, n) for n in (1, 2)] == [asked.NOTHING, asked.YES]
    assert [ask(harm.Harm.GRAVE, n) for n in (1, 2)] == [asked.YES, asked.NUMBER]
    assert harm.harm_of(Command.STATUS, to="closed") is harm.Harm.GRAVE
    assert harm.harm_of(Command.STATUS, to="monitoring") is harm.Harm.SOME


@given(st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_only_what_gets_worse_wakes(before: int, after: int, snoozed: bool) -> None:
    state = incident(severity=before, snoozed=snoozed)
    if before == after:
        return
    decision = incident_moves.set_severity(state, ANA, NOW, severity=after)
    assert decision.wake is (snoozed and after < before)
