"""The silences on the whole screen: what they hold back, a new one, the end of one."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import ClassVar
from uuid import UUID

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from screens.actions import SILENCES
from screens.commands import Command, CommandState, Fate, SilenceCommand
from screens.desk import desk_of
from screens.framed import Framed
from screens.messages import (
    CommandChanged,
    PaneArrived,
)
from screens.work import wish
from warroom.domain.panes import Pane
from warroom.domain.picture import BoardPicture
from warroom.domain.safe_text import safe_text
from warroom.domain.silence import say_matchers
from warroom.domain.silence_picture import SilencesPicture
from warroom.domain.span import parse_span
from warroom.errors import InvalidInput
from widgets.header import Header
from widgets.incident_lines import Mark
from widgets.silence_list import SilenceList
from widgets.status_bar import StatusBar
from widgets.words import held_words, silences_words


class SilencesScreen(Framed):
    """What is made here is made by whoever is at the keys, with a reason, until an end.

    Args:
        board: the board as it was read last, for the header.
    """

    PANE = Pane.SILENCES
    HELP = "silences"
    DEFAULT_CSS = "SilencesScreen SilenceList { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,left,S", "back", "Back to the board", id="silence.back", show=False),
    ]

    def __init__(self, board: BoardPicture | None = None) -> None:
        super().__init__(board)
        self._picture: SilencesPicture | None = None
        # What was sent and is not seen in the picture yet.
        self._ending: dict[UUID, Fate] = {}

    def compose(self) -> ComposeResult:
        """Header, the silences, keys."""
        yield Header(id="header")
        yield SilenceList(id="silences", title="Silences")
        yield StatusBar(id="status")

    def on_mount(self) -> None:
        """Begin; the picture is asked for by whoever shows this screen."""
        self.view.show_statement("Reading the silences …")
        self.view.focus()
        self.show_keys(SILENCES)
        self.tick()

    @property
    def view(self) -> SilenceList:
        """What stands in the frame."""
        return self.query_one(SilenceList)

    # Pictures

    def has_picture(self) -> bool:
        """Return whether it has been read."""
        return self._picture is not None

    def on_pane_arrived(self, message: PaneArrived) -> None:
        """Show the silences."""
        picture = message.picture
        if not isinstance(picture, SilencesPicture):
            return
        self._picture = picture
        here = {row.id for row in picture.rows if row.expired_at is None}
        self._ending = {
            key: fate for key, fate in self._ending.items() if fate is not Fate.DONE or key in here
        }
        count = sum(row.expired_at is None for row in picture.rows)
        note = f"{silences_words(count)} · {held_words(picture.held_count)}"
        self.view.set_heading("Silences", note)
        self.view.show_silences(picture, desk_of(self).database_now())
        self._show_marks()
        self.tick()

    # Keys

    def action_add(self) -> None:
        """Ask for a new silence."""
        self.flow(self._add())

    async def _add(self) -> None:
        from screens.form import Field, Form

        form = Form("Silence alerts", "They open no incident; they and their end are recorded.", (
            Field("matchers", 'Which, e.g. service="pay", env=~"prod|stage"', "",
                  "At least one matcher is needed.", 2000),
            Field("span", "For how long: 45m, 2h, 1h30m, 2d", "2h", "A length of time is needed.",
                  20),
            Field("reason", "Why; a broad or long one needs a sentence", "",
                  "A reason is needed."),
        ), "silence", _check)  # fmt: skip
        answers = await self.fill_in(form)
        if answers is None:
            return
        text = answers["matchers"]
        order = wish(
            SilenceCommand.PUT, f"silence {text}", f"{text} is silenced for {answers['span']}",
            matchers=[text], comment=answers["reason"], for_s=parse_span(answers["span"]),
        )  # fmt: skip
        desk_of(self).submit(Command(order, token_urlsafe(18), safe_text("silence")))

    def action_expire(self) -> None:
        """Ask, then end the chosen silence."""
        row = self.view.chosen_silence
        if row is None or row.expired_at is not None:
            self.say("No silence is chosen that is still in force: nothing was ended.")
        elif row.id in self._ending:
            self.say("It is being ended already.")
        else:
            self.flow(self._expire(row.id, say_matchers(row.matchers), row.comment))

    async def _expire(self, silence: UUID, matchers: str, reason: str) -> None:
        lines = (matchers, f"Why it is there: {reason}",
                 "What still fires is decided anew at once.")  # fmt: skip
        if not await self.agree("End this silence now?", *lines):
            return
        order = wish(
            SilenceCommand.EXPIRE, f"end {matchers}", f"{matchers} is over", silence=str(silence)
        )
        self._ending[silence] = Fate.PENDING
        self._show_marks()
        desk_of(self).submit(Command(order, token_urlsafe(18), safe_text("silence")))

    def on_command_changed(self, message: CommandChanged) -> None:
        """Say what became of it."""
        state = message.state
        self.show_outcome(state, self.query_one("#status", StatusBar))
        if state.command.kind is SilenceCommand.EXPIRE:
            self._take(state)

    def _take(self, state: CommandState) -> None:
        silence = UUID(str(state.command.wish.args["silence"]))
        if state.fate is Fate.REFUSED:
            self._ending.pop(silence, None)
        else:
            self._ending[silence] = state.fate
        self._show_marks()

    def _show_marks(self) -> None:
        self.view.show_marks(
            {
                silence: Mark.UNKNOWN if fate is Fate.UNKNOWN else Mark.PENDING
                for silence, fate in self._ending.items()
            }
        )


def _check(answers: dict[str, str]) -> tuple[str, str] | None:
    """Return the field at fault and a sentence, None when it can be sent."""
    try:
        parse_span(answers["span"])
    except InvalidInput as error:
        return "span", f"{error.message} {error.remedy}"
    return None
