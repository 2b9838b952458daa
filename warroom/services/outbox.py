"""The outbox: at least once, with a stable id, and nothing that is being sent is ever lost.

A claim lasts for a while and carries a fence; a sender that was stopped in between finds its
fence outdated and changes nothing, and the message is sent again by another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_automation
from warroom.domain.channel import mark_drill
from warroom.domain.principal import CommandContext
from warroom.services import alert_incidents

ATTEMPTS_MAX = 12
CLAIM_S = 30
BACKOFF_MAX_S = 900


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process may send until ``CLAIM_S`` seconds from its claim."""

    id: UUID
    dedup_key: str
    channel: str
    kind: str
    url: str | None
    secret: str | None
    payload: Mapping[str, Any]
    fence: int
    attempts: int
    created_at: datetime


async def claim(
    db: Database, ctx: CommandContext, holder: str, *, limit: int = 50
) -> list[Claimed]:
    """Claim messages that are due, or whose sender has been silent for too long.

    What is queued for a paused channel waits until it resumes.  What is about an incident that is
    a drill at this moment says so.
    """
    found: list[Claimed] = []

    async def handler(work: Work) -> Answer:
        found.clear()
        due = await work.scalar(
            # What waits for a paused channel, or for one that is gone, holds up nobody else.
            "select 1 from warroom.outbox x join warroom.channel d on d.key = x.channel"
            " where d.disabled_at is null and ((x.state = 'queued' and x.next_attempt_at <= now())"
            " or (x.state = 'sending' and x.claimed_until < now())) limit 1"
        )
        if due is None:
            return Answer(200, {})
        rows = await work.rows(
            "update warroom.outbox o set state = 'sending', fence = o.fence + 1,"
            " attempts = o.attempts + 1, claimed_by = :holder,"
            " claimed_until = now() + make_interval(secs => :seconds)"
            " from warroom.channel c where c.key = o.channel and o.id in ("
            "   select x.id from warroom.outbox x join warroom.channel d on d.key = x.channel"
            "   where d.disabled_at is null and ("
            "     (x.state = 'queued' and x.next_attempt_at <= now())"
            "     or (x.state = 'sending' and x.claimed_until < now()))"
            "   order by x.next_attempt_at limit :limit for update of x skip locked)"
            " returning o.id, o.dedup_key, o.channel, c.kind, c.url, c.secret, o.payload,"
            " o.fence, o.attempts, o.created_at,"
            " coalesce((select i.drill from warroom.incident i where i.id = o.incident_id), false)"
            " as drill",
            {"holder": holder, "seconds": CLAIM_S, "limit": limit},
        )
        found.extend(_claimed(dict(r)) for r in rows)
        return Answer(200, {})

    await run_automation(db, ctx, "outbox.claim", handler)
    return found


def _claimed(row: dict[str, Any]) -> Claimed:
    """Return a message to send; marked here, where every message passes, whoever wrote it."""
    drill = row.pop("drill")
    return Claimed(**row | {"payload": mark_drill(row["payload"]) if drill else row["payload"]})


async def finish(
    db: Database,
    ctx: CommandContext,
    sent: Sequence[Claimed],
    failed: Sequence[tuple[Claimed, str, bool]],
) -> None:
    """Record what became of claimed messages.

    Args:
        db: the database.
        ctx: the engine's context.
        sent: those that arrived.
        failed: (message, why, may be tried again).
    """

    async def handler(work: Work) -> Answer:
        for message in sent:
            await work.execute(
                "update warroom.outbox set state = 'sent', sent_at = now(), last_error = null"
                " where id = :id and fence = :fence and state = 'sending'",
                {"id": message.id, "fence": message.fence},
            )
        for message, why, retry in failed:
            await _failed(work, message, why, retry=retry)
        return Answer(200, {})

    if sent or failed:
        await run_automation(db, ctx, "outbox.finish", handler)


async def _failed(work: Work, message: Claimed, why: str, *, retry: bool) -> None:
    dead = not retry or message.attempts >= ATTEMPTS_MAX
    wait_s = min(2.0**message.attempts, BACKOFF_MAX_S)
    row = await work.row(
        "update warroom.outbox set state = :state, last_error = :why,"
        # Jitter, so that what failed together does not come back together.
        " next_attempt_at = now() + make_interval(secs => :wait * (0.5 + random()))"
        " where id = :id and fence = :fence and state = 'sending'"
        " returning incident_id, unit, visibility",
        {
            "id": message.id,
            "fence": message.fence,
            "state": "dead" if dead else "queued",
            "why": why[:1000],
            "wait": wait_s,
        },
    )
    if dead and row is not None and row["incident_id"] is not None:
        now: datetime = await work.scalar("select now()")
        text = f"a message to {message.channel} was given up after {message.attempts} tries: {why}"
        entry = alert_incidents.entry(
            row["incident_id"], row["unit"], row["visibility"], "automation", text, now
        )
        await alert_incidents.insert_entries(work, [entry], author=work.ctx.principal.id)
