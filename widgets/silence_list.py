"""The silences as a list: until when, whose, which alerts and why; below it what they hold back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from textual.binding import Binding, BindingType

from warroom.domain.safe_text import safe_text
from warroom.domain.silence import SilenceState, say_matchers, state_of
from warroom.domain.silence_picture import HeldAlert, SilenceRow, SilencesPicture
from widgets.cells import Line, Role, blank, cell, whole
from widgets.incident_lines import Mark
from widgets.pane_list import PaneList, bar
from widgets.words import age_words, clock_words, severity_look, time_words

_CLOCK: Final = 15
_INDENT: Final = 5
_TEXT: Final = 600


class SilenceList(PaneList):
    """Two lines a silence; alerts that are held back stand below, one line each."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "screen.add", "New", id="silence.add", show=False),
        Binding("x", "screen.expire", "End", id="silence.expire", show=False),
    ]

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._rows: tuple[SilenceRow, ...] = ()
        self._held: tuple[HeldAlert, ...] = ()
        self._held_count = 0
        self._marks: dict[UUID, Mark] = {}

    def show_silences(self, picture: SilencesPicture, now: datetime | None) -> None:
        """Take the silences; the first is chosen at first."""
        first = not self._rows
        self._rows, self._held, self._now = picture.rows, picture.held, now
        self._held_count = max(picture.held_count, len(picture.held))
        self.show_statement("No silence is in force. n makes one.")
        items: list[tuple[UUID | None, int]] = [(row.id, 2) for row in self._rows]
        if self._rows or self._held:
            items += [(None, 2), *((None, 1) for _ in self._held)]
        self.set_items(list(items))
        if first and self._rows:
            self._choose_near(0, 1)

    def show_marks(self, marks: Mapping[UUID, Mark]) -> None:
        """Take the marks of silences that are being ended."""
        if dict(marks) != self._marks:
            self._marks = dict(marks)
            self.repaint()

    @property
    def chosen_silence(self) -> SilenceRow | None:
        """The chosen silence."""
        return next((row for row in self._rows if row.id == self.chosen_key), None)

    # Drawing

    def draw(self, place: int, which: int, width: int, *, chosen: bool) -> Line:
        """Draw a line of a silence, of the heading, or an alert that is held back."""
        if place < len(self._rows):
            row = self._rows[place]
            return self._why(row, width, chosen) if which else self._what(row, width, chosen)
        if place == len(self._rows):
            return self._held_line(width) if which else Line((blank(width),))
        return self._alert(self._held[place - len(self._rows) - 1], width)

    def _what(self, row: SilenceRow, width: int, chosen: bool) -> Line:
        clock, role = _clock(row, self._now)
        mark = self._marks.get(row.id, Mark.NONE)
        colour = Role.SOON if mark is Mark.UNKNOWN else Role.CHOSEN
        cells = [
            bar(chosen=chosen), cell(mark.value if mark is not Mark.NONE else " ", 2, colour),
            cell(clock, _CLOCK, role), blank(1),
            cell(row.by, min(16, max(width // 6, 6)), Role.STRONG), blank(1),
        ]  # fmt: skip
        room = width - sum(c.width for c in cells)
        text = safe_text(say_matchers(row.matchers), _TEXT)
        over = row.expired_at is not None
        cells.append(cell(text, room, Role.STRUCK if over else Role.PLAIN))
        return Line(tuple(cells), chosen)

    def _why(self, row: SilenceRow, width: int, chosen: bool) -> Line:
        text = row.comment
        if row.expired_at is not None:
            text = f"ended {time_words(row.expired_at)} by {row.ended_by or 'somebody'} · {text}"
        said = cell(safe_text(text, _TEXT), max(width - _INDENT, 0), Role.QUIET)
        return Line((bar(chosen=chosen), blank(_INDENT - 1), said), chosen)

    def _held_line(self, width: int) -> Line:
        count = self._held_count
        if not count:
            return Line((blank(2), cell("nothing is held back", width - 2, Role.QUIET)))
        many = "1 alert fires and opens" if count == 1 else f"{count:,} alerts fire and open"
        more = f"; the worst {len(self._held)}" if len(self._held) < count else ""
        return Line((blank(2), cell(f"held back: {many} nothing{more}", width - 2)))

    def _alert(self, alert: HeldAlert, width: int) -> Line:
        look = severity_look(alert.severity)
        age = (self._now - alert.starts_at).total_seconds() if self._now else 0.0
        cells = [
            blank(2), cell(look.glyph, 2, look.role), cell(look.word, 6, look.role),
            cell(age_words(age), 4, Role.QUIET, right=True), blank(1),
            cell(alert.service, min(20, max(width // 5, 6)), Role.STRONG), blank(1),
        ]  # fmt: skip
        room = max(width - sum(c.width for c in cells), 0)
        name = min(room * 3 // 5, 60)
        return Line(
            (*cells, cell(alert.summary or alert.name, name), whole(" "),
             cell(alert.why, max(room - name - 1, 0), Role.QUIET))
        )  # fmt: skip


def _clock(row: SilenceRow, now: datetime | None) -> tuple[str, Role]:
    """Return how long a silence lasts, or until it begins; one that is over says so."""
    if now is None:
        return "--:--", Role.QUIET
    state = state_of(row.starts_at, row.ends_at, row.expired_at, now)
    if state is SilenceState.EXPIRED:
        return "over", Role.QUIET
    if state is SilenceState.PENDING:
        return f"in {clock_words((row.starts_at - now).total_seconds() + 0.999)}", Role.QUIET
    left = (row.ends_at - now).total_seconds()
    return f"{clock_words(left + 0.999)} left", Role.SOON if left < 300 else Role.PLAIN
