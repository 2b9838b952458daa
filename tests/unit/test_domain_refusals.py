"""Every named rule of the commands: what it refuses, under which name, with which sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from tests.unit.rooms import ANA, ANA_, BOT, FRESH, LUC, LUC_, MIRA, NOW, POLICY, entry, incident
from tests.unit.rules_written import rules_in_the_source
from tests.unit.silence_refusals import SILENCES
from warroom.domain import (
    clocks,
    incident_changes,
    incident_merge,
    incident_moves,
    incident_recovery,
    incident_roles,
    incident_services,
    log_book,
    mitigation,
    undo,
)
from warroom.domain.escalation import Policy
from warroom.domain.incident import Command, IncidentState, Offer, Status, acknowledge
from warroom.domain.timeline import EntryKind
from warroom.domain.undo import LastCommand, Touched
from warroom.errors import Refused

HOUR = timedelta(hours=1)
ENDED = incident(Status.RESOLVED)
GONE = "INC-12 is already resolved (by ana at 10:41 UTC); declare a new incident if it burns again."
LED = incident(roles={"commander": LUC_})
ASKED = incident(roles={"commander": LUC_}, offers={"commander": Offer("commander", MIRA, "x")})
OTHER = incident(id=UUID(int=13), number=13)
GUESS = entry(EntryKind.HYPOTHESIS, fate="open")
SETTLED = entry(EntryKind.HYPOTHESIS, fate="refuted")


def escalate(
    state: IncidentState, do: str, running: str = "armed", policy: Policy = POLICY
) -> None:
    clocks.escalation(state, ANA, NOW, do=do, policy=policy, running=running)


def evidence(about: log_book.Entry) -> None:
    log_book.log_entry(FRESH, ANA, NOW, kind="evidence", text="x", about=about, stance="for")


def last(command: str = "incident.severity", by: UUID = ANA.id, intact: bool = True) -> LastCommand:
    rows = [Touched("incident", "UPDATE", FRESH.id, {}, {}, intact)]
    return LastCommand(command, by, NOW, rows)


def mitigate(*at_it: mitigation.Holder) -> None:
    mitigation.begin(
        FRESH, ANA, NOW, service="pg", what="restart", ends=NOW, at_it=at_it, join=False
    )


def undo_after(command: LastCommand | None) -> None:
    undo.check_undo(FRESH, ANA, command)


def tick(service: str, done: bool, ticked: dict[str, str] | None = None) -> None:
    incident_recovery.tick(
        FRESH, ANA, NOW, service=service, done=done, waves=[["pg"], ["orders"]],
        ticked=ticked or {},
    )  # fmt: skip


def page(state: IncidentState, team: str) -> None:
    incident_recovery.page(
        state, ANA, NOW, service="pg", team=team, team_name="T", target=f"team {team}", note=None
    )


Refusal = tuple[str, str, Callable[[], object]]
REFUSALS: list[Refusal] = [
    (
        "not-acknowledged",
        "INC-12 is already mitigating; there is nothing left to acknowledge.",
        lambda: acknowledge(incident(Status.MITIGATING), ANA, NOW),
    ),
    # Moves
    (
        "severity-differs",
        "INC-12 is SEV2 already.",
        lambda: incident_moves.set_severity(FRESH, ANA, NOW, severity=2),
    ),
    (
        "owner-differs",
        "Nobody owns INC-12.",
        lambda: incident_moves.assign(FRESH, ANA, NOW, owner=None),
    ),
    (
        "owner-differs",
        "luc owns INC-12 already.",
        lambda: incident_moves.assign(incident(owner=LUC_), ANA, NOW, owner=LUC_),
    ),
    (
        "status-differs",
        "INC-12 is triggered already.",
        lambda: incident_moves.set_status(FRESH, ANA, NOW, status="triggered"),
    ),
    (
        "move-exists",
        ("INC-12 is resolved; from there it can become investigating, closed, not monitoring."),
        lambda: incident_moves.set_status(ENDED, ANA, NOW, status="monitoring"),
    ),
    (
        "move-exists",
        (
            "INC-12 is triggered; from there it can become acknowledged, investigating, "
            "mitigating, monitoring, resolved, not closed."
        ),
        lambda: incident_moves.set_status(FRESH, ANA, NOW, status="closed"),
    ),
    (
        "drill-differs",
        "INC-12 is no drill already.",
        lambda: incident_moves.set_drill(FRESH, ANA, NOW, drill=False),
    ),
    (
        "drill-differs",
        "INC-12 is a drill already.",
        lambda: incident_moves.set_drill(incident(drill=True), ANA, NOW, drill=True),
    ),
    (
        "visibility-differs",
        "INC-12 is open to its whole unit already.",
        lambda: incident_moves.restrict(FRESH, ANA, NOW, visibility="normal"),
    ),
    # Bringing services back
    (
        "restart-step",
        "cart is in no wave of the restart of INC-12.",
        lambda: tick("cart", done=True),
    ),
    (
        "restart-differs",
        "pg was ticked already, by luc.",
        lambda: tick("pg", done=True, ticked={"pg": "luc"}),
    ),
    ("restart-differs", "pg is not ticked.", lambda: tick("pg", done=False)),
    (
        "page-owner",
        (
            "pg has no owner: its team is unassigned."
            " Give it one with `warroom service`, or escalate the incident."
        ),
        lambda: page(FRESH, "unassigned"),
    ),
    # Changes and mitigation
    (
        "verdict-differs",
        "The deploy of web “4.12” is the cause on INC-12 already.",
        lambda: incident_changes.link(
            FRESH,
            ANA,
            NOW,
            kind="deploy",
            title="4.12",
            services=("web",),
            verdict="cause",
            before="cause",
        ),
    ),
    (
        "mitigation-own",
        "You are at pg already (failover, since 10:41 UTC).",
        lambda: mitigate(mitigation.Holder(ANA_, "failover", NOW, "INC-12")),
    ),
    (
        "mitigation-free",
        (
            "luc is at pg on INC-7 (failover, since 10:41 UTC); join in (`--join`) to work on it "
            "beside them."
        ),
        lambda: mitigate(mitigation.Holder(LUC_, "failover", NOW, "INC-7")),
    ),
    (
        "mitigation-held",
        "You are not at pg on INC-12.",
        lambda: mitigation.end(FRESH, ANA, NOW, service="pg", held=None),
    ),
    # Roles
    (
        "person",
        "Only a person can hold a role; bot is none.",
        lambda: incident_roles.take(FRESH, BOT, NOW, role="scribe"),
    ),
    (
        "role-free",
        "You are commander of INC-12 already.",
        lambda: incident_roles.take(LED, LUC, NOW, role="commander"),
    ),
    (
        "role-free",
        ("luc is commander of INC-12; let luc hand it over to you, or release it for them first."),
        lambda: incident_roles.take(LED, ANA, NOW, role="commander"),
    ),
    (
        "role-held",
        "Nobody is scribe of INC-12.",
        lambda: incident_roles.release(LED, ANA, NOW, role="scribe"),
    ),
    (
        "role-own",
        "You can hand over only what you hold: luc is commander of INC-12.",
        lambda: incident_roles.offer(LED, ANA, NOW, role="commander", to=MIRA, brief="x"),
    ),
    (
        "role-own",
        "You can hand over only what you hold: nobody is scribe of INC-12.",
        lambda: incident_roles.offer(LED, ANA, NOW, role="scribe", to=MIRA, brief="x"),
    ),
    (
        "role-other",
        "A role cannot be handed over to oneself.",
        lambda: incident_roles.offer(LED, LUC, NOW, role="commander", to=LUC_, brief="x"),
    ),
    (
        "role-asked",
        "You were not asked to become commander of INC-12: mira was.",
        lambda: incident_roles.answer(ASKED, ANA, NOW, role="commander", accept=True),
    ),
    (
        "role-asked",
        "You were not asked to become scribe of INC-12: nobody was.",
        lambda: incident_roles.answer(ASKED, ANA, NOW, role="scribe", accept=False),
    ),
    # Services
    (
        "service-differs",
        "pg is down on INC-12 already.",
        lambda: incident_services.set_service(FRESH, ANA, NOW, service="pg", to="down"),
    ),
    (
        "service-attached",
        "cdn is not attached to INC-12.",
        lambda: incident_services.detach_service(FRESH, ANA, NOW, service="cdn"),
    ),
    # The log
    ("hypothesis", "That entry of INC-12 is no hypothesis but fact.", lambda: evidence(entry())),
    (
        "hypothesis",
        "That entry of INC-12 is no hypothesis but decision.",
        lambda: log_book.judge(
            FRESH, ANA, NOW, hypothesis=entry(EntryKind.DECISION), fate="confirmed"
        ),
    ),
    (
        "hypothesis-open",
        "The hypothesis was refuted; open it again before adding evidence.",
        lambda: evidence(SETTLED),
    ),
    (
        "fate-differs",
        "The hypothesis is open already.",
        lambda: log_book.judge(FRESH, ANA, NOW, hypothesis=GUESS, fate="open"),
    ),
    (
        "fate-differs",
        "The hypothesis is refuted already.",
        lambda: log_book.judge(FRESH, ANA, NOW, hypothesis=SETTLED, fate="refuted"),
    ),
    (
        "pin-differs",
        "That entry of INC-12 is pinned already.",
        lambda: log_book.pin(FRESH, ANA, NOW, entry=entry(pinned=True), pinned=True),
    ),
    (
        "pin-differs",
        "That entry of INC-12 is not pinned.",
        lambda: log_book.pin(FRESH, ANA, NOW, entry=entry(), pinned=False),
    ),
    (
        "entry-of-a-person",
        ("Status entries are war room's own record and stay as they are; log a fact beside it."),
        lambda: log_book.correct(FRESH, ANA, NOW, entry=entry(EntryKind.STATUS), text="x"),
    ),
    (
        "entry-newest",
        "That entry was corrected already; correct the newer one.",
        lambda: log_book.correct(FRESH, ANA, NOW, entry=entry(corrected=True), text="x"),
    ),
    # Clocks
    (
        "snoozed",
        "INC-12 does not sleep.",
        lambda: clocks.snooze(FRESH, ANA, NOW, for_s=0, reason=""),
    ),
    (
        "escalates",
        "INC-12 is monitoring, so nothing escalates; `now` still tells somebody.",
        lambda: escalate(incident(Status.MONITORING), "pause"),
    ),
    (
        "awake",
        "INC-12 sleeps, and its escalation with it; wake it first.",
        lambda: escalate(incident(snoozed=True), "resume", "paused"),
    ),
    (
        "clock-fits",
        "The escalation of INC-12 is not armed.",
        lambda: escalate(FRESH, "pause", "paused"),
    ),
    ("clock-fits", "The escalation of INC-12 is not paused.", lambda: escalate(FRESH, "resume")),
    (
        "policy-steps",
        "Policy none has no steps.",
        lambda: escalate(FRESH, "now", policy=Policy("none", "None", ())),
    ),
    # Merge and split
    (
        "merge-other",
        "INC-12 cannot be merged into itself.",
        lambda: incident_merge.merge(FRESH, FRESH, ANA, NOW),
    ),
    (
        "merge-open",
        "INC-12 is resolved; merge into an open incident.",
        lambda: incident_merge.merge(OTHER, ENDED, ANA, NOW),
    ),
    (
        "merge-drill",
        (
            "INC-13 is real and the other a drill; a real incident never disappears into an "
            "exercise, nor the other way round."
        ),
        lambda: incident_merge.merge(OTHER, incident(drill=True), ANA, NOW),
    ),
    (
        "merge-visibility",
        (
            "INC-13 is normal and INC-12 restricted; give both the same visibility "
            "first, so that nobody sees what is not for them."
        ),
        lambda: incident_merge.merge(OTHER, incident(visibility="restricted"), ANA, NOW),
    ),
    (
        "split-attached",
        "cdn is not attached to INC-12; nothing was split off.",
        lambda: incident_merge.split(
            FRESH, ANA, NOW, new_ref="INC-13", services=["pg", "cdn"], alerts=0
        ),
    ),
    # Undo
    ("undo-last", "Nothing was done on INC-12 that could be undone.", lambda: undo_after(None)),
    (
        "undo-kind",
        "The last command on INC-12 was merge: split the services off again instead.",
        lambda: undo_after(last("incident.merge")),
    ),
    (
        "undo-kind",
        ("The last command on INC-12 was undo: it was an undo itself; repeat the command instead."),
        lambda: undo_after(last("incident.undo")),
    ),
    (
        "undo-own",
        "The last command on INC-12 (severity) was somebody else's; only they can undo it.",
        lambda: undo_after(last(by=LUC.id)),
    ),
    (
        "undo-untouched",
        (
            "Something has happened on INC-12 since your severity, so it stays; change "
            "it by a new command."
        ),
        lambda: undo_after(last(intact=False)),
    ),
    *SILENCES,
]


@pytest.mark.parametrize(("rule", "sentence", "call"), REFUSALS)
def test_a_rule_refuses_with_its_sentence(
    rule: str, sentence: str, call: Callable[[], object]
) -> None:
    with pytest.raises(Refused) as caught:
        call()
    assert (caught.value.rule, caught.value.message) == (rule, sentence)


def test_every_rule_stands_in_this_file() -> None:
    assert rules_in_the_source() == {rule for rule, _, _ in REFUSALS} | {"not-ended"}


@pytest.mark.parametrize("command", [c.value for c in Command] + ["something.else"])
def test_undo_takes_back_only_its_own_kinds(command: str) -> None:
    if command in undo.UNDOABLE:
        assert undo.check_undo(FRESH, ANA, last(command)) == command
    else:
        with pytest.raises(Refused) as caught:
            undo_after(last(command))
        assert caught.value.rule == "undo-kind"
