"""The catalogue as the database has it, in the shape of files."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.catalogue import (
    Catalogue,
    DependencyEntry,
    ServiceEntry,
    ServiceLink,
    TeamEntry,
)
from warroom.domain.catalogue_plan import Known, KnownDependency, KnownService
from warroom.domain.principal import CommandContext, Scope
from warroom.services.access import require

DEADLINE_S = 60.0
_SERVICES = """
select s.id, s.key, s.name, s.kind, s.tier, t.key as team, s.region, s.zone, s.host, s.provider,
  cast(s.slo as float8) as slo, s.customers, cast(s.user_share as float8) as user_share,
  s.runbook_url, s.dashboard_url, s.system, s.links, s.catalog_source, s.provisional,
  s.expires_at is not null as short_lived
from warroom.service s join warroom.team t on t.id = s.team_id order by s.key
"""
_DEPENDENCIES = """
select d.id, a.key as service, b.key as depends_on, d.hardness, d.sync, d.redundancy_group,
  d.redundancy_needed, d.catalog_source, d.origin = 'observed' as observed,
  case when d.origin = 'declared' then '' when d.confirmed_at is not null then 'confirmed'
       when d.rejected_at is not null then 'rejected' else 'open' end as verdict
from warroom.dependency d
join warroom.service a on a.id = d.service_id join warroom.service b on b.id = d.depends_on_id
order by a.key, b.key, d.origin
"""


async def allow(work: Work, seconds: float) -> None:
    """Let one statement of this transaction take as long as a whole catalogue needs."""
    await work.scalar(
        "select set_config('statement_timeout', :ms, true)", {"ms": f"{int(seconds * 1000)}"}
    )


async def load(work: Work) -> Known:
    """Return all services and dependencies that the principal may see."""
    await allow(work, work.left())
    services = [_service(r) for r in await work.rows(_SERVICES)]
    dependencies = [_dependency(r) for r in await work.rows(_DEPENDENCIES)]
    teams = await work.rows("select key from warroom.team")
    return Known(
        {s.entry.key: s for s in services}, dependencies, frozenset(t["key"] for t in teams)
    )


async def whole(
    db: Database, ctx: CommandContext, *, source: str | None = None, observed: bool = False
) -> Catalogue:
    """Return the catalogue to be written out.

    Left out are short-lived workloads, and services that only alerts have named.  An edge that
    was observed belongs to it once a person confirmed it.

    Args:
        db: the database of the API.
        ctx: who asks.
        source: only what this import brought, everything by default.
        observed: with the observed edges that nobody has decided about.
    """
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Catalogue:
        await allow(work, work.left())
        services = tuple(
            _service(r).entry for r in await work.rows(_SERVICES)
            if not r["short_lived"] and not r["provisional"]
            and source in (None, r["catalog_source"])
        )  # fmt: skip
        keys = {s.key for s in services}
        states = {"", "confirmed", "open"} if observed else {"", "confirmed"}
        edges: dict[tuple[str, str], DependencyEntry] = {}
        for r in await work.rows(_DEPENDENCIES):
            entry = _dependency(r).entry
            if r["verdict"] in states and r["service"] in keys and r["depends_on"] in keys:
                edges.setdefault(entry.pair, entry)
        owners = {s.team for s in services}
        teams = tuple(
            TeamEntry(r["key"], r["name"])
            for r in await work.rows("select key, name from warroom.team order by key")
            if r["key"] in owners
        )
        return Catalogue("war room", services, tuple(edges.values()), teams)

    return await read(db, ctx, handler, deadline_s=DEADLINE_S)


def links_of(stored: Any) -> tuple[ServiceLink, ...] | None:
    """Return stored links; None when there are none."""
    if not stored:
        return None
    return tuple(ServiceLink(one["kind"], one["url"], one.get("label", "")) for one in stored)


def _service(r: RowMapping) -> KnownService:
    entry = ServiceEntry(
        key=r["key"], name=r["name"], kind=r["kind"], tier=r["tier"], team=r["team"],
        region=r["region"], zone=r["zone"], host=r["host"], provider=r["provider"], slo=r["slo"],
        customers=r["customers"], user_share=r["user_share"], runbook_url=r["runbook_url"],
        dashboard_url=r["dashboard_url"], system=r["system"], links=links_of(r["links"]),
    )  # fmt: skip
    return KnownService(str(r["id"]), entry, r["catalog_source"], r["provisional"])


def _dependency(r: RowMapping) -> KnownDependency:
    entry = DependencyEntry(
        r["service"], r["depends_on"], r["hardness"], r["sync"], r["redundancy_group"],
        r["redundancy_needed"],
    )  # fmt: skip
    return KnownDependency(str(r["id"]), entry, r["catalog_source"], r["observed"], r["verdict"])
