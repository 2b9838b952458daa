"""The same application with faults elsewhere: do the ranks hold for causes that the data lack?

The published part of the data has one cause only.  So a step is added to another component in
metrics without a fault, and passed on to its callers along the call graph: the seconds (or failed
requests) that it adds are shared among its callers by their calls, as the real faults show it.
Rows are real otherwise: noise, gaps and traffic are those of the application.  The seeds are not
those that anything was tuned on; ``TUNING`` is for that.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Mapping
from dataclasses import replace

from bench.petshop_alerts import PERIOD_S
from bench.petshop_data import Issue, Metrics, Scenario

TUNING = range(100)
REPORT = range(1_000, 1_200)
_ROWS = 5
_REQUESTS_MIN = 5.0
# The symptom stands out of its component's wandering by this much: weak ones, and plain ones.
_FELT = (4.0, 12.0)
# A fault seldom begins with a row: it fills this much of the first one at the least.
_FIRST_ROW_MIN = 0.3
# Not everything that a component adds reaches its caller: calls run side by side, or time out.
_PASSED_MIN = 0.6
_FAILS_MAX = 0.9


def fault(scenario: Scenario, seed: int, target: str) -> tuple[Scenario, Issue] | None:
    """Make a fault at a component chosen by chance among those that the target needs.

    Returns:
        The scenario, whose normal lacks the rows that were used, and the issue; None when the
        scenario has no metrics without a fault, or the fault drawn cannot be.
    """
    normal = scenario.normal
    if normal is None:
        return None
    chance = random.Random(f"elsewhere {scenario.name} {seed}")
    begin = chance.randrange(0, len(normal.stamps) - _ROWS)
    rows = _cut(normal, begin, begin + _ROWS)
    rest = _without(normal, begin - 1, begin + _ROWS + 1)
    metric = chance.choice(("latency", "availability"))
    causes = [c for c in sorted(_needed(scenario, target)) if _busy(rows, c, metric)]
    cause = chance.choice(causes)
    spread = _spread(normal, target, metric)
    asked = statistics.median(rows.of(target, "requests", "Sum"))
    felt = chance.uniform(*_FELT) * spread * asked
    filled = [0.0, 0.0, chance.uniform(_FIRST_ROW_MIN, 1.0), 1.0, 0.5]
    shares = _shares(scenario, rows, cause, chance)
    # What the target feels is chosen, so the cause adds what it takes.
    added = felt / shares[target]
    if metric == "availability" and added > _FAILS_MAX * _requests(rows, cause):
        # So few calls cannot fail so often.
        return None
    changed = Metrics(list(rows.stamps), dict(rows.values))
    for name, share in shares.items():
        key = (name, metric, "Average")
        if key in rows.values:
            calls = rows.of(name, "requests", "Sum")
            changed.values[key] = [
                _worse(v, added * share * part / n if n else math.nan, metric)
                for v, n, part in zip(rows.values[key], calls, filled, strict=True)
            ]
    at = rows.stamps[2] - chance.uniform(0.0, PERIOD_S - 1.0)
    issue = Issue(f"elsewhere {seed}", changed, target, metric, "Average", at, cause)
    return replace(scenario, normal=rest), issue


def _worse(value: float, added: float, metric: str) -> float:
    if math.isnan(added):
        return value
    return value + added if metric == "latency" else max(0.0, value - 100.0 * added)


def _shares(
    scenario: Scenario, rows: Metrics, cause: str, chance: random.Random
) -> dict[str, float]:
    """Return what arrives at each component of one unit that the cause adds."""
    callers: dict[str, list[str]] = {}
    for caller, called in scenario.calls:
        callers.setdefault(called, []).append(caller)
    shares = {cause: 1.0}
    frontier = [cause]
    # Calls have no cycles here; where some graph has, each component is reached once.
    while frontier:
        at = frontier.pop(0)
        above = [c for c in sorted(callers.get(at, ())) if c not in shares]
        weights = {c: _requests(rows, c) for c in above}
        whole = sum(weights.values())
        for caller in above:
            if whole and weights[caller]:
                passed = chance.uniform(_PASSED_MIN, 1.0)
                shares[caller] = shares[at] * weights[caller] / whole * passed
                frontier.append(caller)
    return shares


def _needed(scenario: Scenario, target: str) -> set[str]:
    """Return the target and everything that it calls, however far away."""
    calls: dict[str, list[str]] = {}
    for caller, called in scenario.calls:
        calls.setdefault(caller, []).append(called)
    found, frontier = {target}, [target]
    while frontier:
        for called in calls.get(frontier.pop(), ()):
            if called not in found:
                found.add(called)
                frontier.append(called)
    return found


def _busy(rows: Metrics, name: str, metric: str) -> bool:
    values = rows.of(name, metric, "Average")
    whole = not any(math.isnan(v) for v in values)
    # What fails all the time anyway cannot fail more.
    room = metric == "latency" or min(values) > 50.0
    return whole and room and _requests(rows, name) >= _REQUESTS_MIN


def _requests(rows: Metrics, name: str) -> float:
    known = [v for v in rows.of(name, "requests", "Sum") if not math.isnan(v)]
    return statistics.median(known) if known else 0.0


def _spread(normal: Metrics, name: str, metric: str) -> float:
    values = [v for v in normal.of(name, metric, "Average") if not math.isnan(v)]
    unit = 1.0 if metric == "latency" else 0.01
    return max(statistics.pstdev(values) * unit, 0.001)


def _cut(metrics: Metrics, begin: int, end: int) -> Metrics:
    values: Mapping[tuple[str, str, str], list[float]] = metrics.values
    return Metrics(metrics.stamps[begin:end], {k: v[begin:end] for k, v in values.items()})


def _without(metrics: Metrics, begin: int, end: int) -> Metrics:
    begin = max(0, begin)
    return Metrics(
        metrics.stamps[:begin] + metrics.stamps[end:],
        {k: v[:begin] + v[end:] for k, v in metrics.values.items()},
    )
