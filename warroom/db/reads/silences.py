"""The silences in force and to come, those that just ended, and the alerts that they hold back."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString

from warroom.db.reads.fetch import Connection, Row, fetch
from warroom.domain.silence import from_json
from warroom.domain.silence_picture import HeldAlert, SilenceRow, SilencesPicture

_NOW: LiteralString = """
with moment as (select clock_timestamp() as at), silence as (select * from read_v1.silence),
  person as (select * from read_v1.person)
"""
_THEN: LiteralString = """
with moment as (select cast(%(as_of)s as timestamptz) as at),
  silence as (select * from read_v1.silence_at(%(as_of)s)),
  person as (select * from read_v1.person_at(%(as_of)s))
"""
_ROWS: LiteralString = """
select s.id, s.matchers, s.comment, s.starts_at, s.ends_at, s.expired_at,
  coalesce(p.name, '?') as by, coalesce(e.name, '') as ended_by
from moment m cross join silence s left join person p on p.id = s.created_by
left join person e on e.id = s.expired_by
where s.ends_at > m.at and (s.expired_at is null or s.expired_at > m.at - interval '15 minutes')
order by s.expired_at is not null, s.ends_at, s.id limit %(limit)s
"""
# The few that fire on nothing, by their own index; OFFSET 0 keeps the rest behind it.
# What is held back is decided when its silence ends: one whose moment has come is held no more.
_HELD: LiteralString = """
select a.id, a.name, a.summary, a.severity, v.key as service, a.starts_at, a.decision as why,
  count(*) over () as total
from (select * from read_v1.alert where state = 'firing' and incident_id is null offset 0) a
join read_v1.service v on v.id = a.service_id
where a.disposition = 'suppressed' and a.decide_at > clock_timestamp()
order by a.severity, a.starts_at, a.id limit %(limit)s
"""
_CLOCK: LiteralString = "select clock_timestamp() as at"


async def read_silences(
    conn: Connection, *, as_of: datetime | None = None, limit: int = 500
) -> SilencesPicture:
    """Read the silences and what they hold back.

    Args:
        conn: an autocommit connection of a reader.
        as_of: None for now, or the moment to show; then no alerts.
        limit: silences, and alerts, at the most.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    args: Row = {"as_of": as_of, "limit": limit}
    clock = (await fetch(conn, _CLOCK, args))[0]["at"]
    rows = await fetch(conn, (_NOW if as_of is None else _THEN) + _ROWS, args)
    held = await fetch(conn, _HELD, args) if as_of is None else []
    return SilencesPicture(
        rows=tuple(
            SilenceRow(
                r["id"], from_json(r["matchers"]), r["comment"], r["by"], r["starts_at"],
                r["ends_at"], r["expired_at"], r["ended_by"],
            )
            for r in rows
        ),
        held=tuple(
            HeldAlert(
                h["id"], h["name"], h["summary"], h["severity"], h["service"], h["starts_at"],
                h["why"],
            )
            for h in held
        ),
        held_count=held[0]["total"] if held else 0,
        read_at=clock,
        as_of=as_of,
    )  # fmt: skip
