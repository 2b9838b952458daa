"""The console's application: paints first, then wakes the background thread.

It imports neither the database driver nor the HTTP library: the first frame waits for nothing
that it does not show.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from rich.console import RenderableType
from textual import events
from textual._compositor import ChopsUpdate
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen

from screens.actions import ASKING, IMPACT, WAR_ROOM
from screens.commands import ADDING, Command, CommandState, Fate
from screens.live_screen import LiveScreen
from screens.messages import (
    BoardArrived,
    CommandChanged,
    DetailArrived,
    FeedTrouble,
    IdentityKnown,
    NamesArrived,
    OlderArrived,
    PaneArrived,
    PaneTrouble,
    StartStep,
)
from screens.views import EVERYTHING, SHIPPED, View
from screens.war_room import WarRoom
from screens.work import Work
from warroom.console.alarm import AlarmOptions, Alarms
from warroom.console.backend import Backend
from warroom.console.door import Boot, Door
from warroom.console.key_gate import KeyGate
from warroom.console.keymap import DEFAULTS
from warroom.console.options import BackendOptions
from warroom.console.paint import Colourless, TightUpdate
from warroom.console.pane_clock import PaneClock
from warroom.console.screenshot import as_document
from warroom.console.themes import THEMES
from warroom.domain.panes import Pane, PaneWatch
from warroom.domain.picture import BoardPicture, SourceKind
from warroom.domain.safe_text import SafeText, safe_text
from widgets.freshness import Freshness

if TYPE_CHECKING:
    from textual.command import Provider

TICK_S = 0.5
_KEY_S = 0.5


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """How the console looks and works; see ``warroom.settings`` for where it comes from."""

    backend: BackendOptions
    theme: str = "dark"
    colourless: bool = False
    keymap: dict[str, str] = field(default_factory=lambda: dict(DEFAULTS))
    bell: bool = True
    alarm: AlarmOptions = field(default_factory=lambda: AlarmOptions(False, False, False))
    views: tuple[View, ...] = SHIPPED
    screenshot: Path | None = None
    seconds: float | None = None


def _room_commands() -> type[Provider]:
    """Return the palette's source; it is loaded when the palette is first wanted."""
    from warroom.console.palette import RoomCommands

    return RoomCommands


class WarRoomApp(App[int]):
    """One screen, one background thread, and the clock between them."""

    TITLE = "war room"
    CSS = """
    Toast { background: $wr-bar; color: $foreground; width: 64; max-width: 90%; padding: 0 1; }
    Toast.-warning { border-left: outer $wr-soon; }
    Toast.-error { border-left: outer $wr-now; }
    Toast.-information { border-left: outer $wr-chosen; }
    """
    BINDINGS: ClassVar[list[BindingType]] = []
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_room_commands}
    COMMAND_PALETTE_BINDING: ClassVar[str] = "ctrl+p"

    def __init__(
        self,
        options: ConsoleOptions,
        *,
        door: Door | None = None,
        boot: Boot | None = None,
        monotonic_clock: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = options.theme
        self._options = options
        self._clock = monotonic_clock
        self._backend = Backend(self.post_message, options.backend, door=door, boot=boot)
        self._has_backend = door is not None or boot is not None
        self._board: BoardPicture | None = None
        self._read_mono = 0.0
        self._reason: SafeText | None = None
        self._who = safe_text("")
        self._pane_clock = PaneClock()
        self._alarms = Alarms(options.alarm)
        self._loud: set[int] | None = None
        self._under_way: set[UUID] = set()
        self._gate = KeyGate(lambda: self.call_next(self._pass_held))
        self._own_versions: dict[UUID, int] = {}
        self._asking = {key for name in ASKING for key in self.keys_of(name)}
        if options.colourless:
            # Behind Textual's own filters, so that whatever they leave is taken away as well.
            self._filters.append(Colourless())
        self.set_keymap(options.keymap)

    def get_default_screen(self) -> Screen[None]:
        """Begin with the board."""
        return WarRoom()

    # Keys, one after the other

    async def on_event(self, event: events.Event) -> None:
        """Hold keys back while a command opens its question."""
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif not self._gate.take(event):
            await self._pass_key(event)

    async def _pass_key(self, event: events.Key) -> None:
        # Only behind a key that asks something: whoever runs down the list is never held up.
        asks = event.key in self._asking and isinstance(self.screen, Work)
        if asks and not getattr(self.focused, "takes_text", False):
            number = self._gate.goes()
            # Somebody may keep a key for themselves: it must not hold up the others for long.
            self.set_timer(_KEY_S, partial(self._gate.came, number))
        await super().on_event(event)

    async def _pass_held(self) -> None:
        event = self._gate.next()
        if event is not None:
            await self._pass_key(event)
            if self._gate.waiting:
                self.call_next(self._pass_held)

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """Find the action of a key; behind it the next key may go on."""
        try:
            return await super()._check_bindings(key, priority)
        finally:
            if not priority:
                self._gate.came()

    def hold_keys(self) -> None:
        """Hold keys back: a flow works."""
        self._gate.hold()

    def free_keys(self) -> None:
        """Let keys go on."""
        self._gate.free()

    # The desk that screens know

    def submit(self, command: Command) -> None:
        """Mark the incident as pending, then send; one change of an incident at a time."""
        if command.incident in self._under_way and command.kind not in ADDING:
            sentence = safe_text(
                f"{command.ref}: the last command is still under way, {command.wish.words} "
                "was not sent. Wait for its ✓ or sentence."
            )
            self.notify(sentence, severity="warning", markup=False)
            return
        if command.incident is not None:
            # What our own last command left behind is what the person has just been told of.
            known = self._own_versions.get(command.incident, 0)
            if command.kind not in ADDING:
                self._under_way.add(command.incident)
            command = replace(command, version=max(command.version, known))
        sentence = safe_text(f"… {command.ref} {command.wish.words}")
        self._forward(CommandChanged(CommandState(command, Fate.PENDING, sentence)))
        self._backend.submit(command)

    def watch_incident(self, number: int | None) -> None:
        """Read this incident whole from now on."""
        self._backend.watch_incident(number)

    def want_names(self) -> None:
        """Read the names to choose from."""
        self._backend.want_names()

    def watch_panes(self, watch: PaneWatch) -> None:
        """Read these panes from now on."""
        self._backend.watch_panes(watch)

    def read_older(self, watch: PaneWatch, before: UUID) -> None:
        """Read the page of the timeline before this entry."""
        self._backend.read_older(watch, before)

    def freshness_of(self, pane: Pane) -> Freshness:
        """Return the age of one pane; a standby's lag counts."""
        lag = max(self._board.replay_lag_s or 0.0, 0.0) if self._board else 0.0
        return self._pane_clock.freshness(pane, self._clock(), self.freshness(), lag)

    def views(self) -> tuple[View, ...]:
        """Return the saved views."""
        return self._options.views

    def database_now(self) -> datetime | None:
        """Return the database's time: that of the last picture, plus what has passed since."""
        if self._board is None:
            return None
        return self._board.read_at + timedelta(seconds=self._clock() - self._read_mono)

    def freshness(self) -> Freshness:
        """Return the age of the picture; a standby's lag counts."""
        board, reason, troubled = self._board, self._reason, self._reason is not None
        if board is None:
            return Freshness(None, safe_text("primary"), reason, troubled)
        lag = max(board.replay_lag_s or 0.0, 0.0)
        source = safe_text("primary" if board.source is SourceKind.PRIMARY else "standby")
        if reason is None and source == "standby":
            reason = safe_text("reading a standby")
        if not troubled and board.note:
            reason = safe_text(board.note, 120)
        age = max(self._clock() - self._read_mono, 0.0) + lag
        away = safe_text(board.away, 40) if board.away else None
        return Freshness(age, source, reason, troubled, away, board.behind_s)

    def who(self) -> str:
        """Return the name of the person at the keys."""
        return self._who

    def keys_of(self, binding_id: str) -> tuple[str, ...]:
        """Return the keys of an action in the user's keymap."""
        return tuple(key for key in self._options.keymap.get(binding_id, "").split(",") if key)

    # Life

    def on_mount(self) -> None:
        """Start the clock; after the first paint the background."""
        for number in (signal.SIGHUP, signal.SIGTERM):
            try:
                asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number)
            except (RuntimeError, ValueError):
                break  # not the main thread: whoever runs us so handles signals
        self.set_interval(TICK_S, self._tick)
        if self._has_backend:
            self.call_after_refresh(self._backend.start)
        if self._options.screenshot is not None:
            self.set_timer(self._options.seconds or 20.0, self._shoot)
        elif self._options.seconds is not None:
            self.set_timer(self._options.seconds, self.exit)

    def on_unmount(self) -> None:
        """End the background."""
        self._backend.stop()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action is in the palette, under the name that the help gives it."""
        for action in (*WAR_ROOM, *(a for a in IMPACT if a.id in ASKING)):
            if action.id in {"app.commands", "list.clear-filter"}:
                continue

            def run(name: str = action.action.removeprefix("screen.")) -> None:
                self.call_later(screen.run_action, name)

            yield SystemCommand(action.sentence, ", ".join(self.keys_of(action.id)), run)
        room = self.screen_stack[0]
        if isinstance(room, WarRoom):
            for view in (EVERYTHING, *self._options.views):
                name = safe_text(f"View: {view.name}", 60)
                yield SystemCommand(name, "Saved view", lambda v=view: room.use_view(v))
        for theme in THEMES:
            if theme.ansi == self.current_theme.ansi:
                title = f"Theme: {theme.name}"
                yield SystemCommand(title, "Colours", lambda n=theme.name: self._set_theme(n))

    def _set_theme(self, name: str) -> None:
        self.theme = name

    # What the background says

    def on_board_arrived(self, message: BoardArrived) -> None:
        """Keep the picture for the clock, then show it."""
        self._board, self._read_mono = message.board, message.read_mono
        self._ring(message.board)
        self._forward(message)
        if self._options.screenshot is not None and self._options.seconds is None:
            self.set_timer(1.0, self._shoot)

    def on_detail_arrived(self, message: DetailArrived) -> None:
        """Pass on."""
        self._forward(message)

    def on_names_arrived(self, message: NamesArrived) -> None:
        """Pass on."""
        self._forward(message)

    def on_pane_arrived(self, message: PaneArrived) -> None:
        """Keep the pane's age, then show it."""
        self._pane_clock.arrived(message.pane, message.read_mono)
        self._forward(message)

    def on_pane_trouble(self, message: PaneTrouble) -> None:
        """Keep why the pane stands still."""
        self._pane_clock.troubled(message.pane, message.reason)
        self._forward(message)

    def on_older_arrived(self, message: OlderArrived) -> None:
        """Pass on."""
        self._forward(message)

    def on_feed_trouble(self, message: FeedTrouble) -> None:
        """Keep the reason for the badge."""
        changed = message.reason != self._reason
        self._reason = message.reason
        if changed:
            self._forward(message)

    def on_identity_known(self, message: IdentityKnown) -> None:
        """Keep the name."""
        self._who = message.name
        self._forward(message)

    def on_start_step(self, message: StartStep) -> None:
        """Pass on."""
        self._forward(message)

    def on_command_changed(self, message: CommandChanged) -> None:
        """Pass on: the board marks the row, whichever screen is on top."""
        incident = message.state.command.incident
        if incident is not None and message.state.fate in {Fate.DONE, Fate.REFUSED}:
            if message.state.command.kind not in ADDING:
                self._under_way.discard(incident)
            if message.state.fate is Fate.DONE:
                known = self._own_versions.get(incident, 0)
                self._own_versions[incident] = max(known, message.state.version)
        self._forward(message)

    def _forward(self, message: Message) -> None:
        for screen in self.screen_stack:
            screen.post_message(message)

    def _tick(self) -> None:
        self._call_out()
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen) and screen.is_whole:
                screen.tick()

    def _call_out(self) -> None:
        """Be loud about clocks that have just run out."""
        now = self.database_now()
        if self._board is None or now is None:
            return
        sent = self._alarms.sequences(self._alarms.due(self._board, now))
        if sent and self._driver is not None and not self.is_headless:
            self._driver.write(sent)

    def _ring(self, board: BoardPicture) -> None:
        """Ring for a new SEV1 or SEV2, never for those that were there when we came."""
        loud = {row.number for row in board.rows if row.severity <= 2 and not row.drill}
        if self._options.bell and self._loud is not None and loud - self._loud:
            self.bell()
        self._loud = loud

    def bell(self) -> None:
        """Ring, unless the user wants no bell: Textual's own widgets ring as well."""
        if self._options.bell:
            super().bell()

    def _shoot(self) -> None:
        path = self._options.screenshot
        if path is not None:
            path.write_text(as_document(self.export_screenshot(title="war room")), "utf-8")
        self.exit(0)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Send only the columns that changed."""
        if isinstance(renderable, ChopsUpdate):
            renderable = TightUpdate(renderable)
        super()._display(screen, renderable)
