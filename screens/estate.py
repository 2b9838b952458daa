"""The map of the whole estate, by tier and health: one screen, made for the wall."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from screens.actions import ESTATE
from screens.framed import Framed
from screens.messages import PaneArrived
from screens.room_layout import header_lines
from warroom.domain.panes import Pane
from warroom.domain.picture import BoardPicture
from warroom.domain.reasoned import EstatePicture
from warroom.domain.safe_text import safe_text
from widgets.estate_layout import is_hit
from widgets.estate_map import EstateMap
from widgets.header import Header, HeaderFacts
from widgets.status_bar import StatusBar


class EstateScreen(Framed):
    """Fed only while it is shown; it goes on by itself, nobody needs to be at the keys."""

    PANE = Pane.ESTATE
    HELP = "estate"
    DEFAULT_CSS = "EstateScreen EstateMap { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,m", "back", "Back to the board", id="estate.back", show=False),
    ]

    def __init__(self, board: BoardPicture | None = None) -> None:
        super().__init__(board)

    def compose(self) -> ComposeResult:
        """Header, the map, keys."""
        yield Header(id="header")
        yield EstateMap(id="estate", title="Map of the estate")
        yield StatusBar(id="status")

    def on_mount(self) -> None:
        """Begin; the picture is asked for by whoever shows this screen."""
        self.view.show_statement("Reading the estate …")
        self.view.focus()
        self.show_keys([a for a in ESTATE if a.word])
        self._size_header()
        self.tick()

    def on_resize(self) -> None:
        """The header is large where there is room."""
        self._size_header()

    @property
    def view(self) -> EstateMap:
        """What stands in the frame."""
        return self.query_one(EstateMap)

    def _size_header(self) -> None:
        width, height = self.size
        self.query_one("#header", Header).styles.height = header_lines(width, height)

    def on_pane_arrived(self, message: PaneArrived) -> None:
        """Show the map."""
        picture = message.picture
        if not isinstance(picture, EstatePicture):
            return
        hit = sum(map(is_hit, picture.services))
        incidents = "1 incident" if picture.open_count == 1 else f"{picture.open_count} incidents"
        note = f"{len(picture.services)} services · {hit} hit · {incidents} open"
        self.view.set_heading("Map of the estate", note)
        self.view.show_estate(picture)
        self.tick()

    def action_open_worst(self) -> None:
        """Show the worst incident of the chosen service."""
        from screens.incident_detail import IncidentScreen

        service = self.view.chosen
        if service is None or not service.incidents:
            words = "No service is chosen." if service is None else "No open incident has it."
            self.app.notify(safe_text(words), markup=False)
            return
        number = service.incidents[0]
        rows = self._board.rows if self._board else ()
        row = next((r for r in rows if r.number == number), None)
        self.app.push_screen(IncidentScreen(number, HeaderFacts(self._board), row))
