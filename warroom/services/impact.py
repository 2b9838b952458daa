"""Impact: what an incident takes down, what caused it and in what order to bring it back.

Reasoned again whenever its services change.  The reasoning stays inside the incident's unit:
whoever sees the incident sees every service that is named, and whoever acts causes the same
result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_automation
from warroom.domain.principal import CommandContext
from warroom.errors import LockNotAvailable
from warroom.impact.domains import shared_domains
from warroom.impact.graph import Graph, Seed
from warroom.impact.hardness import Impact, reason
from warroom.impact.restart import waves
from warroom.impact.severity import suggest
from warroom.impact.signals import Change, Earlier, Signal
from warroom.impact.suspects import suspects
from warroom.services.impact_evidence import alerting, changes, earlier, near, signals
from warroom.services.impact_graph import Catalogue, catalogue
from warroom.services.impact_store import Reasoned, store

# Each batch holds its incidents' rows while it stores: commands wait that long at the most.
BATCH: Final = 5
DEADLINE_S: Final = 30.0

_INCIDENTS = """
select i.id, i.unit, i.opened_at, i.drill from warroom.incident i
where i.id = any(cast(:ids as uuid[]))
order by i.id
"""
# Who changes an incident's services holds its row; this waits for them and then sees theirs.
_LOCKED = _INCIDENTS + "for no key update"
# The row's own clock moves when the state does; a row of version 1 still has its first state.
_SEEDS = """
select l.incident_id, s.key, l.state,
  case when l.version = 1 then l.attached_at else l.sys_from end as since
from warroom.incident_service l
join warroom.incident i on i.id = l.incident_id
join warroom.service s on s.id = l.service_id and s.unit = i.unit
where l.incident_id = any(cast(:ids as uuid[]))
order by l.incident_id, s.key
"""


async def refresh(work: Work, incident_ids: Sequence[UUID], *, at_most: int | None = None) -> None:
    """Reason again about incidents, in the transaction that changed their services.

    What is stored is written only when it differs.  Incidents that the principal may not see are
    left alone.

    Args:
        work: the transaction.
        incident_ids: the incidents.
        at_most: when their unit has more services than this, nothing is done here, and for those
            that have no impact yet the engine does it within seconds.
    """
    if incident_ids:
        args = {"ids": sorted(set(incident_ids), key=str)}
        incidents = await work.rows(_LOCKED, args)
        seeds = await _seeds(work, args)
        await store(work, await _reason_all(work, incidents, seeds, at_most))


async def _refresh_ahead(work: Work, some: Sequence[UUID], *, wait: bool) -> list[UUID]:
    """Reason before anything is locked, and again about what changed meanwhile.

    Alerts that come in would wait for the reasoning.  Unless it is to ``wait``, incidents that
    somebody holds are passed over and returned: who waits for one must not hold others.
    """
    args = {"ids": sorted(set(some), key=str)}
    incidents = await work.rows(_INCIDENTS, args)
    seeds = await _seeds(work, args)
    reasoned = await _reason_all(work, incidents, seeds, None)
    locking = _LOCKED if wait else f"{_LOCKED} skip locked"
    held = {r["id"]: r for r in await work.rows(locking, args)}
    seen = await _seeds(work, args)
    same = {r["id"] for r in incidents
            if held.get(r["id"]) == r and seen.get(r["id"]) == seeds.get(r["id"])}  # fmt: skip
    await refresh(work, [i for i in held if i not in same])
    await store(work, {i: r for i, r in reasoned.items() if i in same})
    return [r["id"] for r in incidents if r["id"] not in held]


async def _seeds(work: Work, args: dict[str, list[UUID]]) -> dict[UUID, list[Seed]]:
    seeds: dict[UUID, list[Seed]] = {}
    for r in await work.rows(_SEEDS, args):
        seeds.setdefault(r["incident_id"], []).append(Seed(r["key"], r["state"], r["since"]))
    return seeds


async def _reason_all(
    work: Work,
    incidents: Sequence[RowMapping],
    seeds: dict[UUID, list[Seed]],
    at_most: int | None,
) -> dict[UUID, Reasoned]:
    now: datetime = await work.scalar("select now()")
    units: dict[str, Catalogue | None] = {}
    before: dict[str, list[Earlier]] = {}
    seen: list[_Seen] = []
    for incident in incidents:
        unit = incident["unit"]
        if unit not in units:
            units[unit] = await catalogue(work, unit, at_most=at_most)
            before[unit] = await earlier(work, unit) if units[unit] is not None else []
        known = units[unit]
        if known is not None:
            seen.append(await _look(work, known, incident, seeds.get(incident["id"], [])))
    further = [pair for one in seen for pair in one.further()]
    changed = await changes(work, incidents, now, further) if seen else {}
    return {
        one.incident["id"]: one.reason(
            changed.get(one.incident["id"], []), before[one.incident["unit"]], now
        )
        for one in seen
    }


async def refresh_all(db: Database, ctx: CommandContext, incidents: Sequence[UUID]) -> list[UUID]:
    """Reason again about incidents, a few in each transaction, for the engine.

    Returns:
        Those that somebody held for all of the time: nothing of theirs was changed.
    """
    passed: list[UUID] = []
    for begin in range(0, len(incidents), BATCH):
        passed += await _ahead(db, ctx, incidents[begin : begin + BATCH], wait=False)
    left: list[UUID] = []
    for one in passed:
        try:
            await _ahead(db, ctx, [one], wait=True)
        except LockNotAvailable:
            left.append(one)
    return left


async def _ahead(
    db: Database, ctx: CommandContext, some: Sequence[UUID], *, wait: bool
) -> list[UUID]:
    passed: list[UUID] = []

    async def handler(work: Work) -> Answer:
        passed[:] = await _refresh_ahead(work, some, wait=wait)
        return Answer(200, {})

    await run_automation(db, ctx, "impact.refresh", handler, deadline_s=DEADLINE_S)
    return passed


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of an incident before its changes are: what is hit, and what alerts.

    ``blamed`` are the services whose trouble is to be explained, ``spread`` what that takes down:
    the incident's as they are, or once all have recovered, as they were while they were hit.
    """

    known: Catalogue
    incident: RowMapping
    seeds: Sequence[Seed]
    impact: Impact
    blamed: Sequence[Seed]
    spread: Impact
    heard: Sequence[Signal]

    def further(self) -> list[tuple[UUID, UUID]]:
        """Return the services beyond its own on which a change may be behind it."""
        services, ids = self.known.graph.services, self.known.ids
        found = alerting(self.known.graph, self.heard)
        return [(self.incident["id"], ids[services[at].key]) for at in found]

    def reason(
        self, changed: Sequence[Change], before: Sequence[Earlier], now: datetime
    ) -> Reasoned:
        """Reason about it."""
        graph, impact = self.known.graph, self.impact
        if not self.seeds:
            return Reasoned(impact)
        return Reasoned(
            impact,
            suspects(
                graph,
                self.blamed,
                self.heard,
                changed,
                earlier=before,
                now=now,
                opened=self.incident["opened_at"],
                impact=self.spread,
            ),
            waves(graph, _drawn(graph, impact), self.heard),
            shared_domains(graph, impact),
            suggest(impact.totals),
        )


async def _look(work: Work, known: Catalogue, incident: RowMapping, seeds: Sequence[Seed]) -> _Seen:
    impact = spread = reason(known.graph, seeds)
    blamed = seeds
    if seeds and not impact.totals.services:
        # What caused it stays a question after it is over: the learning begins there.
        blamed = [replace(seed, state="down", since=None) for seed in seeds]
        spread = reason(known.graph, blamed)
    around = near(known.graph, blamed, spread) if seeds else ()
    heard = await signals(work, known, incident, around) if around else []
    return _Seen(known, incident, seeds, impact, blamed, spread, heard)


def _drawn(graph: Graph, impact: Impact) -> dict[str, str]:
    """Return the state of what is drawn: a checklist of more than that helps nobody."""
    return {n.key: n.state for n in impact.nodes if not n.elsewhere and n.key in graph.index}
