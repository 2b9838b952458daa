"""How often each source was refused: a working count, no part of the record."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_automation
from warroom.domain.principal import CommandContext


async def add(db: Database, ctx: CommandContext, counts: Mapping[tuple[UUID, str], int]) -> None:
    """Add refusals to what was counted before.

    Args:
        db: the database of the API.
        ctx: the API's own context.
        counts: how many deliveries, by source and why (``paused``, ``rate``, ``full``).

    Raises:
        WarRoomError: nothing was added.
    """
    keys = sorted(counts, key=lambda key: (str(key[0]), key[1]))

    async def handler(work: Work) -> Answer:
        await work.execute(
            "insert into warroom.source_tally (source_id, why, refused)"
            " select r.source, r.why, r.refused from unnest(cast(:sources as uuid[]),"
            " cast(:whys as text[]), cast(:counts as bigint[])) as r(source, why, refused)"
            " on conflict (source_id, why) do update"
            " set refused = source_tally.refused + excluded.refused, last_at = now()",
            {"sources": [k[0] for k in keys], "whys": [k[1] for k in keys],
             "counts": [counts[k] for k in keys]},
        )  # fmt: skip
        return Answer(200, {})

    await run_automation(db, ctx, "sources.tally", handler)
