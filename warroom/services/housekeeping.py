"""What keeps the house: partitions ahead, old idempotency keys away, expired logins ended."""

from __future__ import annotations

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_automation
from warroom.domain.principal import CommandContext

MONTHS_AHEAD = 2
KEYS_KEPT_DAYS = 30
DEADLINE_S = 30.0


async def make_partitions(db: Database, ctx: CommandContext) -> str:
    """Make the partitions of the coming months; return the sentence."""
    made: list[str] = []

    async def handler(work: Work) -> Answer:
        made[:] = await work.scalar(
            "select warroom.ensure_partitions(:months)", {"months": MONTHS_AHEAD}
        )
        return Answer(200, {})

    await run_automation(db, ctx, "partitions.ensure", handler, deadline_s=DEADLINE_S)
    return f"made {', '.join(made)}" if made else f"{MONTHS_AHEAD} months ahead are there"


async def drop_old_keys(db: Database, ctx: CommandContext) -> str:
    """Forget idempotency keys after 30 days; return the sentence."""
    gone = 0

    async def handler(work: Work) -> Answer:
        nonlocal gone
        gone = await work.execute(
            "delete from warroom.idempotency where (principal_id, key) in (select principal_id,"
            " key from warroom.idempotency where created_at < now()"
            " - make_interval(days => :days) order by created_at limit 5000)",
            {"days": KEYS_KEPT_DAYS},
        )
        return Answer(200, {})

    await run_automation(db, ctx, "idempotency.expire", handler, deadline_s=DEADLINE_S)
    return f"forgot {gone} idempotency keys" if gone else "no idempotency key is older than 30 days"


async def reap_logins(db: Database, ctx: CommandContext) -> str:
    """End sessions whose login has expired: VALID UNTIL alone does not; return the sentence."""
    ended = 0

    async def handler(work: Work) -> Answer:
        nonlocal ended
        ended = int(await work.scalar("select warroom.reap_logins()") or 0)
        return Answer(200, {})

    await run_automation(db, ctx, "logins.reap", handler)
    return f"ended {ended} expired sessions" if ended else "no session has outlived its login"
