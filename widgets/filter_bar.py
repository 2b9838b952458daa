"""The filter's line, shown only while it is used."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from widgets.filter_words import FilterChanged, FilterClosed
from widgets.safe_input import SafeInput


class FilterBar(Horizontal):
    """A slash and an input. Enter keeps the filter, Esc drops it."""

    DEFAULT_CSS = """
    FilterBar {
        height: 1; dock: bottom; display: none; background: $wr-selected; margin-bottom: 1;
    }
    FilterBar.-open { display: block; }
    FilterBar Label { width: 3; padding: 0 1; color: $wr-chosen; text-style: bold; }
    FilterBar SafeInput, FilterBar SafeInput:focus { width: 1fr; background: $wr-selected; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", "Drop", show=False)]

    def compose(self) -> ComposeResult:
        """A slash and the line."""
        yield Label("/", markup=False)
        yield SafeInput(placeholder="words: ref, title, service, person, state", max_length=100)

    def open(self, words: str) -> None:
        """Show the line with the present words."""
        self.add_class("-open")
        field = self.query_one(SafeInput)
        field.value = words
        field.focus()

    def close(self) -> None:
        """Hide the line."""
        self.remove_class("-open")

    def on_input_changed(self, event: SafeInput.Changed) -> None:
        """Tell the screen as it is typed."""
        event.stop()
        if self.has_class("-open"):
            self.post_message(FilterChanged(event.value))

    def on_input_submitted(self, event: SafeInput.Submitted) -> None:
        """Keep the filter."""
        event.stop()
        self.close()
        self.post_message(FilterClosed(event.value))

    def on_key(self, event: events.Key) -> None:
        """Leave towards the list with the arrow as well."""
        if event.key == "down":
            event.stop()
            self.close()
            self.post_message(FilterClosed(self.query_one(SafeInput).value))

    def action_drop(self) -> None:
        """Show all again."""
        self.close()
        self.post_message(FilterClosed(""))
