"""Projections: what the console reads, as frozen pictures.

Plain psycopg on purpose: the console's first picture must not wait for a larger library.  Every
read takes ``as_of`` (None = now) and goes through the masked views of ``read_v1``, or through
their ``*_at`` functions for a moment of the past; the query text is the same for both.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from warroom.db.reads.clock_sql import OWED, TARGET
from warroom.db.reads.health import id_floor
from warroom.domain.health import STALE_AFTER
from warroom.domain.picture import (
    AlertRow,
    BoardPicture,
    IncidentDetail,
    IncidentLink,
    IncidentRow,
    NextTimer,
    RoleOffer,
    ServiceLink,
    SourceKind,
    TimelineRow,
)

Connection = psycopg.AsyncConnection[Any]
Row = dict[str, Any]

_NOW: LiteralString = """
with incident as not materialized (select * from read_v1.incident),
  person as not materialized (select * from read_v1.person),
  service as not materialized (select * from read_v1.service),
  incident_service as not materialized (select * from read_v1.incident_service),
  role_held as not materialized (select * from read_v1.role_held),
  timer as not materialized (select * from read_v1.timer),
  handover as not materialized (select * from read_v1.handover),
  team as not materialized (select * from read_v1.team),
  timeline as not materialized (select * from read_v1.timeline),
"""
_THEN: LiteralString = """
with incident as materialized (select * from read_v1.incident_at(%(as_of)s)),
  person as materialized (select * from read_v1.person_at(%(as_of)s)),
  service as materialized (select * from read_v1.service_at(%(as_of)s)),
  incident_service as materialized (select * from read_v1.incident_service_at(%(as_of)s)),
  role_held as materialized (select * from read_v1.role_held_at(%(as_of)s)),
  timer as materialized (select * from read_v1.timer_at(%(as_of)s)),
  handover as materialized (select * from read_v1.handover_at(%(as_of)s)),
  team as materialized (select * from read_v1.team_at(%(as_of)s)),
  timeline as not materialized (select * from read_v1.timeline where recorded_at <= %(as_of)s),
"""
_OPEN: LiteralString = """
  board as materialized (
    select i.* from incident i where i.ended_at is null
    order by i.severity, i.opened_at, i.id limit %(limit)s)
"""
_ONE: LiteralString = """
  board as materialized (select i.* from incident i where i.number = %(number)s)
"""
# Gathered for the whole page at once: a lateral for each row cost two thirds of the time.  What is
# gathered is of the page's incidents only, so a full join gives what a left join would, and cannot
# become a loop in a loop: with few open among millions the planner expects one, finds 500, and a
# page took five times as long.
_ROWS: LiteralString = f""",
  held as (
    select distinct on (r.incident_id) r.incident_id, p.name
    from role_held r join person p on p.id = r.principal_id
    where r.incident_id = any(array(select id from board)) and r.role = 'commander'
      and r.released_at is null
    order by r.incident_id, r.taken_at desc),
  linked as (
    select l.incident_id,
      jsonb_agg(jsonb_build_array(v.key, v.name, l.state, v.tier) order by v.tier, v.key) as links
    from incident_service l join service v on v.id = l.service_id
    where l.incident_id = any(array(select id from board)) group by l.incident_id),
  asked as (
    select h.incident_id,
      jsonb_agg(jsonb_build_array(h.role, coalesce(g.name, '?'), coalesce(t.name, '?'), h.brief)
        order by h.offered_at) as offers
    from handover h left join person g on g.id = h.from_id left join person t on t.id = h.to_id
    where h.incident_id = any(array(select id from board)) and h.state = 'offered'
    group by h.incident_id),
  clock as (
    select distinct on (x.incident_id) x.incident_id, x.kind, x.due_at, x.target
    from timer x where x.incident_id = any(array(select id from board)) and x.state = 'armed'
    order by x.incident_id, x.due_at),
  owed as (
    select t.incident_id, t.kind, t.due_at, t.target from timer t
    where t.incident_id = any(array(select id from board)) and {OWED})
select b.id, b.number, b.title, b.summary, b.severity, b.status, b.version, b.opened_at,
  b.updated_at, b.drill, b.visibility, b.alert_count, b.firing_count,
  b.custom::text as custom, o.name as owner, c.name as commander, s.links,
  t.kind as timer_kind, t.due_at, {TARGET} as target, a.offers, b.resolution,
  u.due_at as owed_at,
  (select {TARGET} from owed t where t.incident_id = b.id) as owed_by
from board b
left join person o on o.id = b.owner_id
full join held c on c.incident_id = b.id
full join linked s on s.incident_id = b.id
full join clock t on t.incident_id = b.id
full join asked a on a.incident_id = b.id
full join owed u on u.incident_id = b.id
order by b.drill, b.severity, least(u.due_at, t.due_at) nulls last, b.opened_at, b.id
"""  # noqa: S608 - constants of ours
_META: LiteralString = """
select clock_timestamp() as read_at, pg_is_in_recovery() as standby,
  case when pg_is_in_recovery() then
    extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 end as lag_s
"""
_COUNT_NOW: LiteralString = """
select (select count(*) from read_v1.incident where ended_at is null) as open_count,
  (select count(*) from read_v1.incident where ended_at is null and drill) as drills,
  (select count(*) from read_v1.triage_item where state = 'waiting') as waiting,
  (select count(*) from read_v1.silence where expired_at is null and ends_at > clock_timestamp()
    and starts_at <= clock_timestamp()) as silences,
  (select count(*) from read_v1.source where quiet_since is not null
    and quiet_after_s is not null and paused_at is null) as quiet,
  (select case when s.detail #>> '{standing,intake,verdict}' = 'bad'
      then (s.detail #>> '{intake,age_s}')::float8 end
    from read_v1.replication_sample s where s.role = 'primary' and s.id >= %(sampled)s::uuid
    order by s.id desc limit 1) as behind_s,
  l.number as last_number, l.ended_at as last_ended
from (select 1) one left join lateral (
  select number, ended_at from read_v1.incident where ended_at is not null
  order by ended_at desc limit 1) l on true
"""
_COUNT_THEN: LiteralString = """
with i as materialized (select * from read_v1.incident_at(%(as_of)s))
select (select count(*) from i where ended_at is null) as open_count,
  (select count(*) from i where ended_at is null and drill) as drills, 0 as waiting, 0 as quiet,
  null as behind_s,
  (select count(*) from read_v1.silence_at(%(as_of)s) where expired_at is null
    and ends_at > %(as_of)s and starts_at <= %(as_of)s) as silences,
  l.number as last_number, l.ended_at as last_ended
from (select 1) one left join lateral (
  select number, ended_at from i where ended_at is not null
  order by ended_at desc limit 1) l on true
"""


async def _fetch(conn: Connection, query: LiteralString, args: Row) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, args)
        return await cursor.fetchall()


def _row(r: Row) -> IncidentRow:
    links = tuple(ServiceLink(*link) for link in r["links"] or ())
    timer = NextTimer(r["timer_kind"], r["due_at"], r["target"]) if r["timer_kind"] else None
    owed = NextTimer("update-due", r["owed_at"], r["owed_by"]) if r["owed_at"] else None
    return IncidentRow(
        id=r["id"],
        number=r["number"],
        title=r["title"],
        severity=r["severity"],
        status=r["status"],
        version=r["version"],
        opened_at=r["opened_at"],
        updated_at=r["updated_at"],
        drill=r["drill"],
        visibility=r["visibility"],
        owner=r["owner"],
        commander=r["commander"],
        services=links,
        service_count=len(links),
        alert_count=r["alert_count"],
        firing_count=r["firing_count"],
        next_timer=timer,
        owed=owed,
        offers=tuple(RoleOffer(*offer) for offer in r["offers"] or ()),
    )


async def read_board(
    conn: Connection, *, as_of: datetime | None = None, limit: int = 500
) -> BoardPicture:
    """Read the open incidents: worst first, then whose clock runs out next; drills last.

    Args:
        conn: an autocommit connection of a reader.
        as_of: None for now, or the moment to show.
        limit: rows at the most; ``truncated`` says when there are more.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    args: Row = {"as_of": as_of, "limit": limit}
    # The clock is read first: an age may be too old by this, never too young.
    meta = (await _fetch(conn, _META, args))[0]
    args["sampled"] = id_floor(meta["read_at"] - STALE_AFTER)  # an older one tells nothing of now
    counts = (await _fetch(conn, _COUNT_NOW if as_of is None else _COUNT_THEN, args))[0]
    rows = await _fetch(conn, (_NOW if as_of is None else _THEN) + _OPEN + _ROWS, args)
    last = (counts["last_number"], counts["last_ended"]) if counts["last_number"] else None
    return BoardPicture(
        rows=tuple(_row(r) for r in rows),
        read_at=meta["read_at"],
        source=SourceKind.STANDBY if meta["standby"] else SourceKind.PRIMARY,
        replay_lag_s=meta["lag_s"],
        as_of=as_of,
        open_count=counts["open_count"],
        drill_count=counts["drills"],
        triage_count=counts["waiting"],
        silences=counts["silences"],
        quiet_sources=counts["quiet"],
        behind_s=counts["behind_s"],
        truncated=counts["open_count"] > len(rows),
        last_closed=last,
    )


_TIMELINE: LiteralString = """
select t.id, t.kind, t.body, t.happened_at, t.recorded_at, coalesce(p.name, '?') as author,
  t.source, t.confidence, t.corrects
from read_v1.timeline t left join read_v1.person p on p.id = t.author_id
where t.incident_id = %(id)s and t.id >= %(id)s
  and (%(as_of)s::timestamptz is null or t.recorded_at <= %(as_of)s)
order by t.id desc limit %(limit)s
"""
_ALERTS: LiteralString = """
select a.id, a.name, a.summary, a.severity, s.key as service, o.key as source, a.starts_at,
  a.last_seen_at, a.count, a.priority, a.flapping, a.decision,
  case when %(as_of)s::timestamptz is null then a.state else coalesce((
    select case when e.change in ('resolved', 'expired') then 'resolved' else 'firing' end
    from read_v1.alert_event e
    where e.alert_id = a.id and e.recorded_at <= %(as_of)s
      and e.change in ('new', 'resolved', 'refired', 'expired')
    order by e.id desc limit 1), a.state) end as state
from read_v1.alert a
join read_v1.service s on s.id = a.service_id
join read_v1.source o on o.id = a.source_id
where a.incident_id = %(id)s
  and (%(as_of)s::timestamptz is null or a.first_seen_at <= %(as_of)s)
order by state, a.severity, a.starts_at limit 500
"""
_TIMERS: LiteralString = f"""
  chosen as (select t.* from timer t
    where t.incident_id = %(id)s and (t.state = 'armed' or {OWED}))
select t.kind, t.due_at, {TARGET} as target
from chosen t join incident i on i.id = t.incident_id left join person o on o.id = i.owner_id
where t.state = 'armed' or i.ended_at is null order by t.due_at
"""  # noqa: S608 - constants of ours
_ROLES: LiteralString = """
  chosen as (select r.role, p.name from role_held r join person p on p.id = r.principal_id
    where r.incident_id = %(id)s and r.released_at is null)
select * from chosen order by role
"""
_LINKS: LiteralString = """
select l.kind, l.url, l.label from read_v1.incident_link l
where l.incident_id = %(id)s order by l.added_at, l.id
"""
_LINKS_THEN: LiteralString = """
select l.kind, l.url, l.label from read_v1.incident_link_at(%(as_of)s) l
where l.incident_id = %(id)s order by l.added_at, l.id
"""


_MERGED: LiteralString = """
select i.number from read_v1.incident_relation r join read_v1.incident i on i.id = r.other_id
where r.incident_id = %(id)s and r.kind = 'merged-into'
"""
_MERGED_THEN: LiteralString = """
select i.number from read_v1.incident_relation_at(%(as_of)s) r
join read_v1.incident_at(%(as_of)s) i on i.id = r.other_id
where r.incident_id = %(id)s and r.kind = 'merged-into'
"""


async def read_timeline(
    conn: Connection, incident_id: UUID, *, as_of: datetime | None = None, limit: int = 200
) -> tuple[TimelineRow, ...]:
    """Read the newest entries of one incident, newest first.

    The id bound prunes the partitions from before the incident; an entry is never older.
    """
    rows = await _fetch(conn, _TIMELINE, {"id": incident_id, "as_of": as_of, "limit": limit})
    return tuple(
        TimelineRow(
            id=r["id"],
            kind=r["kind"],
            text=r["body"],
            happened_at=r["happened_at"],
            recorded_at=r["recorded_at"],
            author=r["author"],
            source=r["source"],
            confidence=r["confidence"],
            corrects=r["corrects"],
        )
        for r in rows
    )


async def read_incident(
    conn: Connection, number: int, *, as_of: datetime | None = None, timeline_limit: int = 200
) -> IncidentDetail | None:
    """Read one incident whole, None when there is none that this reader may see.

    Args:
        conn: an autocommit connection of a reader.
        number: the number of ``INC-number``.
        as_of: None for now, or the moment to show.
        timeline_limit: entries at the most; ``more_timeline`` says when there are older ones.
    """
    args: Row = {"as_of": as_of, "number": number}
    source = _NOW if as_of is None else _THEN
    meta = (await _fetch(conn, _META, args))[0]
    found = await _fetch(conn, source + _ONE + _ROWS, args)
    if not found:
        return None
    row = _row(found[0])
    args["id"] = row.id
    entries = await read_timeline(conn, row.id, as_of=as_of, limit=timeline_limit + 1)
    alerts = await _fetch(conn, _ALERTS, args)
    timers = await _fetch(conn, source + _TIMERS, args)
    roles = await _fetch(conn, source + _ROLES, args)
    links = await _fetch(conn, _LINKS if as_of is None else _LINKS_THEN, args)
    merged = await _fetch(conn, _MERGED if as_of is None else _MERGED_THEN, args)
    return IncidentDetail(
        row=row,
        summary=found[0]["summary"],
        timeline=entries[:timeline_limit],
        alerts=tuple(AlertRow(**a) for a in alerts),
        roles=tuple((r["role"], r["name"]) for r in roles),
        timers=tuple(NextTimer(t["kind"], t["due_at"], t["target"]) for t in timers),
        read_at=meta["read_at"],
        more_timeline=len(entries) > timeline_limit,
        custom=tuple((str(k), str(v)) for k, v in json.loads(found[0]["custom"]).items()),
        links=tuple(IncidentLink(**link) for link in links),
        resolution=found[0]["resolution"] or "",
        merged_into=merged[0]["number"] if merged else None,
    )


def age_of(picture: BoardPicture, elapsed: timedelta) -> timedelta:
    """Return how old a picture is: the time since it was read, and how far its source lagged."""
    return elapsed + timedelta(seconds=max(picture.replay_lag_s or 0.0, 0.0))
