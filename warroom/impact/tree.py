"""The tree of what is hit, as it is drawn: each service once, and a mark where it stands again."""

from __future__ import annotations

from typing import Final

from warroom.domain.panes import ImpactNode
from warroom.impact.graph import Hardness
from warroom.impact.spread import Edge, Level, Spread

_WORST_FIRST: Final = ("down", "degraded", "suspected", "recovered")
_CHAIN_MAX: Final = 4
_SOFT: Final = Hardness.SOFT
_DOWN: Final = int(Level.DOWN)
_HURT: Final = int(Level.DEGRADED)
# By number: to hash a member of an enumeration costs more than the rest of a sentence.
_WORDS: Final = ("", Hardness.SOFT.word, Hardness.HARD.word)
_new_node: Final = tuple.__new__


class Tree:
    """Draws a spread, ``limit`` nodes at the most.

    What is nearest to the incident's services is kept first, so that a deep branch never hides a
    shallow one; marks take what room is left.
    """

    def __init__(self, spread: Spread, limit: int) -> None:
        self._spread = spread
        self._graph = spread.graph
        self._limit = limit
        self._causes: dict[int, Edge | None] = {}
        self._chains: dict[tuple[int, int], str] = {}
        self._whys: dict[tuple[object, ...], str] = {}

    def draw(self) -> tuple[tuple[ImpactNode, ...], bool]:
        """Return the nodes in the order of drawing, and whether some are missing."""
        said = self._spread.said
        roots = sorted(said, key=lambda at: (_WORST_FIRST.index(said[at].state), at))
        below = self._keep(roots[: self._limit])
        room = self._limit - len(below)
        # A service of the incident's own that passes nothing on is neither down nor degraded.
        level = self._spread.level
        idle = sum(1 for at in said if not level[at])
        hit = idle + level.count(_DOWN) + level.count(_HURT)
        nodes: list[ImpactNode] = []
        # (service, depth, the edge it hangs on, whether it is only a mark)
        stack: list[tuple[int, int, Edge | None, bool]]
        stack = [(at, 0, None, False) for at in reversed(roots[: self._limit])]
        while stack:
            at, depth, hangs_on, mark = stack.pop()
            if mark:
                room -= 1
                if room < 0:
                    continue
            nodes.append(self._node(at, depth, hangs_on, mark=mark))
            if mark:
                continue
            # Without room left nobody needs to know where marks would stand.
            if room <= 0:
                stack += [(e.service, depth + 1, e, False) for e in reversed(below[at])]
                continue
            kept = {e.service: e for e in below[at]}
            stack += [
                (e.service, depth + 1, e, kept.get(e.service) != e)
                for e in reversed(self._spread.felt(at))
                if e.service in below
            ]
        return tuple(nodes), hit > len(below) or (room <= 0 and self._lacks_marks(below, nodes))

    def _keep(self, roots: list[int]) -> dict[int, list[Edge]]:
        """Choose whom to draw: the edges below each service, in the order of drawing."""
        below: dict[int, list[Edge]] = {at: [] for at in roots}
        felt, level = self._spread.felt, self._spread.level
        for at in (queue := list(roots)):
            if len(below) >= self._limit:
                break
            for edge in felt(at):
                service, _, hardness, _ = edge
                # What is down never fell by a soft edge: most of them need no closer look.
                if service in below or (hardness is _SOFT and level[service] == _DOWN):
                    continue
                if self._spread.cause(service) == edge:
                    self._causes[service] = edge
                    if len(below) >= self._limit:
                        break
                    below[service] = []
                    below[at].append(edge)
                    queue.append(service)
        return below

    def _lacks_marks(self, below: dict[int, list[Edge]], nodes: list[ImpactNode]) -> bool:
        """Say whether a mark found no room; every edge that is felt would be a node."""
        return sum(len(self._spread.felt(at)) for at in below) + sum(
            1 for node in nodes if node.depth == 0
        ) > len(nodes)

    def _cause(self, service: int) -> Edge | None:
        if service not in self._causes:
            self._causes[service] = self._spread.cause(service)
        return self._causes[service]

    def _node(self, at: int, depth: int, hangs_on: Edge | None, *, mark: bool) -> ImpactNode:
        service = self._graph.services[at]
        since = None
        if at in self._spread.said:
            seed = self._spread.said[at]
            state, since = seed.state, seed.since
        else:
            down = self._spread.level[at] == _DOWN
            state = "expected-down" if down else "expected-degraded"
        if hangs_on is None:
            why, word = f"reported {state}", ""
        else:
            why, word = self._why(hangs_on), _WORDS[hangs_on[2]]
        # Five hundred of them are made; the constructor's own call costs as much as making them.
        return _new_node(ImpactNode, (
            service.key, service.name, state, service.tier, service.team, depth, why, since, word,
            service.region, service.user_share, service.customers, mark, service.kind,
        ))  # fmt: skip

    def _why(self, edge: Edge) -> str:
        """Say the chain that leads to one of the incident's services: hard on x ← hard on y."""
        # Hundreds may hang on one service: said once, but for groups, which are each their own.
        key = edge[1:]
        if (known := self._whys.get(key)) is None:
            link, above = self._link(edge), self._chain(edge.at)
            known = self._whys[key] = f"{link} ← {above}" if above else link
        return known

    def _chain(self, at: int, links: int = _CHAIN_MAX - 1) -> str:
        """Return the chain above a service, so many links of it; empty for the incident's own."""
        edge = self._cause(at)
        if edge is None:
            return ""
        if not links:
            return "…"
        if (known := self._chains.get((at, links))) is None:
            link, above = self._link(edge), self._chain(edge.at, links - 1)
            known = self._chains[at, links] = f"{link} ← {above}" if above else link
        return known

    def _link(self, edge: Edge) -> str:
        link = f"{_WORDS[edge.hardness]} on {self._graph.services[edge.at].key}"
        if edge.group is not None:
            group = self._graph.groups[edge.group]
            left = group.size - self._spread.hurt_members.get(edge.group, 0)
            link += f" ({left} of {group.size} in {group.name} left, {group.needed} needed)"
        return link
