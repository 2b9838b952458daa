"""The base of every live widget: draws lines of cells and repaints only the cells that changed."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from warroom.domain.safe_text import SafeText, safe_text
from widgets.cells import Cell, Line, Role, blank, changed_columns, clean, exactly, fit, whole
from widgets.freshness import Freshness, freshness_words


class CellView(ScrollView):
    """Lines of cells, optionally in a frame that carries title, note, foot and freshness.

    Subclasses give ``content_height`` and ``content_line``; whatever changes their data calls
    ``repaint``, which compares the visible lines with those last drawn.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"cell--{role}" for role in Role} | {"cell--selected"}
    DEFAULT_CSS = """
    CellView { overflow: hidden hidden; scrollbar-size: 0 0; background: $background; }
    CellView > .cell--plain { color: $foreground; }
    CellView > .cell--strong { color: $foreground; text-style: bold; }
    CellView > .cell--quiet { color: $wr-quiet; }
    CellView > .cell--frame { color: $wr-frame; }
    CellView > .cell--title { color: $foreground; text-style: bold; }
    CellView > .cell--now { color: $wr-now; text-style: bold; }
    CellView > .cell--now-loud { color: $wr-now-text; background: $wr-now; text-style: bold; }
    CellView > .cell--soon { color: $wr-soon; text-style: bold; }
    CellView > .cell--chosen { color: $wr-chosen; text-style: bold; }
    CellView > .cell--struck { color: $wr-quiet; text-style: strike; }
    CellView > .cell--bar { color: $foreground; background: $wr-bar; text-style: bold; }
    CellView > .cell--bar-quiet { color: $wr-quiet; background: $wr-bar; }
    CellView > .cell--selected { background: $wr-selected; }
    """
    framed: ClassVar[bool] = False

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id)
        self._heading = safe_text(title)
        self._note = safe_text(note)
        self._letter = ""
        self._freshness: Freshness | None = None
        self._drawn: dict[int, Line] = {}
        self._looks: dict[tuple[Role, bool], Style] = {}
        self._compare_pending = False

    # What subclasses give

    def content_height(self) -> int:
        """Return the number of lines inside the frame."""
        return 1

    def content_line(self, index: int, width: int) -> Line:
        """Return one line, ``width`` columns wide; ``index`` may lie behind the last one."""
        raise NotImplementedError

    def foot(self) -> SafeText:
        """Return what stands at the left of the lower border."""
        return safe_text("")

    # What others call

    def set_heading(self, title: str, note: str | None = None) -> None:
        """Change the texts of the upper border."""
        self._heading = safe_text(title)
        if note is not None:
            self._note = safe_text(note)
        self.repaint()

    def set_freshness(self, freshness: Freshness) -> None:
        """Say how old this pane's picture is."""
        self._freshness = freshness
        self.repaint()

    def set_letter(self, letter: str) -> None:
        """Show the letter that jump mode gives this pane; empty takes it away."""
        self._letter = letter
        self.repaint()

    def on_focus(self) -> None:
        """Show in the border who has the keys."""
        self.repaint()

    def on_blur(self) -> None:
        """Show that another one has the keys."""
        self.repaint()

    def repaint(self) -> None:
        """Refresh exactly those columns whose cells are not what the terminal shows.

        Several changes in one turn of the event loop are compared once.
        """
        if self.is_mounted and not self._compare_pending:
            self._compare_pending = True
            self.call_next(self._compare)

    def _compare(self) -> None:
        self._compare_pending = False
        if not self.size:
            return
        width, height = self.size
        regions: list[Region] = []
        for y in range(height):
            line = self._line(y)
            drawn = self._drawn.get(y)
            if drawn is None:
                regions.append(Region(0, y, width, 1))
            elif drawn != line:
                regions.extend(Region(x, y, w, 1) for x, w in changed_columns(drawn, line))
        if regions:
            self.refresh(*regions)

    def resize_content(self) -> None:
        """Tell Textual how far this view may scroll."""
        frame = 2 if self.framed else 0
        # A blank line more lets a list of two-line rows end at the border of an odd height.
        spare = 1 if frame and self.content_height() > self.size.height - frame else 0
        self.virtual_size = Size(self.size.width, self.content_height() + frame + spare)

    def go_to(self, line: float) -> None:
        """Show the content from this line on, as far as there is content."""
        # Forced, because there are no scrollbars that would allow it.
        self.scroll_to(y=line, animate=False, immediate=True, force=True)

    # What Textual calls

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Compare instead of repainting all: neighbours often share most columns."""
        if round(old_value) != round(new_value):
            self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll by two lines, one incident of the board."""
        event.stop()
        self.go_to(round(self.scroll_y) + 2)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll back by two lines."""
        event.stop()
        self.go_to(round(self.scroll_y) - 2)

    def on_resize(self) -> None:
        """Forget what was drawn: every column may have moved."""
        self._drawn.clear()
        self.resize_content()

    def notify_style_update(self) -> None:
        """Forget the colours: the theme changed."""
        super().notify_style_update()
        self._looks.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the viewport."""
        line = self._line(y)
        self._drawn[y] = line
        segments = [Segment(c.shown, self._look(c.role, line.selected)) for c in line.cells]
        return Strip(segments, sum(c.width for c in line.cells))

    # How it is done

    def _line(self, y: int) -> Line:
        width, height = self.size
        top = round(self.scroll_y)
        if not self.framed or width < 12:
            return exactly(self.content_line(y + top, width), width)
        if y == 0:
            return self._top(width)
        if y == height - 1:
            return self._bottom(width)
        inner = exactly(self.content_line(y - 1 + top, width - 4), width - 4)
        left, right = whole("│ ", Role.FRAME), whole(" │", Role.FRAME)
        return Line((left, *inner.cells, right), inner.selected)

    def _top(self, width: int) -> Line:
        room = width - 6
        title = fit(self._heading, min(cell_len(self._heading), room))
        note = self._note if cell_len(title) + len(self._note) + 4 < room else ""
        rule = width - 5 - cell_len(title) - (len(note) + 2 if note else 0)
        # Chosen is said by a glyph as well: there are screens without colours.
        corner = whole("╭▸" if self.has_focus else "╭ ", Role.FRAME)
        cells = [corner, Cell(title, Role.CHOSEN if self.has_focus else Role.TITLE)]
        if self._letter and rule > 4:
            rule -= 4
            cells.insert(1, whole(f"[{safe_text(self._letter, 1)}] ", Role.CHOSEN))
        cells.append(whole(" " + "─" * rule, Role.FRAME))
        if note:
            cells.append(whole(f" {note} ", Role.QUIET))
        return Line((*cells, whole("─╮", Role.FRAME)))

    def _bottom(self, width: int) -> Line:
        words, role = freshness_words(self._freshness) if self._freshness else ("", Role.FRAME)
        shown = safe_text(words)
        shown = fit(shown, min(cell_len(shown), max(width - 6, 0)))
        foot = self.foot()
        foot = foot if cell_len(foot) + cell_len(shown) + 10 < width else safe_text("")
        left = f"╰─ {foot} " if foot else "╰"
        right = 3 + (cell_len(shown) + 1 if shown else -1)
        rule = "─" * (width - len(left) - right)
        cells = [whole(left, Role.FRAME), whole(rule, Role.FRAME)]
        if shown:
            cells.append(whole(f" {shown}", role))
            cells.append(whole(" ─╯", Role.FRAME))
        else:
            cells.append(whole("─╯", Role.FRAME))
        return Line(tuple(cells))

    def _look(self, role: Role, selected: bool) -> Style:
        known = self._looks.get((role, selected))
        if known is None:
            known = self.get_component_rich_style(f"cell--{role}")
            if selected and role not in {Role.NOW_LOUD, Role.FRAME}:
                known += Style.from_color(
                    None, self.get_component_rich_style("cell--selected").bgcolor
                )
            self._looks[role, selected] = known
        return known


def centred(text: str, width: int, role: Role = Role.QUIET) -> Line:
    """Return a statement in the middle of an empty pane."""
    shown = fit(clean(text), min(cell_len(clean(text)), width))
    left = (width - cell_len(shown)) // 2
    return Line((blank(left), Cell(shown, role), blank(width - left - cell_len(shown))))
