"""The base of the room's panes: items of one or more lines, one of them chosen, a statement."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from datetime import datetime
from itertools import accumulate
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from warroom.domain.safe_text import SafeText, safe_text
from widgets.cell_view import CellView, centred
from widgets.cells import Cell, Line, Role, blank, whole


class PaneList(CellView, can_focus=True):
    """Items keyed by identity; the chosen one stays chosen when others come and go.

    Subclasses call ``set_items`` with (key, height) pairs and draw a line on demand in
    ``draw``.  A key of None is a line that cannot be chosen.
    """

    framed: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "step(1)", "Down", id="pane.down", show=False),
        Binding("up,k", "step(-1)", "Up", id="pane.up", show=False),
        Binding("pagedown", "leaf(1)", "Page down", id="pane.page-down", show=False),
        Binding("pageup", "leaf(-1)", "Page up", id="pane.page-up", show=False),
        Binding("home,g", "edge(0)", "First", id="pane.first", show=False),
        Binding("end,G", "edge(-1)", "Last", id="pane.last", show=False),
    ]

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._keys: tuple[Hashable | None, ...] = ()
        self._starts: list[int] = [0]
        self._chosen: Hashable | None = None
        self._now: datetime | None = None
        self._statement = safe_text("")

    # What subclasses use

    def set_items(self, items: list[tuple[Hashable | None, int]]) -> None:
        """Take the items; the chosen one stays, a lost one gives way to its neighbour."""
        old = self._place()
        before = self.content_height()
        self._keys = tuple(key for key, _ in items)
        self._starts = [0, *accumulate(height for _, height in items)]
        if self._chosen not in self._keys:
            self._chosen = None
            if old is not None and self.has_focus:
                self._choose_near(min(old, len(self._keys) - 1), -1)
        if self.content_height() != before and self.is_mounted:
            self.resize_content()
        self.repaint()

    def draw(self, place: int, which: int, width: int, *, chosen: bool) -> Line:
        """Return line ``which`` of the item at ``place``; ``width`` columns."""
        raise NotImplementedError

    def lay_out(self) -> None:
        """Make the items anew: the width changed. Panes of one-line items need not."""

    def near_end(self) -> None:
        """Act when the last items came into sight."""

    # What others use

    def show_statement(self, statement: str) -> None:
        """Say what an empty pane means."""
        self._statement = safe_text(statement)
        self.repaint()

    def tick(self, now: datetime) -> None:
        """Move ages and clocks on."""
        self._now = now
        self.repaint()

    @property
    def chosen_key(self) -> Hashable | None:
        """The key of the chosen item."""
        return self._chosen

    # Drawing

    def content_height(self) -> int:
        """All lines of all items."""
        return self._starts[-1]

    def content_line(self, index: int, width: int) -> Line:
        """Draw one line of the item that it belongs to, or the statement."""
        if not self._keys:
            middle = max(self.size.height - 2, 1) // 2
            return centred(self._statement, width) if index == middle else Line((blank(width),))
        if index >= self._starts[-1]:
            return Line((blank(width),))
        place = bisect_right(self._starts, index) - 1
        key = self._keys[place]
        chosen = key is not None and key == self._chosen and self.has_focus
        return self.draw(place, index - self._starts[place], width, chosen=chosen)

    def foot(self) -> SafeText:
        """Say where one is when not all is visible."""
        inside = self.size.height - 2
        if self.content_height() <= inside:
            return safe_text("")
        last = min(round(self.scroll_y) + inside, self.content_height())
        return safe_text(f"to line {last} of {self.content_height()}")

    # Keys and mouse

    def action_step(self, step: int) -> None:
        """Choose the next or the previous item; scroll when there is none to choose."""
        place = self._place()
        first = 0 if step > 0 else len(self._keys) - 1
        self._choose_near(first if place is None else place + step, step)

    def action_leaf(self, step: int) -> None:
        """Move by a page."""
        page = max(self.size.height - 3, 1)
        self.go_to(round(self.scroll_y) + step * page)
        if self._keys:
            top = min(max(round(self.scroll_y) + step * page, 0), self._starts[-1] - 1)
            self._choose_near(bisect_right(self._starts, top) - 1, step)

    def action_edge(self, place: int) -> None:
        """Choose the first (0) or the last (-1) item."""
        self._choose_near(0 if place == 0 else len(self._keys) - 1, 1 if place == 0 else -1)
        self.go_to(0 if place == 0 else self.content_height())

    def on_click(self, event: events.Click) -> None:
        """Choose by mouse."""
        index = event.y - 1 + round(self.scroll_y)
        if 0 < event.y < self.size.height - 1 and index < self._starts[-1]:
            self._choose_near(bisect_right(self._starts, index) - 1, 1)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.lay_out()
        super().on_resize()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for more when the end comes near."""
        super().watch_scroll_y(old_value, new_value)
        self._look_for_end()

    def _look_for_end(self) -> None:
        if self.content_height() - round(self.scroll_y) < 2 * max(self.size.height, 1):
            self.near_end()

    def _place(self) -> int | None:
        return self._keys.index(self._chosen) if self._chosen in self._keys else None

    def _choose_near(self, place: int, step: int) -> None:
        """Choose the item at ``place``, or the next one in that direction that can be chosen."""
        while 0 <= place < len(self._keys) and self._keys[place] is None:
            place += step or 1
        if 0 <= place < len(self._keys):
            self._chosen = self._keys[place]
            self._keep_in_sight(place)
            self.choice_changed()
        elif step < 0:
            self.go_to(0)
        self.repaint()
        self._look_for_end()

    def choice_changed(self) -> None:
        """Act on another chosen item."""

    def _keep_in_sight(self, place: int) -> None:
        inside = self.size.height - 2
        if inside <= 0:
            return
        first, behind, top = self._starts[place], self._starts[place + 1], round(self.scroll_y)
        if first < top:
            self.go_to(first)
        elif behind > top + inside:
            self.go_to(max(min(behind - inside, first), 0))


def bar(*, chosen: bool) -> Cell:
    """Return the column that marks the chosen item."""
    return whole("▌" if chosen else " ", Role.CHOSEN)
