"""Which severity an impact suggests, and why; a person decides."""

from __future__ import annotations

from typing import Final

from warroom.domain.panes import ImpactTotals
from warroom.domain.reasoned import Suggestion

# (severity, from which value on), worst first.
Rules = tuple[tuple[int, float], ...]
# Per cent of users.
USERS_FROM: Final[Rules] = ((1, 50.0), (2, 20.0), (3, 5.0))
# Services of tier 0 and 1; services of any tier; regions, where tier 0 or 1 is hit.
TIER_ONE_FROM: Final[Rules] = ((1, 3), (2, 1))
SERVICES_FROM: Final[Rules] = ((2, 50), (3, 10), (4, 1))
REGIONS_FROM: Final[Rules] = ((1, 2),)


def suggest(totals: ImpactTotals, *, current: int | None = None) -> Suggestion | None:
    """Suggest a severity.

    Args:
        totals: what the incident takes down.
        current: the incident's severity; nothing is suggested when it is that already.

    Returns:
        The worst severity that any of the rules gives, with every rule that gives it; None when
        nothing is hit or nothing would change.
    """
    if not totals.services:
        return None
    share = totals.user_share or 0.0
    found = [
        (severity, reason)
        for rules, value, reason in (
            (USERS_FROM, share, f"~{share:g} % of users feel it"),
            (TIER_ONE_FROM, totals.tier_one, f"{_many(totals.tier_one, 'tier 0–1 service')} hit"),
            (REGIONS_FROM, len(totals.regions) if totals.tier_one else 0,
             f"{len(totals.regions)} regions hit, tier 0 or 1 among them"),
            (SERVICES_FROM, totals.services, f"{_many(totals.services, 'service')} hit"),
        )
        if (severity := _reached(rules, value)) is not None
    ]  # fmt: skip
    worst = min(severity for severity, _ in found)
    if worst == current:
        return None
    said = [reason for severity, reason in found if severity == worst]
    if totals.headline:
        said.insert(0, totals.headline)
    return Suggestion(worst, ", ".join(said))


def _reached(rules: Rules, value: float) -> int | None:
    """Return the worst severity whose threshold a value reaches."""
    return next((severity for severity, least in rules if value >= least), None)


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
