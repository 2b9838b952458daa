"""The rules of commands: what follows, who is refused and how, and invariants over any sequence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain.incident import (
    MOVES,
    RULES,
    Command,
    Decision,
    IncidentState,
    Party,
    Status,
    acknowledge,
    check_declaration,
    declare,
    is_open,
    may_move,
    resolve,
    why_not,
)
from warroom.domain.log_book import log_entry
from warroom.domain.principal import Principal, PrincipalKind
from warroom.domain.timeline import EntryKind
from warroom.domain.timer import TimerKind
from warroom.errors import InvalidInput, Refused

NOW = datetime(2026, 11, 21, 10, 41, tzinfo=UTC)
LATER = NOW + timedelta(minutes=9)
ANA = Principal(UUID(int=1), "ana", PrincipalKind.PERSON)
LUC = Principal(UUID(int=2), "luc", PrincipalKind.PERSON)
BOT = Principal(UUID(int=3), "bot", PrincipalKind.AUTOMATION)
PEOPLE = {principal.id: principal for principal in (ANA, LUC, BOT)}
FRESH = IncidentState(
    id=UUID(int=12),
    number=12,
    title="Checkout failing",
    severity=2,
    status=Status.TRIGGERED,
    version=1,
    opened_at=NOW - timedelta(minutes=5),
)


def party(value: object) -> Party:
    assert isinstance(value, UUID)
    return Party(value, PEOPLE[value].name)


def after(state: IncidentState, decision: Decision) -> IncidentState:
    """Carry a decision out, as the service does in the database."""
    result = replace(state, status=decision.status, version=state.version + 1)
    for column, value in decision.changes.items():
        if column == "status":
            assert value == decision.status
        elif column == "acknowledged_at":
            assert isinstance(value, datetime)
            result = replace(result, acknowledged_at=value)
        elif column == "resolved_at":
            assert isinstance(value, datetime)
            result = replace(result, resolved_at=value)
        elif column == "owner_id":
            result = replace(result, owner=party(value))
        elif column == "acknowledged_by":
            result = replace(result, acknowledged_by=party(value))
        elif column == "resolved_by":
            result = replace(result, resolved_by=party(value))
        else:
            pytest.fail(f"unknown column {column}")
    return result


def test_a_declaration_is_checked() -> None:
    new = check_declaration("  Checkout failing ", " why ", 2, drill=True)
    assert (new.title, new.summary) == ("Checkout failing", "why")
    decision = declare(new, ANA, NOW)
    assert decision.status is Status.TRIGGERED
    assert decision.changes == {
        "title": "Checkout failing",
        "summary": "why",
        "severity": 2,
        "status": "triggered",
        "opened_at": NOW,
    }
    assert [entry.text for entry in decision.entries] == ["declared as a drill by ana: SEV2"]
    assert decision.sentence == "Declared as a drill: SEV2, Checkout failing"


@pytest.mark.parametrize(
    ("title", "summary", "severity", "field"),
    [
        (" ", "", 1, "title"),
        ("x" * 201, "", 1, "title"),
        ("a\x00", "", 1, "title"),
        ("\udc00", "", 1, "title"),
        (7, "", 1, "title"),
        ("x", "y" * 10_001, 1, "summary"),
        ("x", None, 1, "summary"),
        ("x", "", 0, "severity"),
        ("x", "", 6, "severity"),
        ("x", "", True, "severity"),
        ("x", "", 2.0, "severity"),
    ],
)
def test_a_wrong_declaration_names_its_field(
    title: object, summary: object, severity: object, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_declaration(title, summary, severity)
    assert caught.value.field == field


def test_the_longest_title_is_two_hundred_characters_of_any_width() -> None:
    assert len(check_declaration("🚒" * 200, "", 5).title) == 200


def test_acknowledging_takes_what_nobody_owns() -> None:
    decision = acknowledge(FRESH, ANA, NOW)
    assert decision.changes == {
        "status": "acknowledged",
        "acknowledged_at": NOW,
        "acknowledged_by": ANA.id,
        "owner_id": ANA.id,
    }
    assert [entry.text for entry in decision.entries] == [
        "triggered → acknowledged by ana; ana owns it"
    ]
    assert decision.sentence == "INC-12 acknowledged; you own it."
    assert {cancel.kind for cancel in decision.cancel} == {
        TimerKind.ESCALATE,
        TimerKind.ACK_TIMEOUT,
    }
    assert decision.cancel[0].why == "INC-12 was acknowledged by ana"


@pytest.mark.parametrize(
    ("state", "actor"), [(replace(FRESH, owner=Party(LUC.id, "luc")), ANA), (FRESH, BOT)]
)
def test_acknowledging_leaves_the_owner_otherwise(state: IncidentState, actor: Principal) -> None:
    decision = acknowledge(state, actor, NOW)
    assert "owner_id" not in decision.changes
    assert decision.sentence == "INC-12 acknowledged."


def test_the_second_acknowledgement_is_refused_with_who_and_when() -> None:
    state = after(FRESH, acknowledge(FRESH, ANA, NOW))
    for actor, who in ((ANA, "you"), (LUC, "ana")):
        with pytest.raises(Refused) as caught:
            acknowledge(state, actor, LATER)
        assert caught.value.rule == "not-acknowledged"
        assert str(caught.value) == f"INC-12 was already acknowledged by {who} at 10:41 UTC."
    moved = replace(state, status=Status.INVESTIGATING, owner=Party(UUID(int=9), "mira"))
    with pytest.raises(Refused) as caught:
        acknowledge(moved, LUC, LATER + timedelta(days=1))
    assert str(caught.value) == (
        "INC-12 was already acknowledged by ana on 2026-11-21 at 10:41 UTC and is investigating; "
        "mira owns it."
    )
    unknown = replace(FRESH, status=Status.MITIGATING)
    with pytest.raises(Refused, match="already mitigating; there is nothing left to acknowledge"):
        acknowledge(unknown, ANA, NOW)


def test_what_has_ended_is_refused_with_who_and_when() -> None:
    state = after(FRESH, resolve(FRESH, ANA, NOW))
    expected = (
        "INC-12 is already resolved (by ana at 10:41 UTC); "
        "declare a new incident if it burns again."
    )
    for command in (acknowledge, resolve):
        with pytest.raises(Refused) as caught:
            command(state, LUC, LATER)
        assert caught.value.rule == "not-ended"
        assert str(caught.value) == expected
    nameless = replace(FRESH, status=Status.CLOSED)
    with pytest.raises(Refused, match="INC-12 is already closed; declare"):
        resolve(nameless, ANA, NOW)


def test_resolving_stops_the_clocks_but_not_the_law() -> None:
    decision = resolve(replace(FRESH, firing_count=2), ANA, NOW, note=" Restarted pg ")
    assert [(entry.kind, entry.text) for entry in decision.entries] == [
        (EntryKind.STATUS, "triggered → resolved by ana with 2 alerts still firing"),
        (EntryKind.FACT, "Restarted pg"),
    ]
    cancelled = {cancel.kind for cancel in decision.cancel}
    assert cancelled == set(TimerKind) - {TimerKind.REGULATORY}
    assert len(resolve(FRESH, ANA, NOW, note="  ").entries) == 1
    with pytest.raises(InvalidInput, match="note"):
        resolve(FRESH, ANA, NOW, note="x" * 10_001)


@pytest.mark.parametrize("status", Status)
def test_the_log_is_open_in_every_status(status: Status) -> None:
    state = replace(FRESH, status=status)
    decision = log_entry(state, ANA, NOW, kind="decision", text="No rollback")
    assert decision.status is status
    assert decision.changes == {}
    assert decision.sentence == "Logged decision on INC-12."


def test_the_machine_is_whole() -> None:
    assert set(MOVES) == set(Status)
    assert all(status not in targets for status, targets in MOVES.items())
    assert {status for status in Status if not is_open(status)} == {
        Status.RESOLVED,
        Status.CLOSED,
    }
    # Nothing returns to triggered: what is acknowledged stays known.
    assert all(Status.TRIGGERED not in targets for targets in MOVES.values())
    assert Command.DECLARE not in RULES


def run(command: Command, state: IncidentState, actor: Principal, now: datetime) -> Decision:
    if command is Command.LOG:
        return log_entry(state, actor, now, kind="fact", text="x")
    return (acknowledge if command is Command.ACKNOWLEDGE else resolve)(state, actor, now)


COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(["acknowledge", "resolve", "log"]),
        st.sampled_from([ANA, LUC, BOT]),
        st.integers(0, 100_000),
    ),
    max_size=12,
)


@given(COMMANDS, st.sampled_from(Status))
def test_invariants_hold_over_any_sequence(
    commands: list[tuple[str, Principal, int]], start: Status
) -> None:
    state, now = replace(FRESH, status=start), NOW
    for name, actor, seconds in commands:
        now += timedelta(seconds=seconds)
        before = state
        command = Command(f"incident.{name}")
        if refusal := why_not(command, state, actor, now):
            # What the console shows beforehand is what the command says.
            with pytest.raises(Refused) as caught:
                run(command, state, actor, now)
            assert refusal == (caught.value.rule, caught.value.message)
            assert state.ref in caught.value.message
            continue
        decision = run(command, state, actor, now)
        assert decision.entries
        assert all(entry.happened_at == now for entry in decision.entries)
        state = after(state, decision)
        assert state.status == before.status or may_move(before.status, state.status)
        assert before.owner is None or state.owner == before.owner
        assert state.owner is None or PEOPLE[state.owner.id].kind is PrincipalKind.PERSON
        if before.status in (Status.RESOLVED, Status.CLOSED):
            assert (state.status, decision.changes) == (before.status, {})
        if decision.changes.get("status"):
            assert TimerKind.ESCALATE in {cancel.kind for cancel in decision.cancel}
