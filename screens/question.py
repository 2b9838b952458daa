"""The base of every modal: it is answered once, however often a key is pressed."""

from __future__ import annotations

from textual.screen import ModalScreen, ScreenResultType


class QuestionScreen(ModalScreen[ScreenResultType]):
    """A modal whose second answer is not heard: it has already gone."""

    def __init__(self) -> None:
        super().__init__()
        self._answered = False

    def answer(self, value: ScreenResultType) -> None:
        """Close the modal with an answer."""
        if not self._answered:
            self._answered = True
            self.dismiss(value)
