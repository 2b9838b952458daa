"""War room's alerts about its own database: through the door that all alerts come by."""

from __future__ import annotations

from typing import Final

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.alert import AlertState, IncomingAlert
from warroom.domain.health import Standing
from warroom.domain.ids import fingerprint
from warroom.domain.panes import Verdict
from warroom.domain.principal import CommandContext
from warroom.services import alerts
from warroom.services.delivery import Delivery
from warroom.services.health import Crossing

SOURCE = "war-room"
SERVICE = "war-room-database"
_ALERTS: Final = {
    "lag": ("StandbyBehind", 3),
    "gone": ("StandbyGone", 2),
    "connections": ("ConnectionsNearlyUsed", 2),
    "pool": ("EnginePoolNearlyUsed", 3),
    "transaction": ("LongTransaction", 3),
    "intake": ("AlertsWaiting", 2),
    "wal": ("MuchWal", 3),
    "retained": ("SlotKeepsWal", 3),
    "lost": ("SlotLostWal", 2),
    "dead": ("DeadRows", 4),
    "vacuum": ("VacuumOverdue", 4),
    "size": ("DatabaseLarge", 3),
    "growth": ("DatabaseGrows", 3),
    "slow": ("SlowStatement", 4),
    "statements": ("SlowStatements", 4),
}
"""What the alert of each reading is called, and its severity."""


async def raise_or_end(db: Database, ctx: CommandContext, crossing: Crossing) -> bool:
    """Raise the alert of a reading that is bad, or end it when it is well; tell which.

    Raises:
        WarRoomError: nothing was stored; ask again.
    """

    async def source(work: Work) -> object:
        return await work.row(
            "select id, principal_id from warroom.source where key = :key", {"key": SOURCE}
        )

    row = await read(db, ctx, source)
    if row is None:
        return crossing.standing.verdict is Verdict.BAD  # removed by somebody: not wanted
    alert = incoming(crossing)
    delivery = Delivery(
        row["id"],  # type: ignore[index]  # a mapping of two columns
        row["principal_id"],  # type: ignore[index]
        "internal",
        "text/plain",
        alert.summary.encode(),
        (alert,),
    )
    await alerts.take_batch(db, ctx, [delivery])
    return alert.state is AlertState.FIRING


def incoming(crossing: Crossing) -> IncomingAlert:
    """Return the alert of a crossing: one for each node and reading."""
    standing: Standing = crossing.standing
    firing = standing.verdict is Verdict.BAD
    labels = {"node": crossing.node, "reading": crossing.reading, "service": SERVICE}
    name, severity = _ALERTS.get(crossing.reading, ("DatabaseHealth", 3))
    since = standing.since or crossing.at
    return IncomingAlert(
        fingerprint=fingerprint(labels),
        name=name,
        summary=crossing.sentence[:500],
        description="",
        service_key=SERVICE,
        service_label="service",
        severity=severity,
        severity_word="own",
        severity_reason="war room's own table of readings",
        state=AlertState.FIRING if firing else AlertState.RESOLVED,
        labels=labels,
        annotations={},
        starts_at=since,
        ends_at=None if firing else crossing.at,
        expires_at=None,
        generator_url="",
        raw={"labels": labels, "value": crossing.value},
    )
