"""The timeline pane: one incident's entries, a page at a time, with what later became of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from warroom.db.reads.fetch import Connection, Row, fetch
from warroom.domain.ids import uuid7_floor
from warroom.domain.panes import Hypothesis, LogRow, TimelinePicture

PINS_MAX: Final = 50
_LAST_ID: Final = UUID(int=(1 << 128) - 1)
# An entry's id is made just before its recording time; the slack covers a clock that was set back.
_SLACK: Final = timedelta(seconds=60)

_META: LiteralString = """
select clock_timestamp() as read_at,
  (select i.number from read_v1.incident i where i.id = %(id)s) as number
"""
_NOW: LiteralString = """
with recursive person as not materialized (select * from read_v1.person),
  pin as not materialized (select * from read_v1.pin where incident_id = %(id)s),
  evidence as not materialized (select * from read_v1.evidence where incident_id = %(id)s),
  hypothesis as not materialized (select * from read_v1.hypothesis where incident_id = %(id)s),
"""
_THEN: LiteralString = """
with recursive person as materialized (select * from read_v1.person_at(%(as_of)s)),
  pin as materialized (
    select * from read_v1.pin_at(%(as_of)s) where incident_id = %(id)s),
  evidence as materialized (
    select * from read_v1.evidence_at(%(as_of)s) where incident_id = %(id)s),
  hypothesis as materialized (
    select * from read_v1.hypothesis_at(%(as_of)s) where incident_id = %(id)s),
"""
# Both bounds on the id prune partitions; an entry is never older than its incident.
_PAGE: LiteralString = """
  page as materialized (
    select t.*, false as on_top from read_v1.timeline t
    where t.incident_id = %(id)s and t.id >= %(id)s and t.id < %(upto)s
      and (%(every_kind)s or t.kind = any(%(kinds)s))
      and (%(as_of)s::timestamptz is null or t.recorded_at <= %(as_of)s)
    order by t.id desc limit %(rows)s),
  pinned as materialized (
    select t.*, true as on_top from (select p.entry_id from pin p
      order by p.entry_id desc limit %(pins)s) p
    join read_v1.timeline t on t.id = p.entry_id
    where t.incident_id = %(id)s and t.id >= %(id)s),
  shown as (select * from page union all select * from pinned),
  -- An entry, what it corrects, what that corrects …: fate and evidence hang on the first.
  chain as (
    select s.id as entry_id, s.id as at_id, s.corrects, 0 as depth
    from (select distinct id, corrects from shown) s
    union all
    select c.entry_id, t.id, t.corrects, c.depth + 1
    from chain c join read_v1.timeline t on t.id = c.corrects
    where t.incident_id = %(id)s and t.id >= %(id)s and c.depth < 50),
  first as (
    select distinct on (entry_id) entry_id, at_id from chain order by entry_id, depth desc),
  corrected as (
    select distinct on (t.corrects) t.corrects as entry_id, t.id as by_id
    from read_v1.timeline t
    where t.incident_id = %(id)s and t.id >= %(id)s
      and t.corrects = any (array(select s.id from shown s))
      and (%(as_of)s::timestamptz is null or t.recorded_at <= %(as_of)s)
    order by t.corrects, t.id desc)
select s.on_top, s.id, s.kind, s.body, s.happened_at, s.recorded_at,
  coalesce(p.name, '?') as author, s.source, s.confidence, s.corrects, c.by_id,
  exists (select from pin x where x.entry_id = s.id) as pinned,
  h.fate, n.n_for, n.n_against, e.hypothesis_entry_id, e.stance
from shown s
join first f on f.entry_id = s.id
left join person p on p.id = s.author_id
left join corrected c on c.entry_id = s.id
left join hypothesis h on s.kind = 'hypothesis' and h.entry_id = f.at_id
left join lateral (
  select count(*) filter (where x.stance = 'for') as n_for,
    count(*) filter (where x.stance = 'against') as n_against
  from evidence x where x.hypothesis_entry_id = f.at_id) n on s.kind = 'hypothesis'
left join lateral (
  select x.hypothesis_entry_id, x.stance from evidence x
  where x.entry_id = f.at_id order by x.id limit 1) e on s.kind = 'evidence'
order by s.on_top, s.id desc
"""


async def read_log(
    conn: Connection,
    incident_id: UUID,
    *,
    as_of: datetime | None = None,
    before: UUID | None = None,
    kinds: tuple[str, ...] = (),
    limit: int = 100,
) -> TimelinePicture:
    """Read a page of one incident's timeline, newest first, and its pins.

    Args:
        conn: an autocommit connection of a reader.
        incident_id: whose timeline.
        as_of: None for now, or the moment to show: entries recorded by then, with the pins,
            fates, evidence and corrections of that moment.
        before: ``older`` of the page before, None for the newest page.
        kinds: only entries of these kinds, all when empty; pins are shown whatever they are.
        limit: entries a page; there is no limit on how far back the pages go.

    Returns:
        The page; of an incident that this reader may not see, an empty one with number 0.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    upto = before or _LAST_ID
    if as_of is not None:
        upto = min(upto, uuid7_floor(as_of + _SLACK))
    args: Row = {
        "id": incident_id,
        "as_of": as_of,
        "upto": upto,
        "every_kind": not kinds,
        "kinds": list(kinds),
        "rows": limit + 1,
        "pins": PINS_MAX,
    }
    # The clock is read first: an age may be too old by this, never too young.
    meta = (await fetch(conn, _META, args))[0]
    found = await fetch(conn, (_NOW if as_of is None else _THEN) + _PAGE, args)
    rows = [_row(r) for r in found if not r["on_top"]]
    return TimelinePicture(
        incident_id=incident_id,
        number=meta["number"] or 0,
        rows=tuple(rows[:limit]),
        read_at=meta["read_at"],
        pins=tuple(_row(r) for r in found if r["on_top"]),
        older=rows[limit - 1].id if len(rows) > limit else None,
        as_of=as_of,
    )


def _row(r: Row) -> LogRow:
    hypothesis = None
    if r["kind"] == "hypothesis":
        # One that was logged before fates were kept is open.
        hypothesis = Hypothesis(r["fate"] or "open", r["n_for"], r["n_against"])
    return LogRow(
        id=r["id"],
        kind=r["kind"],
        text=r["body"],
        happened_at=r["happened_at"],
        recorded_at=r["recorded_at"],
        author=r["author"],
        source=r["source"],
        confidence=r["confidence"],
        corrects=r["corrects"],
        corrected_by=r["by_id"],
        pinned=r["pinned"],
        hypothesis=hypothesis,
        about=r["hypothesis_entry_id"],
        stance=r["stance"] or "",
    )
