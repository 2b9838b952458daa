"""The desk: which incident each alert of a batch goes to, and which incidents the batch opens."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from warroom.db.uow import Work
from warroom.domain import grouping
from warroom.domain.alert import AlertChange, IncomingAlert
from warroom.services import alert_incidents, suppression
from warroom.services.alert_rows import Candidates, OpenedIncident, ServiceRow, SourceRow


class Desk:
    """Places the alerts of one batch, and remembers the incidents that the batch opens."""

    def __init__(
        self,
        work: Work,
        now: datetime,
        window: timedelta,
        services: dict[str, ServiceRow],
        candidates: Candidates,
    ) -> None:
        self._work = work
        self._now = now
        self._window = window
        self._services = services
        self._candidates = candidates
        self._suppressions: suppression.Suppressions | None = None
        self.opened: dict[UUID, OpenedIncident] = {}
        self.raised: dict[UUID, int] = {}

    def number(self, incident_id: UUID) -> int:
        """Return the number of an incident that the batch touched."""
        return self._candidates.by_id[incident_id].number

    async def place(
        self,
        incoming: IncomingAlert,
        change: AlertChange,
        service: ServiceRow,
        attached_id: UUID | None,
        source: SourceRow,
    ) -> tuple[UUID | None, str]:
        """Return the incident of the alert and the sentence that says why."""
        by_id = self._candidates.by_id
        attached = by_id.get(attached_id) if attached_id else None
        placement = grouping.place(
            incoming,
            change,
            self._candidates.of(service.id, source.visibility),
            self._now,
            attached=attached,
            window=self._window,
        )
        if placement.kind in (grouping.PlacementKind.OPEN, grouping.PlacementKind.JOIN):
            why = await self._silenced(incoming, service, source)
            if why is not None:
                return None, why
        if placement.kind is grouping.PlacementKind.OPEN:
            return await self._open(incoming, placement, service, source)
        incident = placement.incident
        if incident is None:
            return None, placement.say()
        if incident.id in self.opened and placement.kind is grouping.PlacementKind.JOIN:
            self.opened[incident.id].alerts.append(incoming)
        if placement.raise_to is not None:
            self.raised[incident.id] = placement.raise_to
            self._candidates.replace(replace(incident, severity=placement.raise_to))
        return incident.id, placement.say()

    async def _silenced(
        self, incoming: IncomingAlert, service: ServiceRow, source: SourceRow
    ) -> str | None:
        """Return why an alert opens and joins nothing; read once a batch, and only if asked."""
        if self._suppressions is None:
            self._suppressions = await suppression.load(self._work, self._now)
        return self._suppressions.why(
            incoming.labels, unit=service.unit, visibility=source.visibility
        )

    async def _open(
        self,
        incoming: IncomingAlert,
        placement: grouping.Placement,
        service: ServiceRow,
        source: SourceRow,
    ) -> tuple[UUID, str]:
        incident = await alert_incidents.next_incident(self._work, incoming.severity, self._now)
        self._candidates.add(service.id, source.visibility, incident)
        self.opened[incident.id] = OpenedIncident(
            incident.id, incident.number, service, source.visibility, source.principal_id,
            [incoming], placement.say(incident.number),
        )  # fmt: skip
        return incident.id, placement.say(incident.number)
