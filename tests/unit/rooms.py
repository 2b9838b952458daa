"""An incident and people for the tests of the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from warroom.domain.escalation import Policy, Step, Target, TargetKind
from warroom.domain.incident import IncidentState, Party, Status
from warroom.domain.log_book import Entry
from warroom.domain.principal import Principal, PrincipalKind
from warroom.domain.timeline import EntryKind

NOW = datetime(2026, 11, 21, 10, 41, tzinfo=UTC)
ANA = Principal(UUID(int=1), "ana", PrincipalKind.PERSON)
LUC = Principal(UUID(int=2), "luc", PrincipalKind.PERSON)
BOT = Principal(UUID(int=3), "bot", PrincipalKind.AUTOMATION)
MIRA = Party(UUID(int=4), "mira")
ANA_ = Party(ANA.id, "ana")
LUC_ = Party(LUC.id, "luc")
FRESH = IncidentState(
    id=UUID(int=12),
    number=12,
    title="Checkout failing",
    severity=2,
    status=Status.TRIGGERED,
    version=1,
    opened_at=NOW - timedelta(minutes=5),
    services={"pg": "down", "web": "degraded"},
)
POLICY = Policy(
    "p", "P", tuple(Step(n, 300, Target(TargetKind.TEAM, f"team{n}")) for n in (1, 2, 3))
)


def incident(status: Status = Status.TRIGGERED, **changes: Any) -> IncidentState:
    """Return the fresh incident with changes; what has ended says by whom and when."""
    if status in (Status.RESOLVED, Status.CLOSED):
        changes = {"resolved_at": NOW, "resolved_by": ANA_, **changes}
    return replace(FRESH, status=status, **changes)


def entry(kind: EntryKind = EntryKind.FACT, **changes: Any) -> Entry:
    """Return an entry that luc wrote."""
    return replace(Entry(UUID(int=5), kind, "pool leak", LUC.id), **changes)
