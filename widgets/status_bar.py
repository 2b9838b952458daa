"""The last line: the keys that work here, and what became of the last command."""

from __future__ import annotations

from rich.cells import cell_len

from warroom.domain.safe_text import safe_text
from widgets.cell_view import CellView
from widgets.cells import Cell, Line, Role, blank, cell


class StatusBar(CellView):
    """Keys at the left, the outcome at the right; the outcome wins when there is little room."""

    DEFAULT_CSS = "StatusBar { height: 1; dock: bottom; background: $wr-bar; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id)
        self._keys: tuple[tuple[str, str], ...] = ()
        self._outcome = safe_text("")
        self._role = Role.BAR_QUIET

    def show_keys(self, keys: tuple[tuple[str, str], ...]) -> None:
        """Take (key, what it does) pairs, the most important first."""
        self._keys = keys
        self.repaint()

    def show_outcome(self, sentence: str, role: Role = Role.BAR_QUIET) -> None:
        """Say what became of the last command."""
        self._outcome, self._role = safe_text(sentence, 200), role
        self.repaint()

    def content_line(self, index: int, width: int) -> Line:  # noqa: ARG002 # it has one line
        """Draw as many keys as fit beside the outcome; at least the first three stay."""
        least = sum(cell_len(k) + cell_len(w) + 4 for k, w in self._keys[:3])
        shown = min(cell_len(self._outcome) + 2, max(width - least - 1, 0)) if self._outcome else 0
        room = width - shown
        cells: list[Cell] = [blank(1, Role.BAR)]
        used = 1
        for key, word in self._keys:
            need = cell_len(key) + cell_len(word) + 3
            if used + need > room:
                break
            cells.append(cell(f"{key} ", cell_len(key) + 1, Role.BAR))
            cells.append(cell(f"{word}  ", need - cell_len(key) - 1, Role.BAR_QUIET))
            used += need
        cells.append(blank(room - used, Role.BAR_QUIET))
        if shown:
            cells.append(cell(f" {self._outcome}", shown, self._role))
        return Line(tuple(cells))
