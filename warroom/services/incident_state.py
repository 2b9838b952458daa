"""One incident as the services work with it: its row, what the rules see, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.uow import Work
from warroom.domain.ids import format_ref, parse_ref
from warroom.domain.incident import IncidentState, Offer, Party, Status
from warroom.errors import NotFound

Json = dict[str, Any]

SELECT = """
select i.id, i.number, i.title, i.summary, i.severity, i.status, i.version, i.unit,
  i.visibility, i.drill, i.opened_at, i.acknowledged_at, i.resolved_at, i.updated_at,
  i.alert_count, i.firing_count, i.custom, i.policy_id, i.resolution, i.grouping_key,
  o.id as owner_id, o.name as owner_name, a.id as acked_id, a.name as acked_name,
  r.id as resolved_id, r.name as resolved_name,
  coalesce((select jsonb_agg(jsonb_build_object('role', h.role, 'id', p.id, 'name', p.name,
      'taken_at', h.taken_at) order by h.role)
    from warroom.role_held h join warroom.principal p on p.id = h.principal_id
    where h.incident_id = i.id and h.released_at is null), '[]') as roles,
  coalesce((select jsonb_agg(jsonb_build_object('role', f.role, 'from', w.name, 'to_id', t.id,
      'to', t.name, 'brief', f.brief, 'offered_at', f.offered_at) order by f.role)
    from warroom.handover f join warroom.principal t on t.id = f.to_id
    left join warroom.principal w on w.id = f.from_id
    where f.incident_id = i.id and f.state = 'offered'), '[]') as handovers,
  coalesce((select jsonb_agg(jsonb_build_object('id', s.id, 'key', s.key, 'name', s.name,
      'state', l.state, 'tier', s.tier) order by s.tier, s.key)
    from warroom.incident_service l join warroom.service s on s.id = l.service_id
    where l.incident_id = i.id), '[]') as services,
  coalesce((select jsonb_agg(jsonb_build_object('kind', k.kind, 'url', k.url, 'label', k.label)
      order by k.added_at)
    from warroom.incident_link k where k.incident_id = i.id), '[]') as links,
  coalesce((select jsonb_agg(jsonb_build_object('kind', t.kind, 'due_at', t.due_at,
      'target', t.target, 'state', t.state, 'step', t.step) order by t.state, t.due_at)
    from warroom.timer t where t.incident_id = i.id and t.state in ('armed', 'paused')), '[]')
    as timers,
  coalesce((select jsonb_agg(jsonb_build_object('id', c.id, 'kind', c.kind, 'title', c.title,
      'verdict', l.verdict) order by l.judged_at, c.id)
    from warroom.incident_change l join warroom.change_event c on c.id = l.change_id
    where l.incident_id = i.id), '[]') as changes,
  coalesce((select jsonb_agg(jsonb_build_object('service', s.key, 'what', m.what, 'who', p.name,
      'since', m.since, 'expires_at', m.expires_at, 'joined', m.joined)
      order by s.key, m.joined, m.since)
    from warroom.mitigation_lock m join warroom.service s on s.id = m.service_id
    join warroom.principal p on p.id = m.holder_id
    where m.incident_id = i.id and m.released_at is null and m.expires_at > now()), '[]')
    as mitigations,
  coalesce((select jsonb_agg(jsonb_build_object('policy', p.key, 'scope', f.scope,
      'since', f.began_at) order by f.began_at, p.key)
    from warroom.freeze f join warroom.freeze_policy p on p.id = f.policy_id
    where f.incident_id = i.id and f.ended_at is null), '[]') as freezes,
  (select m.number from warroom.incident_relation x join warroom.incident m on m.id = x.other_id
    where x.incident_id = i.id and x.kind = 'merged-into') as merged_into,
  (select m.number from warroom.incident_relation x join warroom.incident m on m.id = x.other_id
    where x.incident_id = i.id and x.kind = 'split-from' limit 1) as split_from
from warroom.incident i
left join warroom.principal o on o.id = i.owner_id
left join warroom.principal a on a.id = i.acknowledged_by
left join warroom.principal r on r.id = i.resolved_by
"""


def iso(moment: datetime | None) -> str | None:
    """Return a moment as ISO 8601 in UTC, None for none."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _timer(row: RowMapping, kind: str) -> Json | None:
    found = [t for t in row["timers"] if t["kind"] == kind]
    return found[0] if found else None


def as_json(row: RowMapping) -> Json:
    """Return an incident as the API tells it; see ``warroom.api.models.Incident``."""
    owner = {"id": str(row["owner_id"]), "name": row["owner_name"]} if row["owner_id"] else None
    commander = next((r for r in row["roles"] if r["role"] == "commander"), None)
    armed = next((t for t in row["timers"] if t["state"] == "armed"), None)
    escalation, snooze = _timer(row, "escalate"), _timer(row, "snooze")
    update = _timer(row, "update-due")
    return {
        "id": str(row["id"]),
        "ref": format_ref(row["number"]),
        "number": row["number"],
        "title": row["title"],
        "summary": row["summary"],
        "severity": row["severity"],
        "status": row["status"],
        "resolution": row["resolution"],
        "version": row["version"],
        "unit": row["unit"],
        "visibility": row["visibility"],
        "drill": row["drill"],
        "opened_at": iso(row["opened_at"]),
        "acknowledged_at": iso(row["acknowledged_at"]),
        "resolved_at": iso(row["resolved_at"]),
        "updated_at": iso(row["updated_at"]),
        "owner": owner,
        "commander": {"id": commander["id"], "name": commander["name"]} if commander else None,
        "roles": row["roles"],
        "handovers": [{k: v for k, v in h.items() if k != "to_id"} for h in row["handovers"]],
        "services": row["services"],
        "links": row["links"],
        "changes": row["changes"],
        "mitigations": row["mitigations"],
        "freezes": row["freezes"],
        "alert_count": row["alert_count"],
        "firing_count": row["firing_count"],
        "next_timer": {k: armed[k] for k in ("kind", "due_at", "target")} if armed else None,
        "escalation": {
            "state": escalation["state"] if escalation else "none",
            "due_at": escalation["due_at"] if escalation else None,
            "target": escalation["target"] if escalation else None,
            "step": escalation["step"] if escalation else None,
        },
        "snoozed_until": snooze["due_at"] if snooze else None,
        "update_due_at": update["due_at"] if update else None,
        "merged_into": format_ref(row["merged_into"]) if row["merged_into"] else None,
        "split_from": format_ref(row["split_from"]) if row["split_from"] else None,
        "custom": row["custom"],
    }


def party(identifier: UUID | None, name: str | None) -> Party | None:
    """Return who it is, None where nobody is named."""
    return Party(identifier, name) if identifier is not None and name is not None else None


def state_of(row: Mapping[str, Any] | RowMapping) -> IncidentState:
    """Return what the rules see; a row without some of the columns stands for an empty rest."""
    roles = {r["role"]: Party(UUID(r["id"]), r["name"]) for r in row.get("roles") or ()}
    offers = {
        h["role"]: Offer(h["role"], Party(UUID(h["to_id"]), h["to"]), h["brief"])
        for h in row.get("handovers") or ()
    }
    return IncidentState(
        id=row["id"],
        number=row["number"],
        title=row["title"],
        severity=row["severity"],
        status=Status(row["status"]),
        version=row["version"],
        opened_at=row["opened_at"],
        acknowledged_at=row["acknowledged_at"],
        resolved_at=row["resolved_at"],
        owner=party(row.get("owner_id"), row.get("owner_name")),
        acknowledged_by=party(row.get("acked_id"), row.get("acked_name")),
        resolved_by=party(row.get("resolved_id"), row.get("resolved_name")),
        firing_count=row["firing_count"],
        drill=bool(row.get("drill")),
        visibility=row.get("visibility") or "normal",
        roles=roles,
        offers=offers,
        services={s["key"]: s["state"] for s in row.get("services") or ()},
        snoozed=any(t["kind"] == "snooze" for t in row.get("timers") or ()),
    )


async def load(work: Work, ref: str) -> RowMapping:
    """Return the incident that ``ref`` names.

    Raises:
        InvalidInput: ``ref`` is neither INC-12, 12 nor an id.
        NotFound: there is none, or the principal may not know of it.
    """
    found = parse_ref(ref)
    column = "id" if isinstance(found, UUID) else "number"
    # A number beyond bigint is no incident's.
    if isinstance(found, int) and found >= 2**63:
        raise NotFound(f"There is no incident {ref[:80]}.", field="ref")
    row = await work.row(f"{SELECT} where i.{column} = :ref", {"ref": found})
    if row is None:
        raise NotFound(
            f"There is no incident {ref[:80]}.", field="ref", remedy="`warroom incident list`"
        )
    return row
