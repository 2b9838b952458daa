"""Any sequence of commands and undos by several people keeps to the state machine.

The machine carries decisions out as the services do in the database, and keeps of each command
what the audit keeps: the columns before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.rooms import ANA, ANA_, BOT, FRESH, LUC, LUC_, NOW
from warroom.domain import clocks, incident_moves, incident_roles, log_book
from warroom.domain.incident import (
    Command,
    Decision,
    IncidentState,
    Party,
    Status,
    acknowledge,
    is_open,
    may_move,
    resolve,
    why_not,
)
from warroom.domain.principal import Principal, PrincipalKind
from warroom.domain.undo import PUT_BACK, UNDOABLE, LastCommand, Touched, check_undo
from warroom.errors import Refused

PEOPLE = {p.id: p for p in (ANA, LUC, BOT)}
ACTORS = st.sampled_from([ANA, LUC, BOT])
Row = dict[str, Any]


class Room(RuleBasedStateMachine):
    """One incident as a row of columns, its last command, and whether the row was touched since."""

    def __init__(self) -> None:
        super().__init__()
        self.row: Row = dict.fromkeys(PUT_BACK)
        self.version = 1
        self.snoozed = self.slept = False  # and whether it slept before the last command
        self.now: datetime = NOW
        self.last: LastCommand | None = None
        self.commands = 0

    @initialize(severity=st.integers(1, 5), drill=st.booleans())
    def declared(self, severity: int, drill: bool) -> None:
        self.row |= {"status": "triggered", "severity": severity, "drill": drill}

    def state(self) -> IncidentState:
        def party(column: str) -> Party | None:
            found: UUID | None = self.row[column]
            return Party(found, PEOPLE[found].name) if found else None

        return replace(
            FRESH, status=Status(self.row["status"]), severity=self.row["severity"],
            version=self.version, acknowledged_at=self.row["acknowledged_at"],
            resolved_at=self.row["resolved_at"], owner=party("owner_id"),
            acknowledged_by=party("acknowledged_by"), resolved_by=party("resolved_by"),
            drill=self.row["drill"], snoozed=self.snoozed,
        )  # fmt: skip

    def do(self, actor: Principal, command: Command, decide: Callable[[], Decision]) -> None:
        """Carry out what is allowed; what is refused changes nothing and says why."""
        self.now += timedelta(seconds=7)
        before, state = dict(self.row), self.state()
        refused = why_not(command, state, actor, self.now)
        try:
            decision = decide()
        except Refused as refusal:
            self.said(refusal, refused)
            return
        assert refused is None, "what the console shows beforehand is what the command says"
        assert decision.entries
        changes = {k: v for k, v in decision.changes.items() if k in PUT_BACK}
        assert len(changes) == len(decision.changes)
        self.row |= changes
        self.version += 1
        self.commands += 1
        after = Status(self.row["status"])
        assert after is decision.status
        assert after is state.status or may_move(state.status, after)
        self.slept = self.snoozed
        if any(t.kind == "snooze" for t in decision.arm):
            self.snoozed = True
        if any(c.kind == "snooze" for c in decision.cancel):
            self.snoozed = False
        touched = Touched("incident", "UPDATE", FRESH.id, before, dict(self.row), True)
        self.last = LastCommand(decision.command.value, actor.id, self.now, [touched])

    def said(self, refusal: Refused, beforehand: tuple[str, str] | None) -> None:
        assert refusal.rule
        assert refusal.message.endswith(".")
        assert beforehand is None or beforehand == (refusal.rule, refusal.message)

    @rule(actor=ACTORS)
    def acknowledges(self, actor: Principal) -> None:
        self.do(actor, Command.ACKNOWLEDGE, lambda: acknowledge(self.state(), actor, self.now))

    @rule(actor=ACTORS)
    def resolves(self, actor: Principal) -> None:
        self.do(actor, Command.RESOLVE, lambda: resolve(self.state(), actor, self.now))

    @rule(actor=ACTORS)
    def says_it_was_nothing(self, actor: Principal) -> None:
        self.do(actor, Command.FALSE_ALARM,
                lambda: incident_moves.false_alarm(self.state(), actor, self.now))  # fmt: skip

    @rule(actor=ACTORS, status=st.sampled_from(Status))
    def moves(self, actor: Principal, status: Status) -> None:
        self.do(actor, Command.STATUS,
                lambda: incident_moves.set_status(
                    self.state(), actor, self.now, status=status.value))  # fmt: skip

    @rule(actor=ACTORS, severity=st.integers(1, 5))
    def rates(self, actor: Principal, severity: int) -> None:
        self.do(actor, Command.SEVERITY,
                lambda: incident_moves.set_severity(
                    self.state(), actor, self.now, severity=severity))  # fmt: skip

    @rule(actor=ACTORS, owner=st.sampled_from([None, ANA_, LUC_]))
    def assigns(self, actor: Principal, owner: Party | None) -> None:
        self.do(actor, Command.ASSIGN,
                lambda: incident_moves.assign(
                    self.state(), actor, self.now, owner=owner))  # fmt: skip

    @rule(actor=ACTORS, drill=st.booleans())
    def drills(self, actor: Principal, drill: bool) -> None:
        self.do(actor, Command.DRILL,
                lambda: incident_moves.set_drill(
                    self.state(), actor, self.now, drill=drill))  # fmt: skip

    @rule(actor=ACTORS, for_s=st.sampled_from([0, 60, 600]))
    def snoozes(self, actor: Principal, for_s: int) -> None:
        self.do(actor, Command.SNOOZE,
                lambda: clocks.snooze(
                    self.state(), actor, self.now, for_s=for_s, reason="x"))  # fmt: skip

    @rule(actor=ACTORS)
    def logs(self, actor: Principal) -> None:
        before = self.version
        self.do(actor, Command.LOG,
                lambda: log_book.log_entry(
                    self.state(), actor, self.now, kind="fact", text="x"))  # fmt: skip
        self.version = before  # entries never conflict: they leave the version alone
        self.commands -= 1

    @rule(actor=ACTORS)
    def takes_a_role(self, actor: Principal) -> None:
        self.do(actor, Command.ROLE_TAKE,
                lambda: incident_roles.take(
                    self.state(), actor, self.now, role="scribe"))  # fmt: skip

    @rule()
    def an_alert_raises_it(self) -> None:
        """Something that is no command of a person touches the row."""
        if self.last is not None:
            rows = [replace(t, intact=False) for t in self.last.rows]
            self.last = replace(self.last, rows=rows)

    @rule(actor=ACTORS)
    def undoes(self, actor: Principal) -> None:
        state = self.state()
        may = (
            self.last is not None
            and self.last.command in UNDOABLE
            and self.last.actor_id == actor.id
            and all(t.intact for t in self.last.rows)
        )
        if not may:
            with pytest.raises(Refused, match=state.ref) as caught:
                check_undo(state, actor, self.last)
            assert caught.value.rule.startswith("undo-")
            return
        command = check_undo(state, actor, self.last)
        assert self.last is not None
        assert command == self.last.command
        (touched,) = self.last.rows
        for column in PUT_BACK:
            self.row[column] = touched.before[column]
        assert self.row == touched.before, "it is as it was before that command"
        self.version += 1
        self.commands += 1
        self.snoozed = self.slept
        undone = replace(touched, before=touched.after, after=dict(self.row))
        self.last = LastCommand(Command.UNDO.value, actor.id, self.now, [undone])

    @invariant()
    def it_holds_together(self) -> None:
        status = Status(self.row["status"])
        assert self.version == self.commands + 1
        assert is_open(status) == (self.row["resolved_at"] is None)
        assert (self.row["resolved_at"] is None) == (self.row["resolved_by"] is None)
        assert (self.row["acknowledged_at"] is None) == (self.row["acknowledged_by"] is None)
        assert self.row["resolution"] is None or not is_open(status)
        owner = self.row["owner_id"]
        assert owner is None or PEOPLE[owner].kind is PrincipalKind.PERSON
        assert status is not Status.ACKNOWLEDGED or self.row["acknowledged_at"]


TestRoom = Room.TestCase
TestRoom.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
