"""Alerts that end by themselves: their source has been silent for longer than it is believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain import flapping
from warroom.domain.alert import AlertChange
from warroom.domain.alert import expire as expire_rule
from warroom.domain.principal import ENGINE_PRINCIPAL, CommandContext
from warroom.services import alert_store as store
from warroom.services.alert_outcome import write
from warroom.services.alert_rows import KnownAlert, Outcome
from warroom.services.alerts import ENGINE

_INCIDENTS = (
    "select id from warroom.incident where id = any(cast(:ids as uuid[])) order by id"
    " for no key update skip locked"
)


async def expire(db: Database, ctx: CommandContext, *, limit: int = 500) -> str:
    """End the firing alerts whose source has been silent for too long; return the sentence."""
    ended: list[str] = []

    async def handler(work: Work) -> Answer:
        ended.clear()
        now: datetime = await work.scalar("select now()")
        outcomes: list[Outcome] = []
        for known in await _free(work, await store.due_alerts(work, now, limit)):
            change = expire_rule(known.stored, known.name, now)
            if change is not None:
                outcomes.append(ended_by_itself(known, change, now))
                ended.append(known.name)
        await write(work, outcomes, None, now)
        return Answer(200, {})

    inner = replace(ctx, principal=ENGINE, idempotency_key=None)
    await run_command(db, inner, "alerts.expire", {}, handler, eyes=ENGINE_PRINCIPAL)
    return f"{len(ended)} alerts expired" if ended else "no alert was due to expire"


async def _free(work: Work, due: list[KnownAlert]) -> list[KnownAlert]:
    """Return those whose incident nobody is changing right now; the others wait a turn."""
    ids = {known.incident_id for known in due if known.incident_id is not None}
    free = {r["id"] for r in await work.rows(_INCIDENTS, {"ids": list(ids)})} if ids else set()
    return [known for known in due if known.incident_id is None or known.incident_id in free]


def ended_by_itself(known: KnownAlert, change: AlertChange, now: datetime) -> Outcome:
    """Return what becomes of an alert that nobody repeated: its end is a change like any other."""
    old = known.standing
    flaps = flapping.follow(old.flips, now, changed=True, flapping=old.flapping, name=known.name)
    standing = replace(old, flapping=flaps.flapping, flips=flaps.flips)
    return Outcome(known.as_target(), change, known.incident_id, "", standing=standing)
