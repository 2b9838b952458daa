"""Every key of the console in one table: bindings, help, palette and docs/keys.md come from it.

The ids are stable: a user's keymap file names them, so they are never renamed or reused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class KeyAction:
    """One thing that a key does.

    ``keys`` is Textual's comma separated list; ``word`` is what the status bar shows, empty when
    it is not shown there; ``where`` names the part of the screen that must have the focus.
    """

    id: str
    keys: str
    action: str
    word: str
    sentence: str
    where: str = "anywhere"

    def binding(self) -> Binding:
        """Return Textual's binding of it."""
        return Binding(self.keys, self.action, self.sentence, id=self.id, show=False)


WAR_ROOM: Final = (
    KeyAction("incident.acknowledge", "a", "acknowledge", "ack", "Acknowledge the chosen incident"),
    KeyAction(
        "incident.resolve", "r", "resolve", "resolve", "Resolve it, with a line that says why"
    ),
    KeyAction("incident.open", "enter", "open", "open", "Show the incident with its timeline"),
    KeyAction("incident.log", "e", "log", "log", "Write an entry into its timeline"),
    KeyAction("incident.declare", "n", "declare", "new", "Declare a new incident"),
    KeyAction("list.filter", "slash", "filter", "filter", "Show only what contains some words"),
    KeyAction(
        "app.commands", "colon,ctrl+p", "app.command_palette", "commands", "Find any command"
    ),
    KeyAction("app.help", "question_mark,f1", "help", "help", "Show all keys"),
    KeyAction(
        "list.clear-filter", "escape", "clear_filter", "", "Show all incidents again", "list"
    ),
    KeyAction("app.quit", "q", "quit", "quit", "Leave; everything on the record stays"),
)
LIST: Final = (
    KeyAction("list.down", "down,j", "move(1)", "", "Next incident", "list"),
    KeyAction("list.up", "up,k", "move(-1)", "", "Previous incident", "list"),
    KeyAction("list.page-down", "pagedown,space", "page(1)", "", "Page down", "list"),
    KeyAction("list.page-up", "pageup", "page(-1)", "", "Page up", "list"),
    KeyAction("list.first", "home,g", "edge(0)", "", "First incident", "list"),
    KeyAction("list.last", "end,G", "edge(-1)", "", "Last incident", "list"),
)
DETAIL: Final = (
    KeyAction("detail.down", "down,j", "by(1)", "", "Down", "detail"),
    KeyAction("detail.up", "up,k", "by(-1)", "", "Up", "detail"),
    KeyAction("detail.page-down", "pagedown,space", "by(10)", "", "Page down", "detail"),
    KeyAction("detail.page-up", "pageup", "by(-10)", "", "Page up", "detail"),
    KeyAction("detail.top", "home,g", "by(-100000)", "", "Top", "detail"),
    KeyAction("detail.end", "end,G", "by(100000)", "", "End", "detail"),
    KeyAction("detail.back", "escape,left", "back", "back", "Back to the board", "detail"),
)
ALL: Final = (*WAR_ROOM, *LIST, *DETAIL)

_NAMES: Final = {
    "slash": "/", "colon": ":", "question_mark": "?", "pagedown": "PgDn", "pageup": "PgUp",
    "escape": "Esc", "enter": "Enter", "space": "Space", "home": "Home", "end": "End",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "f1": "F1",
}  # fmt: skip


def key_name(key: str) -> str:
    """Return a key as people write it: ``slash`` is ``/``, ``ctrl+p`` is ``Ctrl+P``."""
    if key in _NAMES:
        return _NAMES[key]
    if key.startswith("ctrl+"):
        return f"Ctrl+{key[5:].upper()}"
    return key
