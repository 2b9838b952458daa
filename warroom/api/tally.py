"""Refusals counted in memory are written down a few times a minute, not one by one."""

from __future__ import annotations

import asyncio
import contextlib

from warroom.api.buckets import Buckets
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.errors import WarRoomError
from warroom.services import source_tally

EVERY_S = 10.0


async def keep(db: Database, ctx: CommandContext, buckets: Buckets) -> None:
    """Write down what was refused, every ten seconds, until it is cancelled."""
    while True:
        await asyncio.sleep(EVERY_S)
        await tell(db, ctx, buckets)


async def tell(db: Database, ctx: CommandContext, buckets: Buckets) -> None:
    """Write down what was refused since the last time; a database that is away loses the count."""
    counts = buckets.take_counts()
    if counts:
        with contextlib.suppress(WarRoomError):
            await source_tally.add(db, ctx, counts)
