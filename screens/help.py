"""All keys on one page, from the bindings as the user's keymap left them."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Label

from screens.actions import (
    DETAIL,
    ESTATE,
    IMPACT,
    LIST,
    PANE,
    PARTS,
    RESTART,
    SILENCES,
    TIMELINE,
    TRIAGE,
    KeyAction,
    key_name,
)
from screens.desk import desk_of
from screens.question import QuestionScreen
from warroom.domain.safe_text import SafeText, safe_text

_MARKS = (
    ("…", "sent, not confirmed yet"),
    ("?", "outcome not known yet; asked again with the same key"),
    ("✓", "done, and read back from the database"),
    ("◆", "commander"),
    ("▌", "the chosen incident"),
)


_FIRST: Final = {
    "board": (LIST,),
    "impact": (IMPACT, PANE),
    "timers": (PANE,),
    "timeline": (TIMELINE, PANE),
    "health": (PANE,),
    "detail": (DETAIL,),
    "restart": (RESTART, PANE),
    "estate": (ESTATE,),
    "triage": (TRIAGE, PANE),
    "silences": (SILENCES, PANE),
}


class HelpScreen(QuestionScreen[None]):
    """Keys and marks."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen > VerticalScroll {
        width: 72; max-width: 96%; height: auto; max-height: 92%; padding: 0 1;
        border: round $wr-frame; border-title-color: $foreground; border-title-style: bold;
        border-subtitle-color: $wr-quiet; background: $background; scrollbar-size-vertical: 1;
    }
    HelpScreen Label { width: 100%; }
    HelpScreen .part { text-style: bold; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "leave", "Back", show=False)
    ]

    def __init__(self, place: str = "") -> None:
        super().__init__()
        self._place = place

    def compose(self) -> ComposeResult:
        """List the actions by where they work."""
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "Esc back"
            for name, actions in self._parts():
                yield Label(safe_text(name), markup=False, classes="part")
                lines = [self._line(action) for action in actions]
                yield Label(safe_text("\n".join(lines), 4000, single_line=False), markup=False)
            yield Label("Marks", markup=False, classes="part")
            marks = "\n".join(f"  {mark:<14} {meaning}" for mark, meaning in _MARKS)
            yield Label(safe_text(marks, 2000, single_line=False), markup=False)

    def _parts(self) -> list[tuple[str, tuple[KeyAction, ...]]]:
        """Return the parts, those of the place that has the keys first."""
        first = _FIRST.get(self._place, ())
        return sorted(PARTS, key=lambda part: part[1] not in first)

    def _line(self, action: KeyAction) -> SafeText:
        keys = " ".join(key_name(key) for key in desk_of(self).keys_of(action.id))
        return safe_text(f"  {keys:<14} {action.sentence}")

    def action_leave(self) -> None:
        """Back to the board."""
        self.answer(None)
