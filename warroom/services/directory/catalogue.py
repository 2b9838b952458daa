"""The catalogue: services, and what they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.errors import InvalidInput
from warroom.services.access import require
from warroom.services.directory.common import Json, id_of, insert, listing


async def add_service(db: Database, ctx: CommandContext, values: Mapping[str, Any]) -> Answer:
    """Make a service, or make a provisional one of the same key a full one.

    ``values``: key, name, kind, tier, team, policy, region, customers, user_share, runbook_url.
    """
    require(ctx, Scope.ADMIN)
    key = check_text(values.get("key"), "key", longest=200, shortest=1)
    name = check_text(values.get("name") or key, "name", longest=200, shortest=1)

    async def handler(work: Work) -> Answer:
        team = await id_of(work, tables.team, values.get("team") or "unassigned", "team")
        policy = values.get("policy")
        columns = {
            "name": name, "kind": values.get("kind") or "service", "tier": values.get("tier", 3),
            "team_id": team, "region": values.get("region"),
            "policy_id": await id_of(work, tables.escalation_policy, policy, "policy")
            if policy else None,
            "customers": values.get("customers"), "user_share": values.get("user_share"),
            "runbook_url": values.get("runbook_url"), "provisional": False,
        }  # fmt: skip
        service = tables.service
        found = await work.scalar(
            sa.update(service)
            .where(service.c.key == key, service.c.provisional)
            .values(**columns, version=service.c.version + 1)
            .returning(service.c.id)
        )
        if found is None:
            found = await insert(work, service, {"key": key, **columns}, f"The service {key!r}")
        return Answer(201, {"id": str(found), "key": key, "name": name})

    return await run_command(db, ctx, "service.add", dict(values), handler)


async def add_dependency(
    db: Database,
    ctx: CommandContext,
    *,
    service: str,
    depends_on: str,
    hardness: str = "hard",
    redundancy_group: str | None = None,
) -> Answer:
    """Say that a service depends on another, hard or soft."""
    require(ctx, Scope.ADMIN)
    if hardness not in ("hard", "soft"):
        raise InvalidInput("hardness must be hard or soft.", field="hardness")
    if service == depends_on:
        raise InvalidInput("A service does not depend on itself.", field="depends_on")
    body = {"service": service, "depends_on": depends_on, "hardness": hardness,
            "redundancy_group": redundancy_group}  # fmt: skip

    async def handler(work: Work) -> Answer:
        values = {
            "service_id": await id_of(work, tables.service, service, "service"),
            "depends_on_id": await id_of(work, tables.service, depends_on, "depends_on"),
            "hardness": hardness, "redundancy_group": redundancy_group,
        }  # fmt: skip
        found = await insert(work, tables.dependency, values, "This dependency")
        return Answer(201, {"id": str(found), **body})

    return await run_command(db, ctx, "dependency.add", body, handler)


_LIST = (
    "select s.id, s.key, s.name, s.kind, s.tier, t.key as team, s.region, s.health,"
    " s.provisional from warroom.service s join warroom.team t on t.id = s.team_id"
    " where s.key > :after order by s.key limit :limit"
)


async def list_services(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the services that the principal may see, those behind the key ``after``."""
    return await listing(db, ctx, _LIST, after=after, limit=limit)
