"""The map of the whole estate, by tier and health: one screen, made for the wall."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from screens.actions import ESTATE, WAR_ROOM, key_name
from screens.desk import desk_of
from screens.messages import BoardArrived, FeedTrouble, PaneArrived, PaneTrouble
from screens.room_layout import header_lines
from warroom.domain.panes import Pane
from warroom.domain.picture import BoardPicture
from warroom.domain.reasoned import EstatePicture
from warroom.domain.safe_text import safe_text
from widgets.estate_layout import is_hit
from widgets.estate_map import EstateMap
from widgets.header import Header, HeaderFacts
from widgets.status_bar import StatusBar

_OTHERS = frozenset({"app.help", "app.quit"})


class EstateScreen(Screen[None]):
    """Fed only while it is shown; it goes on by itself, nobody needs to be at the keys."""

    DEFAULT_CSS = "EstateScreen EstateMap { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,m", "back", "Back to the board", id="estate.back", show=False),
        *(a.binding() for a in WAR_ROOM if a.id in _OTHERS),
    ]

    def __init__(self, board: BoardPicture | None = None) -> None:
        super().__init__()
        self._board = board

    def compose(self) -> ComposeResult:
        """Header, the map, keys."""
        yield Header(id="header")
        yield EstateMap(id="estate", title="Map of the estate")
        yield StatusBar(id="status")

    def on_mount(self) -> None:
        """Begin; the picture is asked for by whoever shows this screen."""
        self._map.show_statement("Reading the estate …")
        self._map.focus()
        desk = desk_of(self)
        shown = [a for a in ESTATE if a.word]
        shown += [a for a in WAR_ROOM if a.id in _OTHERS]
        keys = [(key_name(k[0]), a.word) for a in shown if (k := desk.keys_of(a.id))]
        self.query_one("#status", StatusBar).show_keys(tuple(keys))
        self._size_header()
        self.tick()

    def on_resize(self) -> None:
        """The header is large where there is room."""
        self._size_header()

    @property
    def _map(self) -> EstateMap:
        return self.query_one(EstateMap)

    def _size_header(self) -> None:
        width, height = self.size
        self.query_one("#header", Header).styles.height = header_lines(width, height)

    def tick(self) -> None:
        """Move the clocks on."""
        if not self.query("#header"):
            return
        desk = desk_of(self)
        facts = HeaderFacts(self._board, desk.who(), desk.database_now())
        self.query_one("#header", Header).show_facts(facts, desk.freshness())
        self._map.set_freshness(desk.freshness_of(Pane.ESTATE))

    def on_board_arrived(self, message: BoardArrived) -> None:
        """Keep the header true."""
        self._board = message.board
        self.tick()

    def on_pane_arrived(self, message: PaneArrived) -> None:
        """Show the map."""
        picture = message.picture
        if not isinstance(picture, EstatePicture) or not self.query("#estate"):
            return
        hit = sum(map(is_hit, picture.services))
        note = f"{len(picture.services)} services · {hit} hit · {picture.open_count} incidents open"
        self._map.set_heading("Map of the estate", note)
        self._map.show_estate(picture)
        self.tick()

    def on_pane_trouble(self, message: PaneTrouble) -> None:
        """Say why it stands still."""
        if message.pane is Pane.ESTATE and self.query("#estate"):
            self._map.show_statement(safe_text(f"Nothing could be read: {message.reason}"))
            self.tick()

    def on_feed_trouble(self, message: FeedTrouble) -> None:  # noqa: ARG002 # the desk knows it
        """Show at once that the picture stands still."""
        self.tick()

    def action_open_worst(self) -> None:
        """Show the worst incident of the chosen service."""
        from screens.incident_detail import IncidentScreen

        service = self._map.chosen
        if service is None or not service.incidents:
            words = "No service is chosen." if service is None else "No open incident has it."
            self.app.notify(safe_text(words), markup=False)
            return
        number = service.incidents[0]
        rows = self._board.rows if self._board else ()
        row = next((r for r in rows if r.number == number), None)
        self.app.push_screen(IncidentScreen(number, HeaderFacts(self._board), row))

    def action_help(self) -> None:
        """Show all keys, those of the map first."""
        from screens.help import HelpScreen

        self.app.push_screen(HelpScreen("estate"))

    def action_quit(self) -> None:
        """Leave the console."""
        self.app.exit()

    def action_back(self) -> None:
        """Back to the board."""
        if self.is_current:
            self.dismiss(None)
