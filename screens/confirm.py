"""A modal that asks once more, the harder the more harm it could do."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Label

from screens.question import QuestionScreen
from warroom.domain.safe_text import safe_text
from widgets.safe_input import SafeInput

_SEEN = 8


class ConfirmScreen(QuestionScreen[bool]):
    """Shows what it is about; Enter, or typing ``needed``, confirms.

    Args:
        title: what is to be done, e.g. ``Resolve 3 incidents``.
        lines: each incident in a line; the first eight are shown.
        needed: what must be typed, empty where Enter is enough.
    """

    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; background: $background 60%; }
    ConfirmScreen > Vertical {
        width: 76; max-width: 96%; height: auto; padding: 0 1;
        border: round $wr-soon; border-title-color: $foreground; border-title-style: bold;
        background: $background;
    }
    ConfirmScreen Label { width: 100%; }
    ConfirmScreen SafeInput { margin-top: 1; }
    ConfirmScreen .hint { color: $wr-quiet; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("enter", "agree", show=False),
    ]

    def __init__(self, title: str, lines: tuple[str, ...], needed: str = "") -> None:
        super().__init__()
        self._title = safe_text(title, 70)
        self._lines = lines
        self._needed = needed

    def compose(self) -> ComposeResult:
        """Lay out: the incidents, and what confirms."""
        with Vertical() as box:
            box.border_title = Content(safe_text(self._title))
            shown = [safe_text(line, 71) for line in self._lines[:_SEEN]]
            more = len(self._lines) - len(shown)
            if more > 0:
                shown.append(safe_text(f"… and {more} more"))
            yield Label(safe_text("\n".join(shown), 2000, single_line=False), markup=False)
            if self._needed:
                yield SafeInput(placeholder=safe_text(self._needed, 20), max_length=20)
            yield Label(safe_text(self._prompt()), markup=False, classes="hint")

    def _prompt(self) -> str:
        if self._needed:
            return f"Type {self._needed} and press Enter to do it · Esc back, nothing is sent"
        return "Enter does it · Esc back, nothing is sent"

    def on_input_submitted(self, event: SafeInput.Submitted) -> None:
        """Do it when the right word was typed."""
        if event.value.strip().lower() == self._needed.lower():
            self.answer(True)
        else:
            self.query_one(".hint", Label).update(
                Content(safe_text(f"That is not {self._needed}. {self._prompt()}"))
            )

    def action_agree(self) -> None:
        """Do it, where Enter is enough."""
        if not self._needed:
            self.answer(True)

    def action_leave(self) -> None:
        """Leave without doing it."""
        self.answer(False)
