"""Severity, status, owner, drill, false alarm, visibility: what moves an incident as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from warroom.domain.incident import (
    MOVES,
    NOTE_MAX,
    OPEN_STATUSES,
    ChangeValue,
    Command,
    Decision,
    IncidentState,
    Party,
    Status,
    acknowledge,
    check,
    may_move,
    resolve,
)
from warroom.domain.principal import Principal, PrincipalKind
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.timer import TimerCancel, TimerKind
from warroom.domain.validate import check_severity, check_text
from warroom.errors import InvalidInput, Refused

VISIBILITIES = ("normal", "restricted", "security")


def note_entry(note: object, now: datetime, kind: EntryKind = EntryKind.FACT) -> list[EntryDraft]:
    """Return the entry of a note, none for an empty one.

    Raises:
        InvalidInput: the note is no usable text of up to 10,000 characters.
    """
    said = check_text(note, "note", longest=NOTE_MAX) if note is not None else ""
    return [EntryDraft(kind, said, now, source="person")] if said else []


def set_severity(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    severity: object,
    reason: object = None,
) -> Decision:
    """Decide what follows when ``actor`` rates the harm anew; a worse one wakes a snooze.

    Raises:
        Refused: it has that severity already.
        InvalidInput: no severity 1 to 5, or no usable reason.
    """
    wanted = check_severity(severity)
    check(Command.SEVERITY, state, actor, now)
    if wanted == state.severity:
        raise Refused(f"{state.ref} is SEV{wanted} already.", rule="severity-differs")
    why = check_text(reason, "reason", longest=NOTE_MAX) if reason is not None else ""
    text = f"SEV{state.severity} → SEV{wanted} by {actor.name}" + (f": {why}" if why else "")
    wakes = wanted < state.severity and state.snoozed
    return Decision(
        command=Command.SEVERITY,
        status=state.status,
        changes={"severity": wanted},
        entries=(EntryDraft(EntryKind.STATUS, text[:NOTE_MAX], now),),
        sentence=f"{state.ref} is SEV{wanted} now (was SEV{state.severity}).",
        cancel=(TimerCancel(TimerKind.SNOOZE, "it got worse"),) if wakes else (),
        wake=wakes,
    )


def assign(
    state: IncidentState, actor: Principal, now: datetime, *, owner: Party | None
) -> Decision:
    """Decide what follows when the incident gets another owner, or none.

    Raises:
        Refused: it has ended, or is theirs already.
    """
    check(Command.ASSIGN, state, actor, now)
    if (state.owner.id if state.owner else None) == (owner.id if owner else None):
        who = f"{owner.name} owns {state.ref} already" if owner else f"Nobody owns {state.ref}"
        raise Refused(f"{who}.", rule="owner-differs")
    before = state.owner.name if state.owner else "nobody"
    after = owner.name if owner else "nobody"
    return Decision(
        command=Command.ASSIGN,
        status=state.status,
        changes={"owner_id": owner.id if owner else None},
        entries=(EntryDraft(EntryKind.STATUS, f"owner {before} → {after} by {actor.name}", now),),
        sentence=f"{after.capitalize() if not owner else after} owns {state.ref} now.",
    )


def set_status(
    state: IncidentState, actor: Principal, now: datetime, *, status: object, note: object = None
) -> Decision:
    """Decide a move through the state machine; back from the end means reopened.

    Raises:
        Refused: the state machine has no such move; names those that it has.
        InvalidInput: no such status, or no usable note.
    """
    try:
        wanted = Status(str(status))
    except ValueError:
        raise InvalidInput(
            "status is not known.", field="status", remedy=f"Choose one of {', '.join(Status)}."
        ) from None
    if wanted == state.status:
        raise Refused(f"{state.ref} is {wanted} already.", rule="status-differs")
    if not may_move(state.status, wanted):
        ways = ", ".join(s for s in Status if s in MOVES[state.status])
        raise Refused(
            f"{state.ref} is {state.status}; from there it can become {ways}, not {wanted}.",
            rule="move-exists",
        )
    if wanted is Status.RESOLVED:
        return resolve(state, actor, now, note=note)
    if wanted is Status.ACKNOWLEDGED:
        return acknowledge(state, actor, now)
    changes: dict[str, ChangeValue] = {"status": wanted.value}
    text = f"{state.status} → {wanted} by {actor.name}"
    reopened = state.status not in OPEN_STATUSES and wanted in OPEN_STATUSES
    if reopened:
        changes |= {"resolved_at": None, "resolved_by": None, "resolution": None}
        text = f"reopened by {actor.name}: {state.status} → {wanted}"
    if state.status is Status.TRIGGERED and state.acknowledged_at is None:
        changes |= {"acknowledged_at": now, "acknowledged_by": actor.id}
    takes = wanted in OPEN_STATUSES and state.owner is None and actor.kind is PrincipalKind.PERSON
    if takes:
        changes["owner_id"] = actor.id
        text += f"; {actor.name} owns it"
    why = f"{state.ref} is {wanted}"
    return Decision(
        command=Command.STATUS,
        status=wanted,
        changes=changes,
        entries=(EntryDraft(EntryKind.STATUS, text, now), *note_entry(note, now)),
        sentence=f"{state.ref} is {wanted} now" + (", reopened." if reopened else "."),
        cancel=(
            TimerCancel(TimerKind.ESCALATE, why),
            TimerCancel(TimerKind.ACK_TIMEOUT, why),
        ),
    )


def set_drill(state: IncidentState, actor: Principal, now: datetime, *, drill: bool) -> Decision:
    """Decide what follows when somebody says that it is an exercise, or that it is none.

    Raises:
        Refused: it has ended, or is marked so already.
    """
    check(Command.DRILL, state, actor, now)
    if drill == state.drill:
        what = "a drill" if drill else "no drill"
        raise Refused(f"{state.ref} is {what} already.", rule="drill-differs")
    text = "marked as a drill" if drill else "this is no drill: marked as real"
    return Decision(
        command=Command.DRILL,
        status=state.status,
        changes={"drill": drill},
        entries=(EntryDraft(EntryKind.STATUS, f"{text} by {actor.name}", now),),
        sentence=f"{state.ref} is {'a drill' if drill else 'real'} now.",
    )


def false_alarm(
    state: IncidentState, actor: Principal, now: datetime, *, note: object = None
) -> Decision:
    """Decide what follows when nothing was ever wrong: resolved, and said so.

    Raises:
        Refused: it has ended already.
    """
    check(Command.FALSE_ALARM, state, actor, now)
    text = f"{state.status} → resolved as a false alarm by {actor.name}"
    why = f"{state.ref} was a false alarm"
    return Decision(
        command=Command.FALSE_ALARM,
        status=Status.RESOLVED,
        changes={
            "status": Status.RESOLVED.value,
            "resolved_at": now,
            "resolved_by": actor.id,
            "resolution": "false-alarm",
        },
        entries=(EntryDraft(EntryKind.STATUS, text, now), *note_entry(note, now)),
        sentence=f"{state.ref} resolved as a false alarm.",
        cancel=tuple(TimerCancel(kind, why) for kind in TimerKind if kind.ends_with_incident),
    )


def restrict(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    visibility: object,
    people: Sequence[Party] = (),
) -> Decision:
    """Decide who may see the incident from now on; whoever restricts it stays among them.

    Raises:
        InvalidInput: no such visibility.
        Refused: it is normal already.
    """
    if visibility not in VISIBILITIES:
        raise InvalidInput(
            "visibility is not known.",
            field="visibility",
            remedy=f"Choose one of {', '.join(VISIBILITIES)}.",
        )
    check(Command.RESTRICT, state, actor, now)
    wanted = str(visibility)
    if wanted == "normal" == state.visibility:
        raise Refused(f"{state.ref} is open to its whole unit already.", rule="visibility-differs")
    names = ", ".join(sorted({actor.name, *(p.name for p in people)}))
    said = {
        "normal": "opened to the whole unit",
        "restricted": f"restricted to {names}",
        "security": f"restricted to security and {names}",
    }[wanted]
    return Decision(
        command=Command.RESTRICT,
        status=state.status,
        changes={"visibility": wanted},
        entries=(EntryDraft(EntryKind.STATUS, f"{said} by {actor.name}", now),),
        sentence=f"{state.ref} is {said}.",
    )
