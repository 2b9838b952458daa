"""Impact follows what is heard: an alert or a change near an open incident may name its cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.principal import CommandContext
from warroom.services import impact

# An event's id is made when it is written, and seen when it is committed.
OVERLAP: Final = timedelta(seconds=20)
# A cycle ends, whatever the storm.
CYCLE_MAX: Final = 60
HOPS_MAX: Final = 5

_EVENTS = """
select cast(e.id as text) as id, a.service_id
from warroom.alert_event e join warroom.alert a on a.id = e.alert_id
where e.id > warroom.uuid7_floor(:since) and e.change in ('new', 'refired', 'resolved', 'expired')
union all
select c.id || ' ' || c.version, s.id
from warroom.change_event c join warroom.change_service x on x.change_id = c.id
join warroom.service s on s.key = x.service
where c.sys_from > :since and c.production and c.visibility = 'normal'
"""
# Open incidents on what the services need, or on what needs them; the worst come first.
_NEAR = """
with recursive up (id, hops) as (
    select unnest(cast(:heard as uuid[])), 0
    union
    select d.depends_on_id, u.hops + 1 from up u
    join warroom.dependency d on d.service_id = u.id where u.hops < :hops),
  down (id, hops) as (
    select unnest(cast(:heard as uuid[])), 0
    union
    select d.service_id, n.hops + 1 from down n
    join warroom.dependency d on d.depends_on_id = n.id where n.hops < :hops),
  around as materialized (select id from up union select id from down)
select i.id from warroom.incident i where i.ended_at is null
  and exists (select from warroom.incident_service l join around a on a.id = l.service_id
    where l.incident_id = i.id)
order by i.severity, i.opened_at, i.id
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """What has been listened to: up to when, which events near that moment, who still waits."""

    upto: datetime
    done: frozenset[str] = frozenset()
    waiting: tuple[UUID, ...] = ()


async def follow(db: Database, ctx: CommandContext, heard: Heard | None) -> tuple[Heard, str]:
    """Reason again about the open incidents near which an alert moved or a change was made.

    Args:
        db: the engine's database.
        ctx: the engine's context.
        heard: what the call before returned; None begins with now.

    Returns:
        What is heard now, and the sentence, empty when there is nothing to tell.  When it raises,
        nothing is heard: call it again with the same.
    """

    async def look(work: Work) -> tuple[Heard, Sequence[UUID]]:
        now: datetime = await work.scalar("select now()")
        if heard is None:
            return Heard(now), ()
        events = await work.rows(_EVENTS, {"since": heard.upto - OVERLAP})
        fresh = {e["service_id"] for e in events if e["id"] not in heard.done}
        near: list[UUID] = []
        if fresh:
            args = {"heard": sorted(fresh, key=str), "hops": HOPS_MAX}
            near = [r["id"] for r in await work.rows(_NEAR, args)]
        ids = frozenset(e["id"] for e in events)
        # Those that were left over come first: nobody waits for ever.
        return Heard(now, ids), list(dict.fromkeys([*heard.waiting, *near]))

    found, incidents = await read(db, ctx, look, deadline_s=impact.DEADLINE_S)
    now, later = incidents[:CYCLE_MAX], incidents[CYCLE_MAX:]
    held = await impact.refresh_all(db, ctx, now)
    if not now:
        return found, ""
    many = f"{len(now)} open incidents" if len(now) > 1 else "1 open incident"
    rest = f", {len(later)} more wait" if later else ""
    said = f"alerts or changes near them: reasoned again about {many}{rest}"
    return Heard(found.upto, found.done, (*later, *held)), said
