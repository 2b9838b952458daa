"""How far an incident has spread: which services are hit, how badly, and by what."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
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


@dataclass(slots=True)
class Spread:
    """What is hit. ``said`` are the incident's own services, ``down`` and ``hurt`` hops from them.

    ``tipped`` names the member and the group where a group took its service along;
    ``hurt_members`` counts, by group, the members that hurt it, of which ``last_member`` was the
    last.
    """

    graph: Graph
    said: dict[int, Seed]
    down: dict[int, int]
    hurt: dict[int, int]
    tipped: dict[int, tuple[int, int]] = field(default_factory=dict)
    hurt_members: dict[int, int] = field(default_factory=dict)
    last_member: dict[int, int] = field(default_factory=dict)

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
        if service in self.down:
            near, hops = self.down, self.down[service] - 1
        else:
            near, hops = self.hurt, self.hurt[service] - 1
        for at in self.graph.needs_hard[service]:
            if near.get(at) == hops:
                return Edge(service, at, Hardness.HARD)
        down = self.down
        at = min((a for a in self.graph.needs_soft[service] if a in down), key=lambda a: down[a])
        return Edge(service, at, Hardness.SOFT)

    def felt(self, at: int) -> list[Edge]:
        """Return the edges over which others feel a service: the worst hit first, then by index.

        One that is linked twice, plainly and through a group, comes twice.
        """
        graph, found = self.graph, list[Edge]()
        down = at in self.down
        if down or at in self.hurt:
            found += [Edge(service, at, Hardness.HARD) for service in graph.hard[at]]
            if down:
                found += [Edge(service, at, Hardness.SOFT) for service in graph.soft[at]]
            for number in graph.member_of[at]:
                group = graph.groups[number]
                if (down or group.hardness is Hardness.HARD) and self.broken(number):
                    found.append(Edge(group.service, at, group.hardness, number))
        # One number a key: comparing tuples costs twice as much where thousands depend on one.
        worst = self.down
        found.sort(key=lambda e: ((e[0] not in worst) << 40) + (e[0] << 2) - e[2])
        return found
