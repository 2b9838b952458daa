"""Grouping: which incident an alert belongs to, in one sentence that says why.

The key is the service; the window is how long an incident that nobody and nothing has touched
still takes in new alerts.  An incident that has been resolved takes in none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from warroom.domain.alert import AlertChange, AlertState, IncomingAlert
from warroom.domain.ids import format_ref
from warroom.domain.incident import TITLE_MAX, Status, is_open
from warroom.domain.validate import say_duration, shorten

DEFAULT_WINDOW = timedelta(minutes=60)
UNASSIGNED_SERVICE = "unassigned"
"""Key of the provisional service of alerts that name none: visible and owned like any other."""


class PlacementKind(StrEnum):
    """What becomes of an alert: a new incident, an open one, where it was, or only the record."""

    OPEN = "open"
    JOIN = "join"
    STAY = "stay"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An incident that an alert may belong to.

    ``last_activity_at`` is when anything last happened on it (an alert, an entry, a command);
    ``resolved_at`` matters only for the incident that the alert already belongs to.
    """

    id: UUID
    number: int
    status: Status
    severity: int
    last_activity_at: datetime
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """The decision for one alert.

    ``incident`` is the one it joins or stays on, None when one is to be opened or none is needed.
    ``raise_to`` is the incident's new severity when the alert is worse, else None.  ``say``
    returns the sentence, because the number of an incident to be opened is not known yet.
    """

    kind: PlacementKind
    incident: Candidate | None
    raise_to: int | None
    sentence: str

    def say(self, number: int | None = None) -> str:
        """Return the sentence; ``number`` is that of the incident that was opened for it."""
        if self.kind is not PlacementKind.OPEN:
            return self.sentence
        ref = "an incident" if number is None else format_ref(number)
        return f"opened {ref}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Opening:
    """What an incident that alerts open begins with."""

    title: str
    summary: str
    severity: int


def service_of(alert: IncomingAlert) -> str:
    """Return the key of the alert's service, or of the provisional one that takes the others."""
    return alert.service_key or UNASSIGNED_SERVICE


def place(
    alert: IncomingAlert,
    change: AlertChange,
    candidates: Sequence[Candidate],
    now: datetime,
    *,
    attached: Candidate | None = None,
    window: timedelta = DEFAULT_WINDOW,
) -> Placement:
    """Decide which incident an alert belongs to.

    Args:
        alert: the message.
        change: what it did to the stored alert.
        candidates: the incidents of the alert's service; ended ones may be among them.
        now: our clock.
        attached: the incident that the alert belongs to already, in whatever status.
        window: how long an untouched incident still takes in new alerts.
    """
    service = service_of(alert)
    if change.after.state is not AlertState.FIRING:
        return _at_the_end(attached)
    if attached is not None and is_open(attached.status):
        return Placement(
            PlacementKind.STAY,
            attached,
            _raised(attached, alert),
            f"stays on {format_ref(attached.number)}: {service}",
        )
    if attached is not None and not change.begins:
        return _on_an_ended_one(attached, service, candidates, alert, now, window)
    return _join_or_open(service, candidates, alert, now, window, f"first alert of {service}")


def opening(service_name: str, alerts: Sequence[IncomingAlert]) -> Opening:
    """Return what an incident begins with that these alerts (at least one) of a service open.

    The worst alert gives title and severity; among equals the one that started first.
    """
    worst = min(alerts, key=lambda alert: (alert.severity, alert.starts_at, alert.fingerprint))
    what = worst.summary or worst.name
    named = what.casefold().startswith(service_name.casefold())
    title = " ".join((what if named else f"{service_name}: {what}").split())
    return Opening(
        title=shorten(title, TITLE_MAX),
        summary=worst.description,
        severity=worst.severity,
    )


def _at_the_end(attached: Candidate | None) -> Placement:
    """Place an alert that does not fire: it stays where it was and opens nothing."""
    if attached is None:
        return Placement(PlacementKind.RECORD, None, None, "recorded only: it does not fire")
    return Placement(
        PlacementKind.STAY, attached, None, f"stays on {format_ref(attached.number)}: it is over"
    )


def _on_an_ended_one(
    attached: Candidate,
    service: str,
    candidates: Sequence[Candidate],
    alert: IncomingAlert,
    now: datetime,
    window: timedelta,
) -> Placement:
    """Place a repeat whose incident was resolved by somebody while the alert went on firing.

    The one who resolved it is believed for one window; what fires beyond it is news.
    """
    ref = format_ref(attached.number)
    ended = attached.resolved_at or attached.last_activity_at
    if now - ended <= window:
        return Placement(
            PlacementKind.STAY,
            attached,
            None,
            f"stays on {ref}, which was resolved {say_duration(now - ended)} ago",
        )
    why = f"{service} still fires {say_duration(now - ended)} after {ref} was resolved"
    return _join_or_open(service, candidates, alert, now, window, why)


def _join_or_open(
    service: str,
    candidates: Sequence[Candidate],
    alert: IncomingAlert,
    now: datetime,
    window: timedelta,
    why: str,
) -> Placement:
    """Join the open incident of the service that was last active, or open one."""
    fitting = [
        candidate
        for candidate in candidates
        if is_open(candidate.status) and now - candidate.last_activity_at <= window
    ]
    if not fitting:
        return Placement(PlacementKind.OPEN, None, None, why)
    best = max(fitting, key=lambda candidate: (candidate.last_activity_at, candidate.number))
    return Placement(
        PlacementKind.JOIN,
        best,
        _raised(best, alert),
        f"joined {format_ref(best.number)}: {service}, within {say_duration(window)}",
    )


def _raised(incident: Candidate, alert: IncomingAlert) -> int | None:
    """Return the severity that the alert raises the incident to; it never lowers one."""
    return alert.severity if alert.severity < incident.severity else None
