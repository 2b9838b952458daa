"""Changes on an incident: what people say of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read
from warroom.domain import incident_changes as rules
from warroom.domain.incident import Command, Decision, IncidentState
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import NotFound
from warroom.services import impact
from warroom.services.access import require
from warroom.services.change_near import nearby
from warroom.services.impact_evidence import LOOK_BACK
from warroom.services.incident_commands import check_version, hold, run_on
from warroom.services.incident_state import iso, load

Json = dict[str, Any]

_CHANGE = """
select c.id, c.kind, c.title, (select array_agg(s.service order by s.id)
    from warroom.change_service s where s.change_id = c.id) as services,
  (select l.verdict from warroom.incident_change l
    where l.incident_id = :incident and l.change_id = c.id) as verdict
from warroom.change_event c where c.id = :id
"""
_LINKED = """
select c.id, c.at, c.kind, c.status, c.title, c.release as version, c.made_by as by, c.link,
  c.emergency, c.approved_by <> '' or c.approval_ref <> '' as approved, l.verdict,
  (select x.service from warroom.change_service x where x.change_id = c.id order by x.id limit 1)
    as service
from warroom.incident_change l join warroom.change_event c on c.id = l.change_id
where l.incident_id = :incident order by c.at desc, c.id
"""
# What is hit beyond its own services, and alerts: a change there may be behind it as well.
_HIT = """
select distinct s.id from warroom.incident i
join warroom.incident_impact m on m.incident_id = i.id
cross join lateral jsonb_to_recordset(m.nodes) as n(key text)
join warroom.service s on s.key = n.key and s.unit = i.unit
where i.id = :incident and exists (select from warroom.alert a where a.service_id = s.id
  and a.starts_at >= i.opened_at - :day and (a.state = 'firing' or a.ends_at >= i.opened_at)
  and (a.incident_id = i.id or (a.visibility = 'normal' and a.drill = i.drill)))
"""
_JUDGE = (
    "insert into warroom.incident_change as l (incident_id, change_id, verdict, judged_by, unit,"
    " visibility) values (:incident, :id, :verdict, :by, :unit, :seen)"
    " on conflict (incident_id, change_id) do update set verdict = excluded.verdict,"
    " judged_by = excluded.judged_by, judged_at = now(), version = l.version + 1"
)


async def near(db: Database, ctx: CommandContext, ref: str, look_back: timedelta) -> list[Json]:
    """Return the changes that may be behind an incident, and those that are linked to it."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Json]:
        row = await load(work, ref)
        until = await work.scalar(
            "select coalesce(ended_at, now()) from warroom.incident where id = :id",
            {"id": row["id"]},
        )
        hit = await work.rows(_HIT, {"incident": row["id"], "day": LOOK_BACK})
        further = [(row["id"], r["id"]) for r in hit]
        around = await nearby(work, [row["id"]], further, before=until, look_back=look_back)
        linked = await work.rows(_LINKED, {"incident": row["id"]})
        known = {r["id"] for r in linked}
        steps = {r["id"]: r["steps"] for r in around}
        found = [*linked, *(r for r in around if r["id"] not in known)]
        return [
            {
                "id": str(r["id"]), "at": iso(r["at"]), "kind": r["kind"], "status": r["status"],
                "service": r["service"], "steps": steps.get(r["id"]), "title": r["title"],
                "version": r["version"], "by": r["by"], "link": r["link"],
                "emergency": r["emergency"], "approved": r["approved"], "verdict": r["verdict"],
                "minutes_before": (row["opened_at"] - r["at"]) // timedelta(minutes=1),
            }
            for r in found
        ]  # fmt: skip

    return await read(db, ctx, handler)


async def link_change(
    db: Database, ctx: CommandContext, ref: str, *, version: int, change: UUID, verdict: object
) -> Answer:
    """Say of a change that it is suspected, the cause, or cleared.

    Raises:
        NotFound: there is no such change, or the principal may not know of it.
        Refused: it has that verdict already.
    """
    checked = rules.check_verdict(verdict)

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        check_version(row, version)
        await hold(work, row)
        found = await work.row(_CHANGE, {"id": change, "incident": row["id"]})
        if found is None:
            raise NotFound(
                f"There is no change {change}; nothing was changed.",
                field="change",
                remedy="`warroom change list` shows them.",
            )
        decision = rules.link(
            state, ctx.principal, now, kind=found["kind"], title=found["title"],
            services=tuple((found["services"] or ())[:3]), verdict=checked,
            before=found["verdict"],
        )  # fmt: skip
        await work.execute(
            _JUDGE,
            {"incident": row["id"], "id": change, "verdict": checked, "by": ctx.principal.id,
             "unit": row["unit"], "seen": row["visibility"]},
        )  # fmt: skip
        await impact.refresh(work, [row["id"]])
        return decision

    body = {"version": version, "change": str(change), "verdict": checked}
    return await run_on(db, ctx, ref, Command.CHANGE, body, work_on, version=version)
