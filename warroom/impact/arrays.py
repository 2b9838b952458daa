"""The same spread by whole layers of arrays, for incidents that take down hundreds of services.

Walking sets (``warroom.impact.hardness``) is quicker while little is hit and remains what defines
the result; a test holds both against each other.  Nothing here decides anything differently: the
order in which groups tip is kept to the last tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warroom.impact.graph import Graph, Hardness, Seed
from warroom.impact.spread import LEVELS, Level, Spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Lists of integers, one after the other: list ``i`` is ``items[starts[i]:starts[i + 1]]``."""

    starts: Ints
    items: Ints

    def of(self, at: Ints) -> tuple[Ints, Ints]:
        """Return the items of several lists, and for each of them whose it is."""
        begin = self.starts[at]
        sizes = self.starts[at + 1] - begin
        ends = np.cumsum(sizes)
        if not len(ends) or not ends[-1]:
            return self.items[:0], self.items[:0]
        offsets = np.arange(ends[-1]) + np.repeat(begin - ends + sizes, sizes)
        return self.items[offsets], np.repeat(at, sizes)


@dataclass(frozen=True, slots=True)
class Arrays:
    """A graph as arrays; ``group_*`` by number of the group."""

    hard: Rows
    soft: Rows
    member_of: Rows
    group_service: Ints
    group_size: Ints
    group_spare: Ints
    group_hard: Flags


def rows_of(lists: list[list[int]]) -> Rows:
    """Put lists into one array."""
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(found) for found in lists], out=starts[1:])
    return Rows(starts, np.array([item for found in lists for item in found], np.int64))


def arrays_of(graph: Graph) -> Arrays:
    """Return a graph as arrays; made once a graph."""
    found = graph.cache.get("arrays")
    if not isinstance(found, Arrays):
        groups = graph.groups
        found = Arrays(
            rows_of(graph.hard),
            rows_of(graph.soft),
            rows_of(graph.member_of),
            np.array([g.service for g in groups], np.int64),
            np.array([g.size for g in groups], np.int64),
            np.array([g.size - g.needed for g in groups], np.int64),
            np.array([g.hardness is Hardness.HARD for g in groups], np.bool_),
        )
        graph.cache["arrays"] = found
    return found


class LayeredSpread:
    """Spreads an incident over a graph of arrays."""

    def __init__(self, graph: Graph, said: dict[int, Seed]) -> None:
        self._graph = graph
        self._said = said
        self._arrays = arrays_of(graph)
        count = len(graph.services)
        self._touched = np.zeros(count, np.bool_)
        self._touched[list(said)] = True
        self._gone = np.zeros(len(graph.groups), np.int64)
        self._last = np.zeros(len(graph.groups), np.int64)
        self._tipped: dict[int, tuple[int, int]] = {}

    def run(self) -> Spread:
        """Return the spread."""
        levels = {at: LEVELS[seed.state] for at, seed in self._said.items()}
        down, down_hops = self._down(
            np.array(sorted(a for a, v in levels.items() if v is Level.DOWN), np.int64)
        )
        seeds = np.array(sorted(a for a, v in levels.items() if v is Level.DEGRADED), np.int64)
        hurt, hurt_hops = self._degraded(down, seeds)
        counted = np.flatnonzero(self._gone)
        numbers = counted.tolist()
        return Spread(
            self._graph,
            self._said,
            dict(zip(down.tolist(), down_hops.tolist(), strict=True)),
            dict(zip(hurt.tolist(), hurt_hops.tolist(), strict=True)),
            self._tipped,
            dict(zip(numbers, self._gone[counted].tolist(), strict=True)),
            dict(zip(numbers, self._last[counted].tolist(), strict=True)),
        )

    def _down(self, layer: Ints) -> tuple[Ints, Ints]:
        """Take down what is hard on what is down, layer by layer."""
        arrays = self._arrays
        layers = [layer]
        while len(layer):
            found = self._new(arrays.hard.of(layer)[0])
            at, numbers, counts = self._count(layer, hard_only=False)
            whole = (counts == arrays.group_size[numbers]) & arrays.group_hard[numbers]
            layer = self._tip(at[whole], numbers[whole], found)
            layers.append(layer)
        return _join(layers)

    def _degraded(self, down: Ints, seeds: Ints) -> tuple[Ints, Ints]:
        """Degrade what is hard on what is degraded, or soft on what is down, layer by layer."""
        arrays = self._arrays
        reached = np.concatenate([arrays.soft.of(down)[0], arrays.hard.of(seeds)[0]])
        found = self._new(reached)
        broken = np.flatnonzero((self._gone > arrays.group_spare) & (self._gone > 0))
        # By number: each group tips its service with the member that was last.
        layer = self._tip(self._last[broken], broken, found, by_number=True)
        layer = self._hurt(seeds, layer)
        layers = [seeds, layer]
        while len(layer):
            found = self._new(arrays.hard.of(layer)[0])
            layer = self._hurt(layer, found)
            layers.append(layer)
        return _join(layers)

    def _hurt(self, degraded: Ints, found: Ints) -> Ints:
        """Count degraded members of hard groups, and add whom a group that broke takes along."""
        before = self._gone.copy()
        at, numbers, counts = self._count(degraded, hard_only=True)
        spare = self._arrays.group_spare[numbers]
        crossed = (counts == spare + 1) | ((counts > spare) & (before[numbers] > spare))
        return self._tip(at[crossed], numbers[crossed], found)

    def _new(self, reached: Ints) -> Ints:
        """Return the services among those reached that were not hit yet, and mark them."""
        mark = np.zeros(len(self._touched), np.bool_)
        mark[reached] = True
        mark &= ~self._touched
        self._touched |= mark
        return np.flatnonzero(mark)

    def _count(self, layer: Ints, *, hard_only: bool) -> tuple[Ints, Ints, Ints]:
        """Count the members that a layer hits.

        Returns:
            Member, group and the group's count after it, by member, then by group.
        """
        numbers, at = self._arrays.member_of.of(np.sort(layer))
        if hard_only:
            firm = self._arrays.group_hard[numbers]
            numbers, at = numbers[firm], at[firm]
        by_group = np.argsort(numbers, kind="stable")
        ordered = numbers[by_group]
        first = (
            np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else ordered
        )
        sizes = np.diff(np.r_[first, len(ordered)])
        counts = np.empty(len(numbers), np.int64)
        counts[by_group] = np.arange(len(ordered)) - np.repeat(first, sizes) + 1
        counts += self._gone[numbers]
        groups = ordered[first]
        self._gone[groups] += sizes
        # Within a group the members ascend, so the last of them was last.
        self._last[groups] = at[by_group][first + sizes - 1]
        return at, numbers, counts

    def _tip(self, at: Ints, numbers: Ints, found: Ints, *, by_number: bool = False) -> Ints:
        """Add the services that groups take along; of two groups the first counts."""
        services = self._arrays.group_service[numbers]
        fresh = ~self._touched[services]
        if not fresh.any():
            return found
        tipping = zip(
            at[fresh].tolist(), numbers[fresh].tolist(), services[fresh].tolist(), strict=True
        )
        added: list[int] = []
        for member, number, service in (
            sorted(tipping, key=lambda t: t[1]) if by_number else sorted(tipping)
        ):
            if not self._touched[service]:
                self._touched[service] = True
                self._tipped[service] = (member, number)
                added.append(service)
        return np.sort(np.concatenate([found, np.array(added, np.int64)]))


def _join(layers: list[Ints]) -> tuple[Ints, Ints]:
    """Return the services of all layers, and the number of the layer of each."""
    sizes = [len(layer) for layer in layers]
    return np.concatenate(layers), np.repeat(np.arange(len(layers)), sizes)
