"""The mapping of a source: what is where in its JSON (:mod:`warroom.ingest.mapping`).

Services know no dialect, so what a mapping may be is checked by the API before it comes here; what
stands in the table is checked again whenever it is used.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import NotFound
from warroom.services.access import require
from warroom.services.directory.common import Json, id_of


async def put(db: Database, ctx: CommandContext, key: str, mapping: Json | None) -> Answer:
    """Give a source a mapping in place of the one it had; None takes it away."""
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Answer:
        table = tables.source
        found = await work.scalar(
            sa.update(table)
            .where(table.c.id == await id_of(work, table, key, "key"))
            .values(mapping=sa.null() if mapping is None else mapping, version=table.c.version + 1)
            .returning(table.c.id)
        )
        return Answer(200, {"id": str(found), "key": key, "mapping": mapping})

    return await run_command(db, ctx, "source.mapping", {"key": key, "mapping": mapping}, handler)


async def of_source(db: Database, ctx: CommandContext, source: UUID) -> Any:
    """Return the mapping of a source as it is stored, None where it has none."""

    async def handler(work: Work) -> Any:
        return await work.scalar(
            "select mapping from warroom.source where id = :id", {"id": source}
        )

    return await read(db, ctx, handler)


async def of_key(db: Database, ctx: CommandContext, key: str) -> Json:
    """Return ``{id, key, principal_id, dialect, mapping, service_label, severity_map, now}``.

    Raises:
        NotFound: there is no such source.
    """
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Json:
        row = await work.row(
            "select id, key, principal_id, dialect, mapping, service_label, severity_map,"
            " now() as now from warroom.source where key = :key",
            {"key": key},
        )
        if row is None:
            raise NotFound(f"There is no source {key!r}; nothing was changed.", field="key")
        return dict(row)

    return await read(db, ctx, handler)
