"""A one-line input whose value can always be shown."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from warroom.domain.safe_text import safe_text


class SafeInput(Input):
    """What is pasted is cleaned before it is shown or sent: a clipboard is foreign text too."""

    takes_text = True
    DEFAULT_CSS = """
    SafeInput, SafeInput:focus { border: none; height: 1; padding: 0; background: $wr-bar; }
    SafeInput:focus { background: $wr-selected; }
    """

    def _on_paste(self, event: events.Paste) -> None:
        """Insert the first line of the clipboard as visible text."""
        lines = event.text.splitlines()
        if lines:
            selection = self.selection
            self.replace(safe_text(lines[0], 2000), *sorted((selection.start, selection.end)))
        event.prevent_default()
        event.stop()

    def restricted(self) -> None:
        """Stay silent about what cannot stand here: the bell is for clocks, and can be off."""
