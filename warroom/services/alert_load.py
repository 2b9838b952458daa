"""How far a file of alerts has been loaded."""

from __future__ import annotations

from dataclasses import replace

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.principal import INGEST_PRINCIPAL, CommandContext
from warroom.services.alerts import INGEST


async def loaded_through(db: Database, ctx: CommandContext, prefix: str) -> int:
    """Return the last line that is stored of a file, 0 before the first; see ``alerts.take_once``.

    Args:
        db: the database of the API.
        ctx: the request's context.
        prefix: what the keys of all its parts begin with, of letters, digits, ``:`` and hyphens.
    """

    async def handler(work: Work) -> int:
        found = await work.scalar(
            "select max(cast(answer ->> 'through' as integer)) from warroom.idempotency"
            " where principal_id = :ingest and key like cast(:prefix as text) || '%'",
            {"ingest": INGEST_PRINCIPAL, "prefix": prefix},
        )
        return int(found or 0)

    return await read(db, replace(ctx, principal=INGEST), handler)
