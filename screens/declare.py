"""The form that declares an incident: title, severity, service, summary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label

from warroom.domain.safe_text import safe_text
from widgets.safe_input import SafeInput


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the person declared."""

    title: str
    severity: int
    service: str
    summary: str


class DeclareScreen(ModalScreen[Declaration | None]):
    """Four lines; enter goes on, enter on the last one or Ctrl+S sends."""

    DEFAULT_CSS = """
    DeclareScreen { align: center middle; background: $background 60%; }
    DeclareScreen > Vertical {
        width: 76; max-width: 96%; height: auto; padding: 0 1;
        border: round $wr-chosen; border-title-color: $foreground; border-title-style: bold;
        background: $background;
    }
    DeclareScreen Label { color: $wr-quiet; width: 100%; }
    DeclareScreen SafeInput { margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("ctrl+s", "send", "Send", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Lay out the four lines."""
        with Vertical() as box:
            box.border_title = "Declare an incident"
            yield Label("What hurts, in one line", markup=False)
            yield SafeInput(id="title", max_length=200)
            yield Label("Severity 1 (worst) to 5", markup=False)
            yield SafeInput("3", id="severity", max_length=1, restrict="[1-5]?")
            yield Label("Service (its key; may stay empty)", markup=False)
            yield SafeInput(id="service", max_length=100)
            yield Label("What is known so far (may stay empty)", markup=False)
            yield SafeInput(id="summary", max_length=2000)
            hint = "Enter next line · Ctrl+S declare · Esc back, nothing is sent"
            yield Label(hint, id="hint", markup=False)

    def on_input_submitted(self, event: SafeInput.Submitted) -> None:
        """Go to the next line; the last one sends."""
        if event.input.id == "summary":
            self.action_send()
        else:
            self.focus_next()

    def action_send(self) -> None:
        """Send, or say what is missing."""
        title, severity, service, summary = (
            self.query_one(f"#{name}", SafeInput).value.strip()
            for name in ("title", "severity", "service", "summary")
        )
        if not title:
            self._complain("title", "A title is needed: say what hurts. Nothing has been sent.")
        elif not severity:
            self._complain("severity", "A severity from 1 to 5 is needed. Nothing has been sent.")
        else:
            self.dismiss(Declaration(title, int(severity), service, summary))

    def action_leave(self) -> None:
        """Leave without sending anything."""
        self.dismiss(None)

    def _complain(self, field: str, sentence: str) -> None:
        self.query_one("#hint", Label).update(Content(safe_text(sentence)))
        self.query_one(f"#{field}", SafeInput).focus()
