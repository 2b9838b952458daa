"""The frame of a screen with one view: header, the view, keys, and how old its picture is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from textual.binding import BindingType

from screens.actions import WAR_ROOM, KeyAction, key_name
from screens.desk import desk_of
from screens.messages import BoardArrived, FeedTrouble, PaneTrouble
from screens.work import Work
from warroom.domain.panes import Pane
from warroom.domain.picture import BoardPicture, IncidentRow
from warroom.domain.safe_text import safe_text
from widgets.freshness import Freshness
from widgets.header import Header, HeaderFacts
from widgets.pane_list import PaneList
from widgets.status_bar import StatusBar

_OTHERS = tuple(a for a in WAR_ROOM if a.id in {"app.help", "app.quit"})


class View(Protocol):
    """What stands in the frame."""

    def set_freshness(self, freshness: Freshness) -> None:
        """Show how old it is."""

    def show_statement(self, statement: str) -> None:
        """Say what an empty view means."""


class Framed(Work):
    """Fed only while it is shown; the board's picture keeps the header true.

    Args:
        board: the board as it was read last, None before it has been read.
    """

    PANE: ClassVar[Pane]
    """Where its picture comes from."""
    HELP: ClassVar[str]
    """What of the help comes first."""
    BINDINGS: ClassVar[list[BindingType]] = [a.binding() for a in _OTHERS]

    def __init__(self, board: BoardPicture | None = None) -> None:
        super().__init__()
        self._board = board

    @property
    def view(self) -> View:
        """What stands in the frame."""
        raise NotImplementedError

    def chosen(self) -> IncidentRow | None:
        """None: what is shown is about no single incident, unless a screen says otherwise."""
        return None

    def has_picture(self) -> bool:
        """Return whether something is shown that trouble must not take away."""
        return False

    def show_keys(self, actions: Sequence[KeyAction]) -> None:
        """Show the keys of the screen's own actions, then help and the way out."""
        desk = desk_of(self)
        shown = [*actions, *_OTHERS]
        keys = [(key_name(k[0]), a.word) for a in shown if (k := desk.keys_of(a.id))]
        self.query_one("#status", StatusBar).show_keys(tuple(keys))

    def tick(self) -> None:
        """Move the clocks on."""
        desk = desk_of(self)
        now = desk.database_now()
        facts = HeaderFacts(self._board, desk.who(), now)
        self.query_one("#header", Header).show_facts(facts, desk.freshness())
        view = self.view
        view.set_freshness(desk.freshness_of(self.PANE))
        if now is not None and isinstance(view, PaneList):
            view.tick(now)

    def on_board_arrived(self, message: BoardArrived) -> None:
        """Keep the header true."""
        self._board = message.board
        self.tick()

    def on_pane_trouble(self, message: PaneTrouble) -> None:
        """Say why it stands still."""
        if message.pane is self.PANE:
            if not self.has_picture():
                self.view.show_statement(safe_text(f"Nothing could be read: {message.reason}"))
            self.tick()

    def on_feed_trouble(self, message: FeedTrouble) -> None:  # noqa: ARG002 # the desk knows it
        """Show at once that the picture stands still."""
        self.tick()

    # Keys

    def action_help(self) -> None:
        """Show all keys, the screen's own first."""
        from screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.HELP))

    def action_quit(self) -> None:
        """Leave the console."""
        self.app.exit()

    def action_back(self) -> None:
        """Back to the board; what was sent goes on."""
        if self.is_current:
            self.dismiss(None)
