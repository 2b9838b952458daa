"""The line of tabs: which panes there are, which one is shown, and what calls from the others."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from textual import events
from textual.message import Message

from warroom.domain.panes import Pane
from widgets.cell_view import CellView
from widgets.cells import Cell, Line, Role, blank, whole

TITLES = {
    Pane.BOARD: "1 Incidents",
    Pane.IMPACT: "2 Impact",
    Pane.TIMERS: "3 Timers",
    Pane.TIMELINE: "4 Timeline",
    Pane.HEALTH: "5 Health",
}


class PaneTabs(CellView):
    """One line; a click chooses."""

    DEFAULT_CSS = "PaneTabs { height: 1; background: $background; }"

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id)
        self._focus = Pane.BOARD
        self._calls: dict[Pane, tuple[str, Role]] = {}

    def show_tabs(self, focus: Pane, calls: Mapping[Pane, tuple[str, Role]]) -> None:
        """Take the pane with the keys, and what each pane calls (a word and its colour)."""
        self._focus, self._calls = focus, dict(calls)
        self.repaint()

    def content_line(self, index: int, width: int) -> Line:  # noqa: ARG002 # it has one line
        """Draw the tabs; the marker says which one is shown without any colour."""
        cells: list[Cell] = []
        for pane, title in TITLES.items():
            chosen = pane is self._focus
            cells.append(whole("▸" if chosen else " ", Role.CHOSEN))
            cells.append(whole(title, Role.CHOSEN if chosen else Role.QUIET))
            word, role = self._calls.get(pane, ("", Role.QUIET))
            if word:
                cells += [blank(1), whole(word, role)]
            cells.append(blank(2))
        used = sum(c.width for c in cells)
        return Line((*cells, blank(max(width - used, 0))))

    def on_click(self, event: events.Click) -> None:
        """Find the tab under the mouse."""
        x = 0
        for pane, title in TITLES.items():
            word, _ = self._calls.get(pane, ("", Role.QUIET))
            x += 1 + cell_len(title) + (1 + cell_len(word) if word else 0) + 2
            if event.x < x:
                self.post_message(self.Chosen(pane))
                return
