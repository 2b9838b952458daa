"""Due timers fire: exactly once, because claim, state, entry and messages share one commit.

An incident that somebody is changing decides its timers' fate first, so its timers are passed over.
In a storm it is being changed nearly always, by the alerts that come in: whose timer was passed
over for a while, waits its turn for the incident, and takes the timer afterwards, in the order of
the commands.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_automation
from warroom.domain.clocks import fire_snooze, fire_update_due
from warroom.domain.escalation import Firing, Page, Policy, TargetKind, fire, name_owner
from warroom.domain.incident import IncidentState
from warroom.domain.principal import CommandContext
from warroom.domain.timer import TimerKind
from warroom.errors import LockNotAvailable
from warroom.services import alert_incidents, escalation_policies
from warroom.services.incident_state import state_of
from warroom.services.snoozes import arm_sleepers

PASSED_OVER: Final = timedelta(seconds=1)
"""How late a timer may be before its incident is waited for."""
WAIT_FOR: Final = 4
"""Incidents that are waited for at the same time."""
_DUE = """
select t.id, t.kind, t.incident_id, t.step, t.cycle, t.due_at, t.target, t.policy_id, t.reason,
  t.unit, t.visibility
from warroom.timer t where t.state = 'armed' and t.due_at <= now()
"""
CLAIM = _DUE + "order by t.due_at limit :limit for update skip locked"
CLAIM_OF = _DUE + "and t.incident_id = :incident order by t.due_at for update skip locked"
# What a message is called by the kind of clock that it comes from; the commands that set these
# clocks have names of their own.
MESSAGES = {
    TimerKind.ESCALATE.value: "incident.escalated",
    TimerKind.UPDATE_DUE.value: "incident.update-overdue",
    TimerKind.SNOOZE.value: "incident.woke",
}
# An incident that somebody is changing right now decides its timers' fate: they wait a tick.
INCIDENTS = """
select i.id, i.number, i.title, i.severity, i.status, i.version, i.opened_at, i.drill,
  i.acknowledged_at, i.resolved_at, i.firing_count,
  a.id as acked_id, r.id as resolved_id, a.name as acked_name, r.name as resolved_name,
  o.id as owner_id, o.name as owner_name,
  coalesce((select jsonb_agg(jsonb_build_object('role', h.role, 'id', p.id, 'name', p.name))
    from warroom.role_held h join warroom.principal p on p.id = h.principal_id
    where h.incident_id = i.id and h.released_at is null), '[]') as roles
from warroom.incident i
left join warroom.principal o on o.id = i.owner_id
left join warroom.principal a on a.id = i.acknowledged_by
left join warroom.principal r on r.id = i.resolved_by
where i.id = any(cast(:ids as uuid[])) order by i.id for no key update of i
"""


async def fire_due(db: Database, ctx: CommandContext, *, limit: int = 200) -> str:
    """Fire what is due, at most ``limit`` timers; return the sentence."""
    said: list[str] = []
    late: dict[UUID, None] = {}

    async def handler(work: Work) -> Answer:
        said.clear()
        late.clear()
        timers = await work.rows(CLAIM, {"limit": limit})
        if not timers:
            return Answer(200, {})
        now: datetime = await work.scalar("select now()")
        ids = list({t["incident_id"] for t in timers})
        free = await work.rows(f"{INCIDENTS} skip locked", {"ids": ids})
        said.extend(await _fire_all(work, timers, free, now))
        taken = {r["id"] for r in free}
        for timer in timers:
            if timer["incident_id"] not in taken and now - timer["due_at"] > PASSED_OVER:
                late[timer["incident_id"]] = None
        return Answer(200, {})

    await run_automation(db, ctx, "timers.fire", handler)
    # What is due first is waited for first; the others at the next turn.
    waited = await asyncio.gather(*(_fire_of(db, ctx, i) for i in list(late)[:WAIT_FOR]))
    said += [sentence for sentences in waited for sentence in sentences]
    if not said:
        return "no timer is due"
    return said[0] if len(said) == 1 else f"{len(said)} timers: {said[0]}; …"


async def _fire_of(db: Database, ctx: CommandContext, incident: UUID) -> list[str]:
    """Wait for an incident and fire what is due of it; nothing if it stays locked for too long."""
    said: list[str] = []

    async def handler(work: Work) -> Answer:
        said.clear()
        held = await work.rows(INCIDENTS, {"ids": [incident]})
        timers = await work.rows(CLAIM_OF, {"incident": incident})
        # Later than when the transaction began: it has waited.
        now: datetime = await work.scalar("select clock_timestamp()")
        said.extend(await _fire_all(work, timers, held, now))
        return Answer(200, {})

    try:
        await run_automation(db, ctx, "timers.fire", handler)
    except LockNotAvailable:
        return []
    return said


async def _fire_all(
    work: Work, timers: Sequence[RowMapping], locked: Sequence[RowMapping], now: datetime
) -> list[str]:
    """Fire the timers of the incidents that are locked; return what is said of each."""
    incidents = {r["id"]: state_of(r) for r in locked}
    owners = await escalation_policies.owner_teams(work, list(incidents))
    policies: dict[UUID, Policy] = {}
    return [
        await _fire(work, timer, incidents[timer["incident_id"]], policies, owners, now)
        for timer in timers
        if timer["incident_id"] in incidents
    ]


async def _fire(
    work: Work,
    timer: RowMapping,
    incident: IncidentState,
    policies: dict[UUID, Policy],
    owners: dict[UUID, str],
    now: datetime,
) -> str:
    team = owners.get(timer["incident_id"])
    if timer["kind"] in (TimerKind.UPDATE_DUE.value, TimerKind.SNOOZE.value):
        return await _fire_set_by_hand(work, timer, incident, team, now)
    if timer["kind"] != TimerKind.ESCALATE.value or timer["policy_id"] is None:
        sentence = f"{incident.ref}: {timer['kind']} is due"
        await _end(work, timer, "fired", sentence, now)
        await _write(work, timer, "automation", f"{timer['kind']} is due: {timer['target']}", now)
        return sentence
    policy_id = timer["policy_id"]
    if policy_id not in policies:
        policies[policy_id] = await escalation_policies.load_policy(work, policy_id)
    policy = name_owner(policies[policy_id], team)
    firing = fire(policy, timer["step"], timer["cycle"], incident, now, timer["due_at"])
    await _end(work, timer, "fired" if firing.sent else "cancelled", firing.sentence, now)
    await _follow(work, timer, firing, incident)
    return firing.sentence


async def _fire_set_by_hand(
    work: Work, timer: RowMapping, incident: IncidentState, team: str | None, now: datetime
) -> str:
    """Fire a clock that a person set: an update that was due, the end of a snooze."""
    if timer["kind"] == TimerKind.SNOOZE.value:
        firing = fire_snooze(incident, timer["reason"], team, now, timer["due_at"])
        if firing.sent:
            await arm_sleepers(work, [incident.id])
    else:
        firing = fire_update_due(incident, team, now, timer["due_at"])
    await _end(work, timer, "fired" if firing.sent else "cancelled", firing.sentence, now)
    await _follow(work, timer, firing, incident)
    return firing.sentence


async def _end(work: Work, timer: RowMapping, state: str, reason: str, now: datetime) -> None:
    await work.execute(
        "update warroom.timer set state = :state, reason = :reason, version = version + 1,"
        " fired_at = case when :state = 'fired' then cast(:now as timestamptz) end where id = :id",
        {"id": timer["id"], "state": state, "reason": reason[:1000], "now": now},
    )


async def _write(work: Work, timer: RowMapping, kind: str, text: str, when: datetime) -> None:
    entry = alert_incidents.entry(
        timer["incident_id"], timer["unit"], timer["visibility"], kind, text, when
    )
    await alert_incidents.insert_entries(work, [entry], author=work.ctx.principal.id)


async def _follow(work: Work, timer: RowMapping, firing: Firing, incident: IncidentState) -> None:
    for entry in firing.entries:
        await _write(work, timer, entry.kind.value, entry.text, entry.happened_at)
    for page in firing.pages:
        await _page(work, timer, page, incident)
    following = firing.next_timer
    if following is not None:
        await work.execute(
            "insert into warroom.timer (kind, incident_id, step, cycle, due_at, target,"
            " policy_id, unit, visibility) values (:kind, :incident, :step, :cycle, :due,"
            " :target, :policy, :unit, :seen)"
            # A person may have skipped this step before, and then gone back before it.
            " on conflict (incident_id, kind, step, cycle) do update set state = 'armed',"
            " due_at = :due, target = :target, reason = '', version = timer.version + 1"
            " where timer.state = 'cancelled'",
            {
                "kind": following.kind.value,
                "incident": timer["incident_id"],
                "step": following.step,
                "cycle": following.cycle,
                "due": following.due_at,
                "target": following.target,
                "policy": timer["policy_id"],
                "unit": timer["unit"],
                "seen": timer["visibility"],
            },
        )


async def _page(work: Work, timer: RowMapping, page: Page, incident: IncidentState) -> None:
    """Put one message a channel into the outbox; the key keeps it one however often it is tried."""
    only = page.target.name if page.target.kind is TargetKind.CHANNEL else None
    payload = {
        "type": MESSAGES[timer["kind"]],
        "incident": incident.ref,
        "severity": incident.severity,
        "target": str(page.target),
        "text": page.text,
    }
    await work.execute(
        "insert into warroom.outbox (channel, dedup_key, incident_id, payload, unit, visibility)"
        " select c.key, :dedup || ':' || c.key, :incident, cast(:payload as jsonb), :unit, :seen"
        " from warroom.channel c where c.disabled_at is null"
        " and (cast(:only as text) is null or c.key = :only)"
        " order by c.key on conflict (dedup_key) do nothing",
        {
            "dedup": page.dedup_key,
            "incident": timer["incident_id"],
            "payload": json.dumps(payload),
            "unit": timer["unit"],
            "seen": timer["visibility"],
            "only": only,
        },
    )
