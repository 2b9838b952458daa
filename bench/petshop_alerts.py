"""From metrics to alerts: who deviates from its own normal, since when, and by how much.

**Time.**  The rows are 5-minute statistics, and the fault shows first in the first row whose stamp
is after the symptom's time; so a row speaks of the five minutes before its stamp, the symptom's
time lies in that row, and no later row is looked at.

**Normal.**  Each component's own: the better of its rows before that one says where it stood, its
metrics without a fault (or, without such, the same rows) how much it wanders.

**Strength.**  A slow answer costs its caller just as much time, a failed one a failure.  So what a
component adds is compared with what the symptom added, in one unit along the whole chain: seconds
of waiting, or failed requests, in the five minutes.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.petshop_data import Issue, Metrics, Scenario
from bench.ranking import Case
from warroom.impact.graph import Dependency, Hardness, Seed, Service, build
from warroom.impact.suspects import Signal

PERIOD_S = 300.0
# An alert fires this many robust standard deviations from normal ...
DEVIATIONS_MIN = 4.0
# ... when it is also worse than its long-time normal ...
LONG_TIME_MIN = 1.0
# ... and when it adds this share of what the symptom added.
STRENGTH_MIN = 0.1
# What is measured in another unit than the symptom may be part of it, or not.
OTHER_UNIT = 0.5
# A row is part of the symptom when the symptom added this share of its worst row.
SYMPTOM_SHARE = 0.5
# No metric is steadier than this share of its value (latency) or these per cent (availability),
# and the same where too few rows are known to say how much it wanders.
_STEADY = {"latency": 0.05, "availability": 0.1}
_UNKNOWN = {"latency": 0.15, "availability": 0.5}
_ROWS_MIN = 8
# Makes the median absolute deviation a standard deviation where values are normal.
_MAD = 1.4826
_PER_REQUEST = {"latency": 1.0, "availability": 0.01}


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far one metric of a component is from normal, by row up to the symptom's.

    ``deviations`` and ``long_time`` in robust standard deviations from where it stood and from its
    normal without a fault; ``added`` in seconds or failed requests; all positive when worse, NaN
    where nothing was measured.  ``usual`` is what it spends in a usual row: seconds or requests.
    """

    deviations: list[float]
    long_time: list[float]
    added: list[float]
    usual: float


def alerts(scenario: Scenario, issue: Issue, mask: Mapping[str, str]) -> Case:
    """Turn an issue into what production would know of it, under masked names.

    Every call is taken for a hard dependency: the graph says no more.  What kind of thing a
    component is is not looked at.
    """
    stamps = issue.metrics.stamps
    rows = rows_until(stamps, issue.at)
    symptoms = {
        metric: deviation(scenario.normal, issue.metrics, issue.target, metric, rows)
        for metric in _STEADY
    }
    during = _rows_of(symptoms[issue.metric])
    signals: list[Signal] = []
    for name in scenario.components:
        for metric, symptom in symptoms.items():
            item = deviation(scenario.normal, issue.metrics, name, metric, rows)
            fires = [
                z >= DEVIATIONS_MIN and long >= LONG_TIME_MIN
                for z, long in zip(item.deviations, item.long_time, strict=True)
            ]
            if not any(fires[row] for row in during):
                continue
            same = metric == issue.metric
            strength = _strength(item, symptom, during, same=same)
            if strength >= STRENGTH_MIN:
                since = stamps[_onset(fires)] - PERIOD_S
                signals.append(
                    Signal(
                        mask[name], datetime.fromtimestamp(since, UTC), metric, strength=strength
                    )
                )
    services = [
        Service(mask[n], mask[n], 2, "", watched=_watched(scenario.normal, issue.metrics, n, rows))
        for n in scenario.components
    ]
    dependencies = [Dependency(mask[a], mask[b], Hardness.HARD) for a, b in scenario.calls]
    end = datetime.fromtimestamp(stamps[rows - 1], UTC)
    target = Seed(mask[issue.target], "degraded", end - timedelta(seconds=PERIOD_S))
    return Case(build(services, dependencies), (target,), tuple(signals), end)


def rows_until(stamps: Sequence[float], at: float) -> int:
    """Return how many rows may be seen: those before the symptom's time, and the one it lies in."""
    return min(len(stamps), sum(1 for stamp in stamps if stamp <= at) + 1)


def deviation(
    normal: Metrics | None, metrics: Metrics, name: str, metric: str, rows: int
) -> Deviation:
    """Compare a component's rows with its own normal."""
    worse = 1.0 if metric == "latency" else -1.0
    values = [worse * v for v in metrics.of(name, metric, "Average")[:rows]]
    asked = [0.0 if math.isnan(n) else n for n in metrics.of(name, "requests", "Sum")[:rows]]
    known = [] if normal is None else _known(worse * v for v in normal.of(name, metric, "Average"))
    before = _known(values[:-1])
    if before:
        stood = min(before)
    elif known:
        stood = statistics.median(known)
    else:
        # What was never called before took no time and failed nobody.
        stood = 0.0 if metric == "latency" else -100.0
    long_time = statistics.median(known) if known else stood
    spread = _wanders(known, stood, metric)
    added = [(v - stood) * _PER_REQUEST[metric] * n for v, n in zip(values, asked, strict=True)]
    usual = max(asked, default=0.0) * (abs(stood) if metric == "latency" else 1.0)
    return Deviation(
        [(v - stood) / spread for v in values],
        [(v - long_time) / spread if known else math.inf for v in values],
        added,
        usual,
    )


def _rows_of(symptom: Deviation) -> list[int]:
    """Return the rows in which the symptom is felt; the last one when none is worse than normal."""
    worst = max((a for a in symptom.added if a > 0), default=0.0)
    last = len(symptom.added) - 1
    return [row for row, a in enumerate(symptom.added) if a > SYMPTOM_SHARE * worst > 0] or [last]


def _strength(item: Deviation, symptom: Deviation, during: Iterable[int], *, same: bool) -> float:
    """Return how much of what the symptom added a component added too, 0 to 1.

    In another unit than the symptom's it is held against what the symptom's component usually
    spends, so that a slow handful of calls does not pass for the cause of failures.
    """
    added = sum(a for row in during if (a := item.added[row]) > 0)
    if same:
        felt = sum(a for row in during if (a := symptom.added[row]) > 0)
        return min(1.0, added / felt) if felt > 0 else 1.0
    return OTHER_UNIT * min(1.0, added / symptom.usual) if symptom.usual > 0 else 0.0


def _onset(fires: list[bool]) -> int:
    """Return the first row of the last run of rows that fire."""
    row = len(fires) - 1 - fires[::-1].index(True)
    while row and fires[row - 1]:
        row -= 1
    return row


def _watched(normal: Metrics | None, metrics: Metrics, name: str, rows: int) -> bool:
    """Say whether silence means health: not where calls were measured before and are not now."""
    had = [] if normal is None else normal.of(name, "requests", "Sum")
    calls = _known(had)
    if not calls or statistics.median(calls) <= 0:
        return True
    return not math.isnan(metrics.of(name, "latency", "Average")[rows - 1])


def _wanders(known: list[float], stood: float, metric: str) -> float:
    """Return how much a metric wanders by itself, as a standard deviation."""
    unit = abs(stood) if metric == "latency" else 1.0
    if len(known) < _ROWS_MIN:
        return max(_UNKNOWN[metric] * unit, 1e-9)
    middle = statistics.median(known)
    spread = _MAD * statistics.median(abs(v - middle) for v in known)
    return max(spread, _STEADY[metric] * unit, 1e-9)


def _known(values: Iterable[float]) -> list[float]:
    return [v for v in values if not math.isnan(v)]
