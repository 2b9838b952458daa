"""Changes: what delivery systems tell of deploys and the like, and how their messages combine.

One change is told many times, in any order: planned, started, succeeded, rolled back, or all of it
at once.  ``merge`` makes one state of them.  Text is raw until a widget turns it into ``SafeText``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

LOOK_BACK = timedelta(hours=4)
"""How long before an incident a change is looked for, where nothing else is configured."""


class ChangeKind(StrEnum):
    """What sort of change it is."""

    DEPLOY = "deploy"
    CONFIG = "config"
    FLAG = "flag"
    MIGRATION = "migration"
    INFRASTRUCTURE = "infrastructure"
    ROLLBACK = "rollback"


class ChangeStatus(StrEnum):
    """How far it is, in the order of its life; the last four are ends."""

    PLANNED = "planned"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ROLLED_BACK = "rolled-back"


class ChangeVerdict(StrEnum):
    """What people say of a change on an incident."""

    SUSPECTED = "suspected"
    CAUSE = "cause"
    CLEARED = "cleared"


_RANK: Mapping[ChangeStatus, int] = MappingProxyType(
    {
        ChangeStatus.PLANNED: 0,
        ChangeStatus.STARTED: 1,
        ChangeStatus.SUCCEEDED: 2,
        ChangeStatus.FAILED: 2,
        ChangeStatus.CANCELLED: 2,
        ChangeStatus.ROLLED_BACK: 3,
    }
)
ENDS = frozenset(s for s, rank in _RANK.items() if rank >= 2)
_PRODUCTION = re.compile(r"(?i)(^|[^a-z])(prod|prd|live|production)([^a-z]|$)")


def is_production(environment: str) -> bool:
    """Say whether an environment's name means production; one without a name does.

    A word of the name must be production, prod, prd or live: ``eu-prod-2`` is, ``preprod`` is not.
    """
    return not environment.strip() or _PRODUCTION.search(environment) is not None


@dataclass(frozen=True, slots=True)
class IncomingChange:
    """One message about a change, as its dialect read it.

    ``dedup_key`` is what the sender calls it: the same in all its messages.  ``at`` is when it
    began, ``status_at`` when it got to ``status``.  ``services`` are the sender's words, the
    surest first.  ``release`` is the version that it brings; ``by`` who made it, as the sender
    calls them.  ``production`` None means by the name of the environment.  ``notes`` say what was
    cut.
    """

    dedup_key: str
    kind: ChangeKind
    status: ChangeStatus
    title: str
    services: tuple[str, ...]
    at: datetime
    status_at: datetime
    ended_at: datetime | None = None
    environment: str = ""
    production: bool | None = None
    region: str = ""
    release: str = ""
    by: str = ""
    link: str = ""
    approved_by: str = ""
    approval_ref: str = ""
    emergency: bool = False
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()

    def reaches_users(self) -> bool:
        """Say whether it is a change of production."""
        return is_production(self.environment) if self.production is None else self.production


def merge(before: IncomingChange | None, news: IncomingChange) -> IncomingChange:
    """Return the change as it is known after ``news``.

    The later status wins by the sender's clock; at one moment the further one, so that messages
    may come in any order and any number of times with one result.  What only one of the two says
    is kept; of what both say, the later message's.  A change begins when the first says so, and
    what was once approved or an emergency stays so.
    """
    news = replace(news, ended_at=_end(news))
    if before is None:
        return news
    later = _order(news) >= _order(before)
    new, old = (news, before) if later else (before, news)
    return replace(
        new,
        services=tuple(dict.fromkeys((*new.services, *old.services))),
        at=min(new.at, old.at),
        title=new.title or old.title,
        environment=new.environment or old.environment,
        production=new.production if new.production is not None else old.production,
        region=new.region or old.region,
        release=new.release or old.release,
        by=old.by or new.by,
        link=new.link or old.link,
        approved_by=new.approved_by or old.approved_by,
        approval_ref=new.approval_ref or old.approval_ref,
        emergency=new.emergency or old.emergency,
        labels={**old.labels, **new.labels},
    )


def _order(change: IncomingChange) -> tuple[datetime, int, str]:
    # The last part decides between two messages of one moment and rank, whoever comes first.
    return change.status_at, _RANK[change.status], change.status.value


def _end(change: IncomingChange) -> datetime | None:
    """Return when it ended: never before it began; None while it goes on."""
    if change.status not in ENDS:
        return None
    return max(change.ended_at or change.status_at, change.at)


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change as the impact pane shows it beside one incident, newest first in a list of them.

    ``service`` is the touched service that is nearest to the incident, by its key; ``verdict`` is
    empty when nobody has linked it.  ``minutes_before`` says how long before the incident opened
    it began, negative for one that came after.
    """

    id: UUID
    at: datetime
    kind: str
    service: str
    title: str
    version: str = ""
    by: str = ""
    link: str = ""
    verdict: str = ""
    minutes_before: int = 0
    status: str = ""
    approved: bool = False
    emergency: bool = False
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangesPicture:
    """What may be linked to an incident: ``near`` it, and the ``others`` that came in last."""

    incident_id: UUID
    near: tuple[ChangeRow, ...] = ()
    others: tuple[ChangeRow, ...] = ()
