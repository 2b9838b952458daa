"""The timers pane: every running clock, most urgent first, and what happens at zero."""

from __future__ import annotations

from datetime import datetime

from rich.cells import cell_len
from textual.message import Message

from warroom.domain.panes import TimerRow, TimersPicture
from warroom.domain.safe_text import SafeText, safe_text
from widgets.cells import Line, Role, blank, cell, whole
from widgets.pane_list import PaneList, bar
from widgets.words import clock_words, severity_look, target_words

_CLOCK = 15
_NEAR_S = 300


class TimersList(PaneList):
    """One line a clock; the viewer counts down from the deadline, not from the last picture."""

    class Chosen(Message):
        """A person chose a clock of this incident."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._rows: tuple[TimerRow, ...] = ()
        self._total = 0

    def show_timers(self, picture: TimersPicture, now: datetime | None) -> None:
        """Take the running clocks."""
        self._rows, self._now = picture.rows, now
        self._total = max(picture.total, len(picture.rows))
        self.show_statement("No clock is running: nothing escalates, nothing is due.")
        self.set_items([(row.id, 1) for row in self._rows])

    @property
    def chosen_timer(self) -> TimerRow | None:
        """The chosen clock."""
        return next((row for row in self._rows if row.id == self.chosen_key), None)

    def choice_changed(self) -> None:
        """Tell whose clock it is."""
        if self.has_focus and self.chosen_timer is not None:
            self.post_message(self.Chosen(self.chosen_timer.number))

    def overdue(self, now: datetime) -> int:
        """Return how many clocks have run out, told or not."""
        return sum(row.state != "paused" and row.due_at <= now for row in self._rows)

    def foot(self) -> SafeText:
        """Say how many there are when not all are visible."""
        if self._total <= max(self.size.height - 2, 0):
            return safe_text("")
        return safe_text(f"{self._total} clocks")

    def draw(self, place: int, which: int, width: int, *, chosen: bool) -> Line:  # noqa: ARG002
        """Draw a clock, whose it is, what happens and to whom."""
        row = self._rows[place]
        words, role = countdown(row, self._now)
        used = min(cell_len(words), _CLOCK)
        look = severity_look(row.severity, drill=row.drill)
        verb = 16 if width >= 52 else 13
        cells = [bar(chosen=chosen), blank(_CLOCK - used), cell(words, used, role), blank(1)]
        cells.append(cell(look.glyph, 2, look.role))
        if width >= 64:
            cells.append(cell(look.word, 6, look.role))
        step = f" {row.step}" if row.kind == "escalate" and row.step else ""
        cells += [cell(f"INC-{row.number}", 9, Role.STRONG), blank(1)]
        cells.append(cell(f"{row.at_zero}{step}", verb, Role.PLAIN))
        room = width - sum(c.width for c in cells)
        to = target_words(row.target)
        lost = to == "nobody"
        cells += [whole(" → " if room > 6 else "", Role.QUIET)]
        cells.append(cell(to, room - cells[-1].width, Role.SOON if lost else Role.PLAIN))
        return Line(tuple(cells), chosen)


def countdown(row: TimerRow, now: datetime | None) -> tuple[str, Role]:
    """Return what is left and its colour; a paused clock stands where it was paused."""
    if now is None:
        return "--:--", Role.QUIET
    if row.state == "paused":
        left = (row.due_at - (row.paused_at or now)).total_seconds()
        return f"paused {clock_words(left)}", Role.QUIET
    left = (row.due_at - now).total_seconds()
    if left <= 0:
        return f"OVERDUE {clock_words(-left)}", Role.NOW_LOUD
    return clock_words(left + 0.999), Role.SOON if left < _NEAR_S else Role.PLAIN
