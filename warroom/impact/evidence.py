"""What is known of an incident, laid out for the ranking: who is unhealthy, how much, when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from warroom.impact.graph import Graph, Seed
from warroom.impact.signals import Signal
from warroom.impact.weights import Weights

STATUS_KIND: Final = "third-party-status"
# Of a storm the incident's own services and the earliest others: more tell nothing new.
UNHEALTHY_MAX: Final = 300
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
# What a person only suspects, what is over, and alerts of little severity, count less.
_SUSPECTED: Final = 0.5
_OVER: Final = 0.5
_BY_SEVERITY: Final = {4: 0.8, 5: 0.6}


@dataclass(slots=True)
class Unhealthy:
    """One unhealthy service.

    ``weight`` is how much it asks to be explained; ``strength`` what its alerts measured, None
    when nobody did; ``since`` the start of its first alert, None when only a person said so;
    ``told`` when the incident said so, None when only an alert did.
    """

    weight: float
    since: datetime | None = None
    told: datetime | None = None
    strength: float | None = None
    heard: bool = False
    status: bool = False
    names: set[str] = field(default_factory=set)


def gather(
    graph: Graph, seeds: Sequence[Seed], signals: Iterable[Signal], weights: Weights
) -> dict[int, Unhealthy]:
    """Join seeds and alerts to one picture by service, ascending; recovered services are well.

    At most ``UNHEALTHY_MAX`` services, so that a storm costs no more than a large incident.
    """
    found: dict[int, Unhealthy] = {}
    well: set[int] = set()
    for seed in seeds:
        at = graph.index.get(seed.key)
        if at is None:
            continue
        if seed.state == "recovered":
            well.add(at)
            continue
        weight = _SUSPECTED if seed.state == "suspected" else 1.0
        found[at] = Unhealthy(weight, told=seed.since)
    for signal in signals:
        at = graph.index.get(signal.service)
        if at is not None and (signal.firing or at not in well):
            _hear(found.setdefault(at, Unhealthy(0.0)), signal)
    own = {seed.key for seed in seeds}
    for at, item in found.items():
        if item.strength is not None:
            item.weight *= item.strength
        if graph.services[at].key in own:
            item.weight *= weights.seed
    if len(found) > UNHEALTHY_MAX:

        def urgency(at: int) -> tuple[bool, datetime, int]:
            return (graph.services[at].key not in own, found[at].since or _LONG_AGO, at)

        found = {at: found[at] for at in sorted(found, key=urgency)[:UNHEALTHY_MAX]}
    return dict(sorted(found.items()))


def _hear(item: Unhealthy, signal: Signal) -> None:
    """Add one alert to what is known of its service."""
    weight = _BY_SEVERITY.get(signal.severity, 1.0) * (1.0 if signal.firing else _OVER)
    item.weight = max(item.weight, weight)
    item.heard = True
    item.status = item.status or signal.kind == STATUS_KIND
    if signal.strength is not None:
        item.strength = max(item.strength or 0.0, min(1.0, max(0.0, signal.strength)))
    if item.since is None or signal.since < item.since:
        item.since = signal.since
    if signal.name:
        item.names.add(signal.name)
