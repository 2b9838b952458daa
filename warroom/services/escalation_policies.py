"""Escalation policies as the rules want them: steps in order, the owner team by its name."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from warroom.db.uow import Work
from warroom.domain.escalation import Policy, Step, Target, TargetKind, name_owner


async def load_policy(work: Work, policy_id: UUID) -> Policy:
    """Return a policy with its steps in order."""
    rows = await work.rows(
        "select p.key, p.name, p.repeat_count, s.step, s.delay_s, s.target_kind, s.target"
        " from warroom.escalation_policy p"
        " left join warroom.escalation_step s on s.policy_id = p.id"
        " where p.id = :id order by s.step",
        {"id": policy_id},
    )
    steps = tuple(
        Step(r["step"], r["delay_s"], Target(TargetKind(r["target_kind"]), r["target"]))
        for r in rows
        if r["step"] is not None
    )
    return Policy(rows[0]["key"], rows[0]["name"], steps, rows[0]["repeat_count"])


async def owner_teams(work: Work, incident_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the key of the team that owns the worst-hit service, for each incident with one."""
    rows = await work.rows(
        "select distinct on (l.incident_id) l.incident_id, t.key"
        " from warroom.incident_service l join warroom.service s on s.id = l.service_id"
        " join warroom.team t on t.id = s.team_id"
        " where l.incident_id = any(cast(:ids as uuid[]))"
        " order by l.incident_id, s.tier, l.attached_at, s.key",
        {"ids": list(incident_ids)},
    )
    return {r["incident_id"]: r["key"] for r in rows}


async def policy_of(work: Work, incident_id: UUID, policy_id: UUID) -> Policy:
    """Return the policy that an incident escalates by."""
    owners = await owner_teams(work, [incident_id])
    return name_owner(await load_policy(work, policy_id), owners.get(incident_id))
