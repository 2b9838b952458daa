"""What would happen to a delivery: the real rules in a real transaction that is rolled back.

Nothing stays: no delivery, no service, no alert, no incident, no timer, no message, no audit row.
The numbers of incidents come from a sequence, which no rollback takes back; so an incident that is
rehearsed has a number of its own far beyond the real ones, and is named "a new incident".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain import grouping
from warroom.domain.ids import format_ref
from warroom.domain.principal import INGEST_PRINCIPAL, CommandContext
from warroom.services import alerts
from warroom.services.alert_incidents import REHEARSED
from warroom.services.delivery import Delivery

DEADLINE_S = 5.0
"""It holds the locks of a real delivery meanwhile: alerts of the same services wait for it."""

_OUTCOMES = (
    "select e.position, e.change, a.fingerprint, a.decision, a.state, s.key as service,"
    " s.sys_from >= now() as service_is_new, i.number, i.severity as incident_severity,"
    " i.title as incident_title from warroom.alert_event e"
    " join warroom.alert a on a.id = e.alert_id join warroom.service s on s.id = a.service_id"
    " left join warroom.incident i on i.id = a.incident_id"
    " where e.delivery_id = :delivery and e.id >= :delivery order by e.position"
)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What would become of one alert of the delivery.

    ``incident`` is the reference of the one that it would be on, None for none and for a new one;
    ``opens`` says that the incident would be opened.  ``title`` is the incident's.
    """

    position: int
    change: str
    fingerprint: str
    service: str
    service_is_new: bool
    decision: str
    incident: str | None
    opens: bool
    title: str | None
    incident_severity: int | None


class _Over(Exception):
    """Ends the transaction without a commit, and carries what was seen in it."""

    def __init__(self, rows: Sequence[RowMapping]) -> None:
        super().__init__()
        self.rows = rows


async def rehearse(
    db: Database,
    ctx: CommandContext,
    delivery: Delivery,
    *,
    window: timedelta = grouping.DEFAULT_WINDOW,
) -> tuple[Rehearsed, ...]:
    """Return what would become of each alert of a delivery, in its order; nothing stays.

    Raises:
        DatabaseUnavailable: nobody could say in time.
    """
    inner = replace(ctx, principal=alerts.INGEST, idempotency_key=None)

    async def handler(work: Work) -> Answer:
        work.rehearsal = True
        (result,) = await alerts.take_within(work, [delivery], window=window)
        raise _Over(await work.rows(_OUTCOMES, {"delivery": result.delivery_id}))

    try:
        await run_command(
            db, inner, "alerts.rehearse", {}, handler, eyes=INGEST_PRINCIPAL,
            deadline_s=DEADLINE_S,
        )  # fmt: skip
    except _Over as seen:
        return tuple(_rehearsed(row) for row in seen.rows)
    raise AssertionError("a rehearsal never commits")


def _rehearsed(row: RowMapping) -> Rehearsed:
    number: int | None = row["number"]
    opens = number is not None and number >= REHEARSED
    decision: str = row["decision"]
    if number is not None and opens:
        decision = decision.replace(format_ref(number), "a new incident")
    return Rehearsed(
        position=row["position"],
        change=row["change"],
        fingerprint=row["fingerprint"],
        service=row["service"],
        service_is_new=row["service_is_new"],
        decision=decision,
        incident=None if number is None or opens else format_ref(number),
        opens=opens,
        title=row["incident_title"],
        incident_severity=row["incident_severity"],
    )
