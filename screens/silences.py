"""The silences on the whole screen: what they hold back, a new one, the end of one."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import ClassVar
from uuid import UUID

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from screens.actions import SILENCES, WAR_ROOM, key_name
from screens.commands import Command, CommandState, Fate, SilenceCommand
from screens.desk import desk_of
from screens.messages import (
    BoardArrived,
    CommandChanged,
    FeedTrouble,
    PaneArrived,
    PaneTrouble,
)
from screens.work import Work, wish
from warroom.domain.panes import Pane
from warroom.domain.picture import BoardPicture, IncidentRow
from warroom.domain.safe_text import safe_text
from warroom.domain.silence import say_matchers
from warroom.domain.silence_picture import SilencesPicture
from warroom.domain.span import parse_span
from warroom.errors import InvalidInput
from widgets.header import Header, HeaderFacts
from widgets.incident_lines import Mark
from widgets.silence_list import SilenceList
from widgets.status_bar import StatusBar
from widgets.words import silences_words

_OTHERS = frozenset({"app.help", "app.quit"})


class SilencesScreen(Work):
    """What is made here is made by whoever is at the keys, with a reason, until an end.

    Args:
        board: the board as it was read last, for the header.
    """

    DEFAULT_CSS = "SilencesScreen SilenceList { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,left,S", "back", "Back to the board", id="silence.back", show=False),
        *(a.binding() for a in WAR_ROOM if a.id in _OTHERS),
    ]

    def __init__(self, board: BoardPicture | None = None) -> None:
        super().__init__()
        self._board = board
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
        self._list.show_statement("Reading the silences …")
        self._list.focus()
        desk = desk_of(self)
        shown = [*SILENCES, *(a for a in WAR_ROOM if a.id in _OTHERS)]
        keys = [(key_name(k[0]), a.word) for a in shown if (k := desk.keys_of(a.id))]
        self.query_one("#status", StatusBar).show_keys(tuple(keys))
        self.tick()

    @property
    def _list(self) -> SilenceList:
        return self.query_one(SilenceList)

    def chosen(self) -> IncidentRow | None:
        """None: nothing here is about one incident."""
        return None

    # Pictures

    def tick(self) -> None:
        """Move the clocks on."""
        if not self.query("#header"):
            return
        desk = desk_of(self)
        now = desk.database_now()
        facts = HeaderFacts(self._board, desk.who(), now)
        self.query_one("#header", Header).show_facts(facts, desk.freshness())
        self._list.set_freshness(desk.freshness_of(Pane.SILENCES))
        if now is not None:
            self._list.tick(now)

    def on_board_arrived(self, message: BoardArrived) -> None:
        """Keep the header true."""
        self._board = message.board
        self.tick()

    def on_pane_arrived(self, message: PaneArrived) -> None:
        """Show the silences."""
        picture = message.picture
        if not isinstance(picture, SilencesPicture) or not self.query("#silences"):
            return
        self._picture = picture
        here = {row.id for row in picture.rows if row.expired_at is None}
        self._ending = {
            key: fate for key, fate in self._ending.items() if fate is not Fate.DONE or key in here
        }
        count = sum(row.expired_at is None for row in picture.rows)
        note = f"{silences_words(count)} · {picture.held_count:,} alerts held back"
        self._list.set_heading("Silences", note)
        self._list.show_silences(picture, desk_of(self).database_now())
        self._show_marks()
        self.tick()

    def on_pane_trouble(self, message: PaneTrouble) -> None:
        """Say why it stands still."""
        if message.pane is Pane.SILENCES and self.query("#silences"):
            if self._picture is None:
                self._list.show_statement(safe_text(f"Nothing could be read: {message.reason}"))
            self.tick()

    def on_feed_trouble(self, message: FeedTrouble) -> None:  # noqa: ARG002 # the desk knows it
        """Show at once that the picture stands still."""
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
        row = self._list.chosen_silence
        if row is None or row.expired_at is not None:
            self.say("No silence is chosen that is still in force: nothing was ended.")
        elif row.id in self._ending:
            self.say("It is being ended already.")
        else:
            self.flow(self._expire(row.id, say_matchers(row.matchers), row.comment))

    async def _expire(self, silence: UUID, matchers: str, reason: str) -> None:
        lines = (matchers, f"Why it is there: {reason}",
                 "What still fires opens its incident with its next repeat.")  # fmt: skip
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
        self._list.show_marks(
            {
                silence: Mark.UNKNOWN if fate is Fate.UNKNOWN else Mark.PENDING
                for silence, fate in self._ending.items()
            }
        )

    def action_help(self) -> None:
        """Show all keys, those of the silences first."""
        from screens.help import HelpScreen

        self.app.push_screen(HelpScreen("silences"))

    def action_quit(self) -> None:
        """Leave the console."""
        self.app.exit()

    def action_back(self) -> None:
        """Back to the board; what was sent goes on."""
        if self.is_current:
            self.dismiss(None)


def _check(answers: dict[str, str]) -> tuple[str, str] | None:
    """Return the field at fault and a sentence, None when it can be sent."""
    try:
        parse_span(answers["span"])
    except InvalidInput as error:
        return "span", f"{error.message} {error.remedy}"
    return None
