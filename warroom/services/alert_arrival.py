"""One alert of a batch as the desk looks at it, and what the desk decides of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from warroom.domain.alert import AlertChange, AlertState, IncomingAlert
from warroom.domain.alert_rule import Subject, environment_of
from warroom.domain.priority import priority
from warroom.services.alert_rows import KnownAlert, ServiceRow, SourceRow, Standing


@dataclass(frozen=True, slots=True)
class Arrival:
    """One alert of the batch as the desk looks at it; ``known`` is what is stored of it."""

    incoming: IncomingAlert
    service: ServiceRow
    source: SourceRow
    known: KnownAlert | None

    @property
    def may_begin(self) -> bool:
        """Say whether it may have to be placed: all that is not a mere repeat or end."""
        if self.incoming.state is not AlertState.FIRING:
            return False
        known = self.known
        return (
            known is None or known.stored.state is AlertState.RESOLVED or known.incident_id is None
        )

    def subject(self) -> Subject:
        """Return what rules see of it."""
        alert, where = self.incoming, environment_of(self.incoming.labels, self.source.environment)
        weight = priority(self.service.impact, where)
        facts = {
            **self.service.facts,
            "service": self.service.key,
            "source": self.source.key,
            "name": alert.name,
            "environment": where,
            "severity": str(alert.severity),
            "priority": str(weight.level),
        }
        return Subject(facts, alert.labels)


@dataclass(frozen=True, slots=True)
class Placed:
    """What was decided of one alert.

    ``decision`` is the sentence that is kept on the alert, empty where the one before stands;
    ``asks`` why a person is asked, if one is.
    """

    incident_id: UUID | None
    decision: str
    change: AlertChange
    standing: Standing
    visibility: str
    asks: str = ""
