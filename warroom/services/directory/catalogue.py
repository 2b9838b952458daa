"""The catalogue: services, and what they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.catalogue import check_attribute, links_as_json
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.errors import InvalidInput, NotFound
from warroom.services.access import require
from warroom.services.directory.common import Json, id_of, insert, listing

LATER: Final = ("zone", "host", "provider", "slo", "dashboard_url", "system", "links")


async def add_service(db: Database, ctx: CommandContext, values: Mapping[str, Any]) -> Answer:
    """Make a service, or make a provisional one of the same key a full one.

    ``values``: key, name, kind, tier, team, policy, region, zone, host, provider, slo, customers,
    user_share, runbook_url, dashboard_url, system, links.
    """
    require(ctx, Scope.ADMIN)
    key = check_text(values.get("key"), "key", longest=200, shortest=1)
    name = check_text(values.get("name") or key, "name", longest=200, shortest=1)
    where = {field: check_attribute(field, values.get(field)) for field in LATER}
    where["links"] = links_as_json(where["links"])

    async def handler(work: Work) -> Answer:
        team = await id_of(work, tables.team, values.get("team") or "unassigned", "team")
        policy = values.get("policy")
        columns = {
            "name": name, "kind": values.get("kind") or "service", "tier": values.get("tier", 3),
            "team_id": team, "region": values.get("region"),
            "policy_id": await id_of(work, tables.escalation_policy, policy, "policy")
            if policy else None,
            "customers": values.get("customers"), "user_share": values.get("user_share"),
            "runbook_url": values.get("runbook_url"), "provisional": False, **where,
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
    sync: bool | None = None,
    redundancy_group: str | None = None,
    redundancy_needed: int | None = None,
) -> Answer:
    """Say that a service depends on another, hard or soft, waiting for it (``sync``) or not."""
    require(ctx, Scope.ADMIN)
    if hardness not in ("hard", "soft"):
        raise InvalidInput("hardness must be hard or soft.", field="hardness")
    if service == depends_on:
        raise InvalidInput("A service does not depend on itself.", field="depends_on")
    if redundancy_needed is not None and redundancy_group is None:
        raise InvalidInput(
            "redundancy_needed says how many of a redundancy_group must be up.",
            field="redundancy_needed", remedy="Name the group.",
        )  # fmt: skip
    body = {"service": service, "depends_on": depends_on, "hardness": hardness, "sync": sync,
            "redundancy_group": redundancy_group,
            "redundancy_needed": redundancy_needed}  # fmt: skip

    async def handler(work: Work) -> Answer:
        values = {
            "service_id": await id_of(work, tables.service, service, "service"),
            "depends_on_id": await id_of(work, tables.service, depends_on, "depends_on"),
            "hardness": hardness, "redundancy_group": redundancy_group, "sync": sync,
            "redundancy_needed": redundancy_needed,
        }  # fmt: skip
        found = await insert(work, tables.dependency, values, "This dependency")
        return Answer(201, {"id": str(found), **body})

    return await run_command(db, ctx, "dependency.add", body, handler)


async def remove_dependency(
    db: Database, ctx: CommandContext, *, service: str, depends_on: str
) -> Answer:
    """Say that a service does not depend on another, whoever said so or saw it.

    Raises:
        NotFound: it does not.
    """
    require(ctx, Scope.ADMIN)
    body = {"service": service, "depends_on": depends_on}

    async def handler(work: Work) -> Answer:
        removed = await work.execute(
            "delete from warroom.dependency d using warroom.service a, warroom.service b"
            " where a.id = d.service_id and b.id = d.depends_on_id"
            " and a.key = :service and b.key = :depends_on",
            body,
        )
        if not removed:
            raise NotFound(
                f"{service!r} does not depend on {depends_on!r}; nothing was changed.",
                field="depends_on",
            )
        return Answer(200, {**body, "removed": True})

    return await run_command(db, ctx, "dependency.remove", body, handler)


_LIST = (
    "select s.id, s.key, s.name, s.kind, s.tier, t.key as team, s.region, s.zone, s.host,"
    " s.provider, s.system, cast(s.slo as float8) as slo, s.expires_at, s.health,"
    " s.provisional from warroom.service s join warroom.team t on t.id = s.team_id"
    " where s.key > :after order by s.key limit :limit"
)


async def list_services(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the services that the principal may see, those behind the key ``after``."""
    return await listing(db, ctx, _LIST, after=after, limit=limit)


_DEPENDENCIES = (
    "select d.id, a.key as service, b.key as depends_on, d.hardness, d.sync, d.redundancy_group,"
    " d.redundancy_needed, d.origin, d.catalog_source as source,"
    " d.origin = 'declared' or d.confirmed_at is not null as counts"
    " from warroom.dependency d join warroom.service a on a.id = d.service_id"
    " join warroom.service b on b.id = d.depends_on_id"
    " where d.id > :after and d.rejected_at is null order by d.id limit :limit"
)


async def list_dependencies(
    db: Database, ctx: CommandContext, *, after: object, limit: int = 100
) -> list[Json]:
    """Return the dependencies between services that the principal may see.

    ``counts``: the reasoning uses it; what was only observed counts once it is confirmed.
    """
    return await listing(db, ctx, _DEPENDENCIES, after=after, limit=limit)
