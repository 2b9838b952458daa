"""The clocks that people set: the next update, a snooze, and what they do to an escalation."""

from __future__ import annotations

from datetime import datetime, timedelta

from warroom.domain.escalation import Policy
from warroom.domain.incident import NOTE_MAX, Command, Decision, IncidentState, Status, check
from warroom.domain.principal import Principal
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.timer import TimerCancel, TimerDraft, TimerKind
from warroom.domain.validate import check_text, say_duration, say_time
from warroom.errors import InvalidInput, Refused

UPDATE_LONGEST_S = 7 * 24 * 3600
SNOOZE_SHORTEST_S = 60
SNOOZE_LONGEST_S = 24 * 3600
DOINGS = ("now", "pause", "resume", "skip")


def _seconds(value: object, field: str, shortest: float, longest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"{field} must be a number of seconds.", field=field)
    if not shortest <= value <= longest:
        raise InvalidInput(f"{field} must be {shortest:g} to {longest:g} seconds.", field=field)
    return float(value)


def set_update_due(
    state: IncidentState, actor: Principal, now: datetime, *, in_s: object
) -> Decision:
    """Decide when the next update is due; None stops the clock.

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
    commander = state.roles.get("communications") or state.roles.get("commander") or state.owner
    who = commander.name if commander else "nobody"
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
    text = f"snoozed by {actor.name}, wakes {say_time(until, now)}: {why}"
    return Decision(
        command=Command.SNOOZE,
        status=state.status,
        changes={},
        entries=(EntryDraft(EntryKind.STATUS, text[:NOTE_MAX], now),),
        sentence=f"{state.ref} sleeps for {say_duration(timedelta(seconds=seconds))}.",
        arm=(TimerDraft(TimerKind.SNOOZE, 0, 0, until, "wakes"),),
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
        Refused: it has ended, or there is no clock that could do so.
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
