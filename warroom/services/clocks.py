"""The clocks that people set: next update, snooze, and what they do to an escalation."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work
from warroom.domain import clocks as rules
from warroom.domain.escalation import Policy, Step
from warroom.domain.incident import Command, Decision, IncidentState, Status
from warroom.domain.principal import CommandContext
from warroom.services.escalation_policies import owner_teams, policy_of
from warroom.services.incident_commands import change, check_version, hold, run_on
from warroom.services.snoozes import pause, put_to_sleep

_RESUME = (
    "update warroom.timer set state = 'armed', due_at = due_at + (now() - paused_at),"
    " paused_at = null, reason = '', version = version + 1"
    " where incident_id = :id and kind = 'escalate' and state = 'paused'"
)
_SET_STEP = """
insert into warroom.timer (kind, incident_id, step, cycle, due_at, target, policy_id, unit,
  visibility) values ('escalate', :id, :step, :cycle, now(), :target, :policy, :unit, :seen)
on conflict (incident_id, kind, step, cycle) do nothing
"""


async def set_update_due(
    db: Database, ctx: CommandContext, ref: str, *, version: int, in_s: float | None
) -> Answer:
    """Say when the next update is due, None for never."""

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        team = (await owner_teams(work, [row["id"]])).get(row["id"])
        return rules.set_update_due(state, ctx.principal, now, in_s=in_s, team=team)

    body = {"version": version, "in_s": in_s}
    return await run_on(db, ctx, ref, Command.UPDATE_DUE, body, work_on, version=version)


async def snooze(
    db: Database, ctx: CommandContext, ref: str, *, version: int, for_s: float, reason: object
) -> Answer:
    """Put an incident to sleep; its escalation waits until it wakes. 0 s wakes it."""

    async def besides(work: Work, row: RowMapping, decision: Decision, _now: datetime) -> None:
        await hold(work, row)
        if not decision.wake:
            await put_to_sleep(work, row["id"])

    return await change(
        db, ctx, ref, Command.SNOOZE, {"version": version, "for_s": for_s, "reason": reason},
        lambda state, now: rules.snooze(state, ctx.principal, now, for_s=for_s, reason=reason),
        version=version, besides=besides,
    )  # fmt: skip


async def escalation(
    db: Database, ctx: CommandContext, ref: str, *, version: int, do: str, step: int | None = None
) -> Answer:
    """Escalate now, pause, resume, or skip to a step."""

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        check_version(row, version)
        await hold(work, row)
        policy = await policy_of(work, row["id"], row["policy_id"])
        clock = await work.row(
            "select id, step, cycle, state from warroom.timer where incident_id = :id"
            " and kind = 'escalate' and state in ('armed', 'paused') order by due_at limit 1"
            " for update",
            {"id": row["id"]},
        )
        running = clock["state"] if clock else "none"
        decision = rules.escalation(
            state, ctx.principal, now, do=do, policy=policy, running=running, step=step
        )
        if do == "pause":
            await pause(work, row["id"], f"paused by {ctx.principal.name}")
        elif do == "resume":
            await work.execute(_RESUME, {"id": row["id"]})
        elif do == "now" and clock is not None:
            await work.execute(
                "update warroom.timer set due_at = now(), state = 'armed', paused_at = null,"
                " reason = '', version = version + 1 where id = :id",
                {"id": clock["id"]},
            )
        elif do == "now":
            await _tell(work, row, state, policy, policy.steps[0])
        else:
            await _skip(work, row, policy, clock, int(step or 1))
        return decision

    body = {"version": version, "do": do, "step": step}
    return await run_on(db, ctx, ref, Command.ESCALATION, body, work_on, version=version)


async def _skip(
    work: Work, row: RowMapping, policy: Policy, clock: RowMapping | None, step: int
) -> None:
    """End the running clock and let the wanted step be due at once, in a round of its own."""
    await work.execute(
        "update warroom.timer set state = 'cancelled', reason = 'skipped', paused_at = null,"
        " version = version + 1 where incident_id = :id and kind = 'escalate'"
        " and state in ('armed', 'paused')",
        {"id": row["id"]},
    )
    cycle = clock["cycle"] if clock else 0
    used = await work.scalar(
        "select coalesce(max(cycle), -1) from warroom.timer where incident_id = :id"
        " and kind = 'escalate' and step = :step",
        {"id": row["id"], "step": step},
    )
    rung = next(s for s in policy.steps if s.number == step)
    await work.execute(
        _SET_STEP,
        {"id": row["id"], "step": step, "cycle": max(cycle, used + 1), "target": str(rung.target),
         "policy": row["policy_id"], "unit": row["unit"], "seen": row["visibility"]},
    )  # fmt: skip


async def _tell(
    work: Work, row: RowMapping, state: IncidentState, policy: Policy, step: Step
) -> None:
    """Tell a step's target without a clock: somebody works on it already and wants more people."""
    if state.status is Status.TRIGGERED:
        await _skip(work, row, policy, None, step.number)
        return
    payload = {
        "type": "incident.escalated",
        "incident": state.ref,
        "severity": state.severity,
        "target": str(step.target),
        "text": f"{state.ref} SEV{state.severity} {state.title}: {work.ctx.principal.name} asks "
        f"for {step.target}",
    }
    await work.execute(
        "insert into warroom.outbox (channel, dedup_key, incident_id, payload, unit, visibility)"
        " select c.key, cast(:id as text) || ':asked:' || warroom.uuid7() || ':' || c.key, :id,"
        " cast(:payload as jsonb), :unit, :seen"
        " from warroom.channel c where c.disabled_at is null order by c.key",
        {"id": row["id"], "payload": json.dumps(payload), "unit": row["unit"],
         "seen": row["visibility"]},
    )  # fmt: skip
