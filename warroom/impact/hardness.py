"""The first reasoning about impact: by hardness of dependency.

From the incident's services along reversed dependencies: hard on a down service is expected down;
hard on a degraded one, or soft on a down one, is expected degraded; soft on a degraded one is
well.  Suspected counts as degraded; recovered passes nothing on.  What a person or an alert said
is never overruled by what is reasoned.  A redundancy group acts like one dependency: down as soon
as fewer of it are up than are needed, degraded when fewer are unhurt than are needed.

Worked out by sets (``warroom.impact.sets``) or, where much is hit, by arrays of whole layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from warroom.domain.panes import ImpactNode, ImpactTotals
from warroom.impact.arrays import LayeredSpread
from warroom.impact.graph import Graph, Seed
from warroom.impact.sets import SetSpread
from warroom.impact.spread import Spread
from warroom.impact.totals import totals
from warroom.impact.tree import Tree

NODES_MAX: Final = 500
# Sets are quicker than arrays up to about as many services (both take 0.4 ms there).
_SETS_MAX: Final = 400


@dataclass(frozen=True)
class Impact:
    """What was reasoned: the tree as it is drawn, the totals of all of it.

    ``truncated`` when the tree has more nodes than were asked for; the totals count them all.
    """

    nodes: tuple[ImpactNode, ...]
    totals: ImpactTotals
    truncated: bool
    spread: Spread = field(compare=False, repr=False)

    @property
    def down(self) -> frozenset[int]:
        """Return all that is down, as indexes of the graph, also what is not drawn."""
        return self.spread.down

    @property
    def hurt(self) -> frozenset[int]:
        """Return all that is degraded, as indexes of the graph, also what is not drawn."""
        return self.spread.hurt


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
    return Impact(nodes, totals(spread), truncated, spread)


def spread_of(graph: Graph, seeds: Sequence[Seed]) -> Spread:
    """Work out what is hit, without drawing it; ``reason`` says how."""
    said = {graph.index[seed.key]: seed for seed in seeds if seed.key in graph.index}
    return SetSpread(graph, said).run(at_most=_SETS_MAX) or LayeredSpread(graph, said).run()
