"""Alerts in: what has queued becomes rows, incidents, entries and timers in one transaction.

Locks are taken in one order everywhere (services by id, alerts by conflict key, incidents by id),
so two API processes never deadlock over the same storm; a fingerprint seen for the first time is
serialised by the lock on its service.  A batch of nothing but repeats touches no incident: it reads
without locks and writes only what is still as it was read; the rare loser begins again, with locks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain import grouping
from warroom.domain.alert import (
    ChangeKind,
    IncomingAlert,
    apply,
)
from warroom.domain.principal import (
    ENGINE_PRINCIPAL,
    INGEST_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
)
from warroom.errors import DatabaseUnavailable, WarRoomError
from warroom.services import alert_incidents, alert_writes, freezes, impact, triage_queue
from warroom.services import alert_store as store
from warroom.services.alert_arrival import Arrival, Placed
from warroom.services.alert_desk import Desk, open_desk
from warroom.services.alert_rows import (
    AlertTarget,
    KnownAlert,
    Outcome,
    Raced,
    ServiceRow,
    SourceRow,
    begins,
    repeats,
)

INGEST = Principal(INGEST_PRINCIPAL, "ingest", PrincipalKind.AUTOMATION)
ENGINE = Principal(ENGINE_PRINCIPAL, "engine", PrincipalKind.AUTOMATION)
RACES = 3
# A group of 14,000 alerts is one transaction, which may take longer than any command of a person.
USUAL = 1000
EACH_MORE_S = 0.005
# A body has no incident that would name people, so a restricted one is for nobody's eyes.
NARROWER = ("normal", "security", "restricted")
# Loading a thousand services takes some 70 ms; a storm does not wait longer for its impact.
IMPACT_AT_ONCE = 1000
REASONED_AT_ONCE = 5


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
    results: list[DeliveryResult] = []

    async def handler(work: Work, again: bool) -> Answer:
        results[:] = await _take(work, deliveries, window, lock=again)
        return Answer(200, {})

    many = sum(len(d.alerts) for d in deliveries)
    await _again_after_races(db, inner, "alerts.take", {}, handler, alerts=many)
    return results


async def take_once(
    db: Database,
    ctx: CommandContext,
    delivery: Delivery,
    key: str,
    through: int,
    *,
    window: timedelta = grouping.DEFAULT_WINDOW,
) -> dict[str, int]:
    """Store a delivery once, however often it is sent: a part of a file that is loaded.

    Args:
        db: the database of the API.
        ctx: the request's context; recorded as request and origin.
        delivery: the part.
        key: names the part; the same key with another body is refused.
        through: the last line of the part, kept beside the answer (``alert_load`` asks for it).
        window: how long an untouched incident still takes in new alerts.

    Returns:
        ``alerts``, ``new`` and ``through``, as they were the first time.

    Raises:
        IdempotencyMismatch: the key was used for another part; nothing was stored.
        DatabaseUnavailable: nothing was stored.
        OutcomeUnknown: sending it again with the same key is safe.
    """
    inner = replace(ctx, principal=INGEST, idempotency_key=key)

    async def handler(work: Work, again: bool) -> Answer:
        (result,) = await _take(work, [delivery], window, lock=again)
        return Answer(200, {"alerts": result.alerts, "new": result.new, "through": through})

    asked = {"sha256": hashlib.sha256(delivery.body).hexdigest()}
    many = len(delivery.alerts)
    answer = await _again_after_races(db, inner, "alerts.load", asked, handler, alerts=many)
    return answer.body


async def _again_after_races(
    db: Database,
    ctx: CommandContext,
    command: str,
    body: dict[str, str],
    handler: Callable[[Work, bool], Awaitable[Answer]],
    *,
    alerts: int,
) -> Answer:
    """Run a command that takes alerts; again, with everything locked, when it lost a race."""
    more = max(alerts - USUAL, 0)
    deadline_s = db.command_deadline_s + more * EACH_MORE_S
    for attempt in range(RACES):

        async def once(work: Work, again: bool = attempt > 0) -> Answer:
            if more:
                await work.scalar(
                    "select set_config('statement_timeout', :ms, true)",
                    {"ms": f"{deadline_s * 1000:.0f}"},
                )
            return await handler(work, again)

        try:
            return await run_command(
                db, ctx, command, body, once, eyes=INGEST_PRINCIPAL, deadline_s=deadline_s
            )
        except Raced:
            continue
    raise DatabaseUnavailable("The same new alerts arrived everywhere at once; nothing was stored.")


async def take_within(
    work: Work, deliveries: Sequence[Delivery], *, window: timedelta = grouping.DEFAULT_WINDOW
) -> list[DeliveryResult]:
    """Store deliveries in the caller's own transaction, which must see all that ingest sees.

    What the caller changes besides happens with them or not at all.

    Raises:
        DatabaseUnavailable: the same new alert came in elsewhere at that moment; the transaction
            must end, and may be tried again.
    """
    try:
        return await _take(work, deliveries, window, lock=True)
    except Raced as error:
        raise DatabaseUnavailable(
            "The same new alert arrived elsewhere at once; nothing was stored."
        ) from error


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


async def _take(
    work: Work, deliveries: Sequence[Delivery], window: timedelta, *, lock: bool
) -> list[DeliveryResult]:
    now, sources = await store.sources(work, {d.source_id for d in deliveries})
    items = [
        _Item((d.source_id, alert.fingerprint), index, position, alert)
        for index, d in enumerate(deliveries)
        for position, alert in enumerate(d.alerts)
    ]
    # Stable: the messages of one fingerprint keep the order in which they arrived.
    items.sort(key=lambda item: (item.key[0].bytes, item.key[1]))
    services = await store.services(work, {grouping.service_of(i.incoming) for i in items})
    known = await store.alerts(work, list(dict.fromkeys(i.key for i in items)), lock=False)
    quiet = not lock and all(repeats(known.get(i.key), i.incoming) for i in items)
    if not quiet:
        known = await _lock(work, items, services, known)
    desk = await open_desk(
        work, now, window, [_arrival(i, services, sources, known) for i in items],
        [s.id for s in services.values()], lock=not quiet,
    )  # fmt: skip
    # A cause before what it takes down; the messages of one fingerprint stay in their order.
    items.sort(key=lambda i: desk.rank(services[grouping.service_of(i.incoming)]))
    results = [_Tally(sources[d.source_id].visibility) for d in deliveries]
    decided: list[tuple[_Item, AlertTarget, Placed, KnownAlert | None]] = []
    for item in items:
        arrival = _arrival(item, services, sources, known)
        before, service = arrival.known, arrival.service
        change = apply(before.stored if before else None, item.incoming, now)
        placed = await desk.place(arrival, change)
        target = store.target(
            item.key, item.incoming, service, arrival.source, before, placed.visibility
        )
        decided.append((item, target, placed, before))
        results[item.delivery].add(placed)
        known[item.key] = KnownAlert(
            id=target.id,
            source_id=item.key[0],
            fingerprint=item.key[1],
            name=item.incoming.name,
            service_id=service.id,
            incident_id=placed.incident_id,
            unit=service.unit,
            visibility=placed.visibility,
            stored=change.after,
            fresh=target.fresh,
            version=target.version,
            standing=placed.standing,
        )
    # Kept only now: a body is seen by whoever may see its alerts, which the rules have just said.
    delivery_ids = await store.insert_deliveries(work, deliveries, [t.seen for t in results])
    outcomes = [
        Outcome(target, placed.change, placed.incident_id, placed.decision,
                delivery_ids[item.delivery], item.position,
                before.incident_id if before else None, placed.standing, placed.asks)
        for item, target, placed, before in decided
    ]  # fmt: skip
    if quiet and (desk.changes or any(o.touches or o.asks for o in outcomes)):
        raise Raced
    await write(work, outcomes, desk, now)
    return [t.result(desk, kept) for t, kept in zip(results, delivery_ids, strict=True)]


def _arrival(
    item: _Item,
    services: dict[str, ServiceRow],
    sources: dict[UUID, SourceRow],
    known: dict[tuple[UUID, str], KnownAlert],
) -> Arrival:
    service = services[grouping.service_of(item.incoming)]
    return Arrival(item.incoming, service, sources[item.key[0]], known.get(item.key))


@dataclass(slots=True)
class _Tally:
    """What becomes of one delivery, counted while its alerts are placed."""

    seen: str
    alerts: int = 0
    new: int = 0
    incidents: set[UUID] = field(default_factory=set)

    def add(self, placed: Placed) -> None:
        """Count one alert; the body is seen by no more people than each of its alerts."""
        self.alerts += 1
        self.new += placed.change.kind is ChangeKind.NEW
        self.seen = max(self.seen, placed.visibility, key=NARROWER.index)
        if placed.incident_id is not None:
            self.incidents.add(placed.incident_id)

    def result(self, desk: Desk, delivery_id: UUID) -> DeliveryResult:
        """Return what its sender is told."""
        numbers = tuple(sorted(desk.number(i) for i in self.incidents))
        return DeliveryResult(delivery_id, self.alerts, self.new, numbers)


async def _lock(
    work: Work,
    items: list[_Item],
    services: dict[str, ServiceRow],
    seen: dict[tuple[UUID, str], KnownAlert],
) -> dict[tuple[UUID, str], KnownAlert]:
    """Lock what will change, in the common order, and return the alerts that are stored."""
    beginning = {
        services[grouping.service_of(i.incoming)].id
        for i in items
        if i.key not in seen or begins(seen[i.key], i.incoming)
    }
    if beginning:
        await store.lock_services(work, beginning)
    return await store.alerts(work, list(dict.fromkeys(i.key for i in items)), lock=True)


async def write(work: Work, outcomes: list[Outcome], desk: Desk | None, now: datetime) -> None:
    """Write what was decided: incidents, alerts, events, entries, timers, messages, questions."""
    opened = list(desk.opened.values()) if desk is not None else []
    raised = dict(desk.raised) if desk is not None else {}
    attached = desk.attached if desk is not None else set()
    await alert_incidents.insert_incidents(
        work,
        [(o, grouping.opening(o.service.name, o.alerts, o.worst)) for o in opened],
        now,
    )
    for incident in opened:
        raised.pop(incident.id, None)
    await alert_incidents.attach_services(work, attached)
    if await alert_writes.write_alerts(work, outcomes) is False:
        raise Raced
    await alert_writes.write_events(work, [o for o in outcomes if o.heard])
    await triage_queue.ask(work, outcomes)
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
    changed = {incident.id for incident in opened} | {i for i, _ in attached}
    # Of a storm's many incidents the engine reasons, within seconds.
    if len(changed) <= REASONED_AT_ONCE:
        await impact.refresh(work, sorted(changed, key=str), at_most=IMPACT_AT_ONCE)
    await freezes.refresh(work, [*changed, *raised])
