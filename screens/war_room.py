"""The war room: what is on fire, who has it, whose clock is next, and is this picture fresh."""

from __future__ import annotations

from time import monotonic
from typing import ClassVar
from uuid import UUID

from textual.app import ComposeResult
from textual.binding import BindingType

from screens.actions import IMPACT, WAR_ROOM, key_name
from screens.commands import CommandState, Fate, Kind
from screens.desk import desk_of
from screens.messages import (
    BoardArrived,
    CommandChanged,
    DetailArrived,
    FeedTrouble,
    IdentityKnown,
    StartStep,
)
from screens.room_panes import PaneWork
from screens.views import EVERYTHING, View, next_view, seen_with
from warroom.domain.panes import Pane
from warroom.domain.picture import BoardPicture, IncidentRow
from widgets.cells import Role
from widgets.filter_words import FilterChanged, FilterClosed, matches
from widgets.header import Header, HeaderFacts
from widgets.incident_lines import Mark
from widgets.live_list import LiveList
from widgets.status_bar import StatusBar
from widgets.words import silences_words, time_words

_DONE_SECONDS = 4.0


class WarRoom(PaneWork):
    """The board and what stands beside it; how much of it depends on the terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [a.binding() for a in WAR_ROOM]

    def __init__(self) -> None:
        super().__init__()
        self._board: BoardPicture | None = None
        self._filter = ""
        self._states: dict[UUID, CommandState] = {}
        self._done_at: dict[UUID, float] = {}
        self._view = EVERYTHING
        self._shown_marks: dict[UUID, Mark] = {}
        self._statement = "Starting …"
        self._marked: set[UUID] = set()
        self._told_offers: set[tuple[int, str, str]] = set()

    def compose(self) -> ComposeResult:
        """Header, panes, filter, keys."""
        yield Header(id="header")
        yield from self.compose_panes()
        yield StatusBar(id="status")

    def on_mount(self) -> None:
        """Show the keys of the user's keymap."""
        self._list.show_statement(self._statement)
        self._list.focus()
        self.show_keys()
        self.tick()

    def show_keys(self) -> None:
        """Show the keys that work now; a key of the focused pane hides the room's."""
        desk = desk_of(self)
        here = IMPACT if self.focused_pane is Pane.IMPACT else ()
        taken = {key for action in here for key in desk.keys_of(action.id)}
        first, *rest = (action for action in WAR_ROOM if action.word)
        shown: list[tuple[str, str]] = []
        for action in (first, *here, *rest):
            keys = [k for k in desk.keys_of(action.id) if action in here or k not in taken]
            if keys:
                shown.append((key_name(keys[0]), action.word))
        self._status.show_keys(tuple(shown))

    @property
    def _list(self) -> LiveList:
        return self.query_one(LiveList)

    @property
    def _status(self) -> StatusBar:
        return self.query_one("#status", StatusBar)

    # The picture

    def tick(self) -> None:
        """Move ages, clocks and freshness on; only what reads differently is repainted."""
        desk = desk_of(self)
        now, freshness = desk.database_now(), desk.freshness()
        facts = HeaderFacts(self._board, desk.who(), now)
        self.query_one("#header", Header).show_facts(facts, freshness)
        self._list.set_freshness(freshness)
        if now is not None:
            self._list.tick(now)
        self.tick_panes()
        self._show_marks()

    def on_board_arrived(self, message: BoardArrived) -> None:
        """Show the new picture; a command is done when the picture has it too."""
        self._board = message.board
        self._marked &= {row.id for row in message.board.rows}
        self._tell_offers(message.board)
        self._settle()
        self._show_board()
        self.tick()

    def on_feed_trouble(self, message: FeedTrouble) -> None:
        """Show at once that the picture stands still, and why when there is none yet."""
        if self._board is None and message.reason is not None:
            self._list.show_statement(message.reason)
        self.tick()

    def on_start_step(self, message: StartStep) -> None:
        """Say what is being started while the board is still empty."""
        if self._board is None:
            self._list.show_statement(message.sentence)
        if message.failed:
            self._status.show_outcome(message.sentence, Role.SOON)

    def on_identity_known(self, message: IdentityKnown) -> None:  # noqa: ARG002 # the desk has it
        """Show who is at the keys."""
        self.tick()

    def _show_board(self) -> None:
        board, now = self._board, desk_of(self).database_now()
        if board is None or now is None:
            return
        rows = seen_with(self._view, board.rows, desk_of(self).who())
        if self._filter:
            rows = tuple(row for row in rows if matches(row, self._filter))
        fewer = bool(self._filter) or self._view != EVERYTHING
        total = len(rows) if fewer else max(board.open_count, len(rows))
        title = "1 Active incidents"
        if self._view != EVERYTHING:
            title = f"{title} · view “{self._view.name}”"
        if fewer:
            title = f"{title} · {len(rows)} of {len(board.rows)}"
        if self._filter:
            title = f"{title} with “{self._filter}”"
        if board.silences:
            title = f"{title} · {silences_words(board.silences)}"
        if self._marked:
            title = f"{title} · {len(self._marked)} marked"
        self._list.show_tags(frozenset(self._marked))
        self._list.set_heading(title)
        self._list.show_statement(self._empty_statement(board))
        self._list.show_rows(rows, now, total)

    def _empty_statement(self, board: BoardPicture) -> str:
        if self._view != EVERYTHING and board.rows and not self._filter:
            return f"No open incident in the view “{self._view.name}”. Esc shows all."
        if self._filter:
            return f"No open incident contains “{self._filter}”. Esc shows all."
        quiet = f" {silences_words(board.silences)} in force." if board.silences else ""
        if board.last_closed is None:
            return f"No open incidents. None has ever been recorded.{quiet}"
        number, ended = board.last_closed
        return f"No open incidents. Last: INC-{number}, ended {time_words(ended)} UTC.{quiet}"

    # Commands

    def chosen(self) -> IncidentRow | None:
        """The selected incident."""
        return self._list.selected

    def marked(self) -> tuple[IncidentRow, ...]:
        """The marked incidents, in the board's order."""
        rows = self._board.rows if self._board else ()
        return tuple(row for row in rows if row.id in self._marked)

    def forget_marks(self) -> None:
        """Take all marks away."""
        self._marked.clear()
        self._show_board()

    def open_rows(self) -> tuple[IncidentRow, ...]:
        """All open incidents of the picture."""
        return self._board.rows if self._board else ()

    def on_detail_arrived(self, message: DetailArrived) -> None:
        """Keep it for a question that needs it."""
        self.take_detail(message)

    def action_mark(self) -> None:
        """Mark the chosen incident and go on, or take its mark away."""
        row = self.chosen()
        if row is None:
            return
        self._marked ^= {row.id}
        self._show_board()
        self._list.action_move(1)

    def action_mark_all(self) -> None:
        """Mark all that are shown; again, and none is."""
        shown = {row.id for row in self._list.rows}
        self._marked = set() if shown <= self._marked else self._marked | shown
        self._show_board()

    def _tell_offers(self, board: BoardPicture) -> None:
        """Say once that somebody asks the person at the keys to take a role over."""
        who = desk_of(self).who()
        for row in board.rows:
            for offer in row.offers:
                known = (row.number, offer.role, offer.brief)
                if who and offer.to == who and known not in self._told_offers:
                    self._told_offers.add(known)
                    keys = desk_of(self).keys_of("incident.roles")
                    key = f" Press {key_name(keys[0])} there to answer." if keys else ""
                    self.say(
                        f"{offer.giver} offers you {offer.role} of {row.ref}: {offer.brief}{key}",
                        20,
                    )

    def on_command_changed(self, message: CommandChanged) -> None:
        """Keep what is known of a command's fate."""
        self._take(message.state)

    def _take(self, state: CommandState) -> None:
        incident = state.command.incident
        if incident is not None:
            self._states[incident] = state
            self._done_at.pop(incident, None)
            self._settle()
        if state.fate is Fate.DONE and state.command.kind is Kind.DECLARE:
            self._status.show_outcome(state.sentence, Role.BAR)
        self.show_outcome(state, self._status)
        self._show_marks()

    def _settle(self) -> None:
        """Find the commands that both the API and the picture have confirmed."""
        versions = {row.id: row.version for row in self._board.rows} if self._board else {}
        for incident, state in self._states.items():
            if state.fate is Fate.DONE and incident not in self._done_at:
                # A resolved incident leaves the board, which confirms it as well.
                if versions.get(incident, state.version) >= state.version:
                    self._done_at[incident] = monotonic()
            elif state.fate is Fate.REFUSED:
                self._done_at[incident] = monotonic() - _DONE_SECONDS

    def _show_marks(self) -> None:
        over = [i for i, at in self._done_at.items() if monotonic() - at >= _DONE_SECONDS]
        for incident in over:
            self._done_at.pop(incident)
            self._states.pop(incident, None)
        marks: dict[UUID, Mark] = {}
        for incident, state in self._states.items():
            marks[incident] = Mark.UNKNOWN if state.fate is Fate.UNKNOWN else Mark.PENDING
            if incident in self._done_at:
                marks[incident] = Mark.DONE
        if marks != self._shown_marks:
            self._shown_marks = marks
            self._list.show_marks(marks)

    # Keys

    def action_open(self) -> None:
        """Show the chosen incident on the whole screen."""
        row = self.subject("opened")
        if row is not None:
            from screens.incident_detail import IncidentScreen

            facts = HeaderFacts(self._board)
            self.app.push_screen(IncidentScreen(row.number, facts, row))

    def action_find(self) -> None:
        """Show any incident by its number."""
        self.flow(self._find())

    async def _find(self) -> None:
        from screens.choices import Choice
        from screens.incident_detail import IncidentScreen

        choices = tuple(Choice(f"={r.ref}", r.ref, r.title) for r in self.open_rows())
        picked = await self.pick(
            "Show an incident", "Open ones are listed; any other by its number", "INC-…",
            choices, free=True,
        )  # fmt: skip
        if picked is None:
            return
        number = picked.removeprefix("=").upper().removeprefix("INC-").strip()
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            self.say(f"{picked} is not the number of an incident: INC-12, or 12.")
            return
        row = next((r for r in self.open_rows() if r.number == int(number)), None)
        self.app.push_screen(IncidentScreen(int(number), HeaderFacts(self._board), row))

    def on_live_list_opened(self, message: LiveList.Opened) -> None:
        """A click on the chosen row opens it."""
        if self.chosen() == message.row:
            self.action_open()

    def on_live_list_selected(self, message: LiveList.Selected) -> None:  # noqa: ARG002
        """Read what the chosen incident takes down, and its timeline."""
        self.watch_chosen()

    async def action_filter(self) -> None:
        """Open the filter; its input is made when it is first wanted."""
        from widgets.filter_bar import FilterBar

        desk = desk_of(self)
        # What is typed ahead is words to look for, not commands.
        desk.hold_keys()
        if not self.query(FilterBar):
            await self.mount(FilterBar(id="filter"), before=self._status)
        self.query_one(FilterBar).open(self._filter)
        self.app.call_later(desk.free_keys)

    def action_clear_filter(self) -> None:
        """Take marks away; when there are none, show all incidents again."""
        if self._marked:
            self.forget_marks()
            return
        self.use_view(EVERYTHING)
        self._filter_with("")

    def action_next_view(self) -> None:
        """Go on to the next saved view; behind the last one comes everything."""
        self.use_view(next_view(desk_of(self).views(), self._view.name))

    def use_view(self, view: View) -> None:
        """Show the board as a saved view says."""
        self._view = view
        self._list.show_columns(frozenset(view.columns))
        self._show_board()

    def board(self) -> BoardPicture | None:
        """Return the board as it was read last."""
        return self._board

    def overdue_count(self) -> int:
        """Return how many incidents have a clock that has run out."""
        now = desk_of(self).database_now()
        if self._board is None or now is None:
            return 0
        clocks = [row.clock for row in self._board.rows if row.clock]
        return sum(timer.due_at <= now for timer in clocks)

    def on_filter_changed(self, message: FilterChanged) -> None:
        """Filter as it is typed."""
        self._filter = message.words
        self._show_board()

    def on_filter_closed(self, message: FilterClosed) -> None:
        """Back to the list with what was typed, or without it."""
        self._filter_with(message.words)

    def _filter_with(self, words: str) -> None:
        self._filter = words
        self._list.focus()
        self._show_board()
