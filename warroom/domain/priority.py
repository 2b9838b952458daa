"""Priority: how much an alert matters to the business, whatever word its tool used.

From the service's tier, how many customers and what share of users it serves, and whether the
alert comes from production.  The unified severity stays beside it: that says how bad the tool
thinks it is.  An incident begins with the worse of the severity and two steps below the priority.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEAST: Final = 5
# Per cent of all users, and customers: from here on a service counts a step more, or two.
SHARES: Final = ((50.0, 2), (10.0, 1))
CUSTOMERS: Final = ((100_000, 2), (10_000, 1))
PRODUCTION: Final = frozenset({"", "prod", "production", "prd", "live"})
FLOOR_STEPS: Final = 2


@dataclass(frozen=True, slots=True)
class Impact:
    """What is known of the service: tier 0 (all rests on it) to 5, customers, per cent of users."""

    tier: int
    customers: int | None = None
    user_share: float | None = None


@dataclass(frozen=True, slots=True)
class Priority:
    """1 (worst) to 5, and why."""

    level: int
    reason: str


def priority(impact: Impact, environment: str) -> Priority:
    """Return the priority of an alert of a service.

    Args:
        impact: what the catalogue says of the service.
        environment: where the alert comes from; unknown counts as production.
    """
    said = [f"tier {impact.tier}"]
    if environment.casefold() not in PRODUCTION:
        return Priority(LEAST, f"{said[0]}, but {environment[:40]} is not production")
    steps = 0
    share, customers = impact.user_share, impact.customers
    if share is not None and (by := _steps(share, SHARES)):
        steps = max(steps, by)
        said.append(f"{share:g} % of users")
    if customers is not None and (by := _steps(customers, CUSTOMERS)):
        steps = max(steps, by)
        said.append(f"{customers:,} customers".replace(",", " "))
    level = min(max(impact.tier + 1 - steps, 1), LEAST)
    return Priority(level, ", ".join(said))


def begins_with(severity: int, level: int | None) -> int:
    """Return the severity that an incident begins with, of its alert's severity and priority.

    A notice from what everything rests on is looked at (priority 1: SEV3 or worse); a severity is
    never made milder, because an alert too many harms less than one that is overlooked.
    """
    return severity if level is None else min(severity, level + FLOOR_STEPS)


def _steps(value: float, table: tuple[tuple[float, int], ...]) -> int:
    return next((steps for least, steps in table if value >= least), 0)
