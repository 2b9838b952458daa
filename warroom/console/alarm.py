"""Loud clocks: the bell and the terminal's notifications when a clock runs out.

OSC 9 (iTerm2, Windows Terminal, kitty, WezTerm, ConEmu) and OSC 777 (rxvt-unicode, foot, Ghostty)
are escape sequences that carry text; no byte of that text may end the sequence or begin another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from warroom.domain.picture import BoardPicture, IncidentRow
from warroom.domain.safe_text import safe_text

_LONGEST: Final = 120
_MOST: Final = 3
Key = tuple[int, str, datetime]


@dataclass(frozen=True, slots=True)
class AlarmOptions:
    """What may be sent; ``tmux`` says that we run inside it, ``passthrough`` that it may pass."""

    bell: bool = True
    osc9: bool = True
    osc777: bool = True
    tmux: bool = False
    passthrough: bool = False


class Alarms:
    """Remembers which clocks have been called out; those that had run out before we came are."""

    def __init__(self, options: AlarmOptions) -> None:
        self._options = options
        self._known: set[Key] | None = None

    def due(self, board: BoardPicture, now: datetime) -> tuple[IncidentRow, ...]:
        """Return the incidents whose next clock has run out since the last call."""
        over = {_key(row): row for row in board.rows if _is_over(row, now)}
        known, self._known = self._known, set(over)
        if known is None:
            return ()
        return tuple(row for key, row in over.items() if key not in known)

    def sequences(self, rows: tuple[IncidentRow, ...]) -> str:
        """Return what is sent to the terminal for these incidents; empty when all is off."""
        if not rows:
            return ""
        options = self._options
        parts = ["\a"] if options.bell else []
        if not options.tmux or options.passthrough:
            for row in rows[:_MOST]:
                parts += [self._wrapped(text) for text in self._notes(row)]
        return "".join(parts)

    def _notes(self, row: IncidentRow) -> list[str]:
        timer = row.next_timer
        what = plain(f"{row.ref} {timer.kind if timer else ''} overdue: {row.title}")
        found = [f"\x1b]9;{what}\x1b\\"] if self._options.osc9 else []
        if self._options.osc777:
            found.append(f"\x1b]777;notify;war room;{what}\x1b\\")
        return found

    def _wrapped(self, sequence: str) -> str:
        if not self._options.tmux:
            return sequence
        escaped = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{escaped}\x1b\\"


def plain(text: str) -> str:
    """Return text for inside an escape sequence: printable, short, without a separator."""
    shown = str(safe_text(text, _LONGEST))
    return "".join(c for c in shown if c.isprintable()).replace(";", ",")


def _key(row: IncidentRow) -> Key:
    assert row.next_timer is not None
    return row.number, row.next_timer.kind, row.next_timer.due_at


def _is_over(row: IncidentRow, now: datetime) -> bool:
    return row.next_timer is not None and not row.drill and row.next_timer.due_at <= now
