"""Corrections learned in an incident: proposed, decided, and applied when they are accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.catalogue import Catalogue
from warroom.domain.ids import format_ref, parse_ref
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.proposal import Proposal, check_proposal, sentence
from warroom.errors import InvalidInput, NotFound, Refused
from warroom.services.access import require
from warroom.services.catalog import known
from warroom.services.directory.common import Json

STATES: Final = ("open", "accepted", "rejected", "all")
_COLUMNS = (
    "p.id, p.action, p.service, p.depends_on, p.change, coalesce(p.note, '') as note, p.state,"
    " i.number, w.name as proposed_by, p.proposed_at, d.name as decided_by, p.decided_at"
    " from warroom.catalog_proposal p left join warroom.incident i on i.id = p.incident_id"
    " join warroom.principal w on w.id = p.proposed_by"
    " left join warroom.principal d on d.id = p.decided_by"
)
_LIST = (
    f"select {_COLUMNS} where p.id > :after and (:state = 'all' or p.state = :state)"
    " order by p.id limit :limit"
)
_PATCH = f"select {_COLUMNS} where p.state = any(cast(:states as text[])) order by p.id limit 1000"
# An attribute of a proposal, the column, and how its value is read from JSON.
_SERVICE_COLUMNS: Final = {
    "name": "text", "kind": "text", "tier": "smallint", "region": "text", "zone": "text",
    "host": "text", "provider": "text", "slo": "numeric", "customers": "bigint",
    "user_share": "numeric", "runbook_url": "text", "dashboard_url": "text", "system": "text",
    "links": "jsonb",
}  # fmt: skip
_EDGE_COLUMNS: Final = {
    "hardness": ("hardness", "text"), "sync": ("sync", "boolean"),
    "group": ("redundancy_group", "text"), "needed": ("redundancy_needed", "smallint"),
}  # fmt: skip


async def add(db: Database, ctx: CommandContext, values: Mapping[str, Any]) -> Answer:
    """Propose a correction; ``values`` as ``check_proposal`` takes them, and incident (a ref).

    Raises:
        NotFound: no such service or incident.
    """
    require(ctx, Scope.RESPOND)
    proposal = check_proposal(values)
    ref = values.get("incident")
    number = parse_ref(ref, "incident") if ref else None

    async def handler(work: Work) -> Answer:
        incident: Json = {"id": None, "unit": "main", "visibility": "normal"}
        if number is not None:
            by = "id" if isinstance(number, UUID) else "number"
            found = await work.row(
                "select id, unit, visibility from warroom.incident"
                " where (:by = 'id' and cast(id as text) = :ref)"
                " or (:by = 'number' and cast(number as text) = :ref)",
                {"by": by, "ref": str(number)},
            )
            if found is None:
                raise NotFound(f"There is no incident {ref}; nothing was changed.",
                               field="incident")  # fmt: skip
            incident = dict(found)
        await _ids(work, proposal)
        row_id = await work.scalar(
            "insert into warroom.catalog_proposal (incident_id, action, service, depends_on,"
            " change, note, proposed_by, unit, visibility) values (:incident, :action, :service,"
            " :depends_on, cast(:change as jsonb), :note, :who, :unit, :visibility) returning id",
            {
                "incident": incident["id"], "unit": incident["unit"],
                "visibility": incident["visibility"], "action": proposal.action,
                "service": proposal.service, "depends_on": proposal.depends_on,
                "change": json.dumps(proposal.change), "note": proposal.note or None,
                "who": ctx.principal.id,
            },
        )  # fmt: skip
        return Answer(201, {"id": str(row_id), "state": "open", "sentence": sentence(proposal)})

    return await run_command(db, ctx, "catalog.propose", dict(values), handler)


async def list_proposals(
    db: Database, ctx: CommandContext, *, state: str, after: object, limit: int
) -> list[Json]:
    """Return proposals in the order in which they were made.

    Raises:
        InvalidInput: no such state.
    """
    if state not in STATES:
        raise InvalidInput("state is not known.", field="state",
                           remedy=f"Choose one of {', '.join(STATES)}.")  # fmt: skip
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Json]:
        rows = await work.rows(_LIST, {"after": after, "state": state, "limit": limit})
        return [_shown(dict(r)) for r in rows]

    return await read(db, ctx, handler)


async def decide(db: Database, ctx: CommandContext, proposal_id: UUID, *, verdict: str) -> Answer:
    """Accept a proposal, which changes the catalogue, or reject it.

    Raises:
        NotFound: no such proposal, or what it speaks of is not there any more.
        Refused: it is decided already, or it would change nothing.
    """
    require(ctx, Scope.ADMIN)
    if verdict not in ("accept", "reject"):
        raise InvalidInput("verdict must be accept or reject.", field="verdict")
    body = {"proposal": str(proposal_id), "verdict": verdict}

    async def handler(work: Work) -> Answer:
        row = await work.row(
            "select * from warroom.catalog_proposal where id = :id for no key update",
            {"id": proposal_id},
        )
        if row is None:
            raise NotFound("There is no such proposal; nothing was changed.", field="proposal_id")
        if row["state"] != "open":
            raise Refused(f"This proposal is {row['state']} already.", rule="proposal-open")
        proposal = Proposal(
            row["action"], row["service"], row["depends_on"], row["change"], row["note"] or ""
        )
        if verdict == "accept":
            await _apply(work, proposal)
        state = f"{verdict}ed"
        await work.execute(
            "update warroom.catalog_proposal set state = :state, decided_by = :who,"
            " decided_at = now(), version = version + 1 where id = :id",
            {"state": state, "who": ctx.principal.id, "id": proposal_id},
        )
        return Answer(200, {"id": str(proposal_id), "state": state, "sentence": sentence(proposal)})

    return await run_command(db, ctx, f"catalog.proposal.{verdict}", body, handler)


async def patch(
    db: Database, ctx: CommandContext, *, states: Sequence[str]
) -> tuple[Catalogue, dict[str, list[str]]]:
    """Return the services that proposals speak of, as they are now, and why each is there.

    Returns:
        The part of the catalogue, and comment lines by service's key.
    """
    require(ctx, Scope.READ)

    async def handler(work: Work) -> dict[str, list[str]]:
        notes: dict[str, list[str]] = {}
        for r in await work.rows(_PATCH, {"states": list(states)}):
            proposal = Proposal(r["action"], r["service"], r["depends_on"], r["change"], r["note"])
            ref = f"{format_ref(r['number'])}: " if r["number"] else ""
            why = f" ({r['note']})" if r["note"] else ""
            notes.setdefault(r["service"], []).append(f"{ref}{sentence(proposal)}{why}")
        return notes

    notes = await read(db, ctx, handler)
    all_of_it = await known.whole(db, ctx)
    part = Catalogue(
        "war room",
        tuple(s for s in all_of_it.services if s.key in notes),
        tuple(d for d in all_of_it.dependencies if d.service in notes),
    )
    return part, notes


async def _ids(work: Work, proposal: Proposal) -> tuple[Any, Any]:
    """Return the ids of the services that it names; the second is None without one."""
    found = []
    for key, field in ((proposal.service, "service"), (proposal.depends_on, "depends_on")):
        row_id = None
        if key is not None:
            row_id = await work.scalar(
                "select id from warroom.service where key = :key for key share", {"key": key}
            )
            if row_id is None:
                raise NotFound(f"There is no service {key!r}; nothing was changed.", field=field)
        found.append(row_id)
    return found[0], found[1]


async def _apply(work: Work, proposal: Proposal) -> None:
    service, needs = await _ids(work, proposal)
    if proposal.action == "change-service":
        await _change_service(work, service, proposal.change)
        return
    pair = {"service": service, "needs": needs}
    if proposal.action == "remove-dependency":
        if not await work.execute(
            "delete from warroom.dependency where service_id = :service and depends_on_id = :needs",
            pair,
        ):
            raise Refused(f"{proposal.service} does not depend on {proposal.depends_on}; nothing"
                          " was changed.", rule="dependency-there")  # fmt: skip
        return
    if proposal.action == "add-dependency":
        added = await work.execute(
            "insert into warroom.dependency (service_id, depends_on_id)"
            " values (:service, :needs) on conflict do nothing",
            pair,
        )
        if not added and not proposal.change:
            raise Refused(f"{proposal.service} depends on {proposal.depends_on} already; nothing"
                          " was changed.", rule="dependency-new")  # fmt: skip
    if proposal.change:
        sets = ", ".join(
            f"{column} = cast(cast(:change as jsonb) ->> '{name}' as {kind})"
            for name, (column, kind) in _EDGE_COLUMNS.items()
            if name in proposal.change
        )
        changed = await work.execute(
            f"update warroom.dependency set {sets}, version = version + 1"  # noqa: S608
            " where service_id = :service and depends_on_id = :needs"
            " and (origin = 'declared' or confirmed_at is not null)",
            pair | {"change": json.dumps(proposal.change)},
        )
        if not changed:
            raise Refused(f"{proposal.service} does not depend on {proposal.depends_on}; nothing"
                          " was changed.", rule="dependency-there")  # fmt: skip


async def _change_service(work: Work, service: Any, change: Mapping[str, Any]) -> None:
    sets = [
        f"{name} = cast(:change as jsonb) -> '{name}'" if kind == "jsonb"
        else f"{name} = cast(cast(:change as jsonb) ->> '{name}' as {kind})"
        for name, kind in _SERVICE_COLUMNS.items()
        if name in change
    ]  # fmt: skip
    args: dict[str, Any] = {"service": service, "change": json.dumps(change)}
    if "team" in change:
        args["team"] = await work.scalar(
            "select id from warroom.team where key = :key", {"key": change["team"]}
        )
        if args["team"] is None:
            raise NotFound(f"There is no team {change['team']!r}; nothing was changed.",
                           field="change")  # fmt: skip
        sets.append("team_id = :team")
    if "links" in change and not change["links"]:
        sets = [s for s in sets if not s.startswith("links = ")] + ["links = null"]
    await work.execute(
        f"update warroom.service set {', '.join(sets)}, version = version + 1"  # noqa: S608
        " where id = :service",
        args,
    )


def _shown(r: Mapping[str, Any]) -> Json:
    proposal = Proposal(r["action"], r["service"], r["depends_on"], r["change"], r["note"])
    shown = {name: value for name, value in r.items() if name != "number"}
    return shown | {
        "incident": format_ref(r["number"]) if r["number"] else None,
        "sentence": sentence(proposal),
    }
