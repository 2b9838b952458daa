"""Bringing services back: ticks on the waves of restart, and paging the owner of one service."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work
from warroom.domain import incident_recovery as rules
from warroom.domain.escalation import Target, TargetKind
from warroom.domain.incident import Command, Decision, IncidentState
from warroom.domain.principal import CommandContext
from warroom.errors import InvalidInput
from warroom.services.escalation_policies import load_policy
from warroom.services.incident_commands import hold, run_on

_WAVES = """
select m.waves from warroom.incident_impact m where m.incident_id = :id
"""
_TICKED = """
select s.key, p.name from warroom.restart_tick r
join warroom.service s on s.id = r.service_id
join warroom.principal p on p.id = r.done_by
where r.incident_id = :id
"""
_SERVICE = """
select s.id, s.key, s.policy_id, t.key as team, t.name as team_name
from warroom.service s join warroom.team t on t.id = s.team_id where s.key = :key
"""
_PAGE = """
insert into warroom.outbox (channel, dedup_key, incident_id, payload, unit, visibility)
select c.key, 'page:' || warroom.uuid7() || ':' || c.key, :id, cast(:payload as jsonb), :unit,
  :seen
from warroom.channel c where c.disabled_at is null
  and (cast(:only as text) is null or c.key = :only)
order by c.key
"""


async def _service(work: Work, key: str) -> RowMapping:
    row = await work.row(_SERVICE, {"key": key})
    if row is None:
        raise InvalidInput(
            f"There is no service {key[:80]!r}; nothing was changed.",
            field="service",
            remedy="`warroom service list` shows them.",
        )
    return row


async def tick(db: Database, ctx: CommandContext, ref: str, *, service: str, done: bool) -> Answer:
    """Tick a step of the restart, or take its tick away.

    It takes no version: people who bring back different services do not disturb each other, and
    of two who tick the same one the second is told who was first.
    """

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        await hold(work, row)
        found = await _service(work, service)
        waves = await work.scalar(_WAVES, {"id": row["id"]}) or []
        ticked = {r["key"]: r["name"] for r in await work.rows(_TICKED, {"id": row["id"]})}
        decision = rules.tick(
            state, ctx.principal, now, service=found["key"], done=done, ticked=ticked,
            waves=[[step["key"] for step in wave["steps"]] for wave in waves],
        )  # fmt: skip
        await work.execute(
            "insert into warroom.restart_tick (incident_id, service_id, done_by, unit,"
            " visibility) values (:id, :service, :by, :unit, :seen)"
            if done
            else "delete from warroom.restart_tick where incident_id = :id"
            " and service_id = :service",
            {"id": row["id"], "service": found["id"]}
            | ({"by": ctx.principal.id, "unit": row["unit"], "seen": row["visibility"]}
               if done else {}),
        )  # fmt: skip
        return decision

    return await run_on(db, ctx, ref, Command.RESTART, {"service": service, "done": done}, work_on)


async def page(
    db: Database, ctx: CommandContext, ref: str, *, service: str, note: str | None = None
) -> Answer:
    """Call the owner of a service: the first step of its own policy, else its team."""

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        found = await _service(work, service)
        target = Target(TargetKind.TEAM, found["team"])
        if found["policy_id"] is not None:
            target = (await load_policy(work, found["policy_id"])).steps[0].target
        decision = rules.page(
            state, ctx.principal, now, service=found["key"], team=found["team"],
            team_name=found["team_name"], target=str(target), note=note,
        )  # fmt: skip
        payload = {
            "type": Command.PAGE.value,
            "incident": state.ref,
            "severity": state.severity,
            "target": str(target),
            "service": found["key"],
            "text": decision.sentence,
        }
        await work.execute(
            _PAGE,
            {"id": row["id"], "payload": json.dumps(payload), "unit": row["unit"],
             "seen": row["visibility"],
             "only": target.name if target.kind is TargetKind.CHANNEL else None},
        )  # fmt: skip
        return decision

    return await run_on(db, ctx, ref, Command.PAGE, {"service": service, "note": note}, work_on)
