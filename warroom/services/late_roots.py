"""A cause that comes late: incidents that alerts opened for what depends on it become part of its.

Only what alerts opened, lately, and nobody works on yet; what a person split off, or put back,
stays theirs.  Each merge is the ordinary command, carried out by the engine: exactly once, because
a merged incident has ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.grouping import Candidate, Failed
from warroom.domain.incident import Status
from warroom.domain.principal import (
    ENGINE_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
    Scope,
)
from warroom.errors import LockNotAvailable, NotFound, Refused, VersionConflict
from warroom.services import incident_merge
from warroom.services.alert_incidents import WEIGHTY
from warroom.services.alert_roots import Roots, roots_of

MERGER: Final = Principal(
    ENGINE_PRINCIPAL, "engine", PrincipalKind.AUTOMATION, frozenset({Scope.RESPOND})
)
AT_ONCE: Final = 50
TRIES: Final = 3
"""How often one cause's incident may be found locked before its others wait for the next turn."""
_LATELY = """
select i.id, i.number, i.version, i.severity, i.status, i.unit, i.visibility, i.opened_at,
  i.last_activity_at, i.firing_count, i.alert_count,
  p.kind <> 'person' and i.status in ('triggered', 'acknowledged')
    and i.grouping_key = (select s.key from warroom.incident_service l
      join warroom.service s on s.id = l.service_id where l.incident_id = i.id
      order by l.attached_at, l.id limit 1)
    and not exists (select from warroom.incident_relation x where x.incident_id = i.id)
    and not exists (select from warroom.role_held h where h.incident_id = i.id
      and h.released_at is null) as movable,
  (select jsonb_agg(jsonb_build_array(l.service_id, l.state, case when l.version = 1 then
      l.attached_at else l.sys_from end) order by l.attached_at, l.id)
    from warroom.incident_service l where l.incident_id = i.id) as services
from warroom.incident i join warroom.principal p on p.id = i.opened_by
where i.ended_at is null and not i.drill and i.opened_at > now() - make_interval(secs => :window)
order by i.number
"""


@dataclass(frozen=True, slots=True)
class Lately:
    """An open incident as the search for late causes sees it.

    ``services`` are (id, state, since), the one it was opened for first.
    """

    candidate: Candidate
    version: int
    unit: str
    opened_at: datetime
    services: tuple[tuple[UUID, str, datetime], ...]
    movable: bool
    fires: bool


@dataclass(frozen=True, slots=True)
class Merge:
    """What is to be merged into what, and why."""

    child: Lately
    into: Lately
    why: str


async def merge(db: Database, ctx: CommandContext, *, window: timedelta) -> str:
    """Merge what late causes explain; return the sentence."""

    async def look(work: Work) -> list[Merge]:
        rows = await work.rows(_LATELY, {"window": window.total_seconds()})
        if len(rows) < 2:
            return []
        lately = [
            Lately(
                Candidate(r["id"], r["number"], Status(r["status"]), r["severity"],
                          r["last_activity_at"], None, r["visibility"]),
                r["version"], r["unit"], r["opened_at"],
                tuple((UUID(s), state, datetime.fromisoformat(at))
                      for s, state, at in r["services"] or ()),
                bool(r["movable"]), r["firing_count"] > 0 or r["alert_count"] == 0,
            )
            for r in rows
        ]  # fmt: skip
        return plan(lately, await roots_of(work, {x.unit for x in lately}))

    inner = replace(ctx, principal=MERGER, idempotency_key=None)
    done = 0
    held: Counter[UUID] = Counter()
    for found in (await read(db, inner, look, eyes=ENGINE_PRINCIPAL))[:AT_ONCE]:
        if held[found.into.candidate.id] >= TRIES:
            continue
        try:
            await incident_merge.merge(
                db, inner, str(found.child.candidate.id), version=found.child.version,
                into=str(found.into.candidate.id), why=found.why,
            )  # fmt: skip
        except (Refused, VersionConflict, NotFound):
            continue  # somebody is at it: looked at again at the next turn
        except LockNotAvailable:
            # Its alerts come in just now.  The others do not wait for it, nor it for all of them.
            held[found.into.candidate.id] += 1
            continue
        done += 1
    return f"{done} incidents merged into that of their cause" if done else "no late cause"


def plan(lately: Sequence[Lately], roots: dict[str, Roots]) -> list[Merge]:
    """Return which incidents belong into that of a cause that came after them.

    A child moves when every one of its services depends hard on one that fails in the other; the
    deepest cause takes it.  Nothing moves into what itself moves.
    """
    merges: dict[UUID, Merge] = {}
    for child in lately:
        graph = roots.get(child.unit)
        if not child.movable or graph is None or not child.services:
            continue
        fits = [
            (_depth(into, graph), into.candidate.number, into, failed)
            for into in lately
            if into is not child and into.unit == child.unit
            and into.candidate.visibility == child.candidate.visibility
            and (failed := _cause(child, into, graph)) is not None
        ]  # fmt: skip
        if fits:
            _, _, into, failed = min(fits, key=lambda f: f[:2])
            service = graph.key(child.services[0][0])
            merges[child.candidate.id] = Merge(child, into, failed.say(service))
    return [
        m for m in merges.values() if m.into.candidate.id not in merges
    ]  # the others follow at the next turn, into what remains


def _depth(incident: Lately, graph: Roots) -> int:
    return min(len(graph.of(service)) for service, _, _ in incident.services)


def _cause(child: Lately, into: Lately, graph: Roots) -> Failed | None:
    """Return what fails in ``into`` that all services of ``child`` depend on hard."""
    if not into.services:
        return None
    failing = [
        (len(graph.of(service)), service, state, since)
        for service, state, since in into.services
        if state in ("down", "degraded")
        or (state == "suspected" and into.fires and into.candidate.severity <= WEIGHTY)
    ]
    hit = [
        found
        for found in failing
        if all(found[1] in graph.of(service) for service, _, _ in child.services)
        # Of services that depend on each other the older incident is as good a cause.
        and not any(service in graph.of(found[1]) for service, _, _ in child.services)
    ]
    if not hit:
        return None
    _, service, state, since = min(hit, key=lambda f: (f[0], str(f[1])))
    first = child.services[0][0]
    return Failed(into.candidate, graph.key(service), state, since, graph.through(first, service))
