"""CI's question: may this service be changed now? And the freezes that run.

The answer is the same for everybody; what it is for is told to those who may see the incident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.freeze import Frozen, Passing, say_frozen
from warroom.domain.ids import format_ref
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.services.access import require
from warroom.services.eyes import all_eyes
from warroom.services.incident_state import iso

Json = dict[str, Any]
# A freeze stays inside the unit of its incident.  What an incident is on and what it takes down are
# asked as they are now.
_COVERING = """
select f.id, f.began_at, f.scope, p.key as policy, i.id as incident_id, i.number, i.severity,
  i.unit, i.visibility
from warroom.freeze f
join warroom.freeze_policy p on p.id = f.policy_id
join warroom.incident i on i.id = f.incident_id
left join (select s.key, s.region, t.key as team from warroom.service s
  join warroom.team t on t.id = s.team_id where s.key = :service and :known) x on true
where f.ended_at is null and i.unit = any(cast(:units as text[]))
  and case f.scope
    when 'all' then true
    when 'services' then cast(:service as text) = any(f.scope_values)
    when 'team' then x.team = any(f.scope_values)
    when 'region' then x.region = any(f.scope_values)
    else exists (select from warroom.incident_service l
        join warroom.service s on s.id = l.service_id
        where l.incident_id = i.id and s.key = :service and l.state <> 'recovered')
      or (f.scope = 'impact' and exists (
        select from warroom.incident_impact m,
          jsonb_to_recordset(m.nodes) as n(key text, state text)
        where m.incident_id = i.id and n.key = :service and n.state <> 'recovered'))
  end is true
order by f.began_at, f.id
"""
_PASSING = """
select e.state, e.reason, e.until, a.name as asked_by, b.name as approver,
  coalesce(e.decided_at, e.asked_at) as said_at
from warroom.freeze_exception e join warroom.principal a on a.id = e.asked_by
join warroom.principal b on b.id = e.approver_id
where e.service = :service and e.until > now() and e.state in ('asked', 'approved')
  and (e.change_ref = '' or e.change_ref = :change)
order by e.state = 'approved' desc, e.until desc limit 50
"""
# By incident, not by freeze: one that is undone to be open again, or that a second policy freezes
# by, is still the incident that the approver knew of.
_FREEZING_AT = """
select distinct incident_id from warroom.freeze
where incident_id = any(cast(:ids as uuid[])) and began_at <= :at
  and (ended_at is null or ended_at > :at)
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for one service: the freezes that cover it with their rows, and what passes."""

    frozen: tuple[Frozen, ...]
    rows: tuple[Json, ...]
    passing: Passing | None
    now: datetime
    unit: str


async def stand(work: Work, service: str, change: str = "") -> Standing:
    """Return what holds for a service, as far as whoever asks may know it."""
    found = await work.row(
        "select unit from warroom.service where key = :service", {"service": service}
    )
    mine: list[str] = await work.scalar("select warroom.viewer_units()")
    units = [found["unit"]] if found else mine
    args = {"service": service, "change": change, "units": units, "known": found is not None}
    async with all_eyes(work):
        rows = [dict(r) for r in await work.rows(_COVERING, args)]
    may_pass = await _passing(work, args, rows)
    seen: set[UUID] = {
        r["id"]
        for r in await work.rows(
            "select id from warroom.incident where id = any(cast(:ids as uuid[]))",
            {"ids": [r["incident_id"] for r in rows]},
        )
    }
    frozen = tuple(
        Frozen(
            r["policy"], r["began_at"],
            format_ref(r["number"]) if r["incident_id"] in seen else "",
            r["severity"] if r["incident_id"] in seen else None,
        )
        for r in rows
    )  # fmt: skip
    now: datetime = await work.scalar("select now()")
    unit = units[0] if units else "main"
    return Standing(frozen, tuple(rows), may_pass, now, unit)


async def freezing_at(work: Work, covering: Sequence[Json], at: datetime) -> set[UUID]:
    """Return which incidents of covering freezes froze something at a moment already."""
    args = {"ids": [row["incident_id"] for row in covering], "at": at}
    async with all_eyes(work):
        return {r["incident_id"] for r in await work.rows(_FREEZING_AT, args)}


async def _passing(work: Work, args: Json, covering: Sequence[Json]) -> Passing | None:
    """Return the exception that holds: it ends with the incidents that it was given for.

    One that is approved lets nothing through an incident that began to freeze after the approval;
    one that is only asked for waits as long as any incident freezes for which it was asked.
    """
    incidents = {row["incident_id"] for row in covering}
    for row in await work.rows(_PASSING, args) if incidents else ():
        known = await freezing_at(work, covering, row["said_at"])
        if known == incidents if row["state"] == "approved" else known:
            return Passing(**{k: v for k, v in row.items() if k != "said_at"})
    return None


async def ask(db: Database, ctx: CommandContext, service: str, change: str = "") -> Json:
    """Answer whether changes of a service stand still.

    Returns:
        {service, frozen, since, incident, severity, policy, reason, exception}; since, incident,
        severity and policy are null where nothing covers the service, incident and severity also
        where the caller may not see it; exception is {state, reason, asked_by, approver, until}
        or null.
    """
    if Scope.INGEST not in ctx.principal.scopes:  # a pipeline asks with the token that it has
        require(ctx, Scope.READ)
    key = check_text(service, "service", longest=200, shortest=1)
    ref = check_text(change, "change", longest=500)

    async def handler(work: Work) -> Json:
        standing = await stand(work, key, ref)
        frozen, reason = say_frozen(key, standing.frozen, standing.passing, standing.now)
        first = standing.frozen[0] if standing.frozen else None
        told = next((f for f in standing.frozen if f.ref), first)
        passing = standing.passing
        return {
            "service": key,
            "frozen": frozen,
            "since": iso(first.since) if first else None,
            "incident": told.ref or None if told else None,
            "severity": told.severity if told else None,
            "policy": told.policy if told else None,
            "reason": reason,
            "exception": {
                "state": passing.state, "reason": passing.reason, "asked_by": passing.asked_by,
                "approver": passing.approver, "until": iso(passing.until),
            } if passing else None,
        }  # fmt: skip

    return await read(db, ctx, handler)


_RUNNING = """
select f.id, p.key as policy, i.number, i.severity, f.scope, f.scope_values as values, f.began_at,
  f.ended_at from warroom.freeze f join warroom.freeze_policy p on p.id = f.policy_id
join warroom.incident i on i.id = f.incident_id
where (f.ended_at is null or :all) and (cast(:after as uuid) is null or f.id < :after)
order by f.id desc limit :limit
"""


async def list_page(
    db: Database, ctx: CommandContext, *, every: bool, after: UUID | None, limit: int
) -> list[Json]:
    """Return the freezes that run (``every``: also those that ended), the newest first."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Json]:
        rows = await work.rows(_RUNNING, {"all": every, "after": after, "limit": limit})
        return [
            {
                "id": str(r["id"]), "policy": r["policy"], "incident": format_ref(r["number"]),
                "severity": r["severity"], "scope": r["scope"], "values": r["values"],
                "began_at": iso(r["began_at"]), "ended_at": iso(r["ended_at"]),
            }
            for r in rows
        ]  # fmt: skip

    return await read(db, ctx, handler)
