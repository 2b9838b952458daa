"""The map of the estate: every service that a reader may see, and how open incidents hit it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, LiteralString

from warroom.db.reads.fetch import Connection, Row, fetch
from warroom.domain.impact_words import headline_of, totals_line
from warroom.domain.panes import ImpactTotals
from warroom.domain.reasoned import EstatePicture, EstateService

SERVICES_MAX: Final = 20_000
# A drill paints nothing: the map is about what hurts now.
_NOW: LiteralString = """
with i as materialized (
    select id, number, severity from read_v1.incident where ended_at is null and not drill),
  l as (select * from read_v1.incident_service where incident_id = any(array(select id from i))),
  m as (select * from read_v1.incident_impact where incident_id = any(array(select id from i))),
  s as (select * from read_v1.service), t as (select * from read_v1.team)
"""
_THEN: LiteralString = """
with i as materialized (
    select id, number, severity from read_v1.incident_at(%(as_of)s)
    where opened_at <= %(as_of)s and ended_at is null and not drill),
  l as (select * from read_v1.incident_service_at(%(as_of)s)
    where incident_id = any(array(select id from i))),
  m as (select * from read_v1.incident_impact_at(%(as_of)s)
    where incident_id = any(array(select id from i))),
  s as (select * from read_v1.service_at(%(as_of)s)),
  t as (select * from read_v1.team_at(%(as_of)s))
"""
# What people and alerts said counts beside what was reasoned; the worst of them is the state.
# Joined as sets: hits are few, services are many.
_ROWS: LiteralString = """,
  hit as (
    select s.key, i.number, i.severity, l.state from l join i on i.id = l.incident_id
    join s on s.id = l.service_id
    union all
    select n.key, i.number, i.severity, n.state from m join i on i.id = m.incident_id
    cross join lateral jsonb_to_recordset(m.nodes) as n(key text, state text)),
  once as (
    select key, number, min(severity) as severity, min(coalesce(array_position(
      array['down', 'degraded', 'expected-down', 'suspected', 'expected-degraded'], state), 6))
      as place
    from hit group by key, number),
  worst as materialized (
    select key, min(place) as place, min(severity) as severity,
      array_agg(number order by severity, number) as numbers
    from once group by key)
select s.key, s.name, s.kind, s.tier, t.key as team, s.region, s.zone, s.provisional,
  cast(s.user_share as float8) as user_share, w.place, w.numbers, w.severity
from s left join t on t.id = s.team_id left join worst w on w.key = s.key
order by s.tier, s.key
limit %(limit)s
"""
_HEAD: LiteralString = """
select clock_timestamp() as read_at, (select count(*) from i) as open_count,
  (select array_agg(m.totals ->> 'headline' order by i.severity, i.number)
   from m join i on i.id = m.incident_id where m.totals ->> 'headline' <> '') as headlines
"""
_STATES: Final = (
    "well", "down", "degraded", "expected-down", "suspected", "expected-degraded", "recovered",
)  # fmt: skip


async def read_estate(
    conn: Connection, *, as_of: datetime | None = None, limit: int = SERVICES_MAX
) -> EstatePicture:
    """Read the map of the estate.

    Args:
        conn: an autocommit connection of a reader.
        as_of: None for now, or the moment to show.
        limit: services at the most, the least important are left out.

    Returns:
        The picture, with the services that this reader may see.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    args: Row = {"as_of": as_of, "limit": limit + 1}
    source = _NOW if as_of is None else _THEN
    head = (await fetch(conn, source + _HEAD, args))[0]
    rows = await fetch(conn, source + _ROWS, args)
    services = tuple(_service(r) for r in rows[:limit])
    return EstatePicture(
        services=services,
        headline=_headline(rows[:limit], head["headlines"] or []),
        read_at=head["read_at"],
        open_count=head["open_count"],
        truncated=len(rows) > limit,
        as_of=as_of,
    )


def _service(r: Row) -> EstateService:
    return EstateService(
        key=r["key"],
        name=r["name"],
        kind=r["kind"],
        tier=r["tier"],
        team=r["team"] or "",
        region=r["region"],
        zone=r["zone"],
        state=_STATES[r["place"] or 0],
        incidents=tuple(r["numbers"] or ()),
        severity=r["severity"],
        provisional=r["provisional"],
    )


def _headline(rows: list[Row], headlines: list[str]) -> str:
    """Return the totals over all open incidents; shares overlap, so the largest one counts."""
    hit = [r for r in rows if r["place"] and _STATES[r["place"]] != "recovered"]
    if not hit:
        return ""
    totals = ImpactTotals(
        services=len(hit),
        tier_one=sum(r["tier"] <= 1 for r in hit),
        user_share=max((r["user_share"] for r in hit if r["user_share"] is not None), default=None),
        regions=tuple(sorted({r["region"] for r in hit if r["region"]})),
        headline=headline_of(headlines),
    )
    return totals_line(totals)
