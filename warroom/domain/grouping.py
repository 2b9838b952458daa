"""Grouping: which incident an alert belongs to, in one sentence that says why.

The key is the service, or what a rule says; the window is how long an incident that nobody and
nothing has touched still takes in new alerts.  An incident that has been resolved takes in none.
Where there is none to join, the alert joins the one about a failed hard dependency of its service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
    visibility: str = "normal"


@dataclass(frozen=True, slots=True)
class Failed:
    """A service that others depend on hard, and the open incident that says it has failed.

    ``state`` is down, degraded or suspected; ``through`` are the keys between it and the alert's
    service, nearest to the service first.
    """

    incident: Candidate
    dependency: str
    state: str
    since: datetime
    through: tuple[str, ...] = ()

    def say(self, service: str) -> str:
        """Say why an alert of ``service`` belongs to the incident."""
        way = f" through {', '.join(self.through)}" if self.through else ""
        word = "failing" if self.state == "suspected" else self.state
        since = f"{self.since.astimezone(UTC):%H:%M} UTC"
        return f"{service} depends hard on {self.dependency}{way}, {word} since {since}"


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
    stays = stay(alert, change, now, attached=attached, window=window)
    if stays is not None:
        return stays
    return join_or_open(alert, change, candidates, now, attached=attached, window=window)


def stay(
    alert: IncomingAlert,
    change: AlertChange,
    now: datetime,
    *,
    attached: Candidate | None,
    window: timedelta = DEFAULT_WINDOW,
) -> Placement | None:
    """Decide whether an alert stays where it is; None when it must join an incident or open one."""
    if change.after.state is not AlertState.FIRING:
        return _at_the_end(attached)
    if attached is None:
        return None
    if is_open(attached.status):
        return Placement(
            PlacementKind.STAY,
            attached,
            _raised(attached, alert),
            f"stays on {format_ref(attached.number)}: {service_of(alert)}",
        )
    return None if change.begins else _on_an_ended_one(attached, now, window)


def join_or_open(
    alert: IncomingAlert,
    change: AlertChange,
    candidates: Sequence[Candidate],
    now: datetime,
    *,
    attached: Candidate | None = None,
    window: timedelta = DEFAULT_WINDOW,
    what: str = "",
    failed: Failed | None = None,
) -> Placement:
    """Join the open incident that was last active, or that of a failed dependency, or open one.

    Args:
        alert: the message.
        change: what it did to the stored alert.
        candidates: the incidents of the alert's group; ended ones may be among them.
        now: our clock.
        attached: the ended incident that the alert belonged to.
        window: how long an untouched incident still takes in new alerts.
        what: what the alerts of the group have in common, its service by default.
        failed: the failed hard dependency of the alert's service, with its open incident.
    """
    service = service_of(alert)
    what = what or service
    fitting = [c for c in candidates if takes_in(c, now, window)]
    if fitting:
        best = max(fitting, key=lambda candidate: (candidate.last_activity_at, candidate.number))
        said = f"joined {format_ref(best.number)}: {what}, within {say_duration(window)}"
        return Placement(PlacementKind.JOIN, best, _raised(best, alert), said)
    if failed is not None:
        root = failed.incident
        said = f"joined {format_ref(root.number)}: {failed.say(service)}"
        return Placement(PlacementKind.JOIN, root, _raised(root, alert), said)
    why = f"first alert of {what}"
    if attached is not None and not change.begins:
        ended = attached.resolved_at or attached.last_activity_at
        ref = format_ref(attached.number)
        why = f"{service} still fires {say_duration(now - ended)} after {ref} was resolved"
    return Placement(PlacementKind.OPEN, None, None, why)


def takes_in(incident: Candidate, now: datetime, window: timedelta) -> bool:
    """Say whether an incident still takes in new alerts."""
    return is_open(incident.status) and now - incident.last_activity_at <= window


def opening(service_name: str, alerts: Sequence[IncomingAlert], worst_of_all: int = 5) -> Opening:
    """Return what an incident begins with that these alerts (at least one) of a service open.

    The worst alert gives title and severity; among equals the one that started first.
    ``worst_of_all`` is a severity that it is at least to have: that of what joined, or that its
    priority asks for.
    """
    worst = min(alerts, key=lambda alert: (alert.severity, alert.starts_at, alert.fingerprint))
    what = worst.summary or worst.name
    named = what.casefold().startswith(service_name.casefold())
    title = " ".join((what if named else f"{service_name}: {what}").split())
    return Opening(
        title=shorten(title, TITLE_MAX),
        summary=worst.description,
        severity=min(worst.severity, worst_of_all),
    )


def _at_the_end(attached: Candidate | None) -> Placement:
    """Place an alert that does not fire: it stays where it was and opens nothing."""
    if attached is None:
        return Placement(PlacementKind.RECORD, None, None, "recorded only: it does not fire")
    return Placement(
        PlacementKind.STAY, attached, None, f"stays on {format_ref(attached.number)}: it is over"
    )


def _on_an_ended_one(attached: Candidate, now: datetime, window: timedelta) -> Placement | None:
    """Place a repeat whose incident was resolved by somebody while the alert went on firing.

    The one who resolved it is believed for one window; what fires beyond it is news.
    """
    ended = attached.resolved_at or attached.last_activity_at
    if now - ended > window:
        return None
    since = say_duration(now - ended)
    said = f"stays on {format_ref(attached.number)}, which was resolved {since} ago"
    return Placement(PlacementKind.STAY, attached, None, said)


def _raised(incident: Candidate, alert: IncomingAlert) -> int | None:
    """Return the severity that the alert raises the incident to; it never lowers one."""
    return alert.severity if alert.severity < incident.severity else None
