"""How old each pane's picture is, and why it is not renewed."""

from __future__ import annotations

from warroom.domain.panes import Pane
from warroom.domain.safe_text import SafeText
from widgets.freshness import Freshness


class PaneClock:
    """One age and one reason a pane; a picture ends the trouble before it."""

    def __init__(self) -> None:
        self._read: dict[Pane, float] = {}
        self._trouble: dict[Pane, SafeText] = {}

    def arrived(self, pane: Pane, read_mono: float) -> None:
        """Keep when a pane's read began."""
        self._read[pane] = read_mono
        self._trouble.pop(pane, None)

    def troubled(self, pane: Pane, reason: SafeText) -> None:
        """Keep why a pane is not renewed."""
        self._trouble[pane] = reason

    def freshness(self, pane: Pane, mono: float, board: Freshness, lag_s: float) -> Freshness:
        """Return a pane's age; the lag of the server that it was read from counts.

        Args:
            pane: whose.
            mono: the monotonic clock now, in seconds.
            board: the board's freshness: its source is the panes' as well.
            lag_s: how far that source is behind the primary.
        """
        reason = self._trouble.get(pane)
        began = self._read.get(pane)
        troubled = reason is not None
        if began is None:
            return Freshness(None, board.source, reason, troubled)
        age = max(mono - began, 0.0) + lag_s
        if reason is None and age > 2.0:
            reason = board.reason
        # What was sampled of the database does not wait for alerts.
        behind = None if pane is Pane.HEALTH else board.behind_s
        return Freshness(age, board.source, reason, troubled, board.away, behind)
