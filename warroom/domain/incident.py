"""The incident: its states, the moves between them, and the named rules of each command.

A command is a function from the present state to a ``Decision``: what changes, what is written
into the timeline, which timers end and which begin.  It decides only; the service writes.  A rule
that does not hold refuses the command with one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from warroom.domain.ids import format_ref
from warroom.domain.principal import Principal, PrincipalKind
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.timer import TimerCancel, TimerDraft, TimerKind
from warroom.domain.validate import check_severity, check_text, say_time
from warroom.errors import Refused

TITLE_MAX = 200
SUMMARY_MAX = 10_000
NOTE_MAX = 10_000


class Status(StrEnum):
    """Where an incident stands, in the order of its life."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    INVESTIGATING = "investigating"
    MITIGATING = "mitigating"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    CLOSED = "closed"


OPEN_STATUSES: frozenset[Status] = frozenset(Status) - {Status.RESOLVED, Status.CLOSED}
"""Those in which somebody still has work to do."""

_WORKED_ON = frozenset({Status.INVESTIGATING, Status.MITIGATING, Status.MONITORING})

MOVES: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.TRIGGERED: _WORKED_ON | {Status.ACKNOWLEDGED, Status.RESOLVED},
        Status.ACKNOWLEDGED: _WORKED_ON | {Status.RESOLVED},
        Status.INVESTIGATING: _WORKED_ON - {Status.INVESTIGATING} | {Status.RESOLVED},
        Status.MITIGATING: _WORKED_ON - {Status.MITIGATING} | {Status.RESOLVED},
        Status.MONITORING: _WORKED_ON - {Status.MONITORING} | {Status.RESOLVED},
        Status.RESOLVED: frozenset({Status.INVESTIGATING, Status.CLOSED}),
        Status.CLOSED: frozenset({Status.INVESTIGATING}),
    }
)
"""The whole state machine: from each status, where it may go. Back from the end means reopened."""


class Command(StrEnum):
    """What can be asked of an incident; the name stands in the audit and in idempotency."""

    DECLARE = "incident.declare"
    ACKNOWLEDGE = "incident.acknowledge"
    RESOLVE = "incident.resolve"
    LOG = "incident.log"
    ASSIGN = "incident.assign"
    SEVERITY = "incident.severity"
    STATUS = "incident.status"
    DRILL = "incident.drill"
    FALSE_ALARM = "incident.false-alarm"
    RESTRICT = "incident.restrict"
    ROLE_TAKE = "incident.role.take"
    ROLE_RELEASE = "incident.role.release"
    ROLE_OFFER = "incident.role.offer"
    ROLE_ANSWER = "incident.role.answer"
    MERGE = "incident.merge"
    SPLIT = "incident.split"
    SERVICE = "incident.service"
    SERVICE_DETACH = "incident.service.detach"
    JUDGE = "incident.hypothesis.fate"
    PIN = "incident.pin"
    UNPIN = "incident.unpin"
    CORRECT = "incident.correct"
    UPDATE_DUE = "incident.update-due"
    SNOOZE = "incident.snooze"
    ESCALATION = "incident.escalation"
    LINK = "incident.link"
    UNLINK = "incident.unlink"
    FIELD = "incident.field"
    RESTART = "incident.restart"
    PAGE = "incident.page"
    UNDO = "incident.undo"
    CHANGE = "incident.change"
    MITIGATE = "incident.mitigate"
    MITIGATED = "incident.mitigate.done"


@dataclass(frozen=True, slots=True)
class Party:
    """A principal by id and name."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A role that its holder has offered to ``to``, who has not answered yet."""

    role: str
    to: Party
    brief: str


@dataclass(frozen=True, slots=True)
class IncidentState:
    """What the rules must know of an incident.

    The names of those who acknowledged and resolved it may be None where they are not known; the
    sentences then leave them out.  ``firing_count`` is the number of its alerts that still fire.
    ``roles`` and ``offers`` go by role, ``services`` maps a service's key to its state here.
    """

    id: UUID
    number: int
    title: str
    severity: int
    status: Status
    version: int
    opened_at: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    owner: Party | None = None
    acknowledged_by: Party | None = None
    resolved_by: Party | None = None
    firing_count: int = 0
    drill: bool = False
    visibility: str = "normal"
    roles: Mapping[str, Party] = field(default_factory=dict)
    offers: Mapping[str, Offer] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    snoozed: bool = False

    @property
    def ref(self) -> str:
        """What people call it, e.g. ``INC-12``."""
        return format_ref(self.number)


ChangeValue = str | int | bool | UUID | datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a command that is allowed.

    ``changes`` maps columns of the incident to their new values (``status`` included when it
    moves; empty when only an entry is written); ``sentence`` tells the caller what was done.
    ``wake`` lets escalation that was paused by a snooze go on.
    """

    command: Command
    status: Status
    changes: Mapping[str, ChangeValue]
    entries: tuple[EntryDraft, ...]
    sentence: str
    cancel: tuple[TimerCancel, ...] = ()
    arm: tuple[TimerDraft, ...] = ()
    wake: bool = False


@dataclass(frozen=True, slots=True)
class NewIncident:
    """A declaration whose inputs have been checked."""

    title: str
    summary: str
    severity: int
    drill: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A named condition of a command, and the sentence that refuses it."""

    name: str
    holds: Callable[[IncidentState], bool]
    refusal: Callable[[IncidentState, Principal, datetime], str]


def is_open(status: Status) -> bool:
    """Say whether somebody still has work to do."""
    return status in OPEN_STATUSES


def may_move(before: Status, after: Status) -> bool:
    """Say whether the state machine has this move."""
    return after in MOVES[before]


def _by_and_when(who: Party | None, when: datetime | None, actor: Principal, now: datetime) -> str:
    """Return `` by ana at 10:41 UTC`` as far as it is known; ``you`` for the one who asks."""
    name = "" if who is None else " by you" if who.id == actor.id else f" by {who.name}"
    return name + (f" {say_time(when, now)}" if when else "")


def _ended_sentence(state: IncidentState, actor: Principal, now: datetime) -> str:
    detail = _by_and_when(state.resolved_by, state.resolved_at, actor, now).strip()
    brackets = f" ({detail})" if detail else ""
    return (
        f"{state.ref} is already {state.status}{brackets}; "
        "declare a new incident if it burns again."
    )


def _acknowledged_sentence(state: IncidentState, actor: Principal, now: datetime) -> str:
    """Say who has it; three shapes: by you, by another, and moved on without being acknowledged."""
    if state.acknowledged_at is None:
        return f"{state.ref} is already {state.status}; there is nothing left to acknowledge."
    detail = _by_and_when(state.acknowledged_by, state.acknowledged_at, actor, now)
    moved = "" if state.status is Status.ACKNOWLEDGED else f" and is {state.status}"
    owner = state.owner
    known = {actor.id} | ({state.acknowledged_by.id} if state.acknowledged_by else set())
    owned = f"; {owner.name} owns it" if owner and owner.id not in known else ""
    return f"{state.ref} was already acknowledged{detail}{moved}{owned}."


NOT_ENDED = Rule("not-ended", lambda state: is_open(state.status), _ended_sentence)
NOT_ACKNOWLEDGED = Rule(
    "not-acknowledged",
    lambda state: state.status is Status.TRIGGERED,
    _acknowledged_sentence,
)

RULES: Mapping[Command, tuple[Rule, ...]] = MappingProxyType(
    {
        Command.ACKNOWLEDGE: (NOT_ENDED, NOT_ACKNOWLEDGED),
        Command.RESOLVE: (NOT_ENDED,),
        Command.FALSE_ALARM: (NOT_ENDED,),
        Command.ASSIGN: (NOT_ENDED,),
        Command.DRILL: (NOT_ENDED,),
        Command.MERGE: (NOT_ENDED,),
        Command.SPLIT: (NOT_ENDED,),
        Command.ROLE_TAKE: (NOT_ENDED,),
        Command.ROLE_OFFER: (NOT_ENDED,),
        Command.ROLE_ANSWER: (NOT_ENDED,),
        Command.UPDATE_DUE: (NOT_ENDED,),
        Command.SNOOZE: (NOT_ENDED,),
        Command.ESCALATION: (NOT_ENDED,),
        Command.PAGE: (NOT_ENDED,),
        Command.MITIGATE: (NOT_ENDED,),
    }
)
"""What must hold; a command that is not named here is allowed in every status: what is learned
after the end belongs to the record as well."""


def why_not(
    command: Command, state: IncidentState, actor: Principal, now: datetime
) -> tuple[str, str] | None:
    """Return (rule's name, sentence) of the first rule that refuses ``command``, or None."""
    for rule in RULES.get(command, ()):
        if not rule.holds(state):
            return rule.name, rule.refusal(state, actor, now)
    return None


def check(command: Command, state: IncidentState, actor: Principal, now: datetime) -> None:
    """Refuse a command whose rules do not all hold.

    Raises:
        Refused: the first rule that does not, with its sentence.
    """
    if refusal := why_not(command, state, actor, now):
        name, sentence = refusal
        raise Refused(sentence, rule=name)


def check_declaration(
    title: object, summary: object, severity: object, *, drill: bool = False
) -> NewIncident:
    """Check the inputs of a declaration.

    Raises:
        InvalidInput: ``title`` not 1 to 200 characters, ``summary`` over 10,000, ``severity`` not
            1 to 5; ``field`` names the first at fault.
    """
    return NewIncident(
        title=check_text(title, "title", longest=TITLE_MAX, shortest=1),
        summary=check_text(summary, "summary", longest=SUMMARY_MAX),
        severity=check_severity(severity),
        drill=drill,
    )


def declare(new: NewIncident, actor: Principal, now: datetime) -> Decision:
    """Decide what a new incident begins with.

    It begins triggered and without an owner, so that escalation looks for one; the caller arms
    the first timer of the policy (``escalation.arm_first``).
    """
    drill = " as a drill" if new.drill else ""
    return Decision(
        command=Command.DECLARE,
        status=Status.TRIGGERED,
        changes={
            "title": new.title,
            "summary": new.summary,
            "severity": new.severity,
            "status": Status.TRIGGERED.value,
            "opened_at": now,
        },
        entries=(
            EntryDraft(
                EntryKind.STATUS, f"declared{drill} by {actor.name}: SEV{new.severity}", now
            ),
        ),
        sentence=f"Declared{drill}: SEV{new.severity}, {new.title}",
    )


def acknowledge(state: IncidentState, actor: Principal, now: datetime) -> Decision:
    """Decide what follows when ``actor`` takes note: the escalation ends.

    A person who acknowledges what nobody owns becomes its owner; services and automations never
    own anything.

    Raises:
        Refused: the incident has ended or is acknowledged already; says by whom and when.
    """
    check(Command.ACKNOWLEDGE, state, actor, now)
    changes: dict[str, ChangeValue] = {
        "status": Status.ACKNOWLEDGED.value,
        "acknowledged_at": now,
        "acknowledged_by": actor.id,
    }
    text = f"{state.status} → acknowledged by {actor.name}"
    takes = state.owner is None and actor.kind is PrincipalKind.PERSON
    if takes:
        changes["owner_id"] = actor.id
        text += f"; {actor.name} owns it"
    why = f"{state.ref} was acknowledged by {actor.name}"
    return Decision(
        command=Command.ACKNOWLEDGE,
        status=Status.ACKNOWLEDGED,
        changes=changes,
        entries=(EntryDraft(EntryKind.STATUS, text, now),),
        sentence=f"{state.ref} acknowledged" + ("; you own it." if takes else "."),
        cancel=(
            TimerCancel(TimerKind.ESCALATE, why),
            TimerCancel(TimerKind.ACK_TIMEOUT, why),
        ),
    )


def resolve(
    state: IncidentState, actor: Principal, now: datetime, *, note: object = None
) -> Decision:
    """Decide what follows when ``actor`` says that the harm is over: every clock stops.

    Alerts that still fire do not forbid it (a person may know better), but the record says so.

    Args:
        state: the incident as it is.
        actor: who resolves it.
        now: the present.
        note: what was done, up to 10,000 characters; becomes an entry of its own.

    Raises:
        Refused: the incident has ended already; says by whom and when.
        InvalidInput: the note is no usable text.
    """
    check(Command.RESOLVE, state, actor, now)
    text = f"{state.status} → resolved by {actor.name}"
    if state.firing_count:
        still = "1 alert" if state.firing_count == 1 else f"{state.firing_count} alerts"
        text += f" with {still} still firing"
    entries = [EntryDraft(EntryKind.STATUS, text, now)]
    said = check_text(note, "note", longest=NOTE_MAX) if note is not None else ""
    if said:
        entries.append(EntryDraft(EntryKind.FACT, said, now, source="person"))
    why = f"{state.ref} was resolved by {actor.name}"
    return Decision(
        command=Command.RESOLVE,
        status=Status.RESOLVED,
        changes={
            "status": Status.RESOLVED.value,
            "resolved_at": now,
            "resolved_by": actor.id,
        },
        entries=tuple(entries),
        sentence=f"{state.ref} resolved.",
        cancel=tuple(TimerCancel(kind, why) for kind in TimerKind if kind.ends_with_incident),
    )
