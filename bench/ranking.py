"""How a ranking of causes is judged: cases, baselines, and shares with their intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bench.report import Figure
from warroom.impact.graph import Graph, Seed
from warroom.impact.suspects import Change, Earlier, Signal, suspects

TOPS = (1, 3)


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of one incident, as production would know it."""

    graph: Graph
    seeds: tuple[Seed, ...]
    signals: tuple[Signal, ...]
    now: datetime
    changes: tuple[Change, ...] = ()
    earlier: tuple[Earlier, ...] = ()


@dataclass(slots=True)
class Tally:
    """How often the true cause stood first, and among the first three."""

    count: int = 0
    hits: dict[int, int] = field(default_factory=lambda: dict.fromkeys(TOPS, 0))

    def add(self, causes: Sequence[str], cause: str) -> None:
        """Count one case."""
        self.count += 1
        for top in TOPS:
            self.hits[top] += cause in causes[:top]

    def join(self, other: Tally) -> None:
        """Count the cases of another."""
        self.count += other.count
        for top in TOPS:
            self.hits[top] += other.hits[top]

    def share(self, top: int) -> float:
        """Return the share of cases whose cause was among the first ``top``."""
        return self.hits[top] / self.count if self.count else 0.0

    def interval(self, top: int) -> tuple[float, float]:
        """Return Wilson's 95 % interval of the share."""
        return wilson(self.hits[top], self.count)

    def text(self) -> str:
        """Say both shares with their intervals."""
        parts = []
        for top in TOPS:
            low, high = self.interval(top)
            parts.append(f"top-{top} {self.share(top):.3f} [{low:.2f}, {high:.2f}]")
        return "  ".join(parts)


def wilson(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return Wilson's score interval of a share."""
    if not count:
        return 0.0, 1.0
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    half /= 1 + z * z / count
    return max(0.0, middle - half), min(1.0, middle + half)


def earliest_alert(case: Case) -> list[str]:
    """Name the services in the order of their first alerts."""
    first: dict[str, datetime] = {}
    for s in case.signals:
        first[s.service] = min(s.since, first.get(s.service, s.since))
    return sorted(first, key=lambda k: (first[k], k))


def most_alerts(case: Case) -> list[str]:
    """Name the services with the most alerts."""
    counts = Counter(s.service for s in case.signals)
    return sorted(counts, key=lambda k: (-counts[k], k))


def deepest_unhealthy(case: Case) -> list[str]:
    """Name the alerting services by how many alerting ones need them, however far away.

    First those that need nothing unhealthy themselves, the earliest first.
    """
    graph = case.graph
    first = {graph.index[k]: n for n, k in enumerate(earliest_alert(case)) if k in graph.index}

    def leans(at: int) -> bool:
        grouped = (m for g in graph.groups_of.get(at, ()) for m in graph.members[g])
        needed = (*graph.needs_hard[at], *graph.needs_soft[at], *grouped)
        return any(on in first for on in needed)

    ordered = sorted(first, key=lambda at: (leans(at), first[at]))
    return [graph.services[at].key for at in ordered]


BASELINES: dict[str, Callable[[Case], list[str]]] = {
    "earliest alert": earliest_alert,
    "most alerts": most_alerts,
    "deepest unhealthy": deepest_unhealthy,
}


def ranked_causes(case: Case) -> dict[str, list[str]]:
    """Return what the product and each baseline name, best first."""
    ours = suspects(
        case.graph, case.seeds, case.signals, case.changes, earlier=case.earlier, now=case.now
    )
    return {"suspects": [s.key for s in ours]} | {
        name: baseline(case) for name, baseline in BASELINES.items()
    }


def judged(name: str, tallies: Mapping[str, Tally]) -> list[Figure]:
    """Return the figures top-1 and top-3, each beside the baseline that is best at it."""
    ours = tallies["suspects"]
    lines = []
    for top in TOPS:
        peer = max(BASELINES, key=lambda b: tallies[b].share(top))
        low, high = ours.interval(top)
        lines.append(
            Figure(
                f"{name}.top{top}", ours.share(top), "share of causes",
                f"{peer}, same cases; ours 95 % {low:.3f}..{high:.3f}, n={ours.count}",
                tallies[peer].share(top), "above every baseline",
            )
        )  # fmt: skip
    return lines
