"""The restart waves of one incident on the whole screen: a checklist for everybody."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from screens.actions import RESTART
from screens.commands import CommandState, Fate, Kind
from screens.desk import desk_of
from screens.framed import Framed
from screens.messages import (
    BoardArrived,
    CommandChanged,
    PaneArrived,
)
from screens.work import wish
from warroom.domain.panes import ImpactPicture, Pane
from warroom.domain.picture import BoardPicture, IncidentRow
from warroom.domain.reasoned import RestartStep
from warroom.domain.safe_text import safe_text
from widgets.header import Header
from widgets.incident_lines import Mark
from widgets.restart_waves import RestartWaves
from widgets.status_bar import StatusBar


class RestartScreen(Framed):
    """Ticks are sent one a service; each shows whether it is known to be on the record.

    Args:
        row: the incident.
        board: the board as it was read last, for the header.
        picture: the impact as it was read last, None when it was not.
    """

    PANE = Pane.IMPACT
    HELP = "restart"
    DEFAULT_CSS = "RestartScreen RestartWaves { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,left,w", "back", "Back to the board", id="restart.back", show=False),
    ]

    def __init__(
        self, row: IncidentRow, board: BoardPicture | None, picture: ImpactPicture | None
    ) -> None:
        super().__init__(board)
        self._row = row
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
        self.view.show_statement(f"Reading {self._row.ref} …")
        self.view.focus()
        self.show_keys(RESTART)
        self._show()
        self.tick()

    @property
    def view(self) -> RestartWaves:
        """What stands in the frame."""
        return self.query_one(RestartWaves)

    def chosen(self) -> IncidentRow | None:
        """The incident."""
        return self._row

    # Pictures

    def has_picture(self) -> bool:
        """Return whether it has been read."""
        return self._picture is not None

    def on_board_arrived(self, message: BoardArrived) -> None:
        """Keep what commands are about."""
        self._row = next((r for r in message.board.rows if r.id == self._row.id), self._row)

    def on_pane_arrived(self, message: PaneArrived) -> None:
        """Show the waves of this incident."""
        picture = message.picture
        if isinstance(picture, ImpactPicture) and picture.incident_id == self._row.id:
            self._picture = picture
            self._show()
            self.tick()

    def _show(self) -> None:
        if self._picture is None:
            return
        self._settle()
        desk = desk_of(self)
        title = safe_text(self._row.title, 120)
        self.view.set_heading(f"Restart · {self._row.ref} · {title}")
        self.view.show_waves(self._picture, desk.database_now())
        self._show_marks()

    # Ticks

    def action_tick_step(self) -> None:
        """Tick the chosen service, or take its tick away."""
        found = self.view.chosen_step
        if found is None:
            self.say("No service is chosen: nothing was ticked.")
            return
        wave, step = found
        if step.key in self._sent:
            self.say(f"{step.name or step.key}: the last tick is still under way.")
        elif step.done_at is None and (missing := self.view.missing_before(wave.number)):
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
        self.view.show_marks(
            {
                service: Mark.UNKNOWN if fate is Fate.UNKNOWN else Mark.PENDING
                for service, (_, fate) in self._sent.items()
            }
        )
