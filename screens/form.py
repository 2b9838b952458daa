"""A modal with a few lines to fill in; enter goes on, on the last line or with Ctrl+S it sends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Label

from screens.question import QuestionScreen
from warroom.domain.safe_text import safe_text
from widgets.safe_input import SafeInput


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form.

    ``label`` says what belongs there; ``missing`` is the complaint when it stays empty, empty
    for what may; ``restrict`` is what may be typed at all (a regular expression).
    """

    id: str
    label: str
    value: str = ""
    missing: str = ""
    longest: int = 2000
    restrict: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked. ``check`` returns (field, complaint) for answers that cannot be, or None."""

    title: str
    about: str
    fields: tuple[Field, ...]
    verb: str = "send"
    check: Callable[[dict[str, str]], tuple[str, str] | None] = lambda _: None


class FormScreen(QuestionScreen[dict[str, str] | None]):
    """The answer maps each field to its line, None when the person changed their mind."""

    DEFAULT_CSS = """
    FormScreen { align: center middle; background: $background 60%; }
    FormScreen > Vertical {
        width: 76; max-width: 96%; height: auto; padding: 0 1;
        border: round $wr-chosen; border-title-color: $foreground; border-title-style: bold;
        background: $background;
    }
    FormScreen Label { color: $wr-quiet; width: 100%; }
    FormScreen .about { color: $foreground; height: 1; margin-bottom: 1; }
    FormScreen SafeInput { margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("ctrl+s", "send", "Send", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def compose(self) -> ComposeResult:
        """Lay out the lines."""
        form = self._form
        with Vertical() as box:
            box.border_title = Content(safe_text(form.title, 70))
            if form.about:
                yield Label(safe_text(form.about, 70), markup=False, classes="about")
            for line in form.fields:
                yield Label(safe_text(line.label, 70), markup=False)
                yield SafeInput(
                    safe_text(line.value, line.longest),
                    id=line.id,
                    max_length=line.longest,
                    restrict=line.restrict,
                )
            hint = f"Enter next line · Ctrl+S {form.verb} · Esc back, nothing is sent"
            yield Label(safe_text(hint, 74), id="hint", markup=False)

    def on_input_submitted(self, event: SafeInput.Submitted) -> None:
        """Go to the next line; the last one sends."""
        if event.input.id == self._form.fields[-1].id:
            self.action_send()
        else:
            self.focus_next()

    def action_send(self) -> None:
        """Send, or say what is missing."""
        answers = {
            line.id: self.query_one(f"#{line.id}", SafeInput).value.strip()
            for line in self._form.fields
        }
        for line in self._form.fields:
            if line.missing and not answers[line.id]:
                self._complain(line.id, f"{line.missing} Nothing has been sent.")
                return
        wrong = self._form.check(answers)
        if wrong is not None:
            self._complain(wrong[0], f"{wrong[1]} Nothing has been sent.")
            return
        self.answer(answers)

    def action_leave(self) -> None:
        """Leave without sending anything."""
        self.answer(None)

    def _complain(self, field: str, sentence: str) -> None:
        self.query_one("#hint", Label).update(Content(safe_text(sentence, 300)))
        self.query_one(f"#{field}", SafeInput).focus()
