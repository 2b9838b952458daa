"""What bears on the cause of an incident: alerts on and near its services."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Work
from warroom.domain.change import LOOK_BACK as CHANGES_LOOK_BACK
from warroom.impact.graph import Graph, Seed
from warroom.impact.hardness import Impact
from warroom.impact.signals import Change, Earlier, Signal
from warroom.services.change_near import nearby
from warroom.services.impact_graph import Catalogue

LOOK_BACK: Final = timedelta(hours=24)
SIGNALS_MAX: Final = 2000
EARLIER_MAX: Final = 50
HOPS_MAX: Final = 5
NEAR_MAX: Final = 5000
# A change is looked for on so many: each costs a look into an index, also in a storm.
FURTHER_MAX: Final = 300

_LOOK_BACK: WeakKeyDictionary[Engine, timedelta] = WeakKeyDictionary()

# Alerts of other incidents count only where everybody who sees this one may see them, and a
# drill's alerts say nothing about what is real.  The same alert on a thousand hosts is one signal,
# the first of them: so a storm costs little, and its end is heard as well as its beginning.
_SIGNALS = """
select s.key as service, a.name, a.severity, a.state = 'firing' as firing,
  min(a.starts_at) as since,
  a.labels ->> 'warroom_signal' as kind, a.labels ->> 'warroom_strength' as strength
from warroom.alert a join warroom.service s on s.id = a.service_id
where a.service_id = any(cast(:near as uuid[])) and a.starts_at >= :since
  and (a.state = 'firing' or a.ends_at >= :opened)
  and (a.incident_id = :id or (a.visibility = 'normal' and a.drill = :drill))
group by 1, 2, 3, 4, 6, 7 order by 5, 1, 2, 3, 4, 6, 7 limit :most
"""

# Only of incidents that everybody of the unit sees; a drill's cause is nobody's.
_EARLIER = """
select i.number, i.ended_at, (select min(x.service) from warroom.incident_change j
    join warroom.change_service x on x.change_id = j.change_id
    where j.incident_id = i.id and j.verdict = 'cause') as cause,
  array(select s.key from warroom.incident_service l join warroom.service s on s.id = l.service_id
    where l.incident_id = i.id) as services
from warroom.incident i
where i.unit = :unit and i.ended_at is not null and i.visibility = 'normal' and not i.drill
  and exists (select from warroom.incident_change j where j.incident_id = i.id
    and j.verdict = 'cause')
order by i.ended_at desc limit :most
"""


def near(graph: Graph, seeds: Sequence[Seed], impact: Impact) -> set[int]:
    """Return what is hit, and what the incident's services need, up to five dependencies away."""
    layer = {graph.index[s.key] for s in seeds if s.key in graph.index}
    found = set(layer)
    for _ in range(HOPS_MAX):
        layer = {needed for at in layer for needed in _needs(graph, at)} - found
        found |= layer
        if not layer or len(found) > NEAR_MAX:
            break
    return found | impact.down | impact.hurt


def alerting(graph: Graph, heard: Sequence[Signal]) -> list[int]:
    """Return what alerts near an incident and what it needs, up to five dependencies away.

    The nearest first, 300 at the most: a change there may be behind it.
    """
    layer = list(dict.fromkeys(graph.index[s.service] for s in heard if s.service in graph.index))
    found = dict.fromkeys(layer)
    for _ in range(HOPS_MAX):
        ahead = {needed for at in layer for needed in _needs(graph, at)} - found.keys()
        layer = sorted(ahead)
        found |= dict.fromkeys(layer)
        if not layer or len(found) >= FURTHER_MAX:
            break
    return list(found)[:FURTHER_MAX]


def _needs(graph: Graph, at: int) -> set[int]:
    groups = graph.groups_of.get(at, ())
    return {*graph.needs_hard[at], *graph.needs_soft[at]}.union(
        *(graph.members[number] for number in groups)
    )


async def signals(
    work: Work, catalogue: Catalogue, incident: RowMapping, around: Collection[int]
) -> list[Signal]:
    """Return the alerts on the services ``around`` an incident that may have to do with it.

    Those that fire, or ended after it was opened, and began at most a day before; those of a
    service that say the same are one, since the first of them.
    """
    services = catalogue.graph.services
    ids: list[UUID] = [catalogue.ids[services[at].key] for at in sorted(around)]
    opened: datetime = incident["opened_at"]
    rows = await work.rows(
        _SIGNALS,
        {"near": ids, "since": opened - LOOK_BACK, "opened": opened, "id": incident["id"],
         "drill": incident["drill"], "most": SIGNALS_MAX},
    )  # fmt: skip
    return [
        Signal(r["service"], r["since"], r["name"], r["severity"], r["firing"],
               _strength(r["strength"]), r["kind"] or "")
        for r in rows
    ]  # fmt: skip


def look_back(db: Database, span: timedelta) -> None:
    """Say how long before an incident a change may have begun to be suspected (``LOOK_BACK``)."""
    _LOOK_BACK[db.engine.sync_engine] = span


async def changes(
    work: Work,
    incidents: Sequence[RowMapping],
    now: datetime,
    further: Collection[tuple[UUID, UUID]] = (),
) -> dict[UUID, list[Change]]:
    """Return the changes that may be behind each incident; ``further`` as in ``nearby``.

    One that only security may know of stays out of what all who see the incident read.
    """
    found: dict[UUID, list[Change]] = {}
    span = _LOOK_BACK.get(work.pool, CHANGES_LOOK_BACK)
    ids = [i["id"] for i in incidents]
    for r in await nearby(work, ids, further, before=now, look_back=span):
        if r["visibility"] == "normal":
            found.setdefault(r["incident_id"], []).append(
                Change(r["id"], r["service"], r["kind"], r["at"], r["title"], r["version"],
                       r["by"], r["link"], r["verdict"])
            )  # fmt: skip
    return found


async def earlier(work: Work, unit: str) -> list[Earlier]:
    """Return the newest ended incidents of a unit whose cause a person named: a change."""
    rows = await work.rows(_EARLIER, {"unit": unit, "most": EARLIER_MAX})
    return [Earlier(r["number"], r["cause"], frozenset(r["services"]), r["ended_at"]) for r in rows]


def _strength(text: str | None) -> float | None:
    """Read what an alert's label says of how much it measured, 0 to 1; nothing when it is none."""
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0.0 <= value <= 1.0 else None
