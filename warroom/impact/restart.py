"""In what order to bring back what is hit: dependencies first, side by side where they can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.domain.reasoned import RestartStep, RestartWave
from warroom.impact.arrays import arrays_of
from warroom.impact.cycles import Broken, Edges, Firmness, order
from warroom.impact.graph import Graph
from warroom.impact.hardness import Impact
from warroom.impact.signals import Signal

if TYPE_CHECKING:
    from warroom.impact.arrays import Ints

# Nobody brings back more than this by hand.
STEPS_MAX: Final = 2_000
_WELL: Final = frozenset({"recovered", "well"})
_NAMES_MAX: Final = 2


def waves(
    graph: Graph,
    hit: Impact | Mapping[str, str],
    signals: Iterable[Signal] = (),
    *,
    limit: int = STEPS_MAX,
) -> tuple[RestartWave, ...]:
    """Put what is hit into waves.

    Args:
        graph: the catalogue.
        hit: an impact, of which all that is hit counts, or the state of each service by key;
            what has recovered or is well needs no restart.
        signals: alerts; a step's check names those of its service that fire.
        limit: steps at the most: the first waves, so that whatever is listed finds what it needs
            in the list; within a wave the important services first.

    Returns:
        The waves, from 1.  A wave needs nothing of itself and only waves before it, but for the
        dependencies that its ``breaks`` name.
    """
    states = _states(graph, hit)
    names: dict[str, set[str]] = {}
    for signal in signals:
        if signal.firing and signal.name:
            names.setdefault(signal.service, set()).add(signal.name)
    services = np.array(sorted(states), np.int64)
    layers, broken = order(len(graph.services), services, _edges(graph, services))
    said: dict[int, list[str]] = {}
    for item in broken:
        said.setdefault(item.need.service, []).append(_sentence(graph, item))
    found: list[RestartWave] = []
    for number, layer in enumerate(layers, 1):
        listed = layer[:limit].tolist()
        limit -= len(listed)
        if not listed:
            break
        steps = tuple(_step(graph, at, states, names) for at in listed)
        breaks = tuple(sentence for at in listed for sentence in said.get(at, ()))
        found.append(RestartWave(number, steps, breaks))
    return tuple(found)


def _states(graph: Graph, hit: Impact | Mapping[str, str]) -> dict[int, str]:
    if isinstance(hit, Impact):
        states = dict.fromkeys(hit.hurt, "expected-degraded")
        states |= dict.fromkeys(hit.down, "expected-down")
        # What was said stands at the roots of the tree, which are drawn first.
        for node in hit.nodes:
            if node.depth == 0 and node.state not in _WELL:
                states[graph.index[node.key]] = node.state
        return states
    return {
        graph.index[key]: state
        for key, state in hit.items()
        if key in graph.index and state not in _WELL
    }


def _edges(graph: Graph, services: Ints) -> Edges:
    """Return the dependencies between hit services; of a pair that is given twice both."""
    arrays = arrays_of(graph)
    hit = np.zeros(len(graph.services), np.bool_)
    hit[services] = True
    columns: list[tuple[Ints, Ints, Ints]] = []
    for rows, firmness in ((arrays.hard, Firmness.HARD), (arrays.soft, Firmness.SOFT)):
        needing, on = rows.of(services)
        inside = hit[needing]
        firm = np.full(np.count_nonzero(inside), int(firmness))
        columns.append((needing[inside], on[inside], firm))
    if graph.late:
        needing, on, firm = columns[1]
        late = [pair in graph.late for pair in zip(needing.tolist(), on.tolist(), strict=True)]
        firm[np.array(late, np.bool_)] = int(Firmness.LATE)
    numbers, on = arrays.member_of.of(services)
    inside = hit[arrays.group_service[numbers]]
    numbers, on = numbers[inside], on[inside]
    # A group of which every member is needed is as firm as a plain dependency.
    whole = (arrays.group_spare[numbers] == 0) & arrays.group_hard[numbers]
    firm = np.where(whole, int(Firmness.HARD), int(Firmness.SPARE))
    columns.append((arrays.group_service[numbers], on, firm))
    return Edges(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def _step(
    graph: Graph, at: int, states: Mapping[int, str], names: Mapping[str, set[str]]
) -> RestartStep:
    service = graph.services[at]
    checks: list[str] = []
    if alerts := names.get(service.key):
        checks.append(f"{_some(sorted(alerts))} {'clears' if len(alerts) == 1 else 'clear'}")
    if service.slo is not None:
        checks.append(f"SLO {service.slo:g} % holds")
    if not checks or not alerts:
        leaning = [d for d in graph.hard[at] if d in states] or [
            d for d in graph.soft[at] if d in states
        ]
        if leaning:
            keys = [graph.services[d].key for d in leaning[:_NAMES_MAX]]
            checks.append(f"{_some(keys, len(leaning))} can reach it")
    if not checks:
        checks.append("it answers, and stays so for 5 min")
    return RestartStep(
        service.key, service.name, service.tier, service.team, states[at], ", ".join(checks)
    )


def _some(words: list[str], count: int | None = None) -> str:
    """Name two at the most, and how many more there are."""
    count = len(words) if count is None else count
    if count > _NAMES_MAX:
        return f"{', '.join(words[:_NAMES_MAX])} and {count - _NAMES_MAX} more"
    return " and ".join(words)


def _sentence(graph: Graph, broken: Broken) -> str:
    """Say which dependency is passed over, and why."""
    need = broken.need
    service, on = graph.services[need.service].key, graph.services[need.on].key
    keys = [graph.services[at].key for at in broken.cycle]
    cut = len(keys) > 6
    cycle = " → ".join([*keys[:3], "…", *keys[-2:]] if cut else keys)
    return (
        f"{service} starts before {on}: its {need.firmness.word} dependency is passed over,"
        f" they need each other ({cycle})"
    )
