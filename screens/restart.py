"""The restart waves of one incident on the whole screen: a checklist for everybody."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from screens.actions import RESTART, WAR_ROOM, key_name
from screens.commands import CommandState, Fate, Kind
from screens.desk import desk_of
from screens.messages import (
    BoardArrived,
    CommandChanged,
    FeedTrouble,
    PaneArrived,
    PaneTrouble,
)
from screens.work import Work, wish
from warroom.domain.panes import ImpactPicture, Pane
from warroom.domain.picture import BoardPicture, IncidentRow
from warroom.domain.reasoned import RestartStep
from warroom.domain.safe_text import safe_text
from widgets.header import Header, HeaderFacts
from widgets.incident_lines import Mark
from widgets.restart_waves import RestartWaves
from widgets.status_bar import StatusBar

_OTHERS = frozenset({"app.help", "app.quit"})


class RestartScreen(Work):
    """Ticks are sent one a service; each shows whether it is known to be on the record.

    Args:
        row: the incident.
        board: the board as it was read last, for the header.
        picture: the impact as it was read last, None when it was not.
    """

    DEFAULT_CSS = "RestartScreen RestartWaves { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,left,w", "back", "Back to the board", id="restart.back", show=False),
        *(a.binding() for a in WAR_ROOM if a.id in _OTHERS),
    ]

    def __init__(
        self, row: IncidentRow, board: BoardPicture | None, picture: ImpactPicture | None
    ) -> None:
        super().__init__()
        self._row = row
        self._board = board
        self._picture = picture
        # What was sent and is not seen in the picture yet: by service, with what was wanted.
        self._sent: dict[str, tuple[bool, Fate]] = {}

    def compose(self) -> ComposeResult:
        """Header, the waves, keys."""
        yield Header(id="header")
        yield RestartWaves(id="restart", title=f"Restart · {self._row.ref}")
        yield StatusBar(id="status")

    def on_mount(self) -> None:
        """Show what is known; the picture is renewed while this screen is shown."""
        self._waves.show_statement(f"Reading {self._row.ref} …")
        self._waves.focus()
        desk = desk_of(self)
        shown = [*RESTART, *(a for a in WAR_ROOM if a.id in _OTHERS)]
        keys = [(key_name(k[0]), a.word) for a in shown if (k := desk.keys_of(a.id))]
        self.query_one("#status", StatusBar).show_keys(tuple(keys))
        self._show()
        self.tick()

    @property
    def _waves(self) -> RestartWaves:
        return self.query_one(RestartWaves)

    def chosen(self) -> IncidentRow | None:
        """The incident."""
        return self._row

    # Pictures

    def tick(self) -> None:
        """Move the clocks on."""
        if not self.query("#header"):
            return
        desk = desk_of(self)
        now = desk.database_now()
        facts = HeaderFacts(self._board, desk.who(), now)
        self.query_one("#header", Header).show_facts(facts, desk.freshness())
        self._waves.set_freshness(desk.freshness_of(Pane.IMPACT))

    def on_board_arrived(self, message: BoardArrived) -> None:
        """Keep the header true, and what commands are about."""
        self._board = message.board
        self._row = next((r for r in message.board.rows if r.id == self._row.id), self._row)
        self.tick()

    def on_pane_arrived(self, message: PaneArrived) -> None:
        """Show the waves of this incident."""
        picture = message.picture
        if isinstance(picture, ImpactPicture) and picture.incident_id == self._row.id:
            self._picture = picture
            self._show()
            self.tick()

    def on_pane_trouble(self, message: PaneTrouble) -> None:
        """Say why they stand still."""
        if message.pane is Pane.IMPACT:
            if self._picture is None and self.query("#restart"):
                self._waves.show_statement(safe_text(f"Nothing could be read: {message.reason}"))
            self.tick()

    def on_feed_trouble(self, message: FeedTrouble) -> None:  # noqa: ARG002 # the desk knows it
        """Show at once that the picture stands still."""
        self.tick()

    def _show(self) -> None:
        if self._picture is None or not self.query("#restart"):
            return
        self._settle()
        desk = desk_of(self)
        title = safe_text(self._row.title, 120)
        self._waves.set_heading(f"Restart · {self._row.ref} · {title}")
        self._waves.show_waves(self._picture, desk.database_now())
        self._show_marks()

    # Ticks

    def action_tick_step(self) -> None:
        """Tick the chosen service, or take its tick away."""
        found = self._waves.chosen_step
        if found is None:
            self.say("No service is chosen: nothing was ticked.")
            return
        wave, step = found
        if step.key in self._sent:
            self.say(f"{step.name or step.key}: the last tick is still under way.")
        elif step.done_at is None and (missing := self._waves.missing_before(wave.number)):
            self.flow(self._ask_first(step, wave.number, missing))
        else:
            self._tick(step, done=step.done_at is None)

    async def _ask_first(
        self, step: RestartStep, number: int, missing: tuple[RestartStep, ...]
    ) -> None:
        names = ", ".join(s.name or s.key for s in missing[:4])
        more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        sentence = f"It stands in wave {number}. Not back yet: {names}{more}."
        if await self.agree(f"{step.name or step.key} is back already?", sentence):
            self._tick(step, done=True)

    def _tick(self, step: RestartStep, *, done: bool) -> None:
        said = "is back" if done else "is not back after all"
        name = step.name or step.key
        self._sent[step.key] = (done, Fate.PENDING)
        self._show_marks()
        order = wish(Kind.RESTART, f"{name} {said}", f"{name} {said}", service=step.key, done=done)
        self.send(self._row, order)

    def on_command_changed(self, message: CommandChanged) -> None:
        """Say what became of a tick."""
        state = message.state
        self.show_outcome(state, self.query_one("#status", StatusBar))
        if state.command.kind is Kind.RESTART and state.command.incident == self._row.id:
            self._take(state)

    def _take(self, state: CommandState) -> None:
        service = str(state.command.wish.args["service"])
        if state.fate is Fate.REFUSED:
            self._sent.pop(service, None)
        else:
            self._sent[service] = (bool(state.command.wish.args["done"]), state.fate)
        self._settle()
        self._show_marks()

    def _settle(self) -> None:
        """Forget what both the API and the picture have confirmed."""
        waves = self._picture.waves if self._picture else ()
        back = {step.key: step.done_at is not None for wave in waves for step in wave.steps}
        self._sent = {
            service: (done, fate)
            for service, (done, fate) in self._sent.items()
            if fate is not Fate.DONE or back.get(service, done) != done
        }

    def _show_marks(self) -> None:
        self._waves.show_marks(
            {
                service: Mark.UNKNOWN if fate is Fate.UNKNOWN else Mark.PENDING
                for service, (_, fate) in self._sent.items()
            }
        )

    def action_help(self) -> None:
        """Show all keys, those of the waves first."""
        from screens.help import HelpScreen

        self.app.push_screen(HelpScreen("restart"))

    def action_quit(self) -> None:
        """Leave the console."""
        self.app.exit()

    def action_back(self) -> None:
        """Back to the board; what was sent goes on."""
        if self.is_current:
            self.dismiss(None)
