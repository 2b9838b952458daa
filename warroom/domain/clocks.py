"""The clocks that people set: the next update, a snooze, and what they do to an escalation.

Each fires once.  An update that was due is said and the clock stops: only a person knows when the
next one can be given.  The end of a snooze wakes what slept, and nothing else: an escalation that
a person paused stays paused until a person resumes it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from warroom.domain.escalation import (
    OWNER,
    Firing,
    Page,
    Policy,
    Target,
    TargetKind,
    say_late,
)
from warroom.domain.incident import (
    NOTE_MAX,
    Command,
    Decision,
    IncidentState,
    Party,
    Status,
    check,
    is_open,
)
from warroom.domain.principal import Principal
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.timer import TimerCancel, TimerDraft, TimerKind
from warroom.domain.validate import check_text, say_duration, say_time, shorten
from warroom.errors import InvalidInput, Refused

UPDATE_LONGEST_S = 7 * 24 * 3600
SNOOZE_SHORTEST_S = 60
SNOOZE_LONGEST_S = 24 * 3600
DOINGS = ("now", "pause", "resume", "skip")
ASLEEP = "asleep"
"""The reason of a timer that sleeps with its incident: waking arms those and no others."""


def _seconds(value: object, field: str, shortest: float, longest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"{field} must be a number of seconds.", field=field)
    if not shortest <= value <= longest:
        raise InvalidInput(f"{field} must be {shortest:g} to {longest:g} seconds.", field=field)
    return float(value)


def _speaker(state: IncidentState) -> Party | None:
    """Return who owes the next update: communications, else the commander, else the owner."""
    return state.roles.get("communications") or state.roles.get("commander") or state.owner


def set_update_due(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    in_s: object,
    team: str | None = None,
) -> Decision:
    """Decide when the next update is due; None stops the clock.

    ``team`` is the key of the team that owns the worst-hit service, which owes it when no person
    does.

    Raises:
        Refused: the incident has ended.
        InvalidInput: not 1 s to 7 days.
    """
    check(Command.UPDATE_DUE, state, actor, now)
    if in_s is None:
        return Decision(
            command=Command.UPDATE_DUE,
            status=state.status,
            changes={},
            entries=(EntryDraft(EntryKind.STATUS, f"no next update is due ({actor.name})", now),),
            sentence=f"{state.ref}: no next update is due.",
            cancel=(TimerCancel(TimerKind.UPDATE_DUE, f"stopped by {actor.name}"),),
        )
    seconds = _seconds(in_s, "in_s", 1, UPDATE_LONGEST_S)
    due = now + timedelta(seconds=seconds)
    speaker = _speaker(state)
    who = speaker.name if speaker else f"team {team}" if team else "nobody"
    text = f"next update due {say_time(due, now)}, from {who} (set by {actor.name})"
    return Decision(
        command=Command.UPDATE_DUE,
        status=state.status,
        changes={},
        entries=(EntryDraft(EntryKind.STATUS, text, now),),
        sentence=f"{state.ref}: next update due in {say_duration(timedelta(seconds=seconds))}.",
        arm=(TimerDraft(TimerKind.UPDATE_DUE, 0, 0, due, who),),
    )


def snooze(
    state: IncidentState, actor: Principal, now: datetime, *, for_s: object, reason: object
) -> Decision:
    """Decide what follows when an incident is put to sleep (0 s wakes it): escalation waits.

    Raises:
        Refused: it has ended, or is to be woken and does not sleep.
        InvalidInput: not 1 minute to 24 hours, or no reason given.
    """
    check(Command.SNOOZE, state, actor, now)
    if for_s == 0 and not isinstance(for_s, bool):
        if not state.snoozed:
            raise Refused(f"{state.ref} does not sleep.", rule="snoozed")
        return Decision(
            command=Command.SNOOZE,
            status=state.status,
            changes={},
            entries=(EntryDraft(EntryKind.STATUS, f"woken by {actor.name}", now),),
            sentence=f"{state.ref} is awake again.",
            cancel=(TimerCancel(TimerKind.SNOOZE, f"woken by {actor.name}"),),
            wake=True,
        )
    seconds = _seconds(for_s, "for_s", SNOOZE_SHORTEST_S, SNOOZE_LONGEST_S)
    why = check_text(reason, "reason", longest=NOTE_MAX, shortest=1)
    until = now + timedelta(seconds=seconds)
    speaker = _speaker(state)
    told = speaker.name if speaker else ""
    when = say_time(until, now).removeprefix("at ").removeprefix("on ")
    text = f"snoozed until {when} by {actor.name}: {why}"
    return Decision(
        command=Command.SNOOZE,
        status=state.status,
        changes={},
        entries=(EntryDraft(EntryKind.STATUS, text[:NOTE_MAX], now),),
        sentence=f"{state.ref} sleeps for {say_duration(timedelta(seconds=seconds))}.",
        arm=(TimerDraft(TimerKind.SNOOZE, 0, 0, until, told, f"by {actor.name}: {why}"),),
    )


def escalation(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    do: object,
    policy: Policy,
    running: str,
    step: object = None,
) -> Decision:
    """Decide what a person does to the escalation: now, pause, resume, or skip to a step.

    Args:
        state: the incident as it is.
        actor: who asks.
        now: the present.
        do: one of ``DOINGS``.
        policy: what the incident escalates by.
        running: state of its escalation clock: armed, paused or none.
        step: for skip, the step's number from 1.

    Raises:
        Refused: it has ended or sleeps, or there is no clock that could do so.
        InvalidInput: no such doing or step.
    """
    if do not in DOINGS:
        raise InvalidInput(
            "do is not known.", field="do", remedy=f"Choose one of {', '.join(DOINGS)}."
        )
    check(Command.ESCALATION, state, actor, now)
    if state.status is not Status.TRIGGERED and do != "now":
        raise Refused(
            f"{state.ref} is {state.status}, so nothing escalates; `now` still tells somebody.",
            rule="escalates",
        )
    if state.status is Status.TRIGGERED and state.snoozed:
        raise Refused(f"{state.ref} sleeps, and its escalation with it; wake it first.",
                      rule="awake")  # fmt: skip
    wanted = {"pause": "armed", "resume": "paused"}.get(str(do))
    if wanted is not None and running != wanted:
        raise Refused(f"The escalation of {state.ref} is not {wanted}.", rule="clock-fits")
    if not policy.steps:
        raise Refused(f"Policy {policy.key} has no steps.", rule="policy-steps")
    if do == "skip" and step not in [s.number for s in policy.steps]:
        raise InvalidInput(
            f"Policy {policy.key} has no such step.",
            field="step",
            remedy=f"Choose 1 to {policy.steps[-1].number}.",
        )
    said = {
        "now": "escalated at once",
        "pause": "escalation paused",
        "resume": "escalation resumed",
        "skip": f"escalation skipped to step {step}",
    }[str(do)]
    return Decision(
        command=Command.ESCALATION,
        status=state.status,
        changes={},
        entries=(EntryDraft(EntryKind.STATUS, f"{said} by {actor.name}", now),),
        sentence=f"{state.ref}: {said}.",
    )


def _owing(state: IncidentState, team: str | None) -> Target:
    speaker = _speaker(state)
    if speaker is not None:
        return Target(TargetKind.PERSON, speaker.name)
    return Target(TargetKind.TEAM, team or OWNER)


def fire_update_due(
    state: IncidentState, team: str | None, now: datetime, due_at: datetime
) -> Firing:
    """Decide what an update that was due does: it is said once, and the clock stops.

    Args:
        state: the incident as it is now, roles and owner included.
        team: key of the team that owns the worst-hit service, told when no person is to.
        now: the database's clock.
        due_at: when the update was due; lateness over 5 s is said.
    """
    if not is_open(state.status):
        return Firing(False, f"{state.ref}: no update is due any more, it is {state.status}")
    target = _owing(state, team)
    late = say_late(due_at, now)
    said = f"update on {state.ref} was due {say_time(due_at, now)}{late and ', said' + late[1:]}"
    text = f"{said}; {target} owes it"
    page = Page(
        target,
        f"{state.ref} SEV{state.severity} {state.title}: {said}",
        # The same clock is set anew time after time; each end of it is another message.
        f"{state.id}:{TimerKind.UPDATE_DUE}:{due_at.isoformat()}",
    )
    return Firing(True, text, (page,), entries=(EntryDraft(EntryKind.AUTOMATION, text, now),))


def fire_snooze(
    state: IncidentState, why: str, team: str | None, now: datetime, due_at: datetime
) -> Firing:
    """Decide what the end of a snooze does: the incident wakes, what slept with it runs on.

    ``why`` is who had snoozed it and what for, as it stood by the clock; for the rest see
    ``fire_update_due``.
    """
    if not is_open(state.status):
        return Firing(False, f"{state.ref}: nothing is to be woken, it is {state.status}")
    said = "woke: the snooze is over" + say_late(due_at, now)
    text = f"{said}; it was snoozed {why}" if why else said
    page = Page(
        _owing(state, team),
        f"{state.ref} SEV{state.severity} {state.title} {shorten(text, 1000)}",
        f"{state.id}:{TimerKind.SNOOZE}:{due_at.isoformat()}",
    )
    entry = EntryDraft(EntryKind.AUTOMATION, text[:NOTE_MAX], now)
    return Firing(True, f"{state.ref} {shorten(text, 500)}", (page,), entries=(entry,))
