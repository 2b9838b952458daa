"""What was reasoned, as it is stored: the fields by name, those that say nothing left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from warroom.db.uow import Work
from warroom.domain.panes import ImpactNode
from warroom.domain.reasoned import RestartStep, RestartWave, SharedDomain, Suggestion, Suspect
from warroom.impact.hardness import Impact

# An incident without services, and never with any, needs no row to say so.
_STORE = """
insert into warroom.incident_impact as m (incident_id, nodes, totals, suspects, waves, shared,
  suggestion, unit, visibility)
select i.id, r.nodes, r.totals, r.suspects, r.waves, r.shared, r.suggestion, i.unit, i.visibility
from jsonb_to_recordset(cast(:rows as jsonb)) as r(incident_id uuid, nodes jsonb, totals jsonb,
  suspects jsonb, waves jsonb, shared jsonb, suggestion jsonb)
join warroom.incident i on i.id = r.incident_id
where r.nodes <> '[]' or exists (select from warroom.incident_impact x where x.incident_id = i.id)
order by i.id
on conflict (incident_id) do update set nodes = excluded.nodes, totals = excluded.totals,
  suspects = excluded.suspects, waves = excluded.waves, shared = excluded.shared,
  suggestion = excluded.suggestion, computed_at = now(), version = m.version + 1
where (m.nodes, m.totals, m.suspects, m.waves, m.shared, m.suggestion) is distinct from
  (excluded.nodes, excluded.totals, excluded.suspects, excluded.waves, excluded.shared,
   excluded.suggestion)
"""


@dataclass(frozen=True, slots=True)
class Reasoned:
    """All that is known of one incident's impact."""

    impact: Impact
    suspects: Sequence[Suspect] = ()
    waves: Sequence[RestartWave] = ()
    shared: Sequence[SharedDomain] = ()
    suggestion: Suggestion | None = None


async def store(work: Work, reasoned: Mapping[UUID, Reasoned]) -> None:
    """Keep what was reasoned where it differs; the past of it goes into history."""
    rows = [{"incident_id": str(identifier)} | as_json(r) for identifier, r in reasoned.items()]
    await work.execute(
        _STORE, {"rows": json.dumps(rows, ensure_ascii=False, separators=(",", ":"))}
    )


def as_json(reasoned: Reasoned) -> dict[str, Any]:
    """Return it by the names of the columns."""
    totals = reasoned.impact.totals
    return {
        "nodes": [_fields(n) for n in reasoned.impact.nodes],
        "totals": {
            "services": totals.services,
            "tier_one": totals.tier_one,
            "user_share": totals.user_share,
            "customers": totals.customers,
            "regions": list(totals.regions),
            "third_parties": totals.third_parties,
            "headline": totals.headline,
            "truncated": reasoned.impact.truncated,
        },
        "suspects": [_fields(s) for s in reasoned.suspects],
        "waves": [
            {
                "number": wave.number,
                "steps": [_fields(step) for step in wave.steps],
                "breaks": list(wave.breaks),
            }
            for wave in reasoned.waves
        ],
        "shared": [_fields(d) for d in reasoned.shared],
        "suggestion": _fields(reasoned.suggestion) if reasoned.suggestion else None,
    }


_KEPT = {"score", "reasons", "hit", "of", "tier", "depth", "why"}
Frozen = ImpactNode | Suspect | RestartStep | SharedDomain | Suggestion


def _fields(found: Frozen) -> dict[str, Any]:
    values: dict[str, Any] = {}
    names = found._fields if isinstance(found, ImpactNode) else [f.name for f in fields(found)]
    for name in names:
        value = getattr(found, name)
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat()
        elif isinstance(value, UUID):
            value = str(value)
        elif isinstance(value, tuple):
            value = list(value)
        # Equal on purpose: 0.0 is worth saying, "" and () and False are not.
        if name in _KEPT or not (value is None or value is False or value in ("", [])):
            values[name] = value
    return values
