"""Importing catalogue files: the same plan whether it is only shown or carried out.

Applied in one transaction and set by set: a statement for each sort of change, whatever the
number of rows.  Row triggers keep history and audit of every row.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.exc import IntegrityError

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.catalogue import (
    ATTRIBUTES,
    EDGE_ATTRIBUTES,
    Catalogue,
    CatalogueFile,
    DependencyEntry,
    ServiceEntry,
)
from warroom.domain.catalogue_plan import Plan, plan, said_plainly
from warroom.domain.catalogue_report import report
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import CatalogueRefused, VersionConflict
from warroom.services.access import require
from warroom.services.catalog import known
from warroom.services.directory.common import listing

Json = dict[str, Any]
DEADLINE_S: Final = 90.0
IMPORT_LOCK: Final = 7741010
_SERVICE_COLUMNS = (
    "key text, name text, kind text, tier smallint, team text, region text, zone text, host text,"
    " provider text, slo numeric, customers bigint, user_share numeric, runbook_url text,"
    " dashboard_url text, system text, links jsonb"
)
# A catalogue without links has none, and not an empty list of them.
_SERVICE_VALUES = (
    "name, kind, tier, team_id, region, zone, host, provider, slo, customers, user_share,"
    " runbook_url, dashboard_url, system, links"
)
_SERVICE_FROM = (
    "r.name, r.kind, r.tier, t.id, r.region, r.zone, r.host, r.provider, r.slo, r.customers,"
    " r.user_share, r.runbook_url, r.dashboard_url, r.system, r.links"
)
_ADD_TEAMS = """
insert into warroom.team (key, name)
select r.key, r.name from jsonb_to_recordset(cast(:rows as jsonb)) as r(key text, name text)
"""
_ADD_SERVICES = f"""
insert into warroom.service (key, {_SERVICE_VALUES}, catalog_source)
select r.key, {_SERVICE_FROM}, :source
from jsonb_to_recordset(cast(:rows as jsonb)) as r({_SERVICE_COLUMNS})
join warroom.team t on t.key = r.team
"""  # noqa: S608 - our own column names
# In the order in which alerts lock services, so that neither waits for the other in a circle.
_LOCK_SERVICES = """
select id from warroom.service where id = any(cast(:ids as uuid[])) order by id for no key update
"""
_CHANGE_SERVICES = f"""
update warroom.service s set ({_SERVICE_VALUES}) = ({_SERVICE_FROM}),
  provisional = false, version = s.version + 1,
  catalog_source = case when r.adopted then :source else s.catalog_source end
from jsonb_to_recordset(cast(:rows as jsonb)) as r(id uuid, adopted boolean, {_SERVICE_COLUMNS})
join warroom.team t on t.key = r.team
where s.id = r.id
"""  # noqa: S608 - our own column names
_EDGE_COLUMNS = 'hardness text, sync boolean, "group" text, needed smallint'
_ADD_EDGES = f"""
insert into warroom.dependency (service_id, depends_on_id, hardness, sync, redundancy_group,
  redundancy_needed, origin, catalog_source)
select a.id, b.id, r.hardness, r.sync, r."group", r.needed, :origin, :source
from jsonb_to_recordset(cast(:rows as jsonb)) as r(service text, depends_on text, {_EDGE_COLUMNS})
join warroom.service a on a.key = r.service join warroom.service b on b.key = r.depends_on
"""  # noqa: S608 - our own column names
_CHANGE_EDGES = f"""
update warroom.dependency d set hardness = r.hardness, sync = r.sync,
  redundancy_group = r."group", redundancy_needed = r.needed, version = d.version + 1
from jsonb_to_recordset(cast(:rows as jsonb)) as r(id uuid, {_EDGE_COLUMNS})
where d.id = r.id
"""  # noqa: S608 - our own column names
_REMOVE_EDGES = """
delete from warroom.dependency where id = any(cast(:edges as uuid[]))
  or (origin = 'observed' and confirmed_at is null
      and (service_id = any(cast(:services as uuid[]))
           or depends_on_id = any(cast(:services as uuid[]))))
"""
_REMOVE_SERVICES = "delete from warroom.service where id = any(cast(:services as uuid[]))"


@dataclass(frozen=True, slots=True)
class Options:
    """How an import is done; as the arguments of ``catalogue_plan.plan``."""

    source: str
    prune: bool = False
    make_teams: bool = False
    strict: bool = False


def digest_of(files: Sequence[CatalogueFile]) -> str:
    """Return the SHA-256 of files, names and order included, in hexadecimal."""
    whole = json.dumps([[f.name, f.text] for f in files]).encode()
    return hashlib.sha256(whole).hexdigest()


async def show(
    db: Database, ctx: CommandContext, catalogue: Catalogue, options: Options, digest: str
) -> Json:
    """Return the report of what an import would do; nothing is changed."""
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Json:
        found = await _plan(work, catalogue, options)
        return report(catalogue, found, source=options.source, digest=digest, dry_run=True)

    return await read(db, ctx, handler, deadline_s=DEADLINE_S)


async def apply(
    db: Database, ctx: CommandContext, catalogue: Catalogue, options: Options, digest: str
) -> Answer:
    """Carry an import out, whole or not at all; answer its report.

    Raises:
        CatalogueRefused: the files have errors; ``current`` is the report.
        VersionConflict: somebody else made the same names meanwhile, or in a unit that this
            principal does not see.
    """
    require(ctx, Scope.ADMIN)
    body = {
        "digest": digest, "format": catalogue.format, "source": options.source,
        "prune": options.prune, "make_teams": options.make_teams, "strict": options.strict,
    }  # fmt: skip

    async def handler(work: Work) -> Answer:
        await known.allow(work, work.left())
        # Two imports at once would each plan against what the other is changing.
        await work.scalar("select pg_advisory_xact_lock(:lock)", {"lock": IMPORT_LOCK})
        found = await _plan(work, catalogue, options)
        said = report(catalogue, found, source=options.source, digest=digest, dry_run=False)
        if found.errors:
            count = len(found.errors)
            raise CatalogueRefused(
                f"The files have {count:,} error{'s' if count > 1 else ''};"
                f" nothing was changed. The first: {found.errors[0].place}"
                f" {found.errors[0].text}".replace("  ", " "),
                field="files", current=said,
            )  # fmt: skip
        if found.changes_anything:
            try:
                await _write(work, found, options.source)
            except IntegrityError as error:
                raise VersionConflict(
                    "Names of these files were made or used by somebody else meanwhile, or in a"
                    " unit that you do not see; nothing was changed.",
                    remedy="Look with --dry-run, then import again.",
                ) from error
            await work.execute(
                "insert into warroom.catalog_import (source, format, digest, counts, report,"
                " imported_by) values (:source, :format, :digest, cast(:counts as jsonb),"
                " cast(:report as jsonb), :who)",
                {
                    "source": options.source, "format": catalogue.format, "digest": digest,
                    "counts": json.dumps(said["counts"]), "report": json.dumps(said),
                    "who": ctx.principal.id,
                },
            )  # fmt: skip
        return Answer(200, said)

    return await run_command(db, ctx, "catalog.import", body, handler, deadline_s=DEADLINE_S)


async def _plan(work: Work, catalogue: Catalogue, options: Options) -> Plan:
    there = await known.load(work)
    here = {s.key for s in catalogue.services}
    missing = [
        s.id for s in there.services.values()
        if s.source == options.source and s.entry.key not in here
    ]  # fmt: skip
    in_use: set[str] = set()
    if missing and not catalogue.observed:
        rows = await work.rows(
            "select cast(u as text) as id from warroom.services_in_use(cast(:ids as uuid[])) u",
            {"ids": missing},
        )
        in_use = {r["id"] for r in rows}
    # Seconds for a large estate: other requests go on meanwhile.
    return await asyncio.to_thread(
        plan, catalogue, there, source=options.source, prune=options.prune,
        make_teams=options.make_teams, strict=options.strict, in_use=in_use,
    )  # fmt: skip


async def _write(work: Work, found: Plan, source: str) -> None:
    teams = [{"key": t.key, "name": t.name} for t in found.teams_added]
    await _rows(work, _ADD_TEAMS, teams)
    await _rows(work, _ADD_SERVICES, [_service(s) for s in found.services_added], source=source)
    if found.services_changed:
        ids = [c.id for c in found.services_changed]
        await work.execute(_LOCK_SERVICES, {"ids": ids})
        changed = [
            _service(c.after) | {"id": c.id, "adopted": c.adopted} for c in found.services_changed
        ]
        await _rows(work, _CHANGE_SERVICES, changed, source=source)
    origin = "observed" if found.observed else "declared"
    added = [
        _edge(e) | {"service": e.service, "depends_on": e.depends_on}
        for e in found.dependencies_added
    ]
    await _rows(work, _ADD_EDGES, added, source=source, origin=origin)
    edges = [_edge(c.after) | {"id": c.id} for c in found.dependencies_changed]
    await _rows(work, _CHANGE_EDGES, edges)
    if found.prune and (found.dependencies_gone or found.services_gone):
        gone = [s.id for s in found.services_gone]
        await work.execute(
            _REMOVE_EDGES, {"edges": [d.id for d in found.dependencies_gone], "services": gone}
        )
        await work.execute(_REMOVE_SERVICES, {"services": gone})


async def _rows(work: Work, statement: str, rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
    """Run one statement over rows handed over as JSON; nothing is run for none."""
    if rows:
        text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        count = await work.execute(statement, more | {"rows": text})
        if count != len(rows):
            # A team or service went away between reading and writing: half is worse than none.
            raise VersionConflict(
                "The catalogue changed meanwhile; nothing was changed.",
                remedy="Look with --dry-run, then import again.",
            )


def _service(entry: ServiceEntry) -> Json:
    values: Json = {name: said_plainly(getattr(entry, name)) for name in ATTRIBUTES}
    return values | {"key": entry.key, "links": values["links"] or None}


def _edge(entry: DependencyEntry) -> Json:
    return {name: getattr(entry, name) for name in EDGE_ATTRIBUTES}


_IMPORTS = (
    "select i.id, i.source, i.format, i.digest, i.counts, p.name as imported_by, i.imported_at"
    " from warroom.catalog_import i join warroom.principal p on p.id = i.imported_by"
    " where i.id > :after order by i.id limit :limit"
)


async def list_imports(
    db: Database, ctx: CommandContext, *, after: object, limit: int
) -> list[Json]:
    """Return the imports that changed something, in the order in which they were done."""
    return await listing(db, ctx, _IMPORTS, after=after, limit=limit, scope=Scope.ADMIN)
