"""A modal that asks for one line: the reason of a resolution, or an entry for the timeline."""

from __future__ import annotations

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
class Question:
    """What is asked. ``required``: an empty line is not an answer."""

    title: str
    about: str
    prompt: str
    hint: str
    required: bool = True


class NoteScreen(QuestionScreen[str | None]):
    """Ask for one line; the answer is None when the person changed their mind."""

    DEFAULT_CSS = """
    NoteScreen { align: center middle; background: $background 60%; }
    NoteScreen > Vertical {
        width: 76; max-width: 96%; height: auto; padding: 0 1;
        border: round $wr-chosen; border-title-color: $foreground; border-title-style: bold;
        background: $background;
    }
    NoteScreen .about { color: $foreground; width: 100%; height: 1; }
    NoteScreen .hint { color: $wr-quiet; width: 100%; margin-top: 1; }
    NoteScreen SafeInput { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back", show=False)]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay out: what it is about, the line, what the keys do."""
        with Vertical() as box:
            box.border_title = Content(safe_text(self._question.title))
            yield Label(safe_text(self._question.about, 70), markup=False, classes="about")
            yield SafeInput(placeholder=safe_text(self._question.prompt), max_length=2000)
            yield Label(safe_text(self._question.hint), markup=False, classes="hint")

    def on_input_submitted(self, event: SafeInput.Submitted) -> None:
        """Take the line."""
        text = event.value.strip()
        if text or not self._question.required:
            self.answer(text)
        else:
            self.query_one(".hint", Label).update(
                "Write one line first, or press Esc: nothing has been sent."
            )

    def action_leave(self) -> None:
        """Leave without sending anything."""
        self.answer(None)
