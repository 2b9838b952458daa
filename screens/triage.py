"""Triage on the whole screen: accept, merge or dismiss what waits for a person."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from screens.actions import TRIAGE
from screens.commands import Command, Fate, Wish
from screens.desk import desk_of
from screens.framed import Framed
from screens.messages import (
    CommandChanged,
    PaneArrived,
)
from warroom.domain.panes import Pane
from warroom.domain.picture import BoardPicture
from warroom.domain.safe_text import safe_text
from warroom.domain.triage import TriageKind, TriagePicture, TriageRow
from widgets.header import Header
from widgets.status_bar import StatusBar
from widgets.triage_list import TriageList


class TriageScreen(Framed):
    """Fed only while it is shown; what is decided goes once the picture says so.

    Args:
        board: the board as it was read last, for the header and the incidents to merge into.
    """

    PANE = Pane.TRIAGE
    HELP = "triage"
    DEFAULT_CSS = "TriageScreen TriageList { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,left,T", "back", "Back to the board", id="triage.back", show=False),
    ]  # fmt: skip

    def __init__(self, board: BoardPicture | None = None) -> None:
        super().__init__(board)
        self._sent: set[str] = set()

    def compose(self) -> ComposeResult:
        """Header, what waits, keys."""
        yield Header(id="header")
        yield TriageList(id="triage", title="Triage")
        yield StatusBar(id="status")

    def on_mount(self) -> None:
        """Begin; the picture is asked for by whoever shows this screen."""
        self.view.show_statement("Reading what waits …")
        self.view.focus()
        self.show_keys(TRIAGE)
        self.tick()

    @property
    def view(self) -> TriageList:
        """What stands in the frame."""
        return self.query_one(TriageList)

    # Pictures

    def on_pane_arrived(self, message: PaneArrived) -> None:
        """Show what waits."""
        picture = message.picture
        if not isinstance(picture, TriagePicture):
            return
        note = f"{picture.total} wait · the oldest first" if picture.total else ""
        self.view.set_heading("Triage", note)
        self.view.show_triage(picture, desk_of(self).database_now())
        self.tick()

    # Deciding

    def action_accept(self) -> None:
        """Declare an incident of it."""
        if (row := self._one("accepted")) is not None:
            self.flow(self._accept(row))

    def action_merge(self) -> None:
        """Make it part of an open incident."""
        if (row := self._one("merged")) is not None:
            self.flow(self._merge(row))

    def action_dismiss_item(self) -> None:
        """Let it be, with a reason."""
        if (row := self._one("dismissed")) is not None:
            self.flow(self._dismiss(row))

    def _one(self, done: str) -> TriageRow | None:
        row = self.view.chosen_row
        if row is None:
            self.say(f"Nothing is chosen: nothing was {done}.")
        elif str(row.id) in self._sent:
            self.say(f"{row.title}: the last word on it is still under way.")
            return None
        return row

    async def _accept(self, row: TriageRow) -> None:
        from screens.choices import Choice

        chosen = await self.choose(
            "Declare an incident", row.title,
            *(Choice(str(n), f"SEV{n}", "as it asks" if n == row.severity else "", str(n))
              for n in range(1, 6)),
        )  # fmt: skip
        if chosen is not None:
            self._send(row, TriageKind.ACCEPT, f"accept as SEV{chosen}", "declared",
                       severity=int(chosen))  # fmt: skip

    async def _merge(self, row: TriageRow) -> None:
        from screens.choices import Choice

        rows = [r for r in self._board.rows if not r.drill] if self._board else []
        choices = tuple(Choice(r.ref, r.ref, f"SEV{r.severity} {r.title}") for r in rows)
        into = await self.pick("Part of which?", row.title, "Which incident?", choices, free=True)
        if into:
            self._send(row, TriageKind.MERGE, f"merge with {into}", "took it in", into=into)

    async def _dismiss(self, row: TriageRow) -> None:
        reason = await self.one_line("Dismiss", row.title, "Why is it nothing?", "dismisses")
        if reason:
            self._send(row, TriageKind.DISMISS, "dismiss", "dismissed", reason=reason)

    def _send(
        self, row: TriageRow, kind: TriageKind, words: str, done: str, **args: object
    ) -> None:
        title = safe_text(row.title, 50)
        wish = Wish(
            kind, safe_text(f"{words}: {title}", 80), safe_text(f"{done}: {title}", 80),
            {"item": str(row.id), "version": row.version, **args},
        )  # fmt: skip
        self._sent.add(str(row.id))
        desk_of(self).submit(Command(wish, token_urlsafe(18), safe_text("triage")))

    def on_command_changed(self, message: CommandChanged) -> None:
        """Say what became of it."""
        state = message.state
        self.show_outcome(state, self.query_one("#status", StatusBar))
        if state.fate is Fate.REFUSED:
            self._sent.discard(str(state.command.wish.args.get("item")))
