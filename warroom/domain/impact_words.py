"""What an outage means in business words: one line, the same on every screen and report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from warroom.domain.panes import ImpactTotals

_NAMED: Final = 2


def totals_line(totals: ImpactTotals) -> str:
    """Return the line that a manager reads.

    ``checkout down: 3 tier 0–1 services, ~62 % of users, 2 regions``; without a headline it begins
    with the number of services.  Shares of users are never added, hence the ``~``.  The text is as
    raw as the names in it.
    """
    count = counted(totals.services, "service")
    parts = []
    if totals.tier_one:
        parts.append(counted(totals.tier_one, "tier 0–1 service"))
    if totals.user_share is not None:
        parts.append(f"~{totals.user_share:.0f} % of users")
    if len(totals.regions) == 1:
        parts.append(f"region {totals.regions[0]}")
    elif totals.regions:
        parts.append(f"{len(totals.regions)} regions")
    if not totals.headline:
        return f"{count} hit: {', '.join(parts)}" if parts else f"{count} hit"
    return f"{totals.headline}: {', '.join(parts) if parts else f'{count} hit'}"


def all_counts(totals: ImpactTotals) -> str:
    """Return every count: ``14 services hit, 3 tier 0–1, ~62 % of users, ~1200 customers, …``.

    The text is as raw as the names in it.
    """
    parts = [f"{counted(totals.services, 'service')} hit", f"{totals.tier_one} tier 0–1"]
    if totals.user_share is not None:
        parts.append(f"~{totals.user_share:g} % of users")
    if totals.customers is not None:
        parts.append(f"~{totals.customers} customers")
    if totals.regions:
        parts.append(f"{counted(len(totals.regions), 'region')} ({', '.join(totals.regions)})")
    if totals.third_parties:
        many = "parties" if totals.third_parties > 1 else "party"
        parts.append(f"{totals.third_parties} third {many}")
    return ", ".join(parts)


def headline_of(headlines: Sequence[str]) -> str:
    """Return the headlines of several incidents as one; the worst come first."""
    named = list(dict.fromkeys(headlines))
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 service``, ``3 services``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
