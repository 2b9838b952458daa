"""The spread by sets of services: quickest while little is hit, and what defines the result.

Whole layers are joined as sets; who hit whom is worked out afterwards, for what is drawn only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain

from warroom.impact.graph import Graph, Hardness, Seed
from warroom.impact.spread import LEVELS, Level, Spread


class SetSpread:
    """Spreads an incident over a graph by sets."""

    def __init__(self, graph: Graph, said: dict[int, Seed]) -> None:
        self._graph = graph
        self._level = bytearray(len(graph.services))
        self._hops = dict.fromkeys(said, 0)
        self._touched = set(said)
        self._spread = Spread(graph, said, self._level, self._hops)
        self._down: set[int] = set()
        self._hurt: set[int] = set()
        for at, seed in said.items():
            self._level[at] = LEVELS[seed.state]
            if LEVELS[seed.state] is Level.DOWN:
                self._down.add(at)
            elif LEVELS[seed.state] is Level.DEGRADED:
                self._hurt.add(at)

    def run(self, *, at_most: int) -> Spread | None:
        """Return the spread; None as soon as more than ``at_most`` services are hit."""
        if not (self._spread_down(at_most) and self._spread_degraded(at_most)):
            return None
        self._spread.down, self._spread.hurt = frozenset(self._down), frozenset(self._hurt)
        return self._spread

    def _spread_down(self, at_most: int) -> bool:
        """Take down what is hard on what is down, nearest first; False when that is too much."""
        graph, touched = self._graph, self._touched
        gone, last = self._spread.hurt_members, self._spread.last_member
        layer: Collection[int] = list(self._down)
        hops = 0
        while layer:
            hops += 1
            found = _dependants(graph.hard, layer) - touched
            for at in sorted(graph.grouped.intersection(layer)):
                for number in graph.member_of[at]:
                    gone[number] = gone.get(number, 0) + 1
                    last[number] = at
                    group = graph.groups[number]
                    if (
                        gone[number] > group.size - group.needed
                        and group.hardness is Hardness.HARD
                        and group.service not in touched
                        and group.service not in found
                    ):
                        found.add(group.service)
                        self._spread.tipped[group.service] = (at, number)
            if len(touched) + len(found) > at_most:
                return False
            self._hit(found, Level.DOWN, hops)
            self._down |= found
            layer = found
        return True

    def _spread_degraded(self, at_most: int) -> bool:
        """Degrade what is hard on what is degraded, or soft on what is down, nearest first.

        False when that is too much.
        """
        graph, touched = self._graph, self._touched
        found = _dependants(graph.soft, self._down)
        found |= _dependants(graph.hard, self._hurt)
        found -= touched
        for number in sorted(self._spread.hurt_members):
            self._break_group(number, found)
        self._hurt_groups(self._hurt, found)
        hops = 0
        while found:
            hops += 1
            if len(touched) + len(found) > at_most:
                return False
            self._hit(found, Level.DEGRADED, hops)
            self._hurt |= found
            layer, found = found, _dependants(graph.hard, found) - touched
            self._hurt_groups(layer, found)
        return True

    def _hit(self, found: set[int], level: Level, hops: int) -> None:
        self._touched |= found
        self._hops.update(dict.fromkeys(found, hops))
        for at in found:
            self._level[at] = level

    def _hurt_groups(self, degraded: Iterable[int], found: set[int]) -> None:
        """Count degraded members of hard groups; a soft one does not feel them."""
        graph, hurt = self._graph, self._spread.hurt_members
        for at in sorted(graph.grouped.intersection(degraded)):
            for number in graph.member_of[at]:
                if graph.groups[number].hardness is Hardness.HARD:
                    hurt[number] = hurt.get(number, 0) + 1
                    self._spread.last_member[number] = at
                    self._break_group(number, found)

    def _break_group(self, number: int, found: set[int]) -> None:
        """Degrade the service of a group that has become too small, if nothing else has."""
        service, spread = self._graph.groups[number].service, self._spread
        if service not in self._touched and service not in found and spread.broken(number):
            found.add(service)
            spread.tipped[service] = (spread.last_member[number], number)


def _dependants(edges: list[list[int]], layer: Iterable[int]) -> set[int]:
    return set(chain.from_iterable(map(edges.__getitem__, layer)))
