"""Synthetic outages with known causes: `python -m bench impact.top1`.

A fault spreads over an estate by a simulation of its own (chance by edge, delays, attenuation),
which shares nothing with the scoring but the catalogue.  Alerts come late, or not at all; healthy
services alert as well; changes are made everywhere all the time.
"""

from __future__ import annotations

import heapq
import random
import sys
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bench.estates import SHAPES, Estate
from bench.ranking import Case, Tally, judged, ranked_causes
from bench.report import Figure
from warroom.impact.graph import Dependency, Hardness, Seed, build
from warroom.impact.suspects import Change, Earlier, Signal

# Weights were set on the first, never on the second.
TUNING = range(1, 401)
REPORT = range(10_001, 10_201)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_CAUSES = (("fault", 0.5), ("deploy", 0.22), ("third party", 0.14), ("zone", 0.14))
_TRIES = 60


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage: what is known, and what its cause was.

    ``accepted`` are the keys that count as the cause.  For a lost zone that is the zone, but a
    baseline, which can only name services, is right with any service in it.
    """

    case: Case
    shape: str
    cause: str
    accepted: frozenset[str]
    accepted_of_baselines: frozenset[str]


@dataclass(slots=True)
class _Failed:
    """How badly (0 to 1) and when (seconds after the fault) a service failed."""

    badly: float
    at: float


def outage(seed: int) -> Outage:
    """Make an outage; the same for the same seed."""
    chance = random.Random(f"outage {seed}")
    names = list(SHAPES)
    shape = names[seed % len(names)]
    for _ in range(_TRIES):
        estate = SHAPES[shape](chance)
        cause = chance.choices([c for c, _ in _CAUSES], [w for _, w in _CAUSES])[0]
        roots, truth = _roots(estate, cause, chance)
        if not roots:
            continue
        failed = _spread(estate, roots, chance)
        signals = _alerts(estate, failed, cause, roots, chance)
        heard = sorted({s.service for s in signals if s.service in failed})
        if len(heard) >= 2:
            break
    else:
        raise RuntimeError(f"no outage for seed {seed}")
    worst = sorted(heard, key=lambda k: (-failed[k].badly, failed[k].at, k))
    tiers = {s.key: s.tier for s in estate.services}
    # An incident begins with what people see: the important services among what alerts.
    begun = sorted(worst, key=lambda k: (tiers[k], k))[: chance.randint(1, 3)]
    seeds = tuple(Seed(k, "down" if failed[k].badly > 0.6 else "degraded") for k in begun)
    now = max(s.since for s in signals) + timedelta(minutes=2)
    case = Case(
        build(estate.services, estate.dependencies), seeds, tuple(signals), now,
        _changes(estate, cause, roots, chance), _history(estate, roots, failed, chance),
    )  # fmt: skip
    return Outage(case, shape, cause, frozenset({truth}), frozenset({truth, *roots}))


def measure(seeds: range) -> dict[str, dict[str, Tally]]:
    """Rank the suspects of outages; by shape and by cause, then by method."""
    tallies: dict[str, dict[str, Tally]] = {}
    for seed in seeds:
        made = outage(seed)
        for method, causes in ranked_causes(made.case).items():
            ours = method == "suspects"
            accepted = made.accepted if ours else made.accepted_of_baselines
            named = ["cause" if c in accepted else c for c in causes]
            for group in ("all", f"shape {made.shape}", f"cause {made.cause}"):
                tally = tallies.setdefault(group, {}).setdefault(method, Tally())
                tally.add(named, "cause")
    return tallies


def figures() -> list[Figure]:
    """Return `impact.top1` and `impact.top3` over outages that nothing was tuned on."""
    tallies = measure(REPORT)
    for group, methods in tallies.items():
        print(f"{group}: {methods['suspects'].count} outages", file=sys.stderr)
        for method, tally in methods.items():
            print(f"  {method:18} {tally.text()}", file=sys.stderr)
    return judged("impact", tallies["all"])


def _roots(estate: Estate, cause: str, chance: random.Random) -> tuple[list[str], str]:
    """Choose what fails by itself: its services, and the key that names it."""
    needed = {d.depends_on for d in estate.dependencies}
    if cause == "zone":
        zones: dict[str, list[str]] = {}
        for s in estate.services:
            if s.zone:
                zones.setdefault(s.zone, []).append(s.key)
        zone = chance.choice(sorted(zones))
        return zones[zone], f"zone:{zone}"
    third = cause == "third party"
    pool = sorted(
        s.key for s in estate.services if s.key in needed and (s.kind == "third_party") == third
    )
    if not pool:
        return [], ""
    root = chance.choice(pool)
    return [root], root


def _spread(estate: Estate, roots: list[str], chance: random.Random) -> dict[str, _Failed]:
    """Let a fault spread, first come first served."""
    needing: dict[str, list[Dependency]] = {}
    for d in estate.dependencies:
        needing.setdefault(d.depends_on, []).append(d)
    groups: dict[tuple[str, str], list[str]] = {}
    for d in estate.dependencies:
        if d.group:
            groups.setdefault((d.service, d.group), []).append(d.depends_on)
    failed: dict[str, _Failed] = {}
    lost: dict[tuple[str, str], int] = {}
    heap = [(chance.expovariate(1 / 5), chance.uniform(0.7, 1.0), key) for key in roots]
    # A lost zone does not take everything in it.
    if len(roots) > 1:
        heap = [item for item in heap if chance.random() < 0.85]
    heapq.heapify(heap)
    while heap:
        at, badly, key = heapq.heappop(heap)
        if key in failed:
            continue
        failed[key] = _Failed(badly, at)
        for d in needing.get(key, ()):
            passed = _passes(d, badly, chance)
            if d.group:
                name = (d.service, d.group)
                lost[name] = lost.get(name, 0) + 1
                if len(groups[name]) - lost[name] >= (d.needed or 1):
                    continue
            if passed is not None:
                delay = chance.expovariate(1 / 25) if d.sync else chance.uniform(120, 600)
                heapq.heappush(heap, (at + delay, passed, d.service))
    return failed


def _passes(d: Dependency, badly: float, chance: random.Random) -> float | None:
    """Return how badly a dependant fails, None when it does not."""
    if not d.sync:
        likely, keeps = 0.4, (0.3, 0.6)
    elif d.hardness is Hardness.HARD:
        likely, keeps = 0.92, (0.7, 1.0)
    else:
        likely, keeps = 0.4, (0.3, 0.7)
    passed = badly * chance.uniform(*keeps)
    return passed if chance.random() < likely and passed > 0.15 else None


def _alerts(
    estate: Estate,
    failed: dict[str, _Failed],
    cause: str,
    roots: list[str],
    chance: random.Random,
) -> list[Signal]:
    """Let the monitoring speak: of what failed, mostly; of what did not, sometimes."""
    measured = chance.random() < 0.3
    stray = chance.uniform(0.01, 0.06)
    missing = chance.uniform(0.05, 0.35)
    signals: list[Signal] = []
    for service in estate.services:
        item = failed.get(service.key)
        if item is not None and chance.random() >= missing:
            for number in range(1 + min(4, int(chance.expovariate(1.0)))):
                delay = 30 + chance.expovariate(1 / 40)
                if chance.random() < 0.2:
                    delay += chance.uniform(120, 600)
                strength = min(1.0, item.badly * chance.uniform(0.7, 1.1)) if measured else None
                signals.append(_signal(service.key, item.at + delay, f"a{number}", strength,
                                       2 if item.badly > 0.6 else 3))  # fmt: skip
        elif item is None and chance.random() < stray:
            strength = chance.uniform(0.05, 0.6) if measured else None
            for number in range(chance.choice((1, 1, 2, 5))):
                at = chance.uniform(-900, 900)
                signals.append(_signal(service.key, at, f"n{number}", strength, 4))
    if cause == "third party" and chance.random() < 0.5:
        at = chance.uniform(60, 900)
        signals.append(replace(_signal(roots[0], at, "status", None, 3), kind="third-party-status"))
    return signals


def _signal(key: str, at: float, name: str, strength: float | None, severity: int) -> Signal:
    # Rules are evaluated every 15 seconds.
    since = NOON + timedelta(seconds=round(at / 15) * 15)
    return Signal(key, since, name, severity, strength=strength)


def _changes(
    estate: Estate, cause: str, roots: list[str], chance: random.Random
) -> tuple[Change, ...]:
    """Make changes: the one to blame, if one is, and those of a usual day."""
    changes = []
    if cause == "deploy":
        changes.append((roots[0], -chance.uniform(30, 900)))
    changes += [
        (service.key, chance.uniform(-10_800, 600))
        for service in estate.services
        if service.kind != "third_party" and chance.random() < 0.04
    ]
    return tuple(
        Change(uuid.UUID(int=chance.getrandbits(128)), key, "deploy", NOON + timedelta(seconds=at))
        for key, at in changes
    )


def _history(
    estate: Estate, roots: list[str], failed: dict[str, _Failed], chance: random.Random
) -> tuple[Earlier, ...]:
    """Remember earlier incidents: some like this one, some that only look like it."""
    keys = [s.key for s in estate.services]
    found = []
    if len(roots) == 1 and chance.random() < 0.2:
        found.append((roots[0], [k for k in failed if chance.random() < 0.7]))
    found += [
        (chance.choice(keys), chance.sample(keys, min(len(keys), 5)))
        for _ in range(chance.randint(0, 3))
    ]
    if chance.random() < 0.1:
        found.append((chance.choice(keys), [k for k in failed if chance.random() < 0.6]))
    return tuple(
        Earlier(1_000 + n, cause, frozenset(hit), NOON - timedelta(days=1 + n))
        for n, (cause, hit) in enumerate(found)
    )
