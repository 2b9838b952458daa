"""How far an incident has spread: which services are hit, how badly, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Final, NamedTuple

from warroom.impact.graph import Graph, Hardness, Seed


class Level(IntEnum):
    """How badly a service is hit; what it passes on follows from it."""

    WELL = 0
    DEGRADED = 1
    DOWN = 2


LEVELS: Final[dict[str, Level]] = {
    "down": Level.DOWN,
    "degraded": Level.DEGRADED,
    "suspected": Level.DEGRADED,
    "recovered": Level.WELL,
}


class Edge(NamedTuple):
    """``service`` feels ``at``, on which it depends; ``group`` when through a redundancy group."""

    service: int
    at: int
    hardness: Hardness
    group: int | None = None


# By number: to compare with a member of an enumeration costs more than to look one up.
_DOWN: Final = int(Level.DOWN)
_HURT: Final = int(Level.DEGRADED)
_HARD: Final = Hardness.HARD
_SOFT: Final = Hardness.SOFT
_WORST: Final = 40
_INDEX: Final = (1 << (_WORST - 1)) - 1
# A named tuple's own constructor is a call in Python; thousands of edges are made at once.
_new_edge: Final = tuple.__new__


@dataclass
class Spread:
    """What is hit. ``said`` are the incident's own services, ``level`` how badly each is hit.

    ``level`` is by index, as bytes (as ``Level``): one is looked at quicker than one in a set, and
    thousands need no object each.  ``hops`` says how far from the incident's services one that is
    hit is (by index; of others it says nothing).  ``tipped`` names the member and the group where
    a group took its service along; ``hurt_members`` counts, by group, the members that hurt it, of
    which ``last_member`` was the last (kept only where sets are walked).
    """

    graph: Graph
    said: dict[int, Seed]
    level: bytes | bytearray
    hops: dict[int, int] | Sequence[int]
    tipped: dict[int, tuple[int, int]] = field(default_factory=dict)
    hurt_members: dict[int, int] = field(default_factory=dict)
    last_member: dict[int, int] = field(default_factory=dict)

    @cached_property
    def down(self) -> frozenset[int]:
        """Return the services that are down."""
        return self._those(_DOWN)

    @cached_property
    def hurt(self) -> frozenset[int]:
        """Return the services that are degraded."""
        return self._those(_HURT)

    def _those(self, level: int) -> frozenset[int]:
        # The numbers that the graph holds: new ones would have to be made and compared by value.
        numbers, found = self.graph.index.values(), self.level
        return frozenset(at for at, one in zip(numbers, found, strict=True) if one == level)

    def broken(self, number: int) -> bool:
        """Say whether fewer of a group are unhurt than are needed."""
        group = self.graph.groups[number]
        return self.hurt_members.get(number, 0) > group.size - group.needed

    def cause(self, service: int) -> Edge | None:
        """Return the strongest edge that hit a service: nearest, then hard, then by importance.

        None for one of the incident's own.
        """
        if service in self.said:
            return None
        if service in self.tipped:
            at, number = self.tipped[service]
            return Edge(service, at, self.graph.groups[number].hardness, number)
        level, hops = self.level, self.hops
        hit, above = level[service], hops[service] - 1
        for at in self.graph.needs_hard[service]:
            if level[at] == hit and hops[at] == above:
                return _new_edge(Edge, (service, at, _HARD, None))
        down = [a for a in self.graph.needs_soft[service] if level[a] == _DOWN]
        at = min(down, key=hops.__getitem__)
        return _new_edge(Edge, (service, at, _SOFT, None))

    def felt(self, at: int) -> list[Edge]:
        """Return the edges over which others feel a service: the worst hit first, then by index.

        One that is linked twice, plainly and through a group, comes twice.
        """
        graph, level = self.graph, self.level
        if not (hit := level[at]):
            return []
        # One number a service: worst first, then by index, then hard; sorts without a call.
        keys = [(level[s] != _DOWN) << _WORST | s << 1 for s in graph.hard[at]]
        if hit == _DOWN:
            keys += [(level[s] != _DOWN) << _WORST | s << 1 | 1 for s in graph.soft[at]]
        keys.sort()
        found = [
            _new_edge(Edge, (k >> 1 & _INDEX, at, _SOFT if k & 1 else _HARD, None)) for k in keys
        ]
        if groups := graph.member_of[at]:
            found += [
                Edge(graph.groups[n].service, at, graph.groups[n].hardness, n)
                for n in groups
                if (hit == _DOWN or graph.groups[n].hardness is _HARD) and self.broken(n)
            ]
            found.sort(key=lambda e: (level[e[0]] != _DOWN, e[0], -e[2]))
        return found
