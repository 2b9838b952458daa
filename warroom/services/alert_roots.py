"""What services depend on hard, near and far: where a failure may come from.

The catalogue's graph is kept in this process (``impact_graph``); here it is asked for again only
when something was written since, or every two seconds, so that a storm does not count an estate
with every batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from warroom.db.uow import Asked, Work
from warroom.services.impact_graph import Catalogue, Edge, catalogue

TRUST_S: Final = 2.0
SERVICES_MAX: Final = 20_000
HOPS_MAX: Final = 12
_NEWEST = (
    "select greatest((select max(sys_from) from warroom.dependency),"
    " (select max(sys_from) from warroom.service)) as newest"
)
NEWEST: Final[Asked] = (_NEWEST, {})
"""Asks when the catalogue was written last."""


@dataclass(slots=True)
class Roots:
    """The hard dependencies of one unit's services, worked out when they are asked for."""

    catalogue: Catalogue
    needs: Mapping[UUID, tuple[UUID, ...]]
    known: dict[UUID, dict[UUID, UUID]] = field(default_factory=dict)

    def of(self, service: UUID) -> dict[UUID, UUID]:
        """Return each hard dependency, nearest first, with what needs it on the way there."""
        found = self.known.get(service)
        if found is None:
            found = self.known[service] = _walk(self.needs, service)
        return found

    def through(self, service: UUID, dependency: UUID) -> tuple[str, ...]:
        """Return the keys between a service and a dependency, nearest to the service first."""
        way, before = self.of(service), []
        at = way[dependency]
        while at != service:
            before.append(self.key(at))
            at = way[at]
        return tuple(reversed(before))

    def key(self, service: UUID) -> str:
        """Return a service's key; of one of another unit its id."""
        found = self.catalogue.services.get(service)
        return found.key if found is not None else str(service)


@dataclass(slots=True)
class _Kept:
    newest: datetime | None
    at: float
    roots: Roots


_KEPT: WeakKeyDictionary[Any, dict[str, _Kept]] = WeakKeyDictionary()


async def roots_of(work: Work, units: Iterable[str]) -> dict[str, Roots]:
    """Return the hard dependencies of the services of these units."""
    return await roots_since(work, units, await work.scalar(*NEWEST))


async def roots_since(
    work: Work, units: Iterable[str], newest: datetime | None
) -> dict[str, Roots]:
    """Return the same; ``newest`` is when the catalogue was written last, as ``NEWEST`` found."""
    shelf = _KEPT.setdefault(work.pool, {})
    found: dict[str, Roots] = {}
    for unit in sorted(set(units)):
        kept = shelf.get(unit)
        if kept is None or kept.newest != newest or monotonic() - kept.at > TRUST_S:
            known = await catalogue(work, unit, at_most=SERVICES_MAX)
            if known is None:
                continue
            if kept is None or kept.roots.catalogue is not known:
                kept = _Kept(newest, 0.0, Roots(known, _hard(known.edges.values())))
            kept = shelf[unit] = _Kept(newest, monotonic(), kept.roots)
        found[unit] = kept.roots
    return found


def _hard(edges: Iterable[Edge]) -> dict[UUID, tuple[UUID, ...]]:
    """Return what each service cannot do without: of a redundant group only what it needs all of.

    A soft dependency takes nothing down, and one of a group is no cause on its own.
    """
    groups: dict[tuple[UUID, str], int] = {}
    chosen = list(edges)
    for edge in chosen:
        if edge.group is not None:
            groups[edge.service, edge.group] = groups.get((edge.service, edge.group), 0) + 1
    needs: dict[UUID, dict[UUID, None]] = {}
    for edge in chosen:
        spare = edge.group is not None and (edge.needed or 1) < groups[edge.service, edge.group]
        if edge.hardness == "hard" and not spare:
            needs.setdefault(edge.service, {})[edge.depends_on] = None
    return {service: tuple(sorted(found, key=str)) for service, found in needs.items()}


def _walk(needs: Mapping[UUID, tuple[UUID, ...]], service: UUID) -> dict[UUID, UUID]:
    found: dict[UUID, UUID] = {}
    waiting = deque([(service, 0)])
    while waiting:
        at, hops = waiting.popleft()
        if hops >= HOPS_MAX:
            continue
        for needed in needs.get(at, ()):
            if needed != service and needed not in found:
                found[needed] = at
                waiting.append((needed, hops + 1))
    return found
