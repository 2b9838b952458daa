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
    it is not shown there; ``where`` names the part of the screen that must have the focus.  What
    has the focus comes first: a key of a pane hides the same key of the room.
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


COMMANDS: Final = (
    KeyAction("incident.acknowledge", "a", "acknowledge", "ack", "Acknowledge the chosen incident"),
    KeyAction("incident.status", "t", "status", "status", "Move it through its states"),
    KeyAction("incident.severity", "s", "severity", "severity", "Rate the harm anew"),
    KeyAction("incident.owner", "o", "owner", "owner", "Give it to somebody, or to nobody"),
    KeyAction(
        "incident.roles", "c", "roles", "roles", "Take, hand over, accept or give up a role"
    ),
    KeyAction("incident.log", "e", "log", "log", "Write an entry into its timeline"),
    KeyAction("incident.decide", "d", "decide", "decide", "Write a decision down"),
    KeyAction("incident.escalation", "x", "escalation", "escalate",
              "Escalate now, pause, resume, or skip to a step"),
    KeyAction(
        "incident.resolve", "r", "resolve", "resolve", "Resolve it, with a line that says why"
    ),
    KeyAction("incident.undo", "U", "undo", "undo", "Undo your own last command on it"),
    KeyAction("incident.service", "v", "service", "",
              "Say how a service is on it: suspected, degraded, down, recovered; or detach it"),
    KeyAction("incident.mitigate", "R", "mitigate", "",
              "Say that you are at a service to mend it, beside somebody, or done with it"),
    KeyAction("incident.hypothesis", "h", "hypothesis", "",
              "Write a hypothesis down; with one chosen, say what became of it"),
    KeyAction("incident.evidence", "E", "evidence", "",
              "Write evidence down, for or against a hypothesis"),
    KeyAction("incident.pin", "p", "pin", "", "Pin the chosen entry on top, or take it from there"),
    KeyAction("incident.correct", "C", "correct", "",
              "Correct the chosen entry; the original stays"),
    KeyAction("incident.update-due", "u", "update_due", "", "Say when the next update is due"),
    KeyAction("incident.snooze", "w", "snooze", "",
              "Snooze: escalation waits a while, with a reason; or wake it"),
    KeyAction("incident.link", "L", "link", "",
              "Add a bridge, chat, dashboard or ticket; or take one away"),
    KeyAction("incident.field", "f", "field", "", "Set a custom field"),
    KeyAction("incident.merge", "M", "merge", "",
              "Merge it into another one, or the marked ones into it"),
    KeyAction("incident.split", "X", "split", "", "Split services off into a new incident"),
    KeyAction("incident.drill", "D", "drill", "", "Mark it as a drill, or as real"),
    KeyAction("incident.false-alarm", "F", "false_alarm", "", "Call it a false alarm"),
    KeyAction("incident.visibility", "V", "visibility", "", "Say who may see it"),
    KeyAction("incident.declare", "n", "declare", "new", "Declare a new incident"),
)  # fmt: skip
WAR_ROOM: Final = (
    *COMMANDS,
    KeyAction("incident.open", "enter", "open", "open", "Show the incident with its timeline"),
    KeyAction("incident.find", "number_sign", "find", "",
              "Show any incident by its number, also one that has ended"),
    KeyAction("list.filter", "slash", "filter", "filter", "Show only what contains some words"),
    KeyAction(
        "app.commands", "colon,ctrl+p", "app.command_palette", "commands", "Find any command"
    ),
    KeyAction("app.help", "question_mark,f1", "help", "help", "Show all keys"),
    KeyAction("list.clear-filter", "escape", "clear_filter", "",
              "Take marks away; then show all incidents again", "list"),
    KeyAction("view.next", "b", "next_view", "", "Next saved view of the board"),
    KeyAction("pane.next", "tab", "next_pane(1)", "", "Next pane"),
    KeyAction("pane.previous", "shift+tab", "next_pane(-1)", "", "Pane before"),
    KeyAction("pane.incidents", "1", "pane(1)", "", "Go to the active incidents"),
    KeyAction("pane.impact", "2", "pane(2)", "", "Go to the impact"),
    KeyAction("pane.timers", "3", "pane(3)", "", "Go to the timers"),
    KeyAction("pane.timeline", "4", "pane(4)", "", "Go to the timeline"),
    KeyAction("pane.health", "5", "pane(5)", "", "Go to the replication health"),
    KeyAction("pane.zoom", "z", "zoom", "zoom", "Enlarge the pane, or put all back"),
    KeyAction("pane.jump", "apostrophe", "jump", "", "Jump: a letter goes to a pane or incident"),
    KeyAction("estate.map", "m", "estate", "", "Map of the whole estate, by tier and health"),
    KeyAction("triage.open", "T", "triage", "", "Triage: what waits for a person's word"),
    KeyAction("silence.list", "S", "silences", "",
              "Silences: what they hold back, make one, end one"),
    KeyAction("app.quit", "q", "quit", "quit", "Leave; everything on the record stays"),
)  # fmt: skip
# What opens a question, or another screen: what is typed behind it belongs there.
ASKING: Final = (
    *(action.id for action in COMMANDS),
    "incident.open", "incident.find", "list.filter", "app.help", "pane.jump",
    "impact.page", "impact.link-change", "impact.waves", "estate.map", "triage.open",
    "triage.accept", "triage.merge", "triage.dismiss", "silence.list", "silence.add",
    "silence.expire",
)  # fmt: skip
LIST: Final = (
    KeyAction("list.mark", "space", "screen.mark", "",
              "Mark it: the next command is for all that are marked", "list"),
    KeyAction("list.mark-all", "asterisk", "screen.mark_all", "", "Mark all that are shown",
              "list"),
    KeyAction("list.down", "down,j", "move(1)", "", "Next incident", "list"),
    KeyAction("list.up", "up,k", "move(-1)", "", "Previous incident", "list"),
    KeyAction("list.page-down", "pagedown", "page(1)", "", "Page down", "list"),
    KeyAction("list.page-up", "pageup", "page(-1)", "", "Page up", "list"),
    KeyAction("list.first", "home,g", "edge(0)", "", "First incident", "list"),
    KeyAction("list.last", "end,G", "edge(-1)", "", "Last incident", "list"),
)  # fmt: skip
PANE: Final = (
    KeyAction("pane.down", "down,j", "step(1)", "", "Down", "pane"),
    KeyAction("pane.up", "up,k", "step(-1)", "", "Up", "pane"),
    KeyAction("pane.page-down", "pagedown", "leaf(1)", "", "Page down", "pane"),
    KeyAction("pane.page-up", "pageup", "leaf(-1)", "", "Page up", "pane"),
    KeyAction("pane.first", "home,g", "edge(0)", "", "First", "pane"),
    KeyAction("pane.last", "end,G", "edge(-1)", "", "Last", "pane"),
)
IMPACT: Final = (
    KeyAction("impact.fold", "space", "fold", "fold",
              "Fold a branch, a group or a suspect's reasons, or unfold it", "impact"),
    KeyAction("impact.look", "i", "look", "tree/tiers",
              "Show who falls because of whom, or all by tier", "impact"),
    KeyAction("impact.page", "o", "screen.page_owner", "page owner",
              "Page the team that owns the chosen service or suspect", "impact"),
    KeyAction("impact.link-change", "l", "screen.link_change", "link change",
              "Say what the chosen change is: suspected, the cause, or cleared", "impact"),
    KeyAction("impact.waves", "w", "screen.waves", "restart",
              "Show in which order to bring it back, and tick it off", "impact"),
)  # fmt: skip
TIMELINE: Final = (
    KeyAction("timeline.filter", "i", "next_filter", "",
              "Only one kind of entry, then the next", "timeline"),
)  # fmt: skip
RESTART: Final = (
    KeyAction("restart.tick", "space,enter", "screen.tick_step", "tick",
              "Say that this service is back, or that it is not after all", "restart"),
    KeyAction("restart.back", "escape,left,w", "back", "back", "Back to the board", "restart"),
)  # fmt: skip
ESTATE: Final = (
    KeyAction("estate.open", "enter", "screen.open_worst", "open",
              "Show the worst incident of the chosen service", "estate"),
    KeyAction("estate.down", "down,j", "move(0,1)", "", "Down", "estate"),
    KeyAction("estate.up", "up,k", "move(0,-1)", "", "Up", "estate"),
    KeyAction("estate.right", "right,l", "move(1,0)", "", "Next service", "estate"),
    KeyAction("estate.left", "left,h", "move(-1,0)", "", "Service before", "estate"),
    KeyAction("estate.page-down", "pagedown,space", "leaf(1)", "", "Page down", "estate"),
    KeyAction("estate.page-up", "pageup", "leaf(-1)", "", "Page up", "estate"),
    KeyAction("estate.first", "home,g", "edge(0)", "", "Top", "estate"),
    KeyAction("estate.last", "end,G", "edge(-1)", "", "End", "estate"),
    KeyAction("estate.back", "escape,m", "back", "back", "Back to the board", "estate"),
)  # fmt: skip
TRIAGE: Final = (
    KeyAction("triage.accept", "a", "screen.accept", "accept", "Declare an incident of it",
              "triage"),
    KeyAction("triage.merge", "m", "screen.merge", "merge", "Make it part of an open incident",
              "triage"),
    KeyAction("triage.dismiss", "d", "screen.dismiss_item", "dismiss",
              "Let it be, and say why", "triage"),
    KeyAction("triage.back", "escape,left,T", "back", "back", "Back to the board", "triage"),
)  # fmt: skip
SILENCES: Final = (
    KeyAction("silence.add", "n", "screen.add", "new", "Silence alerts for a while", "silences"),
    KeyAction("silence.expire", "x", "screen.expire", "end", "End the chosen silence now",
              "silences"),
    KeyAction("silence.back", "escape,left,S", "back", "back", "Back to the board", "silences"),
)  # fmt: skip
DETAIL: Final = (
    KeyAction("detail.down", "down,j", "by(1)", "", "Down", "detail"),
    KeyAction("detail.up", "up,k", "by(-1)", "", "Up", "detail"),
    KeyAction("detail.page-down", "pagedown,space", "by(10)", "", "Page down", "detail"),
    KeyAction("detail.page-up", "pageup", "by(-10)", "", "Page up", "detail"),
    KeyAction("detail.top", "home,g", "by(-100000)", "", "Top", "detail"),
    KeyAction("detail.end", "end,G", "by(100000)", "", "End", "detail"),
    KeyAction("detail.back", "escape,left", "back", "back", "Back to the board", "detail"),
)
ALL: Final = (
    *WAR_ROOM, *LIST, *PANE, *IMPACT, *TIMELINE, *RESTART, *ESTATE, *TRIAGE, *SILENCES, *DETAIL
)  # fmt: skip
# The parts of help and docs, in their order: heading and actions.
PARTS: Final = (
    ("To the chosen incident, or to all that are marked", COMMANDS),
    ("In the room", WAR_ROOM[len(COMMANDS) :]),
    ("In the incidents", LIST),
    ("In impact, timers, timeline and health", PANE),
    ("In the impact", IMPACT),
    ("In the timeline", TIMELINE),
    ("In the restart waves", RESTART),
    ("On the map of the estate", ESTATE),
    ("In triage", TRIAGE),
    ("In the silences", SILENCES),
    ("In an incident", DETAIL),
)

_NAMES: Final = {
    "slash": "/", "colon": ":", "question_mark": "?", "pagedown": "PgDn", "pageup": "PgUp",
    "escape": "Esc", "enter": "Enter", "space": "Space", "home": "Home", "end": "End",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "f1": "F1", "tab": "Tab",
    "shift+tab": "Shift+Tab", "apostrophe": "'", "number_sign": "#", "asterisk": "*",
}  # fmt: skip


def key_name(key: str) -> str:
    """Return a key as people write it: ``slash`` is ``/``, ``ctrl+p`` is ``Ctrl+P``."""
    if key in _NAMES:
        return _NAMES[key]
    if key.startswith("ctrl+"):
        return f"Ctrl+{key[5:].upper()}"
    return key
