"""Decisions that were put off: an alert that has held for long enough, or is steady at last.

Exactly once: the alert's moment is cleared in the transaction that decides, by the database's
clock.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain import grouping
from warroom.domain.alert import AlertChange, AlertState, ChangeKind, IncomingAlert
from warroom.domain.principal import ENGINE_PRINCIPAL, CommandContext
from warroom.domain.validate import say_time
from warroom.services import alert_store as store
from warroom.services import rule_book
from warroom.services.alert_arrival import Arrival
from warroom.services.alert_desk import Desk
from warroom.services.alert_outcome import write
from warroom.services.alert_plan import plan_desk
from warroom.services.alert_roots import NEWEST
from warroom.services.alert_rows import KnownAlert, Outcome
from warroom.services.alerts import ENGINE

_DUE = """
select a.source_id, a.fingerprint, a.name, a.summary, a.description, a.severity,
  a.severity_word, a.labels, a.annotations, a.generator_url, a.starts_at, a.expires_at,
  s.key as service
from warroom.alert a join warroom.service s on s.id = a.service_id
where a.state = 'firing' and a.decide_at <= now()
order by a.decide_at, a.id limit :limit
"""


async def decide(
    db: Database,
    ctx: CommandContext,
    *,
    window: timedelta = grouping.DEFAULT_WINDOW,
    limit: int = 200,
) -> str:
    """Decide what has come due; return the sentence."""
    opened: list[int] = []
    decided: list[str] = []

    async def handler(work: Work) -> Answer:
        opened.clear()
        decided.clear()
        due = {(r["source_id"], r["fingerprint"]): r for r in await work.rows(_DUE,
               {"limit": limit})}  # fmt: skip
        if not due:
            return Answer(200, {})
        services = await store.services(work, {r["service"] for r in due.values()})
        await store.lock_services(work, {s.id for s in services.values()})
        now, sources = await store.sources(work, {source for source, _ in due}, spoke=False)
        known = {k: a for k, a in (await store.alerts(work, list(due), lock=True)).items()
                 if _still(a, now)}  # fmt: skip
        arrivals = [
            Arrival(_incoming(due[key]), services[due[key]["service"]], sources[key[0]], alert)
            for key, alert in sorted(known.items(), key=str)
        ]
        plan = await plan_desk(
            work, now, arrivals, await rule_book.load(work), await work.scalar(*NEWEST)
        )
        desk = plan.desk(work, now, window, await work.rows(*plan.wanted.asked(lock=True)))
        arrivals.sort(key=lambda a: desk.rank(a.service))
        outcomes: list[Outcome] = []
        for arrival in arrivals:
            outcomes.append(await _decided(desk, arrival, now))
            decided.append(arrival.incoming.name)
        await write(work, outcomes, desk, now)
        opened.extend(sorted(i.number for i in desk.opened.values()))
        return Answer(200, {})

    inner = replace(ctx, principal=ENGINE, idempotency_key=None)
    await run_command(db, inner, "alerts.decide", {}, handler, eyes=ENGINE_PRINCIPAL)
    if not decided:
        return "nothing waits for a decision that is due"
    return f"{len(decided)} alerts decided, {len(opened)} incidents opened"


def _still(alert: KnownAlert, now: datetime) -> bool:
    due = alert.standing.decide_at
    return alert.stored.state is AlertState.FIRING and due is not None and due <= now


async def _decided(desk: Desk, arrival: Arrival, now: datetime) -> Outcome:
    known = arrival.known
    assert known is not None
    since = say_time(known.stored.starts_at, now)
    said = f"alert {known.name} (SEV{known.stored.severity}), firing since {since}"
    change = AlertChange(ChangeKind.REPEAT, known.stored, said, noteworthy=True)
    placed = await desk.place(arrival, change, again=True)
    target = store.target(
        (known.source_id, known.fingerprint), arrival.incoming, arrival.service, arrival.source,
        known, placed.visibility, {},
    )  # fmt: skip
    return Outcome(
        target, placed.change, placed.incident_id, placed.decision, was_on=known.incident_id,
        standing=placed.standing, asks=placed.asks, heard=False,
    )  # fmt: skip


def _incoming(r: RowMapping) -> IncomingAlert:
    """Return a stored alert as its source reported it last."""
    return IncomingAlert(
        fingerprint=r["fingerprint"],
        name=r["name"],
        summary=r["summary"],
        description=r["description"],
        service_key=r["service"],
        service_label=None,
        severity=r["severity"],
        severity_word=r["severity_word"] or "",
        severity_reason="",
        state=AlertState.FIRING,
        labels=r["labels"],
        annotations=r["annotations"],
        starts_at=r["starts_at"],
        ends_at=None,
        expires_at=r["expires_at"],
        generator_url=r["generator_url"] or "",
        raw={},
    )
