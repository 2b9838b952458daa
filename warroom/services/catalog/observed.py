"""Edges that were seen in traffic: shown apart until a person confirms or rejects each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import InvalidInput, NotFound
from warroom.services.access import require
from warroom.services.directory.common import Json

STATES: Final = ("open", "confirmed", "rejected", "all")
_LIST = (
    "select * from (select d.id, a.key as service, b.key as depends_on, d.hardness, d.sync,"
    " d.catalog_source as source, case when d.confirmed_at is not null then 'confirmed'"
    " when d.rejected_at is not null then 'rejected'"
    " when exists (select from warroom.dependency x where x.service_id = d.service_id"
    "   and x.depends_on_id = d.depends_on_id and x.origin = 'declared') then 'declared'"
    " else 'open' end as state,"
    " p.name as decided_by,"
    " coalesce(d.confirmed_at, d.rejected_at) as decided_at"
    " from warroom.dependency d join warroom.service a on a.id = d.service_id"
    " join warroom.service b on b.id = d.depends_on_id"
    " left join warroom.principal p on p.id = d.confirmed_by"
    " where d.origin = 'observed' and d.id > :after) found"
    " where :state = 'all' or state = :state order by id limit :limit"
)


async def list_observed(
    db: Database, ctx: CommandContext, *, state: str, after: object, limit: int
) -> list[Json]:
    """Return observed edges in the order in which they came.

    Raises:
        InvalidInput: no such state.
    """
    if state not in STATES:
        raise InvalidInput("state is not known.", field="state",
                           remedy=f"Choose one of {', '.join(STATES)}.")  # fmt: skip
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Json]:
        args = {"after": after, "state": state, "limit": limit}
        return [dict(r) for r in await work.rows(_LIST, args)]

    return await read(db, ctx, handler)


async def decide(
    db: Database,
    ctx: CommandContext,
    *,
    verdict: str,
    edges: Sequence[Mapping[str, str]],
    hardness: str | None = None,
    sync: bool | None = None,
) -> Answer:
    """Confirm or reject observed edges, all or none of them; a verdict can be changed later.

    Args:
        db: the database of the API.
        ctx: who decides.
        verdict: confirm or reject.
        edges: ``{service, depends_on}`` each.
        hardness: what they are from now on, as they were by default.
        sync: likewise.

    Raises:
        NotFound: one of them was not observed.
    """
    require(ctx, Scope.ADMIN)
    if verdict not in ("confirm", "reject"):
        raise InvalidInput("verdict must be confirm or reject.", field="verdict")
    pairs = {(e["service"], e["depends_on"]) for e in edges}
    body: dict[str, Any] = {
        "verdict": verdict, "edges": sorted(map(list, pairs)), "hardness": hardness, "sync": sync,
    }  # fmt: skip

    async def handler(work: Work) -> Answer:
        rows = await work.rows(
            "select d.id, a.key as service, b.key as depends_on"
            " from jsonb_to_recordset(cast(:pairs as jsonb)) as r(service text, depends_on text)"
            " join warroom.service a on a.key = r.service"
            " join warroom.service b on b.key = r.depends_on"
            " join warroom.dependency d on d.service_id = a.id and d.depends_on_id = b.id"
            "   and d.origin = 'observed' order by d.id for no key update of d",
            {"pairs": json.dumps([{"service": s, "depends_on": d} for s, d in pairs])},
        )
        missing = pairs - {(r["service"], r["depends_on"]) for r in rows}
        if missing:
            service, needs = min(missing)
            raise NotFound(
                f"Nobody has observed that {service!r} depends on {needs!r}; nothing was changed.",
                field="edges", remedy="`warroom catalog observed list --state all` lists them.",
            )  # fmt: skip
        await work.execute(
            "update warroom.dependency set version = version + 1,"
            " confirmed_by = :who,"
            " confirmed_at = case when :yes then now() end,"
            " rejected_at = case when :yes then null else now() end,"
            " hardness = coalesce(:hardness, hardness),"
            " sync = coalesce(cast(:sync as boolean), sync)"
            " where id = any(cast(:ids as uuid[]))",
            {
                "who": ctx.principal.id, "yes": verdict == "confirm", "hardness": hardness,
                "sync": sync, "ids": [r["id"] for r in rows],
            },
        )  # fmt: skip
        return Answer(200, {"verdict": verdict, "decided": len(rows)})

    return await run_command(db, ctx, f"catalog.{verdict}", body, handler)
