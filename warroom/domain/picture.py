"""The frozen picture: what the console shows, as plain data.

Rows are made by ``warroom.db.reads`` and taken by ``widgets``; neither knows the other.  All
times are aware datetimes in UTC; ages and countdowns are computed by the viewer from ``read_at``
(the database's clock when the picture was taken) plus its own monotonic clock, so that a wrong
local wall clock does not bend them.  Text fields are raw here: a widget turns each into
``SafeText`` before it draws it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class SourceKind(StrEnum):
    """Where a picture was read from."""

    PRIMARY = "primary"
    STANDBY = "standby"


@dataclass(frozen=True, slots=True)
class ServiceLink:
    """A service of an incident. ``state``: suspected, degraded, down or recovered."""

    key: str
    name: str
    state: str
    tier: int


@dataclass(frozen=True, slots=True)
class NextTimer:
    """The next clock of an incident. ``kind`` e.g. escalate; ``target`` says to whom."""

    kind: str
    due_at: datetime
    target: str


@dataclass(frozen=True, slots=True)
class RoleOffer:
    """A role that ``giver`` has offered to ``to``, with a brief, and that waits for an answer."""

    role: str
    giver: str
    to: str
    brief: str


@dataclass(frozen=True, slots=True)
class IncidentLink:
    """A link of an incident. ``kind``: bridge, channel, dashboard, ticket or document."""

    kind: str
    url: str
    label: str


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field of the registry. ``type``: text, number, boolean, date or choice."""

    key: str
    label: str
    type: str
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """What a person can choose from: people by name, services as (key, name), custom fields."""

    people: tuple[str, ...] = ()
    services: tuple[tuple[str, str], ...] = ()
    fields: tuple[CustomField, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One line of the active incidents pane. ``severity`` 1 (worst) to 5.

    ``next_timer`` runs; ``owed`` is an update that was due and that nobody has given.
    """

    id: UUID
    number: int
    title: str
    severity: int
    status: str
    version: int
    opened_at: datetime
    updated_at: datetime
    drill: bool = False
    visibility: str = "normal"
    owner: str | None = None
    commander: str | None = None
    services: tuple[ServiceLink, ...] = ()
    service_count: int = 0
    alert_count: int = 0
    firing_count: int = 0
    next_timer: NextTimer | None = None
    owed: NextTimer | None = None
    offers: tuple[RoleOffer, ...] = ()

    @property
    def ref(self) -> str:
        """What people call it, e.g. ``INC-2041``."""
        return f"INC-{self.number}"

    @property
    def clock(self) -> NextTimer | None:
        """The clock to show where there is room for one: what is owed, else the next."""
        return self.owed or self.next_timer


@dataclass(frozen=True, slots=True)
class BoardPicture:
    """All open incidents as of ``read_at``.

    ``source`` and ``replay_lag_s`` (seconds behind the primary, None on the primary) say how far
    it can be trusted; ``as_of`` is set when the picture is of the past; ``last_closed`` names the
    last incident that ended, for the empty board; ``truncated`` when there are more rows than the
    limit; ``open_count`` counts all, ``drill_count`` the drills among them; ``triage_count`` is how
    much waits for a person now;
    ``silences`` those in force; ``quiet_sources`` the alert sources that are waited for and say
    nothing; ``behind_s`` how long the oldest alert waits to be stored, None while that is in order;
    ``note`` says why another server than wanted was read, ``away`` in two words.
    """

    rows: tuple[IncidentRow, ...]
    read_at: datetime
    source: SourceKind = SourceKind.PRIMARY
    replay_lag_s: float | None = None
    as_of: datetime | None = None
    open_count: int = 0
    silences: int = 0
    truncated: bool = False
    last_closed: tuple[int, datetime] | None = None
    note: str = ""
    away: str = ""
    triage_count: int = 0
    quiet_sources: int = 0
    drill_count: int = 0
    behind_s: float | None = None


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One entry of the timeline. ``confidence`` 0..1 or None; ``corrects`` points at the old."""

    id: UUID
    kind: str
    text: str
    happened_at: datetime
    recorded_at: datetime
    author: str
    source: str
    confidence: float | None = None
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert of an incident. ``state``: firing or resolved; ``count`` occurrences.

    ``priority`` is 1 (worst) to 5 from the business; ``decision`` says what became of it and why.
    """

    id: UUID
    name: str
    summary: str
    state: str
    severity: int
    service: str
    source: str
    starts_at: datetime
    last_seen_at: datetime
    count: int
    priority: int | None = None
    flapping: bool = False
    decision: str = ""


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    """Everything that the detail screen shows of one incident; timeline newest first.

    ``merged_into`` is the number of the incident that it went into, as far as the reader sees it.
    """

    row: IncidentRow
    summary: str
    timeline: tuple[TimelineRow, ...]
    alerts: tuple[AlertRow, ...]
    roles: tuple[tuple[str, str], ...]
    timers: tuple[NextTimer, ...]
    read_at: datetime
    more_timeline: bool = False
    custom: tuple[tuple[str, str], ...] = field(default=())
    links: tuple[IncidentLink, ...] = ()
    resolution: str = ""
    merged_into: int | None = None

    @property
    def offers(self) -> tuple[RoleOffer, ...]:
        """The roles that wait for an answer."""
        return self.row.offers
