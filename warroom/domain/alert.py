"""Alerts: what every dialect is translated into, and how a stored alert changes with each message.

An alert is recognised by its fingerprint within its source; one time from its start to its end is
an episode, recognised by when it started.  What ``apply`` promises:

- The same message twice leaves the state of the first time (only ``count`` goes on).
- The messages of episodes that do not overlap lead to one and the same final state in whatever
  order they come, as long as they come within ``REORDER_GRACE`` of the end: a late message of an
  older episode never resolves, revives or moves a newer one.  (An end that tells no beginning is
  of no episode: it ends what fires when it comes.)
- A source that insists is believed: a firing message for an episode that has ended counts again
  once ``REORDER_GRACE`` is over, because a doubled alert harms less than a lost one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from warroom.domain.validate import say_duration, say_time, shorten

REORDER_GRACE = timedelta(seconds=60)


class AlertState(StrEnum):
    """Whether the alert's condition holds."""

    FIRING = "firing"
    RESOLVED = "resolved"


class ChangeKind(StrEnum):
    """What a message did to an alert."""

    NEW = "new"
    REPEAT = "repeat"
    RESOLVED = "resolved"
    REFIRED = "refired"
    EXPIRED = "expired"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class IncomingAlert:
    """One alert as a source reports it, in one shape for every dialect.

    ``service_key`` is None when no label names a service; ``service_label`` says which one did.
    ``severity_reason`` says which entry of which table decided.  ``ends_at`` is set only when it
    is over; ``expires_at`` only when it fires and is believed until then.  ``raw`` is the alert
    object as it was sent; ``notes`` say what was cut from the other fields.  ``ends_any`` is set of
    an end that does not say when its episode began: it ends what fires, whatever time it names.
    """

    fingerprint: str
    name: str
    summary: str
    description: str
    service_key: str | None
    service_label: str | None
    severity: int
    severity_word: str
    severity_reason: str
    state: AlertState
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None
    expires_at: datetime | None
    generator_url: str
    raw: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    ends_any: bool = False


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """What the rules must know of an alert that is stored.

    ``count`` is the number of firing messages received; ``changed_at`` is when its state last
    changed by our clock; ``last_seen_at`` when its source last spoke of it.  A resolved alert
    that still has ``expires_at`` ended by silence, not by its source's word.
    """

    state: AlertState
    starts_at: datetime
    ends_at: datetime | None
    expires_at: datetime | None
    severity: int
    count: int
    changed_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class AlertChange:
    """What follows from one message.

    ``after`` is the alert as it must be stored; ``sentence`` says what happened and is the text of
    the timeline entry where ``noteworthy``; ``begins`` is True when an episode began, so that the
    alert must be placed into an incident.
    """

    kind: ChangeKind
    after: StoredAlert
    sentence: str
    noteworthy: bool = field(default=False)

    @property
    def begins(self) -> bool:
        """Say whether an episode began with this message."""
        return (
            self.kind in (ChangeKind.NEW, ChangeKind.REFIRED)
            and self.after.state is AlertState.FIRING
        )


def firing_or_over(ends_at: datetime | None, now: datetime) -> AlertState:
    """Decide from the end alone, as Alertmanager does: past is resolved, unset or future fires."""
    return AlertState.RESOLVED if ends_at is not None and ends_at <= now else AlertState.FIRING


def apply(
    current: StoredAlert | None,
    incoming: IncomingAlert,
    now: datetime,
    heard: datetime | None = None,
) -> AlertChange:
    """Decide what a message does to the alert of its fingerprint.

    Args:
        current: the alert as it is stored, None if its fingerprint is new.
        incoming: the message.
        now: our clock.
        heard: when the message came, where that was before now: it may have waited for long.
    """
    if current is None:
        return _first(incoming, now)
    if incoming.state is AlertState.RESOLVED:
        return _over(current, incoming, now)
    if current.state is AlertState.FIRING:
        return _again(current, incoming, now)
    return _after_the_end(current, incoming, now, heard or now)


def expire(current: StoredAlert, name: str, now: datetime) -> AlertChange | None:
    """Decide whether a firing alert that nobody repeated is over; None while it is not."""
    due = current.expires_at
    if current.state is not AlertState.FIRING or due is None or due > now:
        return None
    after = replace(
        current,
        state=AlertState.RESOLVED,
        ends_at=max(due, current.starts_at),
        changed_at=now,
    )
    quiet = say_duration(now - current.last_seen_at)
    return AlertChange(
        ChangeKind.EXPIRED,
        after,
        f"alert {name} expired: its source has not repeated it for {quiet}",
        noteworthy=True,
    )


def _first(incoming: IncomingAlert, now: datetime) -> AlertChange:
    firing = incoming.state is AlertState.FIRING
    after = StoredAlert(
        state=incoming.state,
        starts_at=incoming.starts_at,
        ends_at=incoming.ends_at,
        expires_at=incoming.expires_at,
        severity=incoming.severity,
        count=1 if firing else 0,
        changed_at=now,
        last_seen_at=now,
    )
    if not firing:
        sentence = f"alert {incoming.name} was over before it was first heard of"
        return AlertChange(ChangeKind.NEW, after, sentence)
    return AlertChange(ChangeKind.NEW, after, _headline(incoming), noteworthy=True)


def _again(current: StoredAlert, incoming: IncomingAlert, now: datetime) -> AlertChange:
    """Handle firing on firing: a heartbeat, or a newer episode whose predecessor's end was lost."""
    worse = incoming.severity < current.severity
    older = incoming.starts_at < current.starts_at
    after = replace(
        current,
        starts_at=max(current.starts_at, incoming.starts_at),
        expires_at=_later(current.expires_at, incoming.expires_at),
        # A straggler of an older episode says nothing about how bad it is now.
        severity=current.severity if older else incoming.severity,
        count=current.count + 1,
        last_seen_at=now,
    )
    if worse and not older:
        sentence = (
            f"alert {incoming.name} got worse: SEV{current.severity} → SEV{incoming.severity}"
        )
        return AlertChange(ChangeKind.REPEAT, after, sentence, noteworthy=True)
    return AlertChange(ChangeKind.REPEAT, after, f"alert {incoming.name} still fires")


def _after_the_end(
    current: StoredAlert, incoming: IncomingAlert, now: datetime, heard: datetime
) -> AlertChange:
    """Handle firing on resolved: a new episode, a straggler, or a source that insists."""
    ended = current.ends_at or current.changed_at
    straggler = incoming.starts_at <= ended and not _breaks_silence(current, incoming)
    if straggler and heard - current.changed_at <= REORDER_GRACE:
        after = replace(current, count=current.count + 1)
        sentence = f"alert {incoming.name}: a late message of the time before its end, ignored"
        return AlertChange(ChangeKind.IGNORED, after, sentence)
    after = replace(
        current,
        state=AlertState.FIRING,
        starts_at=max(current.starts_at, incoming.starts_at),
        ends_at=None,
        expires_at=incoming.expires_at,
        severity=incoming.severity,
        count=current.count + 1,
        changed_at=now,
        last_seen_at=now,
    )
    said = f"{_headline(incoming)}; fires again, it was over {say_time(ended, now)}"
    return AlertChange(ChangeKind.REFIRED, after, said, noteworthy=True)


def _breaks_silence(current: StoredAlert, incoming: IncomingAlert) -> bool:
    """Say whether an alert that expired is repeated after all: it is believed for longer now."""
    silent_since, believed = current.expires_at, incoming.expires_at
    return silent_since is not None and (believed is None or believed > silent_since)


def _over(current: StoredAlert, incoming: IncomingAlert, now: datetime) -> AlertChange:
    """Handle the end of an episode: ours, an older one's, or one that we have heard of already."""
    ended = incoming.ends_at or now
    if current.state is AlertState.FIRING:
        if ended < current.starts_at and incoming.ends_any:
            ended = now  # it cannot be over before it began
        if ended < current.starts_at:
            sentence = f"alert {incoming.name}: the end of an older episode came late, ignored"
            return AlertChange(ChangeKind.IGNORED, current, sentence)
        after = replace(
            current,
            state=AlertState.RESOLVED,
            starts_at=max(current.starts_at, incoming.starts_at),
            ends_at=ended,
            expires_at=None,
            changed_at=now,
            last_seen_at=now,
        )
        lasted = say_duration(ended - after.starts_at)
        where = incoming.labels.get("instance", "")
        which = f" ({shorten(where, 60)})" if where else ""
        sentence = f"alert {incoming.name}{which} resolved after {lasted}"
        return AlertChange(ChangeKind.RESOLVED, after, sentence, noteworthy=True)
    known = current.ends_at
    if known is not None and ended < known:
        sentence = f"alert {incoming.name}: the end of an older episode came late, ignored"
        return AlertChange(ChangeKind.IGNORED, current, sentence)
    after = replace(
        current,
        starts_at=max(current.starts_at, incoming.starts_at),
        ends_at=ended,
        expires_at=None,
        last_seen_at=now,
    )
    return AlertChange(ChangeKind.REPEAT, after, f"alert {incoming.name} is still over")


def _headline(incoming: IncomingAlert) -> str:
    """Return what a reader of the timeline must know of an alert that begins."""
    detail = "" if incoming.summary in ("", incoming.name) else f": {incoming.summary}"
    return f"alert {incoming.name}{detail} (SEV{incoming.severity})"


def _later(left: datetime | None, right: datetime | None) -> datetime | None:
    """Return the later of two expiries; None, which never expires, is the latest of all."""
    return None if left is None or right is None else max(left, right)
