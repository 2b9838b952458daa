"""Cheap reasoning in a storm: one graph in memory, and only what changed is worked out again.

A storm is told alert by alert and asked now and then.  What an alert says is held against what is
known of its service already: most of a storm repeats itself, and changes nothing.  The incidents
for which something did change are worked out once when they are asked for, however many alerts
came meanwhile.  Pure: time comes in with the alerts, and nothing is read or written.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from warroom.impact.graph import Graph, Seed
from warroom.impact.hardness import NODES_MAX, Impact, reason

Id = TypeVar("Id", bound=Hashable)

_BADNESS: Final = {"recovered": 0, "suspected": 1, "degraded": 2, "down": 3}
# Incidents with the same services in the same states have the same impact.
_REMEMBERED: Final = 256


@dataclass(slots=True)
class _Open:
    """What is known of one open incident; ``impact`` is None while it must be worked out."""

    seeds: dict[str, Seed] = field(default_factory=dict)
    impact: Impact | None = None


class Storm(Generic[Id]):
    """The impacts of the open incidents of one graph.

    Not for several threads at once.  ``worked_out`` counts how often an impact was reasoned.
    """

    def __init__(self, graph: Graph, *, limit: int = NODES_MAX) -> None:
        self._graph = graph
        self._limit = limit
        self._open: dict[Id, _Open] = {}
        self._dirty: dict[Id, None] = {}
        self._known: dict[tuple[Seed, ...], Impact] = {}
        self.worked_out = 0

    @property
    def graph(self) -> Graph:
        """The catalogue that is reasoned about."""
        return self._graph

    def use(self, graph: Graph) -> None:
        """Take another catalogue: every incident must be worked out again."""
        self._graph = graph
        self._known.clear()
        for incident, item in self._open.items():
            item.impact = None
            self._dirty[incident] = None

    def tell(self, incident: Id, seed: Seed) -> bool:
        """Hear that a service of an incident is in a state, as one alert says it.

        The worst that was said stands, since its beginning, until ``put`` says otherwise: an alert
        that repeats, or is milder, changes nothing.

        Returns:
            Whether the incident must be worked out again.
        """
        item = self._open.setdefault(incident, _Open())
        known = item.seeds.get(seed.key)
        if known is not None and _BADNESS[known.state] >= _BADNESS[seed.state]:
            return False
        self._change(incident, item, seed)
        return True

    def put(self, incident: Id, seeds: Iterable[Seed]) -> bool:
        """Say what an incident's services are, all of them; as ``tell`` otherwise."""
        item = self._open.setdefault(incident, _Open())
        wanted = {seed.key: seed for seed in seeds}
        if item.seeds == wanted and (item.impact is not None or incident in self._dirty):
            return False
        item.seeds = wanted
        item.impact = None
        self._dirty[incident] = None
        return True

    def end(self, incident: Id) -> None:
        """Forget an incident."""
        self._open.pop(incident, None)
        self._dirty.pop(incident, None)

    def changed(self) -> dict[Id, Impact]:
        """Work out what changed since the last call; once each, in the order in which it began."""
        due, self._dirty = list(self._dirty), {}
        return {incident: self.impact(incident) for incident in due}

    def impact(self, incident: Id) -> Impact:
        """Return an incident's impact, worked out now if something changed.

        Raises:
            KeyError: nobody ever spoke of that incident.
        """
        item = self._open[incident]
        if item.impact is None:
            item.impact = self._reason(item)
        return item.impact

    def _change(self, incident: Id, item: _Open, seed: Seed) -> None:
        item.seeds[seed.key] = seed
        self._dirty[incident] = None
        item.impact = None

    def _reason(self, item: _Open) -> Impact:
        seeds = tuple(sorted(item.seeds.values(), key=lambda s: s.key))
        found = self._known.get(seeds)
        if found is None:
            found = reason(self._graph, seeds, limit=self._limit)
            self.worked_out += 1
            if len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[seeds] = found
        return found
