"""Escalation: who is told next, and when, for as long as nobody answers.

A policy is a ladder of steps; after the last it may begin again.  A step's delay counts from the
moment at which the step before it really fired, so a late engine never fires a burst: everybody
keeps the full time to answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from warroom.domain.incident import IncidentState, Status
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.timer import TimerDraft, TimerKind
from warroom.domain.validate import check_text, say_duration, say_time
from warroom.errors import InvalidInput

STEPS_MAX = 50
REPEAT_MAX = 100
DELAY_MAX_S = 7 * 24 * 3600
LATE_AFTER = timedelta(seconds=5)


class TargetKind(StrEnum):
    """Whom a step speaks to."""

    TEAM = "team"
    PERSON = "person"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Target:
    """A team, person or channel by its key (teams, channels) or login name (people)."""

    kind: TargetKind
    name: str

    def __str__(self) -> str:
        """Return it in words, e.g. ``team databases``."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Step:
    """One rung. ``number`` counts from 1; ``delay_s`` seconds after the rung before it."""

    number: int
    delay_s: int
    target: Target


@dataclass(frozen=True, slots=True)
class Policy:
    """A ladder of steps in order; ``repeat`` is how often it begins again after its end."""

    key: str
    name: str
    steps: tuple[Step, ...]
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """A message to be sent. ``dedup_key`` is the same on every attempt to send it."""

    target: Target
    text: str
    dedup_key: str


@dataclass(frozen=True, slots=True)
class Firing:
    """What follows when a timer is due.

    ``sent`` is False when nothing is to be done any more: the timer is cancelled and ``sentence``
    says why. ``pages`` go to the outbox, ``next_timer`` is armed, ``entries`` are written.
    """

    sent: bool
    sentence: str
    pages: tuple[Page, ...] = ()
    next_timer: TimerDraft | None = None
    entries: tuple[EntryDraft, ...] = ()


def new_policy(key: object, name: object, steps: Sequence[Step], repeat: object = 0) -> Policy:
    """Check and build a policy; steps are numbered 1, 2, 3 … in the order given.

    Raises:
        InvalidInput: no step or over 50, a delay outside 0 s to 7 days, an empty name, a
            repetition outside 0 to 100.
    """
    if not 1 <= len(steps) <= STEPS_MAX:
        raise InvalidInput(f"A policy has 1 to {STEPS_MAX} steps.", field="steps")
    if isinstance(repeat, bool) or not isinstance(repeat, int) or not 0 <= repeat <= REPEAT_MAX:
        raise InvalidInput(f"repeat must be 0 to {REPEAT_MAX}.", field="repeat")
    checked: list[Step] = []
    for index, step in enumerate(steps):
        where = f"steps[{index}]"
        if isinstance(step.delay_s, bool) or not 0 <= step.delay_s <= DELAY_MAX_S:
            raise InvalidInput(
                f"{where}.delay_s must be 0 to {DELAY_MAX_S} seconds (7 days).",
                field=f"{where}.delay_s",
            )
        target = check_text(step.target.name, f"{where}.target", longest=200, shortest=1)
        checked.append(Step(index + 1, step.delay_s, Target(step.target.kind, target)))
    return Policy(
        key=check_text(key, "key", longest=100, shortest=1),
        name=check_text(name, "name", longest=200, shortest=1),
        steps=tuple(checked),
        repeat=repeat,
    )


OWNER = "owner"
"""The name by which a step means the team that owns the worst-hit service, whoever that is."""


def name_owner(policy: Policy, team: str | None) -> Policy:
    """Return the policy with the owner team's own key in place of ``owner``.

    Without services there is no owner team: the word stays, and says so.
    """
    if team is None:
        return policy
    named = tuple(
        replace(step, target=Target(TargetKind.TEAM, team))
        if step.target == Target(TargetKind.TEAM, OWNER)
        else step
        for step in policy.steps
    )
    return replace(policy, steps=named)


def say_late(due_at: datetime, now: datetime) -> str:
    """Say by how much a clock fires late: ``, 62 s late``; nothing up to five seconds."""
    late = now - due_at
    return f", {say_duration(late)} late" if late > LATE_AFTER else ""


def arm_first(policy: Policy, opened_at: datetime) -> TimerDraft | None:
    """Return the timer of the first step, or None when the policy has no steps."""
    return _timer(policy.steps[0], 0, opened_at) if policy.steps else None


def fire(
    policy: Policy,
    step: int,
    cycle: int,
    incident: IncidentState,
    now: datetime,
    due_at: datetime,
) -> Firing:
    """Decide what the due timer of ``step`` in repetition ``cycle`` (from 0) does.

    Only a triggered incident escalates.  When the policy was shortened meanwhile, the last step
    that it still has is told: a change of policy never makes an incident silent.

    Args:
        policy: the policy as it is now.
        step: the step's number on the timer.
        cycle: the repetition on the timer.
        incident: the incident as it is now.
        now: the database's clock.
        due_at: when the timer should have fired; lateness over 5 s is said.
    """
    if incident.status is not Status.TRIGGERED:
        return Firing(sent=False, sentence=_why_cancelled(incident, now))
    if not policy.steps:
        return Firing(
            sent=False,
            sentence=f"{incident.ref}: policy {policy.key} has no steps, so nobody was told",
        )
    index = next((i for i, s in enumerate(policy.steps) if s.number >= step), len(policy.steps) - 1)
    rung = policy.steps[index]
    following = _following(policy, index, cycle, now)
    lateness = say_late(due_at, now)
    then = (
        f"; next {following.target} {say_time(following.due_at, now)}"
        if following
        else "; nobody is left to tell"
    )
    round_ = f", round {cycle + 1}" if cycle else ""
    rehearsed = " as a drill" if incident.drill else ""
    place = f"step {rung.number} of {len(policy.steps)}{round_}, policy {policy.key}"
    page = Page(
        target=rung.target,
        text=(
            f"{incident.ref} SEV{incident.severity} {incident.title}: nobody has acknowledged it "
            f"for {say_duration(now - incident.opened_at)}"
        ),
        dedup_key=f"{incident.id}:{TimerKind.ESCALATE}:{cycle}:{step}",
    )
    said = f"escalated to {rung.target}{rehearsed} ({place}){lateness}{then}"
    return Firing(
        sent=True,
        sentence=f"{incident.ref}: {said}",
        pages=(page,),
        next_timer=following,
        entries=(EntryDraft(EntryKind.AUTOMATION, said, now),),
    )


def _why_cancelled(incident: IncidentState, now: datetime) -> str:
    """Say which answer stopped the escalation."""
    if incident.status in (Status.RESOLVED, Status.CLOSED):
        who, when = incident.resolved_by, incident.resolved_at
    else:
        who, when = incident.acknowledged_by, incident.acknowledged_at
    by = f" by {who.name}" if who else ""
    at = f" {say_time(when, now)}" if when else ""
    return f"{incident.ref}: escalation cancelled, it is {incident.status}{by}{at}"


def _following(policy: Policy, index: int, cycle: int, now: datetime) -> TimerDraft | None:
    """Return the timer after the step at ``index``: the next rung, or the ladder again."""
    if index + 1 < len(policy.steps):
        return _timer(policy.steps[index + 1], cycle, now)
    if cycle < policy.repeat:
        return _timer(policy.steps[0], cycle + 1, now)
    return None


def _timer(step: Step, cycle: int, start: datetime) -> TimerDraft:
    return TimerDraft(
        kind=TimerKind.ESCALATE,
        step=step.number,
        cycle=cycle,
        due_at=start + timedelta(seconds=step.delay_s),
        target=str(step.target),
    )
