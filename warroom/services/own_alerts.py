"""War room's own alerts, in the transaction of what they tell of, by the door of all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from warroom.db.uow import Work
from warroom.domain.alert import AlertState, IncomingAlert
from warroom.domain.ids import fingerprint
from warroom.services import alerts
from warroom.services.delivery import Delivery

SOURCE = "war-room"


@dataclass(frozen=True, slots=True)
class Own:
    """Something to raise or to end at the moment ``at``.

    ``labels`` with the service's key are what it is known by.  It begins when it is told, not when
    what it tells of began: an episode that seems to begin before the last one's end would be taken
    for a straggler of that one.
    """

    name: str
    service: str
    labels: Mapping[str, str]
    summary: str
    severity: int
    firing: bool
    at: datetime

    def incoming(self) -> IncomingAlert:
        """Return it as a parser would."""
        labels = {**self.labels, "service": self.service}
        return IncomingAlert(
            fingerprint=fingerprint({**labels, "alertname": self.name}),
            name=self.name,
            summary=self.summary[:500],
            description="",
            service_key=self.service,
            service_label="service",
            severity=self.severity,
            severity_word="own",
            severity_reason="as war room was told when this was set up",
            state=AlertState.FIRING if self.firing else AlertState.RESOLVED,
            labels=labels,
            annotations={},
            starts_at=self.at,
            ends_at=None if self.firing else self.at,
            expires_at=None,
            generator_url="",
            raw={"labels": labels},
        )


async def tell(work: Work, own: Sequence[Own]) -> None:
    """Take them in within the caller's transaction, as deliveries of war room's own source.

    Raises:
        DatabaseUnavailable: the transaction must end, and may be tried again.
    """
    if not own:
        return
    row = await work.row(
        "select id, principal_id from warroom.source where key = :key", {"key": SOURCE}
    )
    if row is None:
        return  # removed by somebody: not wanted
    await alerts.take_within(work, [
        Delivery(
            row["id"], row["principal_id"], "internal", "text/plain", one.summary.encode(),
            (one.incoming(),),
        )
        for one in own
    ])  # fmt: skip
