"""Freeze policies: which incidents freeze what."""

from __future__ import annotations

from collections.abc import Sequence

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.freeze import check_scope
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_severity, check_text
from warroom.errors import NotFound
from warroom.services import freezes
from warroom.services.access import require
from warroom.services.directory.common import Json, check_key, insert, listing
from warroom.services.eyes import all_eyes

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
        InvalidInput: a field cannot be used.
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


async def _everywhere(work: Work) -> None:
    """Begin and end freezes of every open incident, those that the administrator does not see."""
    async with all_eyes(work):
        await freezes.refresh(work, [r["id"] for r in await work.rows(_OPEN)])
