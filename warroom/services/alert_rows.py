"""What passes between the steps of taking alerts in: plain rows and decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from warroom.domain.alert import (
    AlertChange,
    AlertState,
    ChangeKind,
    IncomingAlert,
    StoredAlert,
)
from warroom.domain.grouping import Candidate
from warroom.domain.priority import Impact

Entry = dict[str, Any]


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as the JSON that jsonb_to_recordset takes; ids and times as text."""
    return orjson.dumps(rows, default=str).decode()


class Raced(Exception):
    """Another process wrote one of the alerts meanwhile, or more than repeats came of a batch."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """An alert source as the rules need it."""

    id: UUID
    key: str
    principal_id: UUID
    visibility: str
    environment: str = ""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service as the rules need it; ``policy_id`` is its own or the default policy.

    ``facts`` are what rules may match of it, by the names of ``warroom.domain.alert_rule.FIELDS``.
    """

    id: UUID
    key: str
    name: str
    unit: str
    policy_id: UUID
    impact: Impact = Impact(3)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """What was decided of an alert and what the next decision needs; see the columns of ``alert``.

    ``disposition`` None: from before there were rules.
    """

    priority: int | None = None
    priority_reason: str | None = None
    flapping: bool = False
    flips: tuple[datetime, ...] = ()
    disposition: str | None = None
    decide_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AlertTarget:
    """Which alert row is written, and with what; ``incoming`` is None when it only expires.

    ``version`` is the one that was read; the row is written only if it still has it.  ``own_unit``
    is the row's own, ``unit`` that of its service now.
    """

    id: UUID
    source_id: UUID
    source_key: str
    fingerprint: str
    service_id: UUID
    unit: str
    visibility: str
    incoming: IncomingAlert | None
    fresh: bool
    version: int
    own_unit: str


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """An alert that is stored, or that this batch is about to store (``fresh``)."""

    id: UUID
    source_id: UUID
    fingerprint: str
    name: str
    service_id: UUID
    incident_id: UUID | None
    unit: str
    visibility: str
    stored: StoredAlert
    fresh: bool = False
    version: int = 0
    standing: Standing = Standing()

    def as_target(self) -> AlertTarget:
        """Return the row to write when only its state changes."""
        return AlertTarget(
            self.id, self.source_id, "warroom", self.fingerprint, self.service_id, self.unit,
            self.visibility, None, False, self.version, self.unit,
        )  # fmt: skip


def begins(before: KnownAlert | None, incoming: IncomingAlert) -> bool:
    """Say whether an episode may begin with a message."""
    stored = before.stored.state if before is not None else AlertState.RESOLVED
    return stored is AlertState.RESOLVED and incoming.state is AlertState.FIRING


def repeats(before: KnownAlert | None, incoming: IncomingAlert) -> bool:
    """Say whether a message can only be a repeat, which changes no incident."""
    return (
        before is not None
        and before.stored.state is incoming.state
        and incoming.severity >= before.stored.severity
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one message leads to. ``was_on`` is the incident that the alert belonged to before."""

    target: AlertTarget
    change: AlertChange
    incident_id: UUID | None
    decision: str
    delivery_id: UUID | None = None
    position: int = 0
    was_on: UUID | None = None
    standing: Standing = Standing()
    asks: str = ""
    heard: bool = True

    @property
    def touches(self) -> bool:
        """Say whether an incident changes with it; repeats touch none."""
        quiet = self.change.kind in (ChangeKind.REPEAT, ChangeKind.IGNORED)
        return not quiet or self.incident_id != self.was_on

    @property
    def fired_before(self) -> bool:
        """Say whether the alert fired before the message."""
        kind = self.change.kind
        if kind in (ChangeKind.REPEAT, ChangeKind.IGNORED):
            return self.change.after.state is AlertState.FIRING
        return kind in (ChangeKind.RESOLVED, ChangeKind.EXPIRED)


@dataclass(slots=True)
class OpenedIncident:
    """An incident that the batch opens, with the alerts of its service that it opens with.

    ``worst`` is the severity that it begins with; ``policy_id`` a rule's own escalation policy.
    A ``silent`` one wakes nobody and is told to no channel.
    """

    id: UUID
    number: int
    service: ServiceRow
    visibility: str
    opened_by: UUID
    alerts: list[IncomingAlert]
    why: str
    worst: int = 5
    group_key: str | None = None
    policy_id: UUID | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Failing:
    """A service of an open incident that has not recovered, and since when."""

    incident_id: UUID
    state: str
    since: datetime


@dataclass(slots=True)
class Candidates:
    """The incidents that alerts of the batch may join, by service or group, and visibility.

    ``services`` are those of each incident; ``failing`` what is failing there, by service.
    """

    by_id: dict[UUID, Candidate] = field(default_factory=dict)
    keys: dict[tuple[UUID | str, str], list[UUID]] = field(default_factory=dict)
    services: dict[UUID, set[UUID]] = field(default_factory=dict)
    failing: dict[UUID, list[Failing]] = field(default_factory=dict)

    def add(self, group: UUID | str, visibility: str, incident: Candidate) -> None:
        """Add one, by the id of a service or the key of a group."""
        self.by_id[incident.id] = incident
        ids = self.keys.setdefault((group, visibility), [])
        if incident.id not in ids:
            ids.append(incident.id)

    def replace(self, incident: Candidate) -> None:
        """Put the changed state of one in place of the old."""
        self.by_id[incident.id] = incident

    def of(self, group: UUID | str, visibility: str) -> list[Candidate]:
        """Return those of a service or group that an alert of this visibility may join."""
        return [self.by_id[i] for i in self.keys.get((group, visibility), [])]

    def has(self, incident_id: UUID, service_id: UUID) -> bool:
        """Say whether a service is one of an incident's."""
        return service_id in self.services.get(incident_id, ())

    def attach(self, incident_id: UUID, service_id: UUID, now: datetime) -> None:
        """Note a service that the batch adds to an incident: an alert says that it fails."""
        self.services.setdefault(incident_id, set()).add(service_id)
        found = Failing(incident_id, "suspected", now)
        self.failing.setdefault(service_id, []).append(found)
