"""Alerts in: what has queued becomes rows, incidents, entries and timers in one transaction.

Locks are taken in one order everywhere (services by id, alerts by conflict key, incidents by id),
so two API processes never deadlock over the same storm; a fingerprint seen for the first time is
serialised by the lock on its service.  A batch of nothing but repeats touches no incident: it reads
without locks and writes only what is still as it was read; the rare loser begins again, with locks.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
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
from warroom.services import alert_store as store
from warroom.services import suppression
from warroom.services.alert_arrival import Arrival, Placed
from warroom.services.alert_desk import Desk
from warroom.services.alert_outcome import write
from warroom.services.alert_plan import Plan, plan_desk
from warroom.services.alert_rows import (
    KnownAlert,
    Outcome,
    Raced,
    begins,
    repeats,
)
from warroom.services.alert_turn import Turn
from warroom.services.delivery import Delivery, DeliveryResult

INGEST = Principal(INGEST_PRINCIPAL, "ingest", PrincipalKind.AUTOMATION)
ENGINE = Principal(ENGINE_PRINCIPAL, "engine", PrincipalKind.AUTOMATION)
RACES = 3
# Deciding a thousand alerts takes a tenth of a second, in which nobody else would be answered.
BREATH = 50
# A group of 14,000 alerts is one transaction, which may take longer than any command of a person.
USUAL = 1000
EACH_MORE_S = 0.005
# A body has no incident that would name people, so a restricted one is for nobody's eyes.
NARROWER = ("normal", "security", "restricted")


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
    turn: Turn | None = None,
) -> list[DeliveryResult]:
    """Store a batch of deliveries durably, in one transaction.

    Args:
        db: the database of the API.
        ctx: the request (or the batcher's own) context; recorded as request and origin.
        deliveries: in the order in which they arrived.
        window: how long an untouched incident still takes in new alerts.
        turn: its turn among the batches of this process.

    Returns:
        One result a delivery, in the same order.

    Raises:
        DatabaseUnavailable: nothing was stored.
        OutcomeUnknown: the commit may have happened; sending again is safe, since alerts are
            recognised by their fingerprint.
        Unproven: some were brought by a token that is not what it was; nothing was stored.
        Gone: some wait in the intake no longer; nothing was stored.
    """
    inner = replace(ctx, principal=INGEST, idempotency_key=None)
    results: list[DeliveryResult] = []

    async def handler(work: Work, again: bool) -> Answer:
        results[:] = await _take(work, deliveries, window, lock=again, turn=turn)
        return Answer(200, {})

    many = sum(len(d.alerts) for d in deliveries)
    await _again_after_races(db, inner, "alerts.take", {}, handler, alerts=many, turn=turn)
    return results


async def take_once(
    db: Database,
    ctx: CommandContext,
    delivery: Delivery,
    key: str,
    through: int,
    *,
    window: timedelta = grouping.DEFAULT_WINDOW,
    turn: Turn | None = None,
) -> dict[str, int]:
    """Store a delivery once, however often it is sent: a part of a file that is loaded.

    Args:
        db: the database of the API.
        ctx: the request's context; recorded as request and origin.
        delivery: the part.
        key: names the part; the same key with another body is refused.
        through: the last line of the part, kept beside the answer (``alert_load`` asks for it).
        window: how long an untouched incident still takes in new alerts.
        turn: its turn among the batches of this process.

    Returns:
        ``alerts``, ``new`` and ``through``, as they were the first time.

    Raises:
        IdempotencyMismatch: the key was used for another part; nothing was stored.
        DatabaseUnavailable: nothing was stored.
        OutcomeUnknown: sending it again with the same key is safe.
    """
    inner = replace(ctx, principal=INGEST, idempotency_key=key)

    async def handler(work: Work, again: bool) -> Answer:
        (result,) = await _take(work, [delivery], window, lock=again, turn=turn)
        return Answer(200, {"alerts": result.alerts, "new": result.new, "through": through})

    asked = {"sha256": hashlib.sha256(delivery.body).hexdigest()}
    many = len(delivery.alerts)
    answer = await _again_after_races(
        db, inner, "alerts.load", asked, handler, alerts=many, turn=turn
    )
    return answer.body


async def _again_after_races(
    db: Database,
    ctx: CommandContext,
    command: str,
    body: dict[str, str],
    handler: Callable[[Work, bool], Awaitable[Answer]],
    *,
    alerts: int,
    turn: Turn | None = None,
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
        finally:
            if turn is not None:
                turn.give_back()
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
    work: Work,
    deliveries: Sequence[Delivery],
    window: timedelta,
    *,
    lock: bool,
    turn: Turn | None = None,
) -> list[DeliveryResult]:
    items = [
        _Item((d.source_id, alert.fingerprint), index, position, alert)
        for index, d in enumerate(deliveries)
        for position, alert in enumerate(d.alerts)
    ]
    # Stable: the messages of one fingerprint keep the order in which they arrived.
    items.sort(key=lambda item: (item.key[0].bytes, item.key[1]))
    seen = await store.look(
        work, deliveries, list(dict.fromkeys(i.key for i in items)),
        {grouping.service_of(i.incoming) for i in items},
    )  # fmt: skip
    now, known = seen.now, seen.known
    quiet = not lock and all(repeats(known.get(i.key), i.incoming) for i in items)
    plan = await plan_desk(
        work, now, [_arrival(i, seen, known) for i in items], seen.book, seen.newest,
        beginning_only=quiet,
    )  # fmt: skip
    if quiet:
        incidents = await work.rows(*plan.wanted.asked(lock=False))
        desk = plan.desk(work, now, window, incidents, locked=False)
        spare: dict[store.Key, UUID] = {}
    else:
        if turn is not None:
            await turn.take()
        known, desk, spare = await _lock(work, items, seen, plan, window)
    # A cause before what it takes down; the messages of one fingerprint stay in their order.
    items.sort(key=lambda i: desk.rank(seen.services[grouping.service_of(i.incoming)]))
    results = [
        _Tally(kept, seen.sources[d.source_id].visibility)
        for kept, d in zip(seen.delivery_ids, deliveries, strict=True)
    ]
    outcomes: list[Outcome] = []
    for number, item in enumerate(items, 1):
        if number % BREATH == 0:
            await asyncio.sleep(0)
        arrival = _arrival(item, seen, known)
        before, service = arrival.known, arrival.service
        stored = before.stored if before else None
        change = apply(stored, item.incoming, now, seen.received[item.delivery])
        placed = await desk.place(arrival, change)
        target = store.target(
            item.key, item.incoming, service, arrival.source, before, placed.visibility, spare
        )
        outcomes.append(
            Outcome(target, placed.change, placed.incident_id, placed.decision,
                    seen.delivery_ids[item.delivery], item.position,
                    before.incident_id if before else None, placed.standing, placed.asks)
        )  # fmt: skip
        results[item.delivery].add(placed)
        known[item.key] = KnownAlert(
            id=target.id,
            source_id=item.key[0],
            fingerprint=item.key[1],
            name=item.incoming.name,
            service_id=service.id,
            incident_id=placed.incident_id,
            unit=target.own_unit,
            visibility=placed.visibility,
            stored=change.after,
            fresh=target.fresh,
            version=target.version,
            standing=placed.standing,
        )
    if quiet and (desk.changes or any(o.touches or o.asks for o in outcomes)):
        raise Raced
    # Kept only now: a body is seen by whoever may see its alerts, which the rules have just said.
    bodies = store.deliveries_asked(
        deliveries, seen, [t.seen for t in results], work.ctx.request_id
    )
    await write(work, outcomes, desk, now, bodies=bodies)
    return [t.result(desk) for t in results]


def _arrival(item: _Item, seen: store.Look, known: dict[store.Key, KnownAlert]) -> Arrival:
    service = seen.services[grouping.service_of(item.incoming)]
    return Arrival(item.incoming, service, seen.sources[item.key[0]], known.get(item.key))


@dataclass(slots=True)
class _Tally:
    """What becomes of one delivery, counted while its alerts are placed."""

    delivery_id: UUID
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

    def result(self, desk: Desk) -> DeliveryResult:
        """Return what its sender is told."""
        numbers = tuple(sorted(desk.number(i) for i in self.incidents))
        return DeliveryResult(self.delivery_id, self.alerts, self.new, numbers)


async def _lock(
    work: Work, items: list[_Item], seen: store.Look, plan: Plan, window: timedelta
) -> tuple[dict[store.Key, KnownAlert], Desk, dict[store.Key, UUID]]:
    """Lock what will change, in the common order.

    Returns:
        The stored alerts, the desk, and ids for those that are not stored yet.
    """
    beginning = {
        seen.services[grouping.service_of(i.incoming)].id
        for i in items
        if i.key not in seen.known or begins(seen.known[i.key], i.incoming)
    }
    if beginning:
        work.begin_with(store.services_locked(beginning))
    keys = list(dict.fromkeys(i.key for i in items))
    missing = [key for key in keys if key not in seen.known]
    stored, incidents, silences, ids = await work.together(
        store.alerts_asked(keys, lock=True),
        plan.wanted.asked(lock=True),
        suppression.in_force(seen.now),
        store.new_ids(len(missing)),
    )
    known = store.known_of(stored.rows)
    rows = incidents.rows
    moved = {a.incident_id for a in known.values() if a.incident_id} - {r["id"] for r in rows}
    if moved:  # put on another incident before its lock was ours
        wanted = replace(plan.wanted, attached=plan.wanted.attached | moved)
        rows = await work.rows(*wanted.asked(lock=True))
    desk = plan.desk(
        work, seen.now, window, rows,
        silences=suppression.read_from(silences.rows, seen.now),
    )  # fmt: skip
    return known, desk, dict(zip(missing, (r["id"] for r in ids.rows), strict=True))
