"""What an outage means in business words: one line, the same on every screen and report."""

from __future__ import annotations

from warroom.domain.panes import ImpactTotals


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


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 service``, ``3 services``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
