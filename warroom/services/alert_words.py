"""What sources say of alerts that are stored: ends by key alone, remarks, and how one stands.

Everything here is bound to one source: nobody ends, remarks on or asks after another one's alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.alert import AlertState, IncomingAlert
from warroom.domain.ids import uuid7_floor
from warroom.domain.principal import (
    INGEST_PRINCIPAL,
    CommandContext,
)
from warroom.services import alert_incidents
from warroom.services.alerts import INGEST

REPEATED: Final = timedelta(minutes=10)
"""How long tools go on repeating what nobody answered: the same words again are the same remark."""
_ALERT = (
    "select a.id, a.fingerprint, a.name, a.summary, a.description, a.severity, a.severity_word,"
    " a.state, a.labels, a.annotations, a.generator_url, a.starts_at, a.ends_at, a.first_seen_at,"
    " a.last_seen_at, a.changed_at, a.count, s.key as service, i.acknowledged_at"
    " from warroom.alert a join warroom.service s on s.id = a.service_id"
    " left join warroom.incident i on i.id = a.incident_id"
)


@dataclass(frozen=True, slots=True)
class StandingAlert:
    """An alert as its own source may know it; times are UTC, ``acknowledged`` is its incident's."""

    id: UUID
    fingerprint: str
    name: str
    summary: str
    description: str
    severity: int
    severity_word: str
    state: AlertState
    labels: dict[str, str]
    annotations: dict[str, str]
    generator_url: str
    starts_at: datetime
    ends_at: datetime | None
    first_seen_at: datetime
    last_seen_at: datetime
    changed_at: datetime
    count: int
    service: str
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class KeptDelivery:
    """A delivery of a source: its body, when it came, and the alert that it changed, if one."""

    body: bytes
    received_at: datetime
    accepted: bool
    error: str
    alert_id: UUID | None


async def by_fingerprint(
    db: Database, ctx: CommandContext, source: UUID, marks: Sequence[str]
) -> dict[str, StandingAlert]:
    """Return the source's alerts with these fingerprints."""

    async def handler(work: Work) -> list[RowMapping]:
        return await work.rows(
            f"{_ALERT} where a.source_id = :source and a.fingerprint = any(:marks)",
            {"source": source, "marks": list(marks)},
        )

    found = await read(db, ctx, handler, eyes=INGEST_PRINCIPAL)
    return {row["fingerprint"]: _standing(row) for row in found}


async def by_id(
    db: Database, ctx: CommandContext, source: UUID, alert: UUID
) -> StandingAlert | None:
    """Return the source's alert of this id."""

    async def handler(work: Work) -> RowMapping | None:
        return await work.row(
            f"{_ALERT} where a.source_id = :source and a.id = :id", {"source": source, "id": alert}
        )

    row = await read(db, ctx, handler, eyes=INGEST_PRINCIPAL)
    return _standing(row) if row else None


async def by_short_id(
    db: Database, ctx: CommandContext, source: UUID, tail: str
) -> StandingAlert | None:
    """Return the source's newest alert whose id ends with these hexadecimal digits.

    There is no index for it: it looks through the source's alerts, within the usual deadline.
    """

    async def handler(work: Work) -> RowMapping | None:
        return await work.row(
            f"{_ALERT} where a.source_id = :source and right(a.id::text, 12) = :tail"
            " order by a.id desc limit 1",
            {"source": source, "tail": tail},
        )

    row = await read(db, ctx, handler, eyes=INGEST_PRINCIPAL)
    return _standing(row) if row else None


def ended(alert: StandingAlert, at: datetime) -> IncomingAlert:
    """Return the message that ends a stored alert: what its sender did not repeat is as stored."""
    return IncomingAlert(
        fingerprint=alert.fingerprint,
        name=alert.name,
        summary=alert.summary,
        description=alert.description,
        service_key=alert.service,
        service_label=None,
        severity=alert.severity,
        severity_word=alert.severity_word,
        severity_reason="as before",
        state=AlertState.RESOLVED,
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=min(alert.starts_at, at),
        ends_at=max(at, alert.starts_at),
        expires_at=None,
        generator_url=alert.generator_url,
        raw={},
    )


async def remark(
    db: Database, ctx: CommandContext, source: UUID, remarks: Sequence[tuple[str, str]]
) -> int:
    """Put what a source says of its alerts on the timelines of their incidents.

    It acknowledges, closes or silences nothing: who is at work on an incident is what people say
    here.  A remark on an alert that is unknown, or that has no incident, is in its delivery only;
    so is one that stands on the timeline since less than ``REPEATED``, because its sender repeats
    what it was not told to be stored.

    Args:
        db: the database of the API.
        ctx: the request.
        source: whose alerts.
        remarks: (fingerprint, text) each; the text goes on behind "alert NAME".

    Returns:
        How many of them stand on a timeline now.
    """
    written: list[int] = []

    async def handler(work: Work) -> Answer:
        # Locked, so that the same remark sent twice at once meets itself.
        found = await work.rows(
            "select a.fingerprint, a.name, i.id, i.unit, i.visibility, s.key as source,"
            " clock_timestamp() as now from warroom.alert a"
            " join warroom.incident i on i.id = a.incident_id"
            " join warroom.source s on s.id = a.source_id"
            " where a.source_id = :source and a.fingerprint = any(:marks)"
            " order by a.source_id, a.fingerprint for no key update of a",
            {"source": source, "marks": [mark for mark, _ in remarks]},
        )
        known = {row["fingerprint"]: row for row in found}
        said = await _said(work, found)
        entries = [
            alert_incidents.entry(
                known[mark]["id"], known[mark]["unit"], known[mark]["visibility"], "fact",
                f"alert {known[mark]['name']} {text}", known[mark]["now"], known[mark]["source"],
            )
            for mark, text in dict.fromkeys(remarks)
            if mark in known
        ]  # fmt: skip
        entries = [e for e in entries if (str(e["incident_id"]), e["body"]) not in said]
        await alert_incidents.insert_entries(work, entries)
        written[:] = [len(entries)]
        return Answer(200, {})

    inner = replace(ctx, principal=INGEST, idempotency_key=None)
    await run_command(db, inner, "alerts.remark", {}, handler, eyes=INGEST_PRINCIPAL)
    return written[0]


async def _said(work: Work, found: Sequence[RowMapping]) -> set[tuple[str, str]]:
    """Return (incident, text) of what the source has said on their timelines a moment ago."""
    if not found:
        return set()
    rows = await work.rows(
        "select t.incident_id, t.body from warroom.timeline t"
        " where t.incident_id = any(cast(:ids as uuid[])) and t.id >= cast(:floor as uuid)"
        " and t.source = :source",
        {"ids": sorted({row["id"] for row in found}, key=str), "source": found[0]["source"],
         "floor": uuid7_floor(found[0]["now"] - REPEATED)},
    )  # fmt: skip
    return {(str(row["incident_id"]), row["body"]) for row in rows}


async def delivery(
    db: Database, ctx: CommandContext, source: UUID, delivery_id: UUID
) -> KeptDelivery | None:
    """Return one of the source's deliveries."""

    async def handler(work: Work) -> RowMapping | None:
        return await work.row(
            "select d.body, d.received_at, d.state, d.error, (select e.alert_id"
            "   from warroom.alert_event e where e.delivery_id = d.id and e.id >= d.id"
            "   order by e.position limit 1) as alert_id"
            " from warroom.delivery d where d.id = :id and d.source_id = :source",
            {"id": delivery_id, "source": source},
        )

    row = await read(db, ctx, handler, eyes=INGEST_PRINCIPAL)
    if row is None:
        return None
    return KeptDelivery(
        bytes(row["body"]), row["received_at"], row["state"] == "accepted", row["error"] or "",
        row["alert_id"],
    )  # fmt: skip


def _standing(row: RowMapping) -> StandingAlert:
    values: dict[str, Any] = dict(row)
    acknowledged = values.pop("acknowledged_at") is not None
    values |= {
        "state": AlertState(values["state"]),
        "generator_url": values["generator_url"] or "",
        "severity_word": values["severity_word"] or "",
    }
    return StandingAlert(**values, acknowledged=acknowledged)
