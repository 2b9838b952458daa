"""The impact pane in words: states, the line that a manager reads, the first suspect, branches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from warroom.domain.impact_words import counted
from warroom.domain.panes import ImpactNode, ImpactTotals
from warroom.domain.reasoned import SharedDomain, Suggestion, Suspect
from warroom.domain.safe_text import safe_text
from widgets.cells import Role

# Glyph, word, colour. What is only reasoned is said so: it will hurt, nobody has seen it yet.
# Worst first.
STATES: Final = {
    "down": ("✖", "down", Role.NOW),
    "degraded": ("▼", "degraded", Role.NOW),
    "expected-down": ("◇", "exp. down", Role.SOON),
    "suspected": ("?", "suspected", Role.SOON),
    "expected-degraded": ("▽", "exp. slow", Role.SOON),
    "recovered": ("✓", "recovered", Role.QUIET),
}
KINDS: Final = {"third-party": "third party", "change": "change", "domain": "shared by the hit"}
THIRD_PARTY: Final = frozenset({"third_party", "third-party"})
_ORDER: Final = {state: place for place, state in enumerate(STATES)}
_DEEPEST: Final = 12
_REGION: Final = 30


def state_look(state: str) -> tuple[str, str, Role]:
    """Return glyph, word and colour of a state; one that is newer than this console is said."""
    return STATES.get(state, ("·", state, Role.PLAIN))


def badness(state: str) -> int:
    """Return the place of a state, 0 the worst."""
    return _ORDER.get(state, len(_ORDER))


def worst_of(states: Iterable[str]) -> str:
    """Return the worst of some states, empty when there is none."""
    return min(states, key=badness, default="")


def more_words(totals: ImpactTotals) -> str:
    """Return the counts that the line above has no room for, empty when it says them all."""
    parts = []
    if totals.headline and (totals.tier_one or totals.user_share is not None or totals.regions):
        parts.append(f"{counted(totals.services, 'service')} hit")
    if totals.customers is not None:
        parts.append(f"~{customers_words(totals.customers)}")
    if totals.third_parties:
        many = totals.third_parties > 1
        parts.append(f"{totals.third_parties} third {'parties' if many else 'party'}")
    if len(totals.regions) > 1:
        parts.append(", ".join(safe_text(region, _REGION) for region in totals.regions[:6]))
    return " · ".join(parts)


def customers_words(number: int) -> str:
    """Return how many customers, in groups of three digits."""
    return f"{number:,} customers".replace(",", "\N{NO-BREAK SPACE}")


def reason_words(node: ImpactNode) -> str:
    """Return why a service is hit."""
    return node.why or (f"{node.hardness} on ↑" if node.hardness else "")


def felt_words(node: ImpactNode) -> str:
    """Return who feels a service that is hit, empty when nobody said: users, customers."""
    parts = []
    if node.user_share is not None:
        parts.append(f"~{node.user_share:.0f} % of users")
    if node.customers is not None:
        parts.append(customers_words(node.customers))
    return ", ".join(parts)


def suspect_words(suspect: Suspect) -> str:
    """Return a suspect and its strongest reason in one sentence."""
    name = safe_text(suspect.name or suspect.key, 80)
    return f"{name}: {safe_text(suspect.reasons[0])}" if suspect.reasons else str(name)


def about_words(suspect: Suspect, age: str) -> str:
    """Return what a suspect is: kind, service that it changed, tier, team, since when."""
    parts = [KINDS.get(suspect.kind, "")]
    if suspect.kind == "change" and suspect.key:
        parts.append(f"of {safe_text(suspect.key, 60)}")
    if suspect.tier is not None:
        parts.append(f"tier {suspect.tier}")
    if suspect.team:
        parts.append(str(safe_text(suspect.team, 40)))
    if age:
        parts.append(f"{age} ago" if suspect.kind == "change" else f"for {age}")
    return " · ".join(part for part in parts if part)


def meter(score: float) -> str:
    """Return how a suspect stands against the others, in three cells."""
    full = round(min(max(score, 0.0), 1.0) * 3)
    return "■" * full + "·" * (3 - full)


def suggestion_words(suggestion: Suggestion, severity: int | None) -> str:
    """Return the severity that the impact suggests, and why; a person decides."""
    reason = safe_text(suggestion.reason, 300)
    if suggestion.severity == severity:
        return f"SEV{severity} fits: {reason}"
    now = f", it is SEV{severity}" if severity is not None else ""
    return f"suggests SEV{suggestion.severity}{now}: {reason}"


def domain_words(domain: SharedDomain) -> str:
    """Return how much of a failure domain is hit, and how much is hit outside."""
    there = f"{domain.hit} of its {counted(domain.of, 'service')} hit" if domain.of else (
        f"{counted(domain.hit, 'service')} hit"
    )  # fmt: skip
    return f"{there}, {domain.outside} hit outside" if domain.outside else there


def branches(depths: list[int]) -> list[str]:
    """Return the lines of the tree before each node, from the depths in drawing order."""
    found: list[str] = []
    follows: set[int] = set()
    for depth in reversed(depths):
        shown = min(depth, _DEEPEST)
        stem = "".join("│ " if level in follows else "  " for level in range(1, shown))
        found.append(stem + ("├─" if shown in follows else "└─") if shown else "")
        follows = {level for level in follows if level < shown} | ({shown} if shown else set())
    return found[::-1]
