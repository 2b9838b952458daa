"""Jump mode: one letter goes to a pane or an incident, anything else goes back."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType

from screens.question import QuestionScreen


class JumpScreen(QuestionScreen[str | None]):
    """Transparent: the letters stand in the panes below."""

    DEFAULT_CSS = "JumpScreen { background: transparent; }"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, letters: frozenset[str]) -> None:
        super().__init__()
        self._letters = letters

    def on_key(self, event: events.Key) -> None:
        """Take the one key."""
        event.stop()
        self.answer(event.character if event.character in self._letters else None)

    def on_click(self) -> None:
        """The mouse ends it as well."""
        self.answer(None)
