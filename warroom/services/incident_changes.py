"""Changes on an incident: what people say of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work
from warroom.domain import incident_changes as rules
from warroom.domain.incident import Command, Decision, IncidentState
from warroom.domain.principal import CommandContext
from warroom.errors import NotFound
from warroom.services import impact
from warroom.services.incident_commands import check_version, hold, run_on

_CHANGE = """
select c.id, c.kind, c.title, (select array_agg(s.service order by s.id)
    from warroom.change_service s where s.change_id = c.id) as services,
  (select l.verdict from warroom.incident_change l
    where l.incident_id = :incident and l.change_id = c.id) as verdict
from warroom.change_event c where c.id = :id
"""
_JUDGE = (
    "insert into warroom.incident_change as l (incident_id, change_id, verdict, judged_by, unit,"
    " visibility) values (:incident, :id, :verdict, :by, :unit, :seen)"
    " on conflict (incident_id, change_id) do update set verdict = excluded.verdict,"
    " judged_by = excluded.judged_by, judged_at = now(), version = l.version + 1"
)


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
