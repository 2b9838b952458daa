"""The timers pane: every running clock and every update that is owed, most urgent first."""

from __future__ import annotations

from datetime import datetime
from typing import Final, LiteralString

from warroom.db.reads.clock_sql import OWED, TARGET
from warroom.db.reads.fetch import Connection, Row, fetch
from warroom.domain.panes import TimerRow, TimersPicture

# What happens when a clock of this kind runs out; a kind that is newer than this program is
# shown under its own name.
AT_ZERO: Final[dict[str, str]] = {
    "escalate": "escalates",
    "ack-timeout": "ack times out",
    "update-due": "update due",
    "soak": "soak ends",
    "regulatory": "legal deadline",
    "vendor-sla": "vendor SLA ends",
    "mitigation-expiry": "mitigation ends",
    "snooze": "wakes",
}

_NOW: LiteralString = """
with incident as not materialized (select * from read_v1.incident),
  timer as not materialized (select * from read_v1.timer),
  person as not materialized (select * from read_v1.person),
  service as not materialized (select * from read_v1.service),
  team as not materialized (select * from read_v1.team),
  incident_service as not materialized (select * from read_v1.incident_service),
  role_held as not materialized (select * from read_v1.role_held),
  timeline as not materialized (select * from read_v1.timeline),
"""
_THEN: LiteralString = """
with incident as materialized (select * from read_v1.incident_at(%(as_of)s)),
  timer as materialized (select * from read_v1.timer_at(%(as_of)s)),
  person as materialized (select * from read_v1.person_at(%(as_of)s)),
  service as materialized (select * from read_v1.service_at(%(as_of)s)),
  team as materialized (select * from read_v1.team_at(%(as_of)s)),
  incident_service as materialized (select * from read_v1.incident_service_at(%(as_of)s)),
  role_held as materialized (select * from read_v1.role_held_at(%(as_of)s)),
  timeline as not materialized (select * from read_v1.timeline where recorded_at <= %(as_of)s),
"""
# Each arm stops at the limit on an index of its own (timer_due, timer_paused); what is
# owed is looked up by its open incidents, for among fired clocks it is one of very many.
_ROWS: LiteralString = f"""
  armed as materialized (
    select t.* from timer t where t.state = 'armed'
    order by t.due_at, t.id limit %(limit)s),
  paused as materialized (
    select t.* from timer t where t.state = 'paused'
    order by t.due_at, t.id limit %(limit)s),
  owed as materialized (
    select t.* from timer t
    where t.incident_id = any(array(select id from incident where ended_at is null)) and {OWED}),
  running as (select * from armed union all select * from paused union all select * from owed)
select t.id, i.number, i.severity, i.drill, t.kind, t.step, t.due_at, t.state, t.paused_at,
  {TARGET} as target
from running t
join incident i on i.id = t.incident_id
left join person o on o.id = i.owner_id
order by t.state = 'paused', t.due_at, i.severity, i.number, t.kind, t.step, t.id
limit %(limit)s
"""  # noqa: S608 - constants of ours
_COUNT_NOW: LiteralString = """
select count(*) as total from read_v1.timer where state in ('armed', 'paused')
"""
_COUNT_THEN: LiteralString = """
select count(*) as total from read_v1.timer_at(%(as_of)s) where state in ('armed', 'paused')
"""


async def read_timers(
    conn: Connection, *, as_of: datetime | None = None, limit: int = 200
) -> TimersPicture:
    """Read the running clocks, and updates that are owed: by deadline, paused ones last.

    Args:
        conn: an autocommit connection of a reader.
        as_of: None for now, or the moment to show.
        limit: rows at the most; ``total`` counts all that run.

    Returns:
        The picture.  A clock without a target of its own speaks to the incident's owner, or to
        ``nobody``; an update to whoever the engine would call.  An update that was due and has
        not been given is of state ``fired``.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    args: Row = {"as_of": as_of, "limit": limit}
    # The clock is read first: an age may be too old by this, never too young.
    clock = await fetch(conn, "select clock_timestamp() as read_at", args)
    found = await fetch(conn, (_NOW if as_of is None else _THEN) + _ROWS, args)
    total = len(found)
    if total >= limit:
        counted = await fetch(conn, _COUNT_NOW if as_of is None else _COUNT_THEN, args)
        total = max(total, counted[0]["total"])
    return TimersPicture(
        rows=tuple(
            TimerRow(
                id=r["id"],
                number=r["number"],
                severity=r["severity"],
                drill=r["drill"],
                kind=r["kind"],
                step=r["step"],
                due_at=r["due_at"],
                at_zero=AT_ZERO.get(str(r["kind"]), str(r["kind"])),
                target=r["target"],
                state=r["state"],
                paused_at=r["paused_at"],
            )
            for r in found
        ),
        read_at=clock[0]["read_at"],
        total=total,
        as_of=as_of,
    )
