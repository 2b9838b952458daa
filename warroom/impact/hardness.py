"""The first reasoning about impact: by hardness of dependency.

From the incident's services along reversed dependencies: hard on a down service is expected down;
hard on a degraded one, or soft on a down one, is expected degraded; soft on a degraded one is
well.  Suspected counts as degraded; recovered passes nothing on.  What a person or an alert said
is never overruled by what is reasoned.  A redundancy group hurts when fewer of it are unhurt than
are needed, and acts like one lost dependency when all of it is down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from warroom.domain.panes import ImpactNode, ImpactTotals
from warroom.impact.graph import Graph, Hardness, Seed

NODES_MAX: Final = 500
_UNTOUCHED: Final = -1
_WELL: Final = 0
_DEGRADED: Final = 1
_DOWN: Final = 2
_LEVELS: Final = {"down": _DOWN, "degraded": _DEGRADED, "suspected": _DEGRADED, "recovered": _WELL}
_WORST_FIRST: Final = ("down", "degraded", "suspected", "recovered")
_REASONED: Final = {_DEGRADED: "expected-degraded", _DOWN: "expected-down"}
_CHAIN_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Impact:
    """What was reasoned: the tree as it is drawn, the totals of all of it.

    ``truncated`` when the tree has more nodes than were asked for; the totals count them all.
    """

    nodes: tuple[ImpactNode, ...]
    totals: ImpactTotals
    truncated: bool = False


@dataclass(slots=True)
class _Spread:
    """How far it has spread: the level of each service, and what hit each reasoned one.

    ``via[i]`` is (the service that ``i`` depends on, how, the group or None).  ``hurt[g]`` counts
    the members of a group that hurt it, ``gone[g]`` those that are down.
    """

    graph: Graph
    level: list[int]
    via: dict[int, tuple[int, Hardness, int | None]] = field(default_factory=dict)
    hurt: dict[int, int] = field(default_factory=dict)
    gone: dict[int, int] = field(default_factory=dict)
    hit: list[int] = field(default_factory=list)

    def broken(self, number: int) -> bool:
        """Say whether fewer of a group are unhurt than are needed."""
        group = self.graph.groups[number]
        return self.hurt.get(number, 0) > group.size - group.needed


def reason(graph: Graph, seeds: Sequence[Seed], *, limit: int = NODES_MAX) -> Impact:
    """Reason about what an incident takes down.

    Args:
        graph: at least everything that depends, however far away, on the seeds.
        seeds: the incident's services; those that the graph does not have are left out.
        limit: nodes of the tree at the most, nearest to the incident's services first.

    Returns:
        The tree, worst first, then by tier and key; the same for every order of the input.
    """
    said: dict[int, Seed] = {}
    for seed in seeds:
        if (at := graph.index.get(seed.key)) is not None:
            said[at] = seed
    spread = _Spread(graph, [_UNTOUCHED] * len(graph.services))
    for at, seed in said.items():
        spread.level[at] = _LEVELS[seed.state]
    down = sorted(at for at, seed in said.items() if _LEVELS[seed.state] == _DOWN)
    hurt = sorted(at for at, seed in said.items() if _LEVELS[seed.state] == _DEGRADED)
    down = _spread_down(spread, down)
    hurt = _spread_degraded(spread, down, hurt)
    spread.hit = down + hurt
    roots = sorted(said, key=lambda at: (_WORST_FIRST.index(said[at].state), at))
    nodes, truncated = _Tree(spread, said, limit).draw(roots)
    return Impact(nodes, _totals(graph, spread.hit), truncated)


def _spread_down(spread: _Spread, seeds: list[int]) -> list[int]:
    """Take down what is hard on what is down, nearest first; return all that is down."""
    graph, level, via, gone = spread.graph, spread.level, spread.via, spread.gone
    everything = list(seeds)
    layer = seeds
    while layer:
        following: list[int] = []
        for at in layer:
            for dependant in graph.hard[at]:
                if level[dependant] == _UNTOUCHED:
                    level[dependant] = _DOWN
                    via[dependant] = (at, Hardness.HARD, None)
                    following.append(dependant)
            for number in graph.member_of[at]:
                gone[number] = gone.get(number, 0) + 1
                group = graph.groups[number]
                if (
                    gone[number] == group.size
                    and group.hardness is Hardness.HARD
                    and level[group.service] == _UNTOUCHED
                ):
                    level[group.service] = _DOWN
                    via[group.service] = (at, Hardness.HARD, number)
                    following.append(group.service)
        following.sort()
        everything += following
        layer = following
    return everything


def _spread_degraded(spread: _Spread, down: list[int], seeds: list[int]) -> list[int]:
    """Degrade what is hard on what is degraded, or soft on what is down; return all of it."""
    graph, level, via = spread.graph, spread.level, spread.via
    everything = list(seeds)
    layer, lost = seeds, down
    while layer or lost:
        following: list[int] = []
        for sources, edges, hardness in (
            (layer, graph.hard, Hardness.HARD),
            (lost, graph.soft, Hardness.SOFT),
        ):
            for at in sources:
                for dependant in edges[at]:
                    if level[dependant] == _UNTOUCHED:
                        level[dependant] = _DEGRADED
                        via[dependant] = (at, hardness, None)
                        following.append(dependant)
        # A soft group does not feel that one of it is degraded.
        _hurt_groups(spread, lost, Hardness.SOFT, following)
        _hurt_groups(spread, layer, Hardness.HARD, following)
        following.sort()
        everything += following
        layer, lost = following, []
    return everything


def _hurt_groups(
    spread: _Spread, members: Iterable[int], at_least: Hardness, following: list[int]
) -> None:
    """Count hurt members of groups of this hardness, and degrade whose group is broken."""
    graph, level = spread.graph, spread.level
    for at in members:
        for number in graph.member_of[at]:
            group = graph.groups[number]
            if group.hardness < at_least:
                continue
            spread.hurt[number] = spread.hurt.get(number, 0) + 1
            if level[group.service] == _UNTOUCHED and spread.broken(number):
                level[group.service] = _DEGRADED
                spread.via[group.service] = (at, group.hardness, number)
                following.append(group.service)


@dataclass(slots=True)
class _Edge:
    """A dependant of a drawn service, as it is drawn below it."""

    child: int
    hardness: Hardness
    group: int | None
    elsewhere: bool


class _Tree:
    """Draws what was reasoned: each service once with its dependants, and a mark elsewhere."""

    def __init__(self, spread: _Spread, said: dict[int, Seed], limit: int) -> None:
        self._spread = spread
        self._graph = spread.graph
        self._said = said
        self._limit = limit

    def draw(self, roots: list[int]) -> tuple[tuple[ImpactNode, ...], bool]:
        """Return the nodes in the order of drawing, and whether some are missing."""
        kept = roots[: self._limit]
        below: dict[int, list[_Edge]] = {}
        truncated = len(kept) < len(roots)
        # Nearest first, so that a deep branch never hides a shallow one.
        for at in kept:
            below[at] = []
            for edge in self._edges(at):
                if not edge.elsewhere and len(kept) < self._limit:
                    kept.append(edge.child)
                    below[at].append(edge)
                elif edge.elsewhere:
                    below[at].append(edge)
                else:
                    truncated = True
        room = self._limit - len(kept)
        nodes: list[ImpactNode] = []
        stack: list[tuple[int, int, int | None, _Edge | None]]
        stack = [(at, 0, None, None) for at in reversed(roots[: self._limit])]
        while stack:
            at, depth, parent, drawn = stack.pop()
            mark = drawn is not None and drawn.elsewhere
            if mark:
                room -= 1
                if room < 0:
                    continue
            nodes.append(self._node(at, depth, parent, drawn))
            if not mark:
                stack += [(e.child, depth + 1, at, e) for e in reversed(below[at])]
        return tuple(nodes), truncated or room < 0

    def _edges(self, at: int) -> list[_Edge]:
        """Return the dependants that feel this service, worst first."""
        graph, level = self._graph, self._spread.level
        found: list[_Edge] = []
        if level[at] >= _DEGRADED:
            found += [self._edge(at, c, Hardness.HARD) for c in graph.hard[at]]
        if level[at] == _DOWN:
            found += [self._edge(at, c, Hardness.SOFT) for c in graph.soft[at]]
        for number in graph.member_of[at]:
            group = graph.groups[number]
            felt = level[at] == _DOWN or (
                level[at] == _DEGRADED and group.hardness is Hardness.HARD
            )
            if felt and self._spread.broken(number):
                found.append(self._edge(at, group.service, group.hardness, number))
        found.sort(key=lambda e: (-level[e.child], e.child, -e.hardness, e.elsewhere))
        return found

    def _edge(self, at: int, child: int, hardness: Hardness, group: int | None = None) -> _Edge:
        return _Edge(child, hardness, group, self._spread.via.get(child) != (at, hardness, group))

    def _node(self, at: int, depth: int, parent: int | None, edge: _Edge | None) -> ImpactNode:
        service = self._graph.services[at]
        seed = self._said.get(at)
        if edge is None or parent is None:
            why = f"reported {seed.state}" if seed else ""
        else:
            why = self._why(parent, edge.hardness, edge.group)
        return ImpactNode(
            key=service.key,
            name=service.name,
            state=seed.state if seed else _REASONED[self._spread.level[at]],
            tier=service.tier,
            team=service.team,
            depth=depth,
            why=why,
            since=seed.since if seed else None,
            hardness=edge.hardness.word if edge else "",
            region=service.region,
            user_share=service.user_share,
            customers=service.customers,
            elsewhere=edge is not None and edge.elsewhere,
        )

    def _why(self, parent: int, hardness: Hardness, group: int | None) -> str:
        """Say the chain that leads to one of the incident's services: hard on x ← hard on y."""
        links: list[str] = []
        step: tuple[int, Hardness, int | None] | None = (parent, hardness, group)
        while step is not None:
            if len(links) == _CHAIN_MAX:
                links.append("…")
                break
            at, how, number = step
            link = f"{how.word} on {self._graph.services[at].key}"
            if number is not None:
                found = self._graph.groups[number]
                left = found.size - self._spread.hurt.get(number, 0)
                link += f" ({left} of {found.size} in {found.name} left, {found.needed} needed)"
            links.append(link)
            step = self._spread.via.get(at)
        return " ← ".join(links)


def _totals(graph: Graph, hit: list[int]) -> ImpactTotals:
    """Count in business words; shares and customers overlap, so the largest counts."""
    services = [graph.services[at] for at in hit]
    return ImpactTotals(
        services=len(services),
        tier_one=sum(1 for s in services if s.tier <= 1),
        user_share=max((s.user_share for s in services if s.user_share is not None), default=None),
        customers=max((s.customers for s in services if s.customers is not None), default=None),
        regions=tuple(sorted({s.region for s in services if s.region is not None})),
        third_parties=sum(1 for s in services if s.kind == "third_party"),
    )
