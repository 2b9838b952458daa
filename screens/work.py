"""The command keys: what every screen with a chosen incident can do to it.

The modals are imported when they are first wanted: the first frame waits for none of them.
"""

from __future__ import annotations

from secrets import token_urlsafe

from textual.screen import Screen

from screens.commands import Command, CommandState, Fate, Kind
from screens.desk import desk_of
from warroom.domain.picture import IncidentRow
from warroom.domain.safe_text import safe_text
from widgets.cells import Role
from widgets.status_bar import StatusBar

_OUTCOME_ROLES = {
    Fate.PENDING: Role.BAR_QUIET,
    Fate.UNKNOWN: Role.SOON,
    Fate.DONE: Role.BAR,
    Fate.REFUSED: Role.SOON,
}


class CommandWork(Screen[None]):
    """Actions for acknowledge, resolve, log, declare, help and quit."""

    def chosen(self) -> IncidentRow | None:
        """Return the incident that commands are about."""
        raise NotImplementedError

    def send(self, command: Command) -> None:
        """Hand a command over; the desk tells every screen at once that it is pending."""
        desk_of(self).submit(command)

    def action_acknowledge(self) -> None:
        """Acknowledge: one key, no question."""
        row = self._subject("acknowledged")
        if row is not None:
            self.send(about(row, Kind.ACKNOWLEDGE))

    def action_resolve(self) -> None:
        """Resolve: asks for one line first."""
        row = self._subject("resolved")
        if row is None:
            return
        from screens.note import NoteScreen, Question

        question = Question(
            f"Resolve {row.ref}",
            row.title,
            "What ended it?",
            "Enter resolves it · Esc back, nothing is sent",
        )

        def answered(text: str | None) -> None:
            if text is not None:
                self.send(about(row, Kind.RESOLVE, text))

        self.app.push_screen(NoteScreen(question), answered)

    def action_log(self) -> None:
        """Write one line into the timeline."""
        row = self._subject("written to")
        if row is None:
            return
        from screens.note import NoteScreen, Question

        question = Question(
            f"Log an entry · {row.ref}",
            row.title,
            "What happened, or what was decided?",
            "Enter writes it · begin with ! for a decision, ? for a hypothesis · Esc back",
        )

        def answered(text: str | None) -> None:
            if text is not None:
                kind, body = _entry_kind(text)
                if body:
                    self.send(about(row, Kind.LOG, body, kind))

        self.app.push_screen(NoteScreen(question), answered)

    def action_declare(self) -> None:
        """Open the form for a new incident."""
        from screens.declare import Declaration, DeclareScreen

        def answered(form: Declaration | None) -> None:
            if form is not None:
                self.send(
                    Command(
                        kind=Kind.DECLARE,
                        key=token_urlsafe(18),
                        ref=safe_text("new incident"),
                        title=form.title,
                        severity=form.severity,
                        service=form.service,
                        text=form.summary,
                    )
                )

        self.app.push_screen(DeclareScreen(), answered)

    def action_help(self) -> None:
        """Show all keys, those of the place that has them first."""
        from screens.help import HelpScreen

        focused = self.focused
        self.app.push_screen(HelpScreen((focused.id or "") if focused else ""))

    def action_quit(self) -> None:
        """Leave the console."""
        self.app.exit()

    def show_outcome(self, state: CommandState, bar: StatusBar) -> None:
        """Put the sentence into the status bar; what went wrong also becomes a toast."""
        bar.show_outcome(state.sentence, _OUTCOME_ROLES[state.fate])
        if state.fate is Fate.REFUSED:
            self.app.notify(safe_text(state.sentence), severity="warning", timeout=12, markup=False)
        elif state.fate is Fate.UNKNOWN and state.attempts == 1:
            self.app.notify(safe_text(state.sentence), severity="warning", timeout=6, markup=False)

    def _subject(self, done: str) -> IncidentRow | None:
        row = self.chosen()
        if row is None:
            sentence = safe_text(f"No incident is chosen: nothing was {done}.")
            self.app.notify(sentence, severity="warning", markup=False)
        return row


def about(row: IncidentRow, kind: Kind, text: str = "", entry: str = "fact") -> Command:
    """Return a command about a row as the person sees it, under a new idempotency key."""
    return Command(
        kind=kind,
        key=token_urlsafe(18),
        ref=safe_text(row.ref),
        incident=row.id,
        version=row.version,
        seen=row.status,
        text=text,
        entry_kind=entry,
    )


def _entry_kind(text: str) -> tuple[str, str]:
    """Return (kind, body): a leading ``!`` is a decision, ``?`` a hypothesis."""
    kinds = {"!": "decision", "?": "hypothesis"}
    return (kinds[text[0]], text[1:].strip()) if text[0] in kinds else ("fact", text)
