"""Impact follows the catalogue: whose reasoning a changed service or dependency touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.principal import CommandContext
from warroom.errors import LockNotAvailable
from warroom.services import impact
from warroom.services.impact_graph import OVERLAP

_SIZE = """
select (select count(*) from warroom.dependency) + (select count(*) from warroom.service) as rows,
  greatest((select max(sys_from) from warroom.dependency),
           (select max(sys_from) from warroom.service)) as newest, now() as now
"""
_CHANGED = """
select d.id, d.sys_from, d.service_id from warroom.dependency d where d.sys_from > :since
union all
select s.id, s.sys_from, s.id from warroom.service s where s.sys_from > :since
"""
_ALL = """
select i.id from warroom.incident i where i.ended_at is null
  and exists (select from warroom.incident_service l where l.incident_id = i.id) order by i.id
"""
# An incident is touched when one of its services is what a changed service depends on, however
# far away (it takes more down), or depends on it (something else may have done it), or when it
# names the changed service (whose dependency may be gone by now).
_TOUCHED = """
with recursive up (id) as (
    select unnest(cast(:changed as uuid[]))
    union
    select d.depends_on_id from up u join warroom.dependency d on d.service_id = u.id),
  down (id) as (
    select unnest(cast(:changed as uuid[]))
    union
    select d.service_id from down n join warroom.dependency d on d.depends_on_id = n.id),
  around as materialized (select id from up union select id from down),
  named as (select s.key from warroom.service s where s.id = any(cast(:changed as uuid[])))
select i.id from warroom.incident i where i.ended_at is null and (
  exists (select from warroom.incident_service l
    where l.incident_id = i.id and l.service_id in (select a.id from around a))
  or exists (select from warroom.incident_impact m, jsonb_array_elements(m.nodes) n
    where m.incident_id = i.id and n ->> 'key' in (select k.key from named k)))
order by i.id
"""


# Opened by alerts on a service on which very much depends: taking them in did not wait for it.
_WITHOUT = """
select i.id from warroom.incident i where i.ended_at is null
  and not exists (select from warroom.incident_impact m where m.incident_id = i.id)
  and exists (select from warroom.incident_service l
    join warroom.service s on s.id = l.service_id and s.unit = i.unit
    where l.incident_id = i.id)
order by i.id
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """How much of the catalogue has been reasoned about.

    ``rows`` services and dependencies there were; ``newest`` is when one changed last;
    ``done`` are the changes near that moment that are done with.
    """

    rows: int
    newest: datetime | None
    done: frozenset[tuple[UUID, datetime]] = frozenset()


async def follow(db: Database, ctx: CommandContext, seen: Seen | None) -> tuple[Seen, str]:
    """Reason again about the open incidents that changes of the catalogue touch.

    Args:
        db: the engine's database.
        ctx: the engine's context.
        seen: what the call before returned; None reasons about every open incident.

    Returns:
        What is seen now, and the sentence.  When it raises, nothing is seen: call it again with
        the same.
    """

    async def look(work: Work) -> tuple[Seen, str, Sequence[UUID]]:
        now, why, touched = await _look(work, seen)
        without = {r["id"] for r in await work.rows(_WITHOUT)} - set(touched)
        if without and not touched:
            why = "alerts opened what much depends on"
        return now, why, sorted({*touched, *without}, key=str)

    now, why, incidents = await read(db, ctx, look, deadline_s=impact.DEADLINE_S)
    if await impact.refresh_all(db, ctx, incidents):
        raise LockNotAvailable("Somebody is at an incident that the catalogue touches.")
    if not why:
        return now, "the catalogue has not changed"
    if not incidents:
        return now, f"{why}: no open incident is touched"
    many = f"{len(incidents)} open incidents" if len(incidents) > 1 else "1 open incident"
    return now, f"{why}: reasoned again about {many}"


async def _look(work: Work, seen: Seen | None) -> tuple[Seen, str, Sequence[UUID]]:
    """Return what is seen now, what happened to the catalogue, and whom that touches."""
    size = await work.row(_SIZE)
    if size is None:
        raise RuntimeError("a count that returned nothing")
    newest: datetime | None = size["newest"]
    if (
        seen is not None
        and (seen.rows, seen.newest) == (size["rows"], newest)
        and (newest is None or size["now"] - newest > 2 * OVERLAP)
    ):
        # Whatever was written near that moment has long been committed and seen.
        return seen, "", ()
    changed: list[RowMapping] = []
    if newest is not None:
        since = newest - OVERLAP
        if seen and seen.newest:
            since = min(since, seen.newest - OVERLAP)
        changed = await work.rows(_CHANGED, {"since": since})
    now = Seen(size["rows"], newest, frozenset((r["id"], r["sys_from"]) for r in changed))
    if seen is None or now.rows < seen.rows:
        why = "after the start" if seen is None else "the catalogue shrank"
        return now, why, [r["id"] for r in await work.rows(_ALL)]
    fresh = {r["service_id"] for r in changed if (r["id"], r["sys_from"]) not in seen.done}
    if not fresh:
        return now, "", ()
    touched = await work.rows(_TOUCHED, {"changed": sorted(fresh, key=str)})
    return now, "the catalogue changed", [r["id"] for r in touched]
