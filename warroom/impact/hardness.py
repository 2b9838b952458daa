"""The first reasoning about impact: by hardness of dependency.

From the incident's services along reversed dependencies: hard on a down service is expected down;
hard on a degraded one, or soft on a down one, is expected degraded; soft on a degraded one is
well.  Suspected counts as degraded; recovered passes nothing on.  What a person or an alert said
is never overruled by what is reasoned.  A redundancy group hurts when fewer of it are unhurt than
are needed, and acts like one lost dependency when all of it is down.

Whole layers are joined as sets; who hit whom is worked out afterwards, for what is drawn only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from warroom.domain.panes import ImpactNode, ImpactTotals
from warroom.impact.arrays import LayeredSpread
from warroom.impact.graph import Graph, Hardness, Seed
from warroom.impact.spread import LEVELS, Level, Spread
from warroom.impact.totals import totals
from warroom.impact.tree import Tree

NODES_MAX: Final = 500
# Sets are quicker than arrays up to about as many services (both take 0.4 ms there).
_SETS_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class Impact:
    """What was reasoned: the tree as it is drawn, the totals of all of it.

    ``truncated`` when the tree has more nodes than were asked for; the totals count them all.
    ``down`` and ``hurt`` are all that is hit, as indexes of the graph, also what is not drawn.
    """

    nodes: tuple[ImpactNode, ...]
    totals: ImpactTotals
    truncated: bool = False
    down: frozenset[int] = frozenset()
    hurt: frozenset[int] = frozenset()


def reason(graph: Graph, seeds: Sequence[Seed], *, limit: int = NODES_MAX) -> Impact:
    """Reason about what an incident takes down.

    Args:
        graph: at least everything that depends, however far away, on the seeds.
        seeds: the incident's services; those that the graph does not have are left out.
        limit: nodes of the tree at the most, nearest to the incident's services first.

    Returns:
        The tree, worst first, then by tier and key; the same for every order of the input.
    """
    spread = spread_of(graph, seeds)
    nodes, truncated = Tree(spread, limit).draw()
    down, hurt = frozenset(spread.down), frozenset(spread.hurt)
    return Impact(nodes, totals(graph, down, hurt), truncated, down, hurt)


def spread_of(graph: Graph, seeds: Sequence[Seed]) -> Spread:
    """Work out what is hit, without drawing it; ``reason`` says how."""
    said = {graph.index[seed.key]: seed for seed in seeds if seed.key in graph.index}
    return spread_by_sets(graph, said, at_most=_SETS_MAX) or LayeredSpread(graph, said).run()


def spread_by_sets(graph: Graph, said: dict[int, Seed], *, at_most: int) -> Spread | None:
    """Spread by sets of services; None as soon as more than ``at_most`` are hit."""
    spread = Spread(
        graph,
        said,
        down={at: 0 for at, seed in said.items() if LEVELS[seed.state] is Level.DOWN},
        hurt={at: 0 for at, seed in said.items() if LEVELS[seed.state] is Level.DEGRADED},
    )
    touched = set(said)
    fits = _spread_down(spread, touched, at_most) and _spread_degraded(spread, touched, at_most)
    return spread if fits else None


def _spread_down(spread: Spread, touched: set[int], at_most: int) -> bool:
    """Take down what is hard on what is down, nearest first; False when that is too much."""
    graph = spread.graph
    gone, last = spread.hurt_members, spread.last_member
    layer: Collection[int] = list(spread.down)
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
                    gone[number] == group.size
                    and group.hardness is Hardness.HARD
                    and group.service not in touched
                    and group.service not in found
                ):
                    found.add(group.service)
                    spread.tipped[group.service] = (at, number)
        touched |= found
        spread.down.update(dict.fromkeys(found, hops))
        if len(touched) > at_most:
            return False
        layer = found
    return True


def _spread_degraded(spread: Spread, touched: set[int], at_most: int) -> bool:
    """Degrade what is hard on what is degraded, or soft on what is down, nearest first.

    False when that is too much.
    """
    graph = spread.graph
    found = _dependants(graph.soft, spread.down)
    found |= _dependants(graph.hard, spread.hurt)
    found -= touched
    for number in sorted(spread.hurt_members):
        _break_group(spread, number, touched, found)
    _hurt_groups(spread, spread.hurt, touched, found)
    hops = 1
    while found:
        touched |= found
        spread.hurt.update(dict.fromkeys(found, hops))
        if len(touched) > at_most:
            return False
        hops += 1
        layer, found = found, _dependants(graph.hard, found) - touched
        _hurt_groups(spread, layer, touched, found)
    return True


def _dependants(edges: list[list[int]], layer: Iterable[int]) -> set[int]:
    return set(chain.from_iterable(map(edges.__getitem__, layer)))


def _hurt_groups(
    spread: Spread, degraded: Iterable[int], touched: set[int], found: set[int]
) -> None:
    """Count degraded members of hard groups; a soft one does not feel them."""
    graph, hurt = spread.graph, spread.hurt_members
    for at in sorted(graph.grouped.intersection(degraded)):
        for number in graph.member_of[at]:
            if graph.groups[number].hardness is Hardness.HARD:
                hurt[number] = hurt.get(number, 0) + 1
                spread.last_member[number] = at
                _break_group(spread, number, touched, found)


def _break_group(spread: Spread, number: int, touched: set[int], found: set[int]) -> None:
    """Degrade the service of a group that has become too small, if nothing else has."""
    service = spread.graph.groups[number].service
    if service not in touched and service not in found and spread.broken(number):
        found.add(service)
        spread.tipped[service] = (spread.last_member[number], number)
