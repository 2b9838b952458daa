"""Failure domains: what the hit services share, and nothing else does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Final, cast

from warroom.domain.reasoned import SharedDomain
from warroom.impact.graph import Graph, Service
from warroom.impact.hardness import Impact
from warroom.impact.spread import Level

# A domain says something when at least two services of it are hit, ...
_HIT_MIN: Final = 2
# ... it holds most of what is hit, or most of it is hit, ...
_COVERS_MIN: Final = 0.5
# ... and its services are hit this many times as often as all others.
_LIFT_MIN: Final = 2.0

_WORST_FIRST: Final = ("down", "degraded", "expected-down", "suspected", "expected-degraded")
_EXPECTED: Final = {Level.DOWN: "expected-down", Level.DEGRADED: "expected-degraded"}

# Smallest first: whoever reads them looks at the host before the region.
KINDS: Final[tuple[tuple[str, Callable[[Service], str | None]], ...]] = (
    ("host", lambda s: s.host),
    ("zone", lambda s: s.zone),
    ("region", lambda s: s.region),
    ("third-party", lambda s: s.provider),
    ("version", lambda s: s.version),
)


def members(graph: Graph) -> dict[tuple[str, str], list[int]]:
    """Return the services of every failure domain, by (kind, value), ascending; made once."""
    found = graph.cache.get("domains")
    if found is None:
        made: dict[tuple[str, str], list[int]] = {}
        for kind, value_of in KINDS:
            for at, service in enumerate(graph.services):
                if value := value_of(service):
                    made.setdefault((kind, value), []).append(at)
        found = graph.cache["domains"] = made
    return cast("dict[tuple[str, str], list[int]]", found)


def shared_domains(graph: Graph, hit: Collection[int] | Impact) -> tuple[SharedDomain, ...]:
    """Say what the hit services share and others do not.

    Args:
        graph: the catalogue; what is not in it does not count as well.
        hit: indexes of the graph, or an impact, of which all that is hit counts.

    Returns:
        The domains, those that tell hit from well best first; the same for every order.  Of an
        impact each says the worst state in it.
    """
    struck = hit.down | hit.hurt if isinstance(hit, Impact) else frozenset(hit)
    if len(struck) < _HIT_MIN:
        return ()
    everywhere = members(graph)
    ranked: list[tuple[float, int, str, SharedDomain]] = []
    for order, (kind, value_of) in enumerate(KINDS):
        inside: Counter[str] = Counter(v for at in struck if (v := value_of(graph.services[at])))
        if not inside:
            continue
        for value, count in inside.items():
            size = len(everywhere[kind, value])
            outside = len(struck) - count
            telling = _telling(count, size, outside, len(graph.services))
            if telling is not None:
                state = ""
                if isinstance(hit, Impact):
                    state = _worst(hit, [at for at in everywhere[kind, value] if at in struck])
                domain = SharedDomain(kind, value, count, size, outside, state)
                ranked.append((-telling, order, value, domain))
    return tuple(domain for *_, domain in sorted(ranked, key=lambda r: r[:3]))


def _worst(impact: Impact, struck: Collection[int]) -> str:
    """Return the worst state of some that are hit: what was said of them, else what is expected."""
    said, level = impact.spread.said, impact.spread.level
    states = {said[at].state if at in said else _EXPECTED[Level(level[at])] for at in struck}
    return min(states, key=_WORST_FIRST.index)


def _telling(hit: int, size: int, outside: int, everybody: int) -> float | None:
    """Return how well a domain tells hit from well, 0 to 1; None when it does not."""
    if hit < _HIT_MIN or size == everybody:
        return None
    covers, dense = hit / (hit + outside), hit / size
    if max(covers, dense) < _COVERS_MIN:
        return None
    elsewhere = outside / (everybody - size)
    if elsewhere and dense / elsewhere < _LIFT_MIN:
        return None
    return 2 * covers * dense / (covers + dense)
