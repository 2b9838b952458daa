"""The map of the whole estate, for the wall: services in cells by tier, what is hit stands out."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from warroom.domain.reasoned import EstatePicture, EstateService
from warroom.domain.safe_text import SafeText, safe_text
from widgets.cell_view import CellView, centred
from widgets.cells import Cell, Line, Role, blank, cell
from widgets.estate_layout import (
    Cells,
    Density,
    Heading,
    Layout,
    lay_out,
)
from widgets.estate_lines import heading_line, headline, roomy, scores, spot_cells
from widgets.header import BIG_LINES

# The line that says all of it, and one of air; on a wall large numbers and air besides.
_TOP = 2
_SCORES = BIG_LINES + 1
_WALL = (150, 40)


class EstateMap(CellView, can_focus=True):
    """Draws only what is in sight; the chosen service stays chosen when others move."""

    framed: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.open_worst", "Open", id="estate.open", show=False),
        Binding("down,j", "move(0,1)", "Down", id="estate.down", show=False),
        Binding("up,k", "move(0,-1)", "Up", id="estate.up", show=False),
        Binding("right,l", "move(1,0)", "Next service", id="estate.right", show=False),
        Binding("left,h", "move(-1,0)", "Service before", id="estate.left", show=False),
        Binding("pagedown,space", "leaf(1)", "Page down", id="estate.page-down", show=False),
        Binding("pageup", "leaf(-1)", "Page up", id="estate.page-up", show=False),
        Binding("home,g", "edge(0)", "Top", id="estate.first", show=False),
        Binding("end,G", "edge(-1)", "End", id="estate.last", show=False),
    ]

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._picture: EstatePicture | None = None
        self._drawn_size = (0, 0)
        self._plan: Layout | None = None
        # Places of the services: (line, column) in reading order, and their keys.
        self._spots: list[tuple[int, int]] = []
        self._keys: list[str] = []
        self._places: dict[str, int] = {}
        self._chosen: str | None = None
        self._statement = safe_text("")
        self._above = _TOP
        self._counts: Counter[str] = Counter()

    # Data in

    def show_estate(self, picture: EstatePicture) -> None:
        """Take a picture; it is laid out anew only when a service changed."""
        before = self._picture
        self._picture = picture
        if before is None or before.services != picture.services:
            self._lay_out()
        self.repaint()

    def show_statement(self, statement: str) -> None:
        """Say what an empty map means."""
        self._statement = safe_text(statement)
        self.repaint()

    @property
    def chosen(self) -> EstateService | None:
        """The chosen service."""
        place = self._places.get(self._chosen) if self._chosen is not None else None
        return self._service(place) if place is not None else None

    @property
    def density(self) -> str:
        """How densely it is drawn."""
        return self._plan.density if self._plan else ""

    # Drawing

    def on_resize(self) -> None:
        """Lay out for the new size."""
        self._lay_out()
        super().on_resize()

    def content_height(self) -> int:
        """The headline and the lines of the map."""
        return self._above + len(self._plan.lines) if self._plan and self._plan.lines else 1

    def content_line(self, index: int, width: int) -> Line:
        """Draw the headline, a heading, or a line of cells."""
        picture, plan = self._picture, self._plan
        if picture is None or plan is None or not plan.lines:
            words = self._statement
            if picture is not None:
                words = safe_text("No service is known. Alerts and `warroom service` bring some.")
            middle = max(self.size.height - 2, 1) // 2
            return centred(words, width) if index == middle else Line((blank(width),))
        if index == 0:
            return headline(picture, width)
        if self._above > _TOP and _TOP <= index < _TOP + BIG_LINES:
            return scores(self._counts, index - _TOP)
        at = index - self._above
        if not 0 <= at < len(plan.lines):
            return Line((blank(width),))
        line = plan.lines[at]
        if isinstance(line, Heading):
            return heading_line(line, width)
        if isinstance(line, Cells):
            return self._cells(line, plan)
        return Line((blank(width),))

    def foot(self) -> SafeText:
        """Say which service is chosen, and where one is when not all is in sight."""
        parts = []
        if (service := self.chosen) is not None:
            owner = f" · {safe_text(service.team, 30)}" if service.team else ""
            refs = " ".join(f"INC-{number}" for number in service.incidents[:3])
            parts.append(f"{safe_text(service.name or service.key, 60)}{owner} {refs}".rstrip())
        inside = self.size.height - 2
        if self.content_height() > inside:
            last = min(round(self.scroll_y) + inside, self.content_height())
            parts.append(f"to line {last} of {self.content_height()}")
        if self._picture is not None and self._picture.truncated:
            parts.append("more services than are read")
        return safe_text(" · ".join(parts))

    def _lay_out(self) -> None:
        width, height = self.size.width - 4, self.size.height - 2
        if self._picture is None or width < 1:
            return
        wall = width >= _WALL[0] and height >= _WALL[1]
        self._above = _TOP + _SCORES if wall else _TOP
        self._counts = Counter(service.state for service in self._picture.services)
        plan = lay_out(self._picture.services, width, height - self._above)
        self._plan = plan
        self._spots, self._keys = [], []
        for number, line in enumerate(plan.lines):
            if isinstance(line, Cells) and line.part == 0:
                for column, spot in enumerate(line.spots):
                    if isinstance(spot, EstateService):
                        self._spots.append((number, column))
                        self._keys.append(spot.key)
        self._places = {key: place for place, key in enumerate(self._keys)}
        if self.is_mounted:
            self.resize_content()

    def _service(self, place: int) -> EstateService | None:
        assert self._plan is not None
        number, column = self._spots[place]
        line = self._plan.lines[number]
        spot = line.spots[column] if isinstance(line, Cells) else None
        return spot if isinstance(spot, EstateService) else None

    def _cells(self, line: Cells, plan: Layout) -> Line:
        cells: list[Cell] = []
        if plan.label:
            cells += [blank(1), cell(line.label, plan.label - 2, Role.QUIET), blank(1)]
        for spot in line.spots:
            chosen = isinstance(spot, EstateService) and spot.key == self._chosen
            chosen = chosen and self.has_focus
            if plan.density is Density.ROOMY:
                cells += roomy(spot, plan.cell, line.part, chosen=chosen)
            else:
                cells += spot_cells(spot, plan.cell, chosen=chosen)
        return Line(tuple(cells))

    # Keys and mouse

    def action_move(self, right: int, down: int) -> None:
        """Choose the service beside, or the nearest one above or below."""
        if not self._spots:
            return
        place = self._places.get(self._chosen) if self._chosen is not None else None
        if place is None:
            self._choose(0)
        elif right:
            self._choose(min(max(place + right, 0), len(self._spots) - 1))
        else:
            self._choose(self._beside(place, down))

    def action_leaf(self, step: int) -> None:
        """Move by a page."""
        self.go_to(round(self.scroll_y) + step * max(self.size.height - 4, 1))
        self.repaint()

    def action_edge(self, place: int) -> None:
        """Go to the top (0) or the end (-1)."""
        if self._spots:
            self._choose(0 if place == 0 else len(self._spots) - 1)
        self.go_to(0 if place == 0 else self.content_height())

    def on_click(self, event: events.Click) -> None:
        """Choose by mouse."""
        if self._plan is None:
            return
        at = event.y - 1 + round(self.scroll_y) - self._above
        column = (event.x - 2 - self._plan.label) // max(self._plan.cell, 1)
        if (at, column) in self._spots:
            self._choose(self._spots.index((at, column)))

    def _beside(self, place: int, down: int) -> int:
        """Return the nearest place in the next line that has services."""
        number, column = self._spots[place]
        if down > 0:
            first = bisect_left(self._spots, (number + 1, 0))
            if first == len(self._spots):
                return place
            other = self._spots[first][0]
        else:
            first = bisect_left(self._spots, (number, 0))
            if first == 0:
                return place
            other = self._spots[first - 1][0]
        low = bisect_left(self._spots, (other, 0))
        high = bisect_left(self._spots, (other + 1, 0))
        return min(range(low, high), key=lambda at: abs(self._spots[at][1] - column))

    def _choose(self, place: int) -> None:
        self._chosen = self._keys[place]
        line, inside = self._spots[place][0] + self._above, self.size.height - 2
        top = round(self.scroll_y)
        if line < top + 1:
            # The heading above it stays in sight.
            self.go_to(max(line - self._above, 0))
        elif line + 2 > top + inside:
            self.go_to(line + 2 - inside)
        self.repaint()
