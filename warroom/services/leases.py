"""Leases: of several engines, one does each thing; the row also keeps the sentence why."""

from __future__ import annotations

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_automation
from warroom.domain.principal import CommandContext


async def take(
    db: Database, ctx: CommandContext, name: str, holder: str, seconds: float
) -> int | None:
    """Take or renew a lease; return its fence, or None when another engine holds it.

    Args:
        db: the engine's database.
        ctx: the engine's context.
        name: what is leased.
        holder: who we are, unique to this process.
        seconds: for how long.
    """
    fence: int | None = None

    async def handler(work: Work) -> Answer:
        nonlocal fence
        fence = await work.scalar(
            "insert into warroom.lease as l (name, holder, fence, until)"
            " values (:name, :holder, 1, now() + make_interval(secs => :seconds))"
            " on conflict (name) do update set holder = :holder,"
            " fence = l.fence + case when l.holder = :holder then 0 else 1 end,"
            " until = now() + make_interval(secs => :seconds)"
            " where l.holder = :holder or l.until < now() returning fence",
            {"name": name, "holder": holder, "seconds": seconds},
        )
        return Answer(200, {})

    await run_automation(db, ctx, "lease.take", handler)
    return fence


async def tell(db: Database, ctx: CommandContext, name: str, holder: str, sentence: str) -> None:
    """Leave the sentence of a cycle's last run; only its holder, or anybody where nobody holds."""

    async def handler(work: Work) -> Answer:
        await work.execute(
            "insert into warroom.lease as l (name, holder, ran_at, sentence)"
            " values (:name, '', now(), :sentence) on conflict (name) do update"
            " set ran_at = now(), sentence = :sentence where l.holder in ('', :holder)",
            {"name": name, "holder": holder, "sentence": sentence[:500]},
        )
        return Answer(200, {})

    await run_automation(db, ctx, "lease.tell", handler)


async def give_back(db: Database, ctx: CommandContext, holder: str) -> None:
    """Let go of every lease at an orderly end, so that another engine need not wait."""

    async def handler(work: Work) -> Answer:
        await work.execute(
            "update warroom.lease set until = '-infinity' where holder = :holder",
            {"holder": holder},
        )
        return Answer(200, {})

    await run_automation(db, ctx, "lease.give-back", handler)
