"""The catalogue as a graph: what fails when a service fails.

Built once from plain rows and never changed; whoever reasons about it walks integers.  Service
``i`` is the ``i``-th by (tier, key), so that sorting indexes sorts by importance and the order of
the input never shows in a result.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum


class Hardness(IntEnum):
    """What a dependency does to its dependant: a hard one takes it along, a soft one hurts it."""

    SOFT = 1
    HARD = 2

    @property
    def word(self) -> str:
        """Return ``hard`` or ``soft``."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the catalogue.

    ``tier`` 0 (most important) to 5; ``team`` is the owner's key; ``user_share`` per cent of
    users, ``customers`` a count, ``slo`` per cent, None when nobody said.  ``region``, ``zone``,
    ``host``, ``provider`` and ``version`` are what can fail for many services at once.  One that is
    not ``watched`` has no alert source: its silence says little.
    """

    key: str
    name: str
    tier: int
    team: str
    kind: str = "service"
    region: str | None = None
    user_share: float | None = None
    customers: int | None = None
    zone: str | None = None
    host: str | None = None
    version: str | None = None
    provider: str | None = None
    slo: float | None = None
    watched: bool = True


@dataclass(frozen=True, slots=True)
class Dependency:
    """``service`` needs ``depends_on`` (both keys).

    Dependencies of one service with the same ``group`` stand in for each other: ``needed`` of
    them (1 when not said) must be up.  One that is not ``sync`` (a queue, a nightly copy) hurts
    later and softer: a hard one is passed on as a soft one.
    """

    service: str
    depends_on: str
    hardness: Hardness
    group: str | None = None
    needed: int | None = None
    sync: bool = True


@dataclass(frozen=True, slots=True)
class Seed:
    """A service of the incident, with the state that a person or an alert gave it, and when."""

    key: str
    state: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """``size`` dependencies of ``service`` that stand in for each other; ``needed`` must be up."""

    service: int
    name: str
    size: int
    needed: int
    hardness: Hardness


@dataclass(frozen=True, slots=True)
class Graph:
    """Services by index, and who depends on each of them.

    ``hard[i]`` and ``soft[i]`` are the dependants of ``i``, ascending, outside groups;
    ``needs_hard[i]`` and ``needs_soft[i]`` the same edges seen from the dependant; ``member_of[i]``
    the groups that ``i`` is one of, ``grouped`` the services that are in any.  ``members[g]`` are
    the known members of group ``g``, ``groups_of[i]`` the groups that ``i`` leans on.
    ``late`` are the (service, needed) pairs that are asynchronous.  ``cache`` holds other forms
    of the same graph, made when somebody first asks for them.
    """

    services: tuple[Service, ...]
    index: dict[str, int]
    hard: list[list[int]]
    soft: list[list[int]]
    needs_hard: list[list[int]]
    needs_soft: list[list[int]]
    member_of: list[list[int]]
    groups: list[Group]
    grouped: set[int]
    members: list[list[int]]
    groups_of: dict[int, list[int]]
    late: set[tuple[int, int]]
    cache: dict[Hashable, object] = field(default_factory=dict, compare=False, repr=False)


def build(services: Iterable[Service], dependencies: Iterable[Dependency]) -> Graph:
    """Build the graph.

    A dependency on a service that is not given counts for the size of its group only: nothing is
    known against it, so it is up.  Where one pair is given twice, the first counts.
    """
    ordered = tuple(sorted(services, key=lambda s: (s.tier, s.key)))
    index = {s.key: i for i, s in enumerate(ordered)}
    hard, soft, needs_hard, needs_soft, member_of = (_lists(len(ordered)) for _ in range(5))
    graph = Graph(
        ordered, index, hard, soft, needs_hard, needs_soft, member_of, [], set(), [], {}, set()
    )
    seen: set[tuple[str, str]] = set()
    grouped: dict[tuple[int, str], list[Dependency]] = {}
    for d in dependencies:
        pair = (d.service, d.depends_on)
        service = index.get(d.service)
        if service is None or d.service == d.depends_on or pair in seen:
            continue
        seen.add(pair)
        if not d.sync and d.depends_on in index:
            graph.late.add((service, index[d.depends_on]))
        if d.group is not None:
            grouped.setdefault((service, d.group), []).append(d)
        elif (needed := index.get(d.depends_on)) is not None:
            firm = _passes(d) is Hardness.HARD
            (hard if firm else soft)[needed].append(service)
            (needs_hard if firm else needs_soft)[service].append(needed)
    for edges in (*hard, *soft, *needs_hard, *needs_soft):
        edges.sort()
    for (service, name), members in sorted(grouped.items()):
        needs = max(d.needed or 1 for d in members)
        number = len(graph.groups)
        graph.groups.append(
            Group(service, name, len(members), min(needs, len(members)),
                  max(_passes(d) for d in members))
        )  # fmt: skip
        known = sorted(index[d.depends_on] for d in members if d.depends_on in index)
        graph.members.append(known)
        graph.groups_of.setdefault(service, []).append(number)
        for member in known:
            member_of[member].append(number)
            graph.grouped.add(member)
    return graph


def _passes(d: Dependency) -> Hardness:
    """Return how hard a dependency hurts: what waits in a queue is late, not gone."""
    return d.hardness if d.sync else Hardness.SOFT


def _lists(count: int) -> list[list[int]]:
    return [[] for _ in range(count)]
