"""The impact pane: what the chosen incident takes down, as a tree, and in business words."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Final

from warroom.domain.panes import ImpactNode, ImpactPicture, ImpactTotals
from warroom.domain.safe_text import safe_text
from widgets.cells import Line, Role, blank, cell, whole
from widgets.pane_list import PaneList, bar
from widgets.words import age_words

# Glyph, word, colour. What is only reasoned is said so: it will hurt, nobody has seen it yet.
STATES: Final = {
    "down": ("✖", "down", Role.NOW),
    "degraded": ("▼", "degraded", Role.NOW),
    "suspected": ("?", "suspected", Role.SOON),
    "expected-down": ("◇", "exp. down", Role.SOON),
    "expected-degraded": ("▽", "exp. slow", Role.SOON),
    "recovered": ("✓", "recovered", Role.QUIET),
}
_DEEPEST: Final = 12


class ImpactTree(PaneList):
    """The services of an incident and what depends on them."""

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._picture: ImpactPicture | None = None
        self._branches: list[str] = []

    def show_impact(self, picture: ImpactPicture | None, now: datetime | None) -> None:
        """Take a picture; None when nothing is chosen or it cannot be seen."""
        if picture and self._picture and picture.incident_id != self._picture.incident_id:
            self.go_to(0)
        self._picture, self._now = picture, now
        items: list[tuple[Hashable | None, int]] = []
        if picture is not None and not picture.nodes:
            what = "nothing" if picture.computed_at else "nothing yet"
            self.show_statement(f"INC-{picture.number} has no service: {what} to take down.")
        elif picture is not None:
            self._branches = branches([node.depth for node in picture.nodes])
            items = [(None, 1)]
            items += [((node.key, place), 1) for place, node in enumerate(picture.nodes)]
            items += [(None, 1)] if picture.truncated else []
        self.set_items(items)

    @property
    def chosen_service(self) -> str | None:
        """The key of the chosen service."""
        key = self.chosen_key
        return str(key[0]) if isinstance(key, tuple) else None

    def draw(self, place: int, which: int, width: int, *, chosen: bool) -> Line:  # noqa: ARG002
        """Draw the totals, or a service."""
        assert self._picture is not None
        if place == 0:
            return Line((cell(f" {totals_words(self._picture.totals)}", width, Role.STRONG),))
        if place > len(self._picture.nodes):
            return Line((cell(" … and more than fits: the totals count all.", width, Role.QUIET),))
        node = self._picture.nodes[place - 1]
        return self._node(node, self._branches[place - 1], width, chosen=chosen)

    def _node(self, node: ImpactNode, branch: str, width: int, *, chosen: bool) -> Line:
        glyph, word, role = STATES.get(node.state, ("·", node.state, Role.PLAIN))
        since = ""
        if node.since is not None and self._now is not None:
            since = age_words((self._now - node.since).total_seconds())
        wide = width >= 64
        team = 11 if wide else 0
        why = max(width // 3, 16) if width >= 84 else 0
        tier = 7 if width >= 46 else 3
        state = 10
        # bar, state, age and tier; the name has what remains.
        name = (
            width - 1 - 2 - state - 5 - tier - (team + 1 if team else 0) - (why + 1 if why else 0)
        )
        drawn = min(len(branch), max(name - 8, 0))
        label = node.name or node.key
        cells = [
            bar(chosen=chosen),
            whole(branch[:drawn], Role.FRAME),
            whole(f"{glyph} ", role),
            cell(f"{label} ↑" if node.elsewhere else label, name - drawn,
                 Role.QUIET if node.elsewhere else Role.PLAIN),
            cell(word, state, role),
            cell(since, 4, Role.QUIET, right=True),
            blank(1),
            cell(f"tier {node.tier}" if tier == 7 else f"t{node.tier}", tier, Role.QUIET),
        ]  # fmt: skip
        if team:
            cells += [cell(node.team, team, Role.QUIET), blank(1)]
        if why:
            cells += [cell(_why(node), why, Role.QUIET), blank(1)]
        return Line(tuple(cells), chosen)


def _why(node: ImpactNode) -> str:
    return node.why or (f"{node.hardness} on ↑" if node.hardness else "")


def totals_words(totals: ImpactTotals) -> str:
    """Return the line that a manager reads; shares of users are never added, hence the ``~``."""
    parts = [f"{totals.services} {'service' if totals.services == 1 else 'services'} hit"]
    if totals.tier_one:
        parts.append(f"{totals.tier_one} tier 1")
    if totals.user_share is not None:
        parts.append(f"~{totals.user_share:.0f} % of users")
    if totals.customers is not None:
        parts.append(f"~{totals.customers} customers")
    if totals.regions:
        many = len(totals.regions) > 1
        parts.append(f"{len(totals.regions)} regions" if many else safe_text(totals.regions[0], 30))
    if totals.third_parties:
        parts.append(f"{totals.third_parties} third party")
    return " · ".join(parts)


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
