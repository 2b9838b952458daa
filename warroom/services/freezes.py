"""Freezes begin and end with incidents, in the transaction that changes the incident."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.uow import Work
from warroom.domain.freeze import RESTRICTED, told_as
from warroom.domain.ids import format_ref
from warroom.services import alert_incidents

# Cheap where nobody freezes anything: two index probes.
_ANY = """
select exists (select from warroom.freeze_policy where enabled)
  or exists (select from warroom.freeze where ended_at is null
             and incident_id = any(cast(:ids as uuid[])))
"""
# A policy that names teams, services or regions is meant for incidents on one of them.  An exercise
# freezes nothing.
_WANTED = """
wanted as (
  select p.id as policy_id, p.key, p.scope, p.scope_values, i.id as incident_id, i.number,
    i.severity, i.unit, i.visibility
  from warroom.incident i join warroom.freeze_policy p
    on p.enabled and i.severity <= p.min_severity
  where i.id = any(cast(:ids as uuid[])) and i.ended_at is null and not i.drill
    and (p.scope in ('all', 'incident', 'impact') or exists (
      select from warroom.incident_service l join warroom.service s on s.id = l.service_id
      join warroom.team t on t.id = s.team_id
      where l.incident_id = i.id
        and case p.scope when 'team' then t.key when 'services' then s.key else s.region end
          = any(p.scope_values))))
"""
_END = f"""
with {_WANTED}
update warroom.freeze f set ended_at = now(), version = f.version + 1
from warroom.freeze_policy p, warroom.incident i
where f.incident_id = any(cast(:ids as uuid[])) and f.ended_at is null and p.id = f.policy_id
  and i.id = f.incident_id and not exists (
    select from wanted w where w.policy_id = f.policy_id and w.incident_id = f.incident_id)
returning f.id, f.incident_id, i.number, f.unit, f.visibility, p.key, f.scope, f.scope_values,
  i.severity, case when i.ended_at is not null then 'the incident has ended'
    when i.drill then 'the incident is a drill' when not p.enabled then 'the policy is off'
    when i.severity > p.min_severity then 'the incident is SEV' || i.severity || ' now'
    else 'the incident is on none of its services any more' end as why
"""  # noqa: S608 - constants of this file
_BEGIN = f"""
with {_WANTED},
made as (
  insert into warroom.freeze (policy_id, incident_id, scope, scope_values, unit, visibility)
  select w.policy_id, w.incident_id, w.scope, w.scope_values, w.unit, w.visibility from wanted w
  order by w.policy_id, w.incident_id
  on conflict (policy_id, incident_id) where ended_at is null do nothing
  returning id, policy_id, incident_id)
select m.id, w.* from made m
join wanted w on w.policy_id = m.policy_id and w.incident_id = m.incident_id order by w.key
"""  # noqa: S608 - constants of this file
_TELL = """
insert into warroom.outbox (channel, dedup_key, incident_id, payload, unit, visibility)
select c.key, r.dedup || ':' || c.key, r.incident_id, r.payload, r.unit, r.visibility
from jsonb_to_recordset(cast(:rows as jsonb)) as r(dedup text, incident_id uuid, payload jsonb,
  unit text, visibility text), warroom.channel c
where c.disabled_at is null order by r.dedup, c.key on conflict (dedup_key) do nothing
"""


async def refresh(work: Work, incident_ids: Sequence[UUID]) -> None:
    """Begin and end the freezes of incidents whose severity, services or end may have changed.

    Set-based; whoever acts sees the incidents.  Each freeze is said on its incident's timeline and
    to the channels.
    """
    if not incident_ids:
        return
    args = {"ids": sorted(set(incident_ids), key=str)}
    if not await work.scalar(_ANY, args):
        return
    ended = await work.rows(_END, args)
    began = await work.rows(_BEGIN, args)
    if not ended and not began:
        return
    now: datetime = await work.scalar("select now()")
    said = [(row, f"changes are frozen: {covers(row)} (policy {row['key']})", "began")
            for row in began]  # fmt: skip
    said += [(row, f"the freeze of {covers(row)} ends: {row['why']} (policy {row['key']})", "ended")
             for row in ended]  # fmt: skip
    await alert_incidents.insert_entries(
        work,
        [
            alert_incidents.entry(
                row["incident_id"], row["unit"], row["visibility"], "automation", text, now
            )
            for row, text, _ in said
        ],
    )
    await tell(work, [_message(row, text, what) for row, text, what in said])


def _message(row: RowMapping, text: str, what: str) -> dict[str, Any]:
    """Return what the channels are told: whoever reads one may see no restricted incident."""
    ref = told_as(format_ref(row["number"]), row["visibility"])
    if ref is None and what == "ended":
        text = f"the freeze of {covers(row)} ends (policy {row['key']})"
    return {
        "dedup": f"{row['id']}:freeze.{what}", "incident_id": row["incident_id"],
        "payload": {"type": f"freeze.{what}", "incident": ref,
                    "severity": row["severity"] if ref else None,
                    "text": f"{ref or RESTRICTED}: {text}"},
        "unit": row["unit"], "visibility": row["visibility"],
    }  # fmt: skip


async def tell(work: Work, messages: Sequence[dict[str, Any]]) -> None:
    """Put messages into the outbox, one a channel; ``dedup`` keeps each one."""
    if messages:
        await work.execute(_TELL, {"rows": json.dumps(messages, default=str)})


def covers(row: RowMapping) -> str:
    """Say what a freeze covers."""
    values = ", ".join(row["scope_values"][:5])
    more = len(row["scope_values"]) - 5
    named = f"{values} and {more} more" if more > 0 else values
    return {
        "all": "all services",
        "incident": "the incident's services",
        "impact": "every service that is hit",
        "team": f"services of {named}",
        "services": named,
        "region": f"services in {named}",
    }[row["scope"]]
