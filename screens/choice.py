"""A modal with few options: one key each."""

from __future__ import annotations

from typing import ClassVar

from textual import events

from screens.choices import OptionsModal


class ChoiceScreen(OptionsModal):
    """Press the letter, or go there with the arrows and press Enter."""

    hint: ClassVar[str] = "Its key, or ↑ ↓ and Enter · Esc back, nothing is sent"

    def on_key(self, event: events.Key) -> None:
        """Take the option of that key."""
        if event.key == "enter":
            event.stop()
            if self.chosen is not None:
                self.answer(self.chosen.value)
            return
        for option in self.options:
            if event.character and option.key == event.character:
                event.stop()
                self.answer(option.value)
                return
