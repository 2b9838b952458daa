"""A modal with many options: type some letters, and take one of those that are left."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Label

from screens.choices import Choice, OptionsModal
from warroom.domain.safe_text import safe_text
from widgets.safe_input import SafeInput


class PickScreen(OptionsModal):
    """Filters as it is typed.

    Args:
        title: what is done.
        about: to what.
        prompt: what is asked for.
        options: what there is.
        free: whether what was typed is an answer although no option is like it; the list may be
            shorter than the truth (nobody reads a directory of ten thousand).
    """

    DEFAULT_CSS = "PickScreen SafeInput { margin-top: 1; }"
    hint: ClassVar[str] = "Type to narrow it down · ↑ ↓ · Enter takes it · Esc back"

    def __init__(
        self,
        title: str,
        about: str,
        prompt: str,
        options: tuple[Choice, ...],
        *,
        free: bool = False,
        check: Callable[[str], str] = lambda _: "",
    ) -> None:
        super().__init__(title, about, options)
        self._all = options
        self._prompt = prompt
        self._free = free
        self._check = check

    def compose_above(self) -> ComposeResult:
        """The line that is typed into."""
        yield SafeInput(placeholder=safe_text(self._prompt, 70), max_length=200)

    def show_all(self, options: tuple[Choice, ...]) -> None:
        """Take other options; what was typed still narrows them down."""
        self._all = options
        if self.is_mounted:
            self._narrow(self.query_one(SafeInput).value)

    def on_input_changed(self, event: SafeInput.Changed) -> None:
        """Show what contains all the words, what begins with them first."""
        self._narrow(event.value)

    def _narrow(self, typed: str) -> None:
        words = typed.lower().split()
        if not words:
            self.show_options(self._all)
            return
        found = [o for o in self._all if all(w in f"{o.label} {o.hint}".lower() for w in words)]
        first = words[0]
        found.sort(key=lambda o: not o.label.lower().startswith(first))
        self.options, self._moved = (), False  # another word, another best one
        self.show_options(tuple(found))

    def on_input_submitted(self, event: SafeInput.Submitted) -> None:
        """Take the chosen option, or what was typed."""
        typed = event.value.strip()
        if self.chosen is not None:
            self.answer(self.chosen.value)
        elif self._free and typed and not (complaint := self._check(typed)):
            self.answer(typed)
        elif typed and self._free:
            self._complain(complaint)
        else:
            self._complain("None of them is like that. Nothing has been sent.")

    def empty(self) -> str:
        """Say what no option means."""
        return "Enter takes what you typed." if self._free else "None is like that."

    def _complain(self, sentence: str) -> None:
        box = self.query_one(Vertical)
        box.query_one(".hint", Label).update(Content(safe_text(sentence, 200)))
