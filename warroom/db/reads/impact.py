"""The impact pane: what the server reasoned last about one incident."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from warroom.db.reads.fetch import Connection, Row, fetch
from warroom.domain.panes import ImpactNode, ImpactPicture, ImpactTotals
from warroom.domain.reasoned import (
    RestartStep,
    RestartWave,
    SharedDomain,
    Suggestion,
    Suspect,
)

_INCIDENT: LiteralString = """
select clock_timestamp() as read_at, i.number, i.severity, m.computed_at, m.nodes, m.totals,
  m.suspects, m.waves, m.shared, m.suggestion, t.ticks
from read_v1.incident i
"""
_NOW: LiteralString = """
left join read_v1.incident_impact m on m.incident_id = i.id
left join lateral (
  select jsonb_object_agg(s.key, jsonb_build_array(coalesce(p.name, '?'), r.done_at)) as ticks
  from read_v1.restart_tick r join read_v1.service s on s.id = r.service_id
  left join read_v1.person p on p.id = r.done_by
  where r.incident_id = i.id) t on true
where i.id = %(id)s
"""
_THEN: LiteralString = """
left join (select * from read_v1.incident_impact_at(%(as_of)s)) m on m.incident_id = i.id
left join lateral (
  select jsonb_object_agg(s.key, jsonb_build_array(coalesce(p.name, '?'), r.done_at)) as ticks
  from read_v1.restart_tick_at(%(as_of)s) r join read_v1.service s on s.id = r.service_id
  left join read_v1.person p on p.id = r.done_by
  where r.incident_id = i.id) t on true
where i.id = %(id)s and i.opened_at <= %(as_of)s
"""


async def read_impact(
    conn: Connection, incident_id: UUID, *, as_of: datetime | None = None
) -> ImpactPicture | None:
    """Read what one incident takes down.

    Args:
        conn: an autocommit connection of a reader.
        incident_id: whose impact.
        as_of: None for now, or the moment to show.

    Returns:
        The picture; None when there is no such incident that this reader may see, or not yet.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    args: Row = {"id": incident_id, "as_of": as_of}
    found = await fetch(conn, _INCIDENT + (_NOW if as_of is None else _THEN), args)
    if not found:
        return None
    r = found[0]
    totals: Row = r["totals"] or {}
    return ImpactPicture(
        incident_id=incident_id,
        number=r["number"],
        nodes=tuple(_node(n) for n in r["nodes"] or ()),
        totals=ImpactTotals(
            services=totals.get("services", 0),
            tier_one=totals.get("tier_one", 0),
            user_share=totals.get("user_share"),
            customers=totals.get("customers"),
            regions=tuple(totals.get("regions", ())),
            third_parties=totals.get("third_parties", 0),
            headline=totals.get("headline", ""),
        ),
        read_at=r["read_at"],
        computed_at=r["computed_at"],
        truncated=bool(totals.get("truncated", False)),
        as_of=as_of,
        suspects=tuple(_suspect(s) for s in r["suspects"] or ()),
        waves=tuple(_wave(w, r["ticks"] or {}) for w in r["waves"] or ()),
        shared=tuple(
            SharedDomain(
                d["kind"], d["value"], d["hit"], d["of"], d.get("outside", 0), d.get("state", "")
            )
            for d in r["shared"] or ()
        ),
        suggestion=Suggestion(r["suggestion"]["severity"], r["suggestion"]["reason"])
        # It is what it should be: there is nothing to suggest.
        if r["suggestion"] and r["suggestion"]["severity"] != r["severity"]
        else None,
    )


def _suspect(s: Row) -> Suspect:
    since, change = s.get("since"), s.get("change")
    return Suspect(
        kind=s["kind"],
        key=s["key"],
        name=s["name"],
        score=s["score"],
        reasons=tuple(s["reasons"]),
        team=s.get("team", ""),
        tier=s.get("tier"),
        since=datetime.fromisoformat(since) if since else None,
        path=tuple(s.get("path", ())),
        change=UUID(change) if change else None,
        link=s.get("link", ""),
    )


def _wave(wave: Row, ticks: Row) -> RestartWave:
    """Return a stored wave; what was ticked stands beside its step."""
    steps = []
    for step in wave["steps"]:
        by, at = ticks.get(step["key"], ("", None))
        steps.append(
            RestartStep(
                key=step["key"], name=step["name"], tier=step["tier"], team=step["team"],
                state=step["state"], verify=step["verify"], done_by=by,
                done_at=datetime.fromisoformat(at) if at else None,
            )
        )  # fmt: skip
    return RestartWave(wave["number"], tuple(steps), tuple(wave.get("breaks", ())))


def _node(n: Row) -> ImpactNode:
    """Return a stored node; a field that is newer than this program is passed over."""
    since = n.get("since")
    return ImpactNode(
        key=n["key"],
        name=n["name"],
        state=n["state"],
        tier=n["tier"],
        team=n["team"],
        depth=n["depth"],
        why=n["why"],
        since=datetime.fromisoformat(since) if since else None,
        hardness=n.get("hardness", ""),
        region=n.get("region"),
        user_share=n.get("user_share"),
        customers=n.get("customers"),
        elsewhere=n.get("elsewhere", False),
        kind=n.get("kind", ""),
    )
