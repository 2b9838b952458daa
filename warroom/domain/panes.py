"""The frozen pictures of the panes beside the board: impact, timers, timeline, replication health.

As in :mod:`warroom.domain.picture`: made by ``warroom.db.reads``, taken by ``widgets``, times are
aware datetimes in UTC of the database's clock, text is raw until a widget turns it into
``SafeText``.  Every picture says when it was read (``read_at``) and from which moment it is
(``as_of``, None for now).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from warroom.domain.change import ChangesPicture
from warroom.domain.reasoned import EstatePicture, RestartWave, SharedDomain, Suggestion, Suspect
from warroom.domain.silence_picture import SilencesPicture
from warroom.domain.triage import TriagePicture


class Pane(StrEnum):
    """What is read and drawn by itself: the panes of the room by number, then what covers it."""

    BOARD = "board"
    IMPACT = "impact"
    TIMERS = "timers"
    TIMELINE = "timeline"
    HEALTH = "health"
    ESTATE = "estate"
    TRIAGE = "triage"
    SILENCES = "silences"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class PaneWatch:
    """Which panes are visible, hence read; ``incident`` drives impact and timeline.

    ``kinds`` are the kinds of entry that the timeline shows, all when empty.
    """

    panes: frozenset[Pane] = frozenset()
    incident: UUID | None = None
    kinds: tuple[str, ...] = ()


class ImpactNode(NamedTuple):
    """One service in the tree of what an incident takes down, in the order it is drawn.

    ``depth`` 0 is a service of the incident itself; a child depends on the nearest node above it
    with a smaller depth.  ``state``: suspected, degraded, down, recovered (said by a person or an
    alert) or expected-down, expected-degraded (reasoned).  ``since`` when it is known.
    ``hardness`` of its dependency on the parent, empty at depth 0.  ``elsewhere`` is True where
    the service stands a second time: its own dependants are drawn at the first place only.
    ``kind`` is the service's (``third_party``, ``datastore``, …), empty when nobody said.
    """

    key: str
    name: str
    state: str
    tier: int
    team: str
    depth: int
    why: str
    since: datetime | None = None
    hardness: str = ""
    region: str | None = None
    user_share: float | None = None
    customers: int | None = None
    elsewhere: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ImpactTotals:
    """What an incident takes down, in business words.

    ``tier_one`` counts services of tier 0 and tier 1 together.  ``user_share`` is the
    largest share of users (per cent) that one hit service serves, None when no hit service has one:
    shares overlap, so they are never added.  ``customers`` likewise.
    ``headline`` names what customers feel most and how: ``checkout down``.
    """

    services: int = 0
    tier_one: int = 0
    user_share: float | None = None
    customers: int | None = None
    regions: tuple[str, ...] = ()
    third_parties: int = 0
    headline: str = ""


@dataclass(frozen=True, slots=True)
class ImpactPicture:
    """The impact pane. ``computed_at`` is when the server last reasoned, None when never.

    ``suspects`` best first, ``waves`` in the order of restart.
    """

    incident_id: UUID
    number: int
    nodes: tuple[ImpactNode, ...]
    totals: ImpactTotals
    read_at: datetime
    computed_at: datetime | None = None
    truncated: bool = False
    as_of: datetime | None = None
    suspects: tuple[Suspect, ...] = ()
    waves: tuple[RestartWave, ...] = ()
    shared: tuple[SharedDomain, ...] = ()
    suggestion: Suggestion | None = None


@dataclass(frozen=True, slots=True)
class TimerRow:
    """One running clock.

    ``state``: armed or paused; ``at_zero`` says what happens, e.g. ``escalates``; ``target`` to
    whom; ``paused_at`` is when a paused clock stood still.
    """

    id: UUID
    number: int
    severity: int
    drill: bool
    kind: str
    step: int
    due_at: datetime
    at_zero: str
    target: str
    state: str = "armed"
    paused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TimersPicture:
    """The timers pane: all running clocks, most urgent first; paused ones last."""

    rows: tuple[TimerRow, ...]
    read_at: datetime
    total: int = 0
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """How a hypothesis stands. ``fate``: open, confirmed, refuted or withdrawn."""

    fate: str = "open"
    evidence_for: int = 0
    evidence_against: int = 0


@dataclass(frozen=True, slots=True)
class LogRow:
    """One entry of the timeline pane.

    ``corrects`` is the entry that this one replaces, ``corrected_by`` the one that replaced it
    (it stays, struck through).  ``about`` is the hypothesis that a piece of evidence speaks for
    or against (``stance``).
    """

    id: UUID
    kind: str
    text: str
    happened_at: datetime
    recorded_at: datetime
    author: str
    source: str
    confidence: float | None = None
    corrects: UUID | None = None
    corrected_by: UUID | None = None
    pinned: bool = False
    hypothesis: Hypothesis | None = None
    about: UUID | None = None
    stance: str = ""


@dataclass(frozen=True, slots=True)
class TimelinePicture:
    """A page of one incident's timeline, newest first; ``pins`` are shown above it.

    ``older`` is the cursor of the next older page, None on the last.
    """

    incident_id: UUID
    number: int
    rows: tuple[LogRow, ...]
    read_at: datetime
    pins: tuple[LogRow, ...] = ()
    older: UUID | None = None
    as_of: datetime | None = None


class Verdict(StrEnum):
    """How a reading stands against its threshold; ``UNKNOWN`` when the server does not offer it."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured figure of the database.

    ``text`` is what is shown (``3.1 MB/s``, ``12 of 40``); ``sentence`` says in plain words how it
    stands, with since when it is over its threshold, or what is not available and the remedy.
    """

    name: str
    text: str
    verdict: Verdict = Verdict.OK
    sentence: str = ""
    value: float | None = None
    unit: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A server of the cluster, as the last sample saw it.

    ``role``: primary, standby or gone.  ``state``: e.g. streaming, catchup, paused, gone.
    ``sync``: sync, quorum, potential, async or empty.  Lags are behind the primary.
    """

    name: str
    role: str
    state: str
    verdict: Verdict
    sentence: str
    sync: str = ""
    lag_bytes: int | None = None
    lag_s: float | None = None
    slot: str | None = None
    retained_wal_bytes: int | None = None
    timeline: int | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class HealthPicture:
    """The replication health pane; ``sampled_at`` is the engine's last sample, None when never.

    ``wal_rate`` are bytes a second of the last samples, oldest first, for the small chart.
    """

    nodes: tuple[Node, ...]
    readings: tuple[Reading, ...]
    read_at: datetime
    sampled_at: datetime | None = None
    wal_rate: tuple[float, ...] = ()
    as_of: datetime | None = None
    standby_configured: bool = field(default=False)


Picture = (
    ImpactPicture
    | TimersPicture
    | TimelinePicture
    | HealthPicture
    | EstatePicture
    | TriagePicture
    | SilencesPicture
    | ChangesPicture
)
