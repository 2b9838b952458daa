"""The live list of incidents: two lines each, only changed columns are sent to the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from warroom.domain.picture import IncidentRow
from warroom.domain.safe_text import SafeText, safe_text
from widgets.cell_view import CellView, centred
from widgets.cells import Line, Role, blank, whole
from widgets.incident_lines import ALL_COLUMNS, LINES, Mark, columns, incident_lines

_EMPTY = Line(())


class LiveList(CellView, can_focus=True):
    """Incidents, keyed by id. The selection stays on its incident when rows move."""

    framed: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "screen.mark", "Mark", id="list.mark", show=False),
        Binding("asterisk", "screen.mark_all", "Mark all", id="list.mark-all", show=False),
        Binding("down,j", "move(1)", "Next incident", id="list.down", show=False),
        Binding("up,k", "move(-1)", "Previous incident", id="list.up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="list.page-down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="list.page-up", show=False),
        Binding("home,g", "edge(0)", "First incident", id="list.first", show=False),
        Binding("end,G", "edge(-1)", "Last incident", id="list.last", show=False),
    ]

    class Selected(Message):
        """Another incident is the chosen one; None when the list is empty."""

        def __init__(self, row: IncidentRow | None) -> None:
            super().__init__()
            self.row = row

    class Opened(Message):
        """A person wants to see the whole incident (second click)."""

        def __init__(self, row: IncidentRow) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._rows: tuple[IncidentRow, ...] = ()
        self._places: dict[UUID, int] = {}
        self._marks: dict[UUID, Mark] = {}
        self._chosen: UUID | None = None
        self._now: datetime | None = None
        self._statement = safe_text("")
        self._total = 0
        self._columns = ALL_COLUMNS
        self._letters: dict[UUID, str] = {}
        self._tagged: frozenset[UUID] = frozenset()

    # Data in

    def show_rows(
        self, rows: tuple[IncidentRow, ...], now: datetime, total: int | None = None
    ) -> None:
        """Take a new picture: rows in order, the database's time, how many there are in all."""
        old_place = self._places.get(self._chosen) if self._chosen else None
        count_changed = len(rows) != len(self._rows)
        self._rows, self._now = rows, now
        self._places = {row.id: place for place, row in enumerate(rows)}
        self._total = len(rows) if total is None else total
        if count_changed:
            self.resize_content()
        if self._chosen not in self._places:
            # The chosen incident has gone: its neighbour is chosen, not the top of the list.
            place = min(old_place or 0, len(rows) - 1)
            self._choose(rows[place].id if rows else None)
        elif old_place != self._places[self._chosen]:
            self._keep_in_sight()
            self.post_message(self.Selected(self.selected))
        else:
            self.post_message(self.Selected(self.selected))
        self.repaint()

    def show_marks(self, marks: Mapping[UUID, Mark]) -> None:
        """Take the marks of commands under way."""
        self._marks = dict(marks)
        self.repaint()

    def show_columns(self, shown: frozenset[str]) -> None:
        """Show only these columns beside severity, reference and title."""
        self._columns = shown
        self.repaint()

    def show_letters(self, letters: Mapping[UUID, str]) -> None:
        """Show the letters of jump mode beside incidents; none ends it."""
        self._letters = dict(letters)
        self.repaint()

    def show_tags(self, tagged: frozenset[UUID]) -> None:
        """Show which incidents are marked for a batch."""
        self._tagged = tagged
        self.repaint()

    @property
    def rows(self) -> tuple[IncidentRow, ...]:
        """The incidents that are listed."""
        return self._rows

    def visible_rows(self) -> tuple[UUID, ...]:
        """Return the incidents that are in sight, from above."""
        first = round(self.scroll_y) // LINES
        many = max(self.size.height - 2, 0) // LINES
        return tuple(row.id for row in self._rows[first : first + many])

    def show_statement(self, statement: str) -> None:
        """Say what an empty list means."""
        self._statement = safe_text(statement)
        self.repaint()

    def tick(self, now: datetime) -> None:
        """Move ages and clocks on."""
        self._now = now
        self.repaint()

    @property
    def selected(self) -> IncidentRow | None:
        """The chosen incident."""
        place = self._places.get(self._chosen) if self._chosen else None
        return None if place is None else self._rows[place]

    def select_number(self, number: int) -> None:
        """Choose an incident by its number, if it is in the list."""
        for row in self._rows:
            if row.number == number and row.id != self._chosen:
                self._choose(row.id)

    def select(self, incident: UUID) -> None:
        """Choose an incident, if it is in the list."""
        if incident in self._places:
            self._choose(incident)

    # Drawing

    def content_height(self) -> int:
        """Two lines an incident."""
        return len(self._rows) * LINES

    def content_line(self, index: int, width: int) -> Line:
        """Draw one of an incident's two lines."""
        place, which = divmod(index, LINES)
        if not self._rows:
            inside = max(self.size.height - 2, 1)
            return (
                centred(self._statement, width) if index == inside // 2 else Line((blank(width),))
            )
        if place >= len(self._rows) or self._now is None:
            return Line((blank(width),))
        row = self._rows[place]
        mark = self._marks.get(row.id, Mark.NONE)
        chosen = row.id == self._chosen
        cols = columns(width, self._columns)
        tagged = row.id in self._tagged
        lines = incident_lines(row, cols, self._now, mark, selected=chosen, tagged=tagged)
        line = lines[which]
        letter = self._letters.get(row.id) if which == 0 else None
        if letter is None:
            return line
        return Line((whole(letter, Role.CHOSEN), *line.cells[1:]), line.selected)

    def foot(self) -> SafeText:
        """Return the place in the list when not all of it is visible."""
        if self.content_height() <= self.size.height - 2 and self._total <= len(self._rows):
            return safe_text("")
        place = self._places.get(self._chosen, 0) + 1 if self._chosen else 0
        return safe_text(f"{place} of {self._total}")

    # Keys and mouse

    def action_move(self, step: int) -> None:
        """Choose the next or the previous incident."""
        self._go((self._places.get(self._chosen, 0) if self._chosen else 0) + step)

    def action_page(self, step: int) -> None:
        """Move by as many incidents as are visible."""
        self.action_move(step * max((self.size.height - 2) // LINES - 1, 1))

    def action_edge(self, place: int) -> None:
        """Choose the first (0) or the last (-1) incident."""
        self._go(place if place >= 0 else len(self._rows) - 1)

    def on_click(self, event: events.Click) -> None:
        """Choose by mouse; a click on the chosen one opens it."""
        place = (event.y - 1 + round(self.scroll_y)) // LINES
        if 0 < event.y < self.size.height - 1 and place < len(self._rows):
            row = self._rows[place]
            if row.id == self._chosen:
                self.post_message(self.Opened(row))
            else:
                self._choose(row.id)

    def on_resize(self) -> None:
        """Keep the chosen incident visible in the new size."""
        super().on_resize()
        self._keep_in_sight()

    def _go(self, place: int) -> None:
        if self._rows:
            self._choose(self._rows[min(max(place, 0), len(self._rows) - 1)].id)

    def _choose(self, incident: UUID | None) -> None:
        self._chosen = incident
        self._keep_in_sight()
        self.repaint()
        self.post_message(self.Selected(self.selected))

    def _keep_in_sight(self) -> None:
        place = self._places.get(self._chosen) if self._chosen else None
        inside = self.size.height - 2
        if place is None or inside <= 0:
            return
        top, first, behind = round(self.scroll_y), place * LINES, (place + 1) * LINES
        if first < top:
            self.go_to(first)
        elif behind > top + inside:
            # Whole incidents only: a half one at the border would be read wrongly.
            target = behind - inside
            self.go_to(target + target % LINES)


__all__ = ["LiveList", "Mark", "Role"]
