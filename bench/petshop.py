"""Suspects on real faults: `python -m bench.petshop DATA_FOLDER`.

The data are metrics of a real application while faults were injected (see the folder's README).
Metrics become alerts, by each component's deviation from its own normal; alerts and call graph go
through ``warroom.impact.suspects`` with the weights of production.  Components are renamed by
chance before the ranking sees them, so that it cannot know a name.

``petshop.elsewhere`` are faults made in the application's metrics without a fault, because the
published part of the data has one cause only (``bench.petshop_elsewhere``).
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.petshop_alerts import alerts
from bench.petshop_data import Issue, Scenario, scenarios
from bench.petshop_elsewhere import REPORT, fault
from bench.ranking import Tally, judged, ranked_causes
from bench.report import Figure

_SEED = 20_230_413


def measure(folder: Path) -> dict[str, dict[str, Tally]]:
    """Rank the suspects of every issue.

    Returns:
        By scenario, then by method (``suspects`` or the name of a baseline), how often the true
        cause stood first and among the first three.
    """
    tallies: dict[str, dict[str, Tally]] = {}
    truths: Counter[str] = Counter()
    todo: list[tuple[Scenario, Issue]] = []
    for scenario in scenarios(folder):
        for issue in scenario.issues:
            todo.append((scenario, issue))
            truths[issue.cause] += 1
    # What somebody guesses who has seen all answers, and looks at nothing.
    constant = [name for name, _ in sorted(truths.items(), key=lambda t: (-t[1], t[0]))]
    for scenario, issue in todo:
        found = tallies.setdefault(scenario.name, {})
        for method, causes in rank(scenario, issue).items():
            found.setdefault(method, Tally()).add(causes, issue.cause)
        found.setdefault("constant guess", Tally()).add(constant, issue.cause)
    return tallies


def rank(scenario: Scenario, issue: Issue) -> dict[str, list[str]]:
    """Return the causes that each method names, best first."""
    chance = random.Random(f"{_SEED} {scenario.name} {issue.name}")
    names = list(scenario.components)
    chance.shuffle(names)
    mask = {name: f"c{number:02}" for number, name in enumerate(names)}
    unmask = {masked: name for name, masked in mask.items()}
    case = alerts(scenario, issue, mask)
    return {
        method: [unmask.get(key, key) for key in causes]
        for method, causes in ranked_causes(case).items()
    }


def elsewhere(folder: Path, seeds: Iterable[int] = REPORT) -> dict[str, dict[str, Tally]]:
    """Rank the suspects of faults at components chosen by chance; by scenario and method."""
    tallies: dict[str, dict[str, Tally]] = {}
    usable = [s for s in scenarios(folder) if s.normal is not None and s.issues]
    for seed in seeds:
        for scenario in usable:
            # Where the real faults were felt, these are felt too.
            made = fault(scenario, seed, scenario.issues[0].target)
            if made is None:
                continue
            found = tallies.setdefault(scenario.name, {})
            for method, causes in rank(*made).items():
                found.setdefault(method, Tally()).add(causes, made[1].cause)
    return tallies


def figures(folder: Path) -> list[Figure]:
    """Return the figures over all scenarios, each beside the best baseline."""
    return [
        *_figures("petshop", measure(folder)),
        *_figures("petshop.elsewhere", elsewhere(folder)),
    ]


def _figures(name: str, tallies: dict[str, dict[str, Tally]]) -> list[Figure]:
    whole: dict[str, Tally] = {}
    for found in tallies.values():
        for method, tally in found.items():
            whole.setdefault(method, Tally()).join(tally)
    if not whole:
        return []
    for scenario, methods in [*tallies.items(), ("all scenarios", whole)]:
        print(f"{name}, {scenario}: {methods['suspects'].count} faults")
        for method, tally in methods.items():
            print(f"  {method:18} {tally.text()}")
    return judged(name, whole)


def main(words: list[str]) -> int:
    """Print a table a scenario, then the figures as JSON lines."""
    if len(words) != 1 or not Path(words[0]).is_dir():
        print("usage: python -m bench.petshop DATA_FOLDER", file=sys.stderr)
        return 2
    for figure in figures(Path(words[0])):
        print(figure.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
