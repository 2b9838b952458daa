"""What every screen with a chosen incident can do: ask, confirm, send, and say what became of it.

The modals are imported when they are first wanted: the first frame waits for none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, TypeVar

from textual.screen import Screen

from screens.batch import Tally
from screens.commands import (
    Command,
    CommandState,
    Fate,
    Kind,
    SilenceCommand,
    Wish,
    state_words,
)
from screens.desk import desk_of
from screens.live_screen import LiveScreen
from screens.messages import DetailArrived, NamesArrived
from warroom.domain.harm import Question, harm_of, question
from warroom.domain.panes import LogRow
from warroom.domain.picture import IncidentDetail, IncidentRow, Names
from warroom.domain.safe_text import SafeText, safe_text
from widgets.cells import Role
from widgets.status_bar import StatusBar

if TYPE_CHECKING:
    from screens.choices import Choice
    from screens.form import Form

_OUTCOME_ROLES = {
    Fate.PENDING: Role.BAR_QUIET,
    Fate.UNKNOWN: Role.SOON,
    Fate.DONE: Role.BAR,
    Fate.REFUSED: Role.SOON,
}
T = TypeVar("T")
_TOASTS = 3


class Work(LiveScreen):
    """The base of the command keys: subjects, questions, the way out and the way back."""

    def __init__(self) -> None:
        super().__init__()
        self._tallies: dict[str, Tally] = {}
        self._detail: IncidentDetail | None = None
        self._on_detail: Callable[[], None] | None = None
        self._names = Names()
        self._on_names: Callable[[], None] | None = None

    # What it is about

    def chosen(self) -> IncidentRow | None:
        """Return the incident that commands are about."""
        raise NotImplementedError

    def marked(self) -> tuple[IncidentRow, ...]:
        """Return the incidents that are marked for a batch."""
        return ()

    def forget_marks(self) -> None:
        """Take the marks away: a batch has been sent."""

    def entries(self) -> tuple[LogRow, ...]:
        """Return the entries of the chosen incident's timeline that have been read."""
        return ()

    def chosen_entry(self) -> LogRow | None:
        """Return the chosen entry of the timeline."""
        return None

    def chosen_service(self) -> str | None:
        """Return the key of the chosen service."""
        return None

    def watched(self) -> int | None:
        """Return the incident that the screen itself reads whole."""
        return None

    def subject(self, done: str) -> IncidentRow | None:
        """Return the chosen incident, or say that there is none."""
        row = self.chosen()
        if row is None:
            self.say(f"No incident is chosen: nothing was {done}.")
        return row

    def subjects(self, done: str) -> tuple[IncidentRow, ...]:
        """Return the marked incidents, else the chosen one."""
        marked = self.marked()
        if marked:
            return marked
        row = self.subject(done)
        return (row,) if row else ()

    # Asking

    def flow(self, steps: Coroutine[Any, Any, None]) -> None:
        """Run the steps of a command beside the screen: each may wait for a person.

        What is typed meanwhile waits for its question; see ``warroom.console.key_gate``.
        """
        desk = desk_of(self)
        desk.hold_keys()

        async def run() -> None:
            try:
                await steps
            finally:
                desk.free_keys()

        self.run_worker(run(), group="commands")

    async def _ask(self, question: Screen[T]) -> T | None:
        """Show a modal and wait for its answer; keys go to it once it can take them."""
        desk = desk_of(self)
        answer: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()

        def answered(value: T | None) -> None:
            desk.hold_keys()
            answer.set_result(value)

        await self.app.push_screen(question, answered)
        question.call_after_refresh(desk.free_keys)
        return await answer

    async def choose(self, title: str, about: str, *choices: Choice) -> str | None:
        """Ask for one of few things."""
        from screens.choice import ChoiceScreen

        return await self._ask(ChoiceScreen(title, about, choices))

    async def pick(
        self,
        title: str,
        about: str,
        prompt: str,
        choices: tuple[Choice, ...],
        *,
        free: bool = False,
    ) -> str | None:
        """Ask for one of many things."""
        from screens.pick import PickScreen

        return await self._ask(PickScreen(title, about, prompt, choices, free=free))

    async def fill_in(self, form: Form) -> dict[str, str] | None:
        """Ask for a few lines."""
        from screens.form import FormScreen

        return await self._ask(FormScreen(form))

    async def one_line(
        self, title: str, about: str, prompt: str, verb: str, *, required: bool = True
    ) -> str | None:
        """Ask for one line."""
        from screens.note import NoteScreen, Question

        hint = f"Enter {verb} · Esc back, nothing is sent"
        return await self._ask(NoteScreen(Question(title, about, prompt, hint, required)))

    async def agree(self, title: str, *lines: str, needed: str = "") -> bool:
        """Ask once more; ``needed`` is what must be typed."""
        from screens.confirm import ConfirmScreen

        said: bool | None = await self._ask(ConfirmScreen(title, lines, needed))
        return bool(said)

    async def choose_about(
        self,
        row: IncidentRow,
        title: str,
        choices: Callable[[IncidentDetail | None], tuple[Choice, ...]],
    ) -> str | None:
        """Ask for one of few things that depend on the whole incident.

        The question is open at once, with what is known; the incident is read meanwhile, and the
        question then says what it says.
        """
        from screens.choice import ChoiceScreen

        question = ChoiceScreen(title, row.title, choices(self.detail_of(row)))
        return await self._ask_about(
            row, question, lambda: question.show_options(choices(self.detail_of(row)))
        )

    async def pick_about(
        self,
        row: IncidentRow,
        title: str,
        prompt: str,
        choices: Callable[[IncidentDetail | None], tuple[Choice, ...]],
    ) -> str | None:
        """Ask for one of many things that depend on the whole incident, or for another one."""
        from screens.pick import PickScreen

        question = PickScreen(title, row.title, prompt, choices(self.detail_of(row)), free=True)
        return await self._ask_about(
            row, question, lambda: question.show_all(choices(self.detail_of(row)))
        )

    async def _ask_about(
        self, row: IncidentRow, question: Screen[T], came: Callable[[], None]
    ) -> T | None:
        desk = desk_of(self)
        self._on_detail = self._on_names = came
        desk.watch_incident(row.number)
        try:
            return await self._ask(question)
        finally:
            self._on_detail = self._on_names = None
            desk.watch_incident(self.watched())

    async def pick_name(
        self,
        title: str,
        about: str,
        prompt: str,
        choices: Callable[[Names], tuple[Choice, ...]],
    ) -> str | None:
        """Ask for one of the names; those that are not known yet come while it is open."""
        from screens.pick import PickScreen

        question = PickScreen(title, about, prompt, choices(self._names), free=True)
        self._on_names = lambda: question.show_all(choices(self._names))
        desk_of(self).want_names()
        try:
            return await self._ask(question)
        finally:
            self._on_names = None

    def detail_of(self, row: IncidentRow) -> IncidentDetail | None:
        """Return the whole incident as it was read last, None when it was not."""
        return self._detail if self._detail and self._detail.row.id == row.id else None

    def take_detail(self, message: DetailArrived) -> None:
        """Keep the newest whole incident."""
        self._detail = message.detail
        if self._on_detail is not None:
            self._on_detail()

    def on_names_arrived(self, message: NamesArrived) -> None:
        """Keep the names."""
        self._names = message.names
        if self._on_names is not None:
            self._on_names()

    # Sending

    def send(self, row: IncidentRow, wish: Wish, batch: str = "") -> None:
        """Hand one command over; the desk tells every screen at once that it is pending."""
        desk_of(self).submit(replace(about(row, wish), batch=batch))

    async def send_to(self, rows: tuple[IncidentRow, ...], wish: Wish) -> None:
        """Send to one, or to many after a confirmation in proportion to the harm."""
        if len(rows) == 1 and not self.marked():
            self.send(rows[0], wish)
            return
        title = f"{len(rows)} {'incident' if len(rows) == 1 else 'incidents'}: {wish.words}"
        lines = [f"{row.ref}  SEV{row.severity}  {row.title}" for row in rows]
        assert isinstance(wish.kind, Kind), "only incidents are marked"
        to = wish.args.get("status")
        assert isinstance(wish.kind, Kind)  # what waits in triage is decided one by one
        asked = question(harm_of(wish.kind, to=to if isinstance(to, str) else None), len(rows))
        needed = str(len(rows)) if asked is Question.NUMBER else ""
        if asked is not Question.NOTHING and not await self.agree(title, *lines, needed=needed):
            return
        batch = token_urlsafe(8)
        self._tallies[batch] = Tally(len(rows), wish.done)
        for row in rows:
            self.send(row, wish, batch)
        self.forget_marks()

    def show_outcome(self, state: CommandState, bar: StatusBar) -> None:
        """Put the sentence into the status bar; what went wrong also becomes a toast."""
        tally = self._tallies.get(state.command.batch)
        if tally is None:
            bar.show_outcome(state.sentence, _OUTCOME_ROLES[state.fate])
            if state.fate is Fate.REFUSED or (state.fate is Fate.UNKNOWN and state.attempts == 1):
                self.say(state.sentence, 12 if state.fate is Fate.REFUSED else 6)
            return
        tally.count(state)
        refused = tally.refs(Fate.REFUSED)
        bar.show_outcome(tally.sentence, Role.SOON if refused else Role.BAR)
        if state.fate is Fate.REFUSED and len(refused) <= _TOASTS:
            self.say(state.sentence, 12)
        if tally.over:
            self._tallies.pop(state.command.batch)

    def say(self, sentence: str, seconds: float = 6) -> None:
        """Show a sentence for a while."""
        self.app.notify(safe_text(sentence), severity="warning", timeout=seconds, markup=False)


def about(row: IncidentRow, wish: Wish) -> Command:
    """Return a command about a row as the person sees it, under a new idempotency key."""
    return Command(
        wish=wish,
        key=token_urlsafe(18),
        ref=safe_text(row.ref),
        incident=row.id,
        version=row.version,
        seen=state_words(row.status, row.severity, row.owner, row.commander),
    )


def wish(what: Kind | SilenceCommand, words: str, done: str, /, **args: object) -> Wish:
    """Return a wish; the words may hold what a person typed, ``args`` are the client's."""
    return Wish(what, _short(words), _short(done), args)


def which(rows: tuple[IncidentRow, ...]) -> str:
    """Return the reference of the one, or how many there are."""
    return rows[0].ref if len(rows) == 1 else f"{len(rows)} incidents"


def title_of(rows: tuple[IncidentRow, ...]) -> str:
    """Return the title of the one, or the references of all."""
    return rows[0].title if len(rows) == 1 else ", ".join(row.ref for row in rows)


def _short(words: str) -> SafeText:
    return safe_text(words, 80)
