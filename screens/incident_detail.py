"""One incident on the whole screen, with its timeline."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from screens.actions import COMMANDS, WAR_ROOM, key_name
from screens.command_work import CommandWork
from screens.desk import desk_of
from screens.messages import BoardArrived, CommandChanged, DetailArrived, FeedTrouble
from warroom.domain.picture import IncidentRow
from widgets.header import Header, HeaderFacts
from widgets.incident_record import IncidentRecord
from widgets.status_bar import StatusBar

_SHOWN = tuple(a.id for a in COMMANDS if a.word and a.id != "incident.declare")
_OTHERS = frozenset({"app.commands", "app.help", "app.quit"})


class IncidentScreen(CommandWork):
    """The detail; the command keys work here as they do on the board."""

    DEFAULT_CSS = "IncidentScreen IncidentRecord { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,left", "back", "Back to the board", id="detail.back", show=False),
        *(a.binding() for a in COMMANDS),
        *(a.binding() for a in WAR_ROOM if a.id in _OTHERS),
    ]

    def __init__(self, number: int, facts: HeaderFacts, row: IncidentRow | None = None) -> None:
        super().__init__()
        self._number = number
        self._row = row
        self._facts = facts

    @property
    def ref(self) -> str:
        """What people call it."""
        return f"INC-{self._number}"

    def watched(self) -> int | None:
        """The incident that is read whole."""
        return self._number

    def compose(self) -> ComposeResult:
        """Header, the incident, keys."""
        yield Header(id="header")
        yield IncidentRecord(id="detail", title=self.ref)
        yield StatusBar(id="status")

    def on_mount(self) -> None:
        """Ask for the picture."""
        pane = self.query_one("#detail", IncidentRecord)
        pane.show_statement(f"Reading {self.ref} …")
        pane.focus()
        desk = desk_of(self)
        desk.watch_incident(self._number)
        actions = [a for a in WAR_ROOM if a.id in _SHOWN]
        keys = [(key_name(k[0]), a.word) for a in actions if (k := desk.keys_of(a.id))]
        back = desk.keys_of("detail.back")
        self.query_one("#status", StatusBar).show_keys(
            (*keys, *(((key_name(back[0]), "back"),) if back else ()))
        )
        self.tick()

    def tick(self) -> None:
        """Move the clocks on."""
        desk = desk_of(self)
        now, freshness = desk.database_now(), desk.freshness()
        facts = HeaderFacts(self._facts.board, desk.who(), now)
        self.query_one("#header", Header).show_facts(facts, freshness)
        pane = self.query_one("#detail", IncidentRecord)
        pane.set_freshness(freshness)
        if now is not None:
            pane.tick(now)

    def on_board_arrived(self, message: BoardArrived) -> None:
        """Keep the header true, and the version that commands are about."""
        self._facts = HeaderFacts(message.board, self._facts.who, self._facts.now)
        self._row = next((r for r in message.board.rows if r.number == self._number), self._row)
        self.tick()

    def on_detail_arrived(self, message: DetailArrived) -> None:
        """Show the incident, or say that it cannot be seen."""
        self.take_detail(message)
        pane = self.query_one("#detail", IncidentRecord)
        if message.number != self._number:
            return
        if message.detail is None:
            pane.show_statement(f"{self.ref} is not there, or not for you to see.")
        else:
            self._row = message.detail.row
        pane.show_detail(message.detail, desk_of(self).database_now())

    def on_feed_trouble(self, message: FeedTrouble) -> None:  # noqa: ARG002 # the desk knows it
        """Show at once that the picture stands still."""
        self.tick()

    def on_command_changed(self, message: CommandChanged) -> None:
        """Say what became of the command."""
        self.show_outcome(message.state, self.query_one("#status", StatusBar))

    def chosen(self) -> IncidentRow | None:
        """The incident that commands are about; None before it has been read."""
        return self._row

    def open_rows(self) -> tuple[IncidentRow, ...]:
        """All open incidents of the picture."""
        return self._facts.board.rows if self._facts.board else ()

    def action_back(self) -> None:
        """Back to the board."""
        if self.is_current:
            self.dismiss(None)
