"""Teams."""

from __future__ import annotations

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.services.access import require
from warroom.services.directory.common import Json, check_key, insert, listing


async def add(
    db: Database, ctx: CommandContext, *, key: object, name: object, unit: str = "main"
) -> Answer:
    """Make a team."""
    require(ctx, Scope.ADMIN)
    values = {"key": check_key(key), "name": check_text(name, "name", longest=200, shortest=1),
              "unit": check_text(unit, "unit", longest=63, shortest=1)}  # fmt: skip

    async def handler(work: Work) -> Answer:
        found = await insert(work, tables.team, values, f"The team {values['key']!r}")
        return Answer(201, {"id": str(found), **values})

    return await run_command(db, ctx, "team.add", values, handler)


_LIST = "select id, key, name, unit from warroom.team where key > :after order by key limit :limit"


async def list_all(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the teams behind the key ``after``."""
    return await listing(db, ctx, _LIST, after=after, limit=limit)
