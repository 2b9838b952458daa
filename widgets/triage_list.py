"""What waits for a person: two lines each, the oldest first."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType

from warroom.domain.safe_text import SafeText, safe_text
from warroom.domain.triage import TriagePicture, TriageRow
from widgets.cells import Line, Role, blank, cell, whole
from widgets.pane_list import PaneList, bar
from widgets.words import age_words, severity_look


class TriageList(PaneList):
    """The title with what it would begin with; below it how long it waits, and why it asks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "screen.accept", "Declare an incident of it", id="triage.accept", show=False),
        Binding("m", "screen.merge", "Make it part of an open incident", id="triage.merge",
                show=False),
        Binding("d", "screen.dismiss_item", "Let it be, and say why", id="triage.dismiss",
                show=False),
    ]  # fmt: skip

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._rows: tuple[TriageRow, ...] = ()
        self._total = 0

    def show_triage(self, picture: TriagePicture, now: datetime | None) -> None:
        """Take what waits."""
        self._rows, self._total, self._now = picture.rows, picture.total, now
        self.show_statement("Nothing waits for a person. Rules that ask, and reports, come here.")
        self.set_items([(row.id, 2) for row in self._rows])
        if self.chosen_key is None and self._rows:
            self.action_edge(0)

    @property
    def chosen_row(self) -> TriageRow | None:
        """The chosen one."""
        return next((row for row in self._rows if row.id == self.chosen_key), None)

    def foot(self) -> SafeText:
        """Say how many there are when not all are visible."""
        if 2 * self._total <= max(self.size.height - 2, 0):
            return safe_text("")
        return safe_text(f"{self._total} wait")

    def draw(self, place: int, which: int, width: int, *, chosen: bool) -> Line:
        """Draw one line of one that waits."""
        row = self._rows[place]
        cells = [bar(chosen=chosen), blank(1)]
        if which == 0:
            look = severity_look(row.severity, drill=False)
            cells += [cell(look.glyph, 2, look.role), cell(look.word, 6, look.role)]
            level = f"P{row.priority}" if row.priority is not None else "—"
            cells += [cell(level, 3, Role.QUIET), cell(row.title, 0, Role.STRONG)]
            room = max(width - sum(c.width for c in cells), 0)
            cells[-1] = cell(row.title, room, Role.STRONG)
            return Line(tuple(cells), chosen)
        age = "" if self._now is None else age_words((self._now - row.created_at).total_seconds())
        over = row.alert_state == "resolved"
        what = "report" if row.kind == "report" else ("over" if over else "firing")
        cells += [blank(2), cell(age, 4, Role.QUIET), blank(2)]
        cells.append(cell(what, 8, Role.QUIET if over else Role.PLAIN))
        cells.append(cell(row.service or "—", 16 if width >= 60 else 10, Role.PLAIN))
        cells.append(whole(" ", Role.QUIET))
        said = f"by {row.reported_by}: {row.why}" if row.reported_by else row.why
        room = max(width - sum(c.width for c in cells), 0)
        cells.append(cell(said, room, Role.QUIET))
        return Line(tuple(cells), chosen)
