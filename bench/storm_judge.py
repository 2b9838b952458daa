"""What became of the storm's alerts, held against the causes that were known beforehand.

Two alerts belong together when they have the same cause.  ``precision`` is the share of pairs of
alerts on one incident that have one cause, ``recall`` the share of pairs of one cause that are on
one incident; alerts on no incident are alone.  What nothing took down is its own cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Judged:
    """How well incidents meet causes.

    ``incidents`` hold the alerts, ``true_causes`` they come from; ``named`` is how many of the
    great causes' largest incidents begin their title with the cause, ``whole`` how many have at
    least 95 of 100 of the cause's alerts.
    """

    precision: float
    recall: float
    incidents: int
    true_causes: int
    named: int
    whole: int
    lonely: int


def judge(
    placed: Iterable[tuple[str, str | None, int]],
    truth: Mapping[str, str],
    causes: Iterable[str],
    titles: Mapping[str, str],
) -> Judged:
    """Judge where alerts are.

    Args:
        placed: (service, incident, how many alerts of that service are on it).
        truth: the cause of each service.
        causes: the great ones.
        titles: of the incidents.
    """
    both: Counter[tuple[str, str]] = Counter()
    lonely = 0
    for service, incident, many in placed:
        if incident is None:
            lonely += many
        both[truth[service], incident or f"none {service}"] += many
    of_cause: Counter[str] = Counter()
    of_incident: Counter[str] = Counter()
    for (cause, incident), many in both.items():
        of_cause[cause] += many
        of_incident[incident] += many
    right = sum(_pairs(n) for n in both.values())
    named = whole = 0
    for cause in causes:
        found = {i: n for (c, i), n in both.items() if c == cause}
        if found:
            largest = max(found, key=lambda i: found[i])
            named += titles.get(largest, "").startswith(cause)
            whole += found[largest] >= 0.95 * of_cause[cause]
    return Judged(
        right / max(sum(_pairs(n) for n in of_incident.values()), 1),
        right / max(sum(_pairs(n) for n in of_cause.values()), 1),
        sum(not i.startswith("none ") for i in of_incident), len(of_cause), named, whole, lonely,
    )  # fmt: skip


def astray(
    placed: Iterable[tuple[str, str | None, int]],
    truth: Mapping[str, str],
    titles: Mapping[str, str],
) -> list[str]:
    """Return, for each service whose alerts are on an incident of another cause, a line."""
    rows = list(placed)
    of_incident: dict[str, Counter[str]] = {}
    for service, incident, many in rows:
        if incident is not None:
            of_incident.setdefault(incident, Counter())[truth[service]] += many
    lines = []
    biggest: dict[str, str] = {}
    for incident, causes in of_incident.items():
        for cause, many in causes.items():
            if cause not in biggest or many > of_incident[biggest[cause]][cause]:
                biggest[cause] = incident
    for service, incident, many in sorted(rows, key=lambda r: r[0]):
        cause = truth[service]
        if incident is None or incident != biggest[cause]:
            lines.append(
                f"{many} of {service} ({cause}): INC-{incident} {titles.get(incident or '')}"
            )
        elif max(of_incident[incident], key=of_incident[incident].__getitem__) != cause:
            lines.append(f"{many} of {service} ({cause}) on another's: {titles.get(incident)}")
    return lines


def _pairs(many: int) -> int:
    return many * (many - 1) // 2
