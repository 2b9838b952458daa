"""Freeze policies: which incidents freeze what."""

from __future__ import annotations

from collections.abc import Sequence

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.freeze import Scope as Chosen
from warroom.domain.freeze import check_scope
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_severity, check_text
from warroom.errors import InvalidInput, NotFound
from warroom.services import freezes
from warroom.services.access import require
from warroom.services.directory.common import Json, check_key, insert, listing
from warroom.services.eyes import all_eyes

# Of the names given those that nobody has, as long as whoever asks may see them.
_UNKNOWN = {
    Chosen.TEAM: "select v from unnest(cast(:values as text[])) with ordinality as n(v, at)"
    " where not exists (select from warroom.team t where t.key = v) order by at",
    Chosen.SERVICES: "select v from unnest(cast(:values as text[])) with ordinality as n(v, at)"
    " where not exists (select from warroom.service s where s.key = v) order by at",
    Chosen.REGION: "select v from unnest(cast(:values as text[])) with ordinality as n(v, at)"
    " where not exists (select from warroom.service s where s.region = v) order by at",
}
_KNOWN_BY = {
    Chosen.TEAM: ("There is no team", "`warroom team list` shows which there are."),
    Chosen.SERVICES: ("There is no service", "`warroom service list` shows which there are."),
    Chosen.REGION: ("No service is in the region", "`warroom service list` shows the regions."),
}
_OPEN = "select id from warroom.incident where ended_at is null order by id"
_LIST = (
    "select id, key, name, min_severity, scope, scope_values as values, enabled"
    " from warroom.freeze_policy where key > :after order by key limit :limit"
)


async def add(
    db: Database,
    ctx: CommandContext,
    *,
    key: object,
    name: str | None = None,
    min_severity: object,
    scope: object,
    values: Sequence[str] = (),
) -> Answer:
    """Make a policy; incidents that are open already freeze by it at once.

    Raises:
        InvalidInput: a field cannot be used, or names a team, service or region that is not there:
            it would never freeze anything.
        AlreadyExists: its key is taken.
    """
    require(ctx, Scope.ADMIN)
    checked = check_key(key)
    chosen, named = check_scope(scope, values)
    body: Json = {
        "key": checked,
        "name": check_text(name or checked, "name", longest=200, shortest=1),
        "min_severity": check_severity(min_severity, "min_severity"),
        "scope": chosen.value,
        "values": list(named),
    }

    async def handler(work: Work) -> Answer:
        await _check_known(work, chosen, named)
        columns = {k: v for k, v in body.items() if k != "values"} | {"scope_values": list(named)}
        found = await insert(work, tables.freeze_policy, columns, f"The policy {checked!r}")
        await _everywhere(work)
        return Answer(201, {"id": str(found), **body, "enabled": True})

    return await run_command(db, ctx, "freeze.policy.add", body, handler)


async def switch(db: Database, ctx: CommandContext, key: str, *, enabled: bool) -> Answer:
    """Turn a policy on or off; its freezes begin or end at once.

    Raises:
        NotFound: there is none of that key.
    """
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Answer:
        row = await work.row(
            "update warroom.freeze_policy set enabled = :on, version = version + 1"
            " where key = :key returning id, key, name, min_severity, scope,"
            " scope_values as values, enabled",
            {"key": key, "on": enabled},
        )
        if row is None:
            raise NotFound(f"There is no freeze policy {key!r}; nothing was changed.", field="key")
        await _everywhere(work)
        return Answer(200, dict(row) | {"id": str(row["id"])})

    body = {"key": key, "enabled": enabled}
    return await run_command(db, ctx, "freeze.policy.switch", body, handler)


async def list_all(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the policies behind the key ``after``."""
    return await listing(db, ctx, _LIST, after=after, limit=limit)


async def _check_known(work: Work, scope: Chosen, values: Sequence[str]) -> None:
    if scope not in _UNKNOWN:
        return
    lost = [r["v"] for r in await work.rows(_UNKNOWN[scope], {"values": list(values)})]
    if lost:
        said, remedy = _KNOWN_BY[scope]
        names = ", ".join(repr(v[:80]) for v in lost[:5])
        more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
        raise InvalidInput(
            f"{said} {names}{more}; nothing was changed.", field="values", remedy=remedy
        )


async def _everywhere(work: Work) -> None:
    """Begin and end freezes of every open incident, those that the administrator does not see."""
    async with all_eyes(work):
        await freezes.refresh(work, [r["id"] for r in await work.rows(_OPEN)])
