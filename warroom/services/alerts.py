"""Alerts in: what has queued becomes rows, incidents, entries and timers in one transaction.

Locks are taken in one order everywhere (services by id, alerts by conflict key, incidents by id),
so two API processes never deadlock over the same storm; a fingerprint seen for the first time is
serialised by the lock on its service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain import grouping
from warroom.domain.alert import (
    AlertState,
    ChangeKind,
    IncomingAlert,
    apply,
)
from warroom.domain.alert import (
    expire as expire_rule,
)
from warroom.domain.principal import (
    ENGINE_PRINCIPAL,
    INGEST_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
)
from warroom.errors import DatabaseUnavailable, WarRoomError
from warroom.services import alert_incidents, freezes, impact
from warroom.services import alert_store as store
from warroom.services.alert_desk import Desk
from warroom.services.alert_rows import (
    KnownAlert,
    OpenedIncident,
    Outcome,
    ServiceRow,
)

INGEST = Principal(INGEST_PRINCIPAL, "ingest", PrincipalKind.AUTOMATION)
ENGINE = Principal(ENGINE_PRINCIPAL, "engine", PrincipalKind.AUTOMATION)
RACES = 3
# Loading a thousand services takes some 70 ms; a storm does not wait longer for its impact.
IMPACT_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One HTTP post: whose, in which dialect, the body as it came and what was read from it."""

    source_id: UUID
    source_principal_id: UUID
    dialect: str
    content_type: str
    body: bytes
    alerts: tuple[IncomingAlert, ...]
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What became of one delivery: its row, and how many alerts were new, changed or repeated."""

    delivery_id: UUID
    alerts: int
    new: int
    incidents: tuple[int, ...]


class _Raced(Exception):
    """Another process inserted the same fingerprint between our read and our insert."""


@dataclass(slots=True)
class _Item:
    """One alert of the batch, with where it came from."""

    key: tuple[UUID, str]
    delivery: int
    position: int
    incoming: IncomingAlert


async def take_batch(
    db: Database,
    ctx: CommandContext,
    deliveries: Sequence[Delivery],
    *,
    window: timedelta = grouping.DEFAULT_WINDOW,
) -> list[DeliveryResult]:
    """Store a batch of deliveries durably, in one transaction.

    Args:
        db: the database of the API.
        ctx: the request (or the batcher's own) context; recorded as request and origin.
        deliveries: in the order in which they arrived.
        window: how long an untouched incident still takes in new alerts.

    Returns:
        One result a delivery, in the same order.

    Raises:
        DatabaseUnavailable: nothing was stored.
        OutcomeUnknown: the commit may have happened; sending again is safe, since alerts are
            recognised by their fingerprint.
    """
    inner = replace(ctx, principal=INGEST, idempotency_key=None)
    for _ in range(RACES):
        results: list[DeliveryResult] = []

        async def handler(work: Work, into: list[DeliveryResult] = results) -> Answer:
            into.clear()
            into.extend(await _take(work, deliveries, window))
            return Answer(200, {})

        try:
            await run_command(db, inner, "alerts.take", {}, handler, eyes=INGEST_PRINCIPAL)
        except _Raced:
            continue
        return results
    raise DatabaseUnavailable("The same new alerts arrived everywhere at once; nothing was stored.")


async def quarantine(
    db: Database, ctx: CommandContext, delivery: Delivery, error: WarRoomError
) -> UUID:
    """Keep a body that could not be understood, with the error that the sender was told."""
    kept: list[UUID] = []

    async def handler(work: Work) -> Answer:
        kept.append(
            await store.insert_delivery(
                work, delivery, state="quarantined", error=error.message, field=error.field
            )
        )
        return Answer(200, {})

    inner = replace(ctx, principal=INGEST, idempotency_key=None)
    await run_command(db, inner, "alerts.quarantine", {}, handler, eyes=INGEST_PRINCIPAL)
    return kept[0]


async def expire(db: Database, ctx: CommandContext, *, limit: int = 500) -> str:
    """End the firing alerts whose source has been silent for too long; return the sentence."""
    ended: list[str] = []

    async def handler(work: Work) -> Answer:
        ended.clear()
        now: datetime = await work.scalar("select now()")
        outcomes: list[Outcome] = []
        for known in await store.due_alerts(work, now, limit):
            change = expire_rule(known.stored, known.name, now)
            if change is not None:
                outcomes.append(Outcome(known.as_target(), change, known.incident_id, ""))
                ended.append(known.name)
        await _write(work, outcomes, [], now, {})
        return Answer(200, {})

    inner = replace(ctx, principal=ENGINE, idempotency_key=None)
    await run_command(db, inner, "alerts.expire", {}, handler, eyes=ENGINE_PRINCIPAL)
    return f"{len(ended)} alerts expired" if ended else "no alert was due to expire"


async def _take(
    work: Work, deliveries: Sequence[Delivery], window: timedelta
) -> list[DeliveryResult]:
    now: datetime = await work.scalar("select now()")
    delivery_ids = [await store.insert_delivery(work, d, state="accepted") for d in deliveries]
    items = [
        _Item((d.source_id, alert.fingerprint), index, position, alert)
        for index, d in enumerate(deliveries)
        for position, alert in enumerate(d.alerts)
    ]
    # Stable: the messages of one fingerprint keep the order in which they arrived.
    items.sort(key=lambda item: (str(item.key[0]), item.key[1]))
    sources = await store.sources(work, {d.source_id for d in deliveries})
    services = await store.services(work, {grouping.service_of(i.incoming) for i in items})
    known = await _lock(work, items, services)
    candidates = await alert_incidents.candidates(
        work,
        [s.id for s in services.values()],
        [a.incident_id for a in known.values() if a.incident_id],
    )
    desk = Desk(work, now, window, services, candidates)
    outcomes: list[Outcome] = []
    for item in items:
        before = known.get(item.key)
        source = sources[item.key[0]]
        change = apply(before.stored if before else None, item.incoming, now)
        service = services[grouping.service_of(item.incoming)]
        incident_id, decision = await desk.place(
            item.incoming, change, service, before.incident_id if before else None, source
        )
        target = store.target(item.key, item.incoming, service, source, before)
        outcomes.append(
            Outcome(target, change, incident_id, decision, delivery_ids[item.delivery],
                    item.position, before.incident_id if before else None)
        )  # fmt: skip
        known[item.key] = KnownAlert(
            id=target.id,
            source_id=item.key[0],
            fingerprint=item.key[1],
            name=item.incoming.name,
            service_id=service.id,
            incident_id=incident_id,
            unit=service.unit,
            visibility=source.visibility,
            stored=change.after,
            fresh=before is None or before.fresh,
        )
    await _write(work, outcomes, list(desk.opened.values()), now, desk.raised)
    return [
        DeliveryResult(
            delivery_ids[index],
            len(d.alerts),
            sum(
                1
                for item, outcome in zip(items, outcomes, strict=True)
                if item.delivery == index and outcome.change.kind is ChangeKind.NEW
            ),
            tuple(sorted({
                desk.number(o.incident_id)
                for i, o in zip(items, outcomes, strict=True)
                if i.delivery == index and o.incident_id is not None
            })),
        )
        for index, d in enumerate(deliveries)
    ]  # fmt: skip


async def take_in(
    work: Work, deliveries: Sequence[Delivery], window: timedelta
) -> list[DeliveryResult]:
    """Do in a transaction of the caller's what ``take_batch`` does in its own.

    Raises:
        DatabaseUnavailable: the same new alerts are being stored at this moment.
    """
    try:
        return await _take(work, deliveries, window)
    except _Raced:
        raise DatabaseUnavailable(
            "The same new alerts are arriving at this moment; nothing was stored."
        ) from None


async def _lock(
    work: Work, items: list[_Item], services: dict[str, ServiceRow]
) -> dict[tuple[UUID, str], KnownAlert]:
    """Lock what will change, in the common order, and return the alerts that are stored."""
    keys = list(dict.fromkeys(item.key for item in items))
    seen = await store.alerts(work, keys, lock=False)
    beginning = {
        services[grouping.service_of(i.incoming)].id
        for i in items
        if i.key not in seen
        or (
            seen[i.key].stored.state is AlertState.RESOLVED
            and i.incoming.state is AlertState.FIRING
        )
    }
    if beginning:
        await store.lock_services(work, beginning)
    return await store.alerts(work, keys, lock=True)


async def _write(
    work: Work,
    outcomes: list[Outcome],
    opened: list[OpenedIncident],
    now: datetime,
    raised: dict[UUID, int],
) -> None:
    """Write what the rules decided: incidents, alerts, events, entries, timers, messages."""
    for incident in opened:
        await alert_incidents.insert_incident(
            work,
            incident,
            grouping.opening(incident.service.name, incident.alerts),
            now,
        )
        raised.pop(incident.id, None)
    if await store.write_alerts(work, outcomes) is False:
        raise _Raced
    await store.write_events(work, outcomes)
    entries = [
        alert_incidents.entry(
            o.incident_id,
            o.target.unit,
            o.target.visibility,
            "fact",
            o.change.sentence,
            o.change.after.starts_at if o.change.begins else now,
            o.target.source_key,
        )
        for o in outcomes
        if o.incident_id is not None and o.change.noteworthy
    ]
    entries += await alert_incidents.write_counts(work, outcomes, opened, raised, now)
    entries += await alert_incidents.wake_raised(work, raised, now)
    await alert_incidents.insert_entries(work, entries)
    # Alerts join only incidents that have their service already: no other set has changed.
    await impact.refresh(work, [incident.id for incident in opened], at_most=IMPACT_AT_ONCE)
    await freezes.refresh(work, [*(incident.id for incident in opened), *raised])
