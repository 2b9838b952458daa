"""One entry of the log as lines: when, what kind, who, the text, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from warroom.domain.panes import LogRow
from warroom.domain.safe_text import safe_text
from widgets.cells import Line, Role, blank, cell
from widgets.words import time_words
from widgets.wrap import rows_of

_ROLES: Final = {"decision": Role.STRONG, "status": Role.QUIET, "automation": Role.QUIET}
_GLYPHS: Final = {"decision": "✱", "hypothesis": "?", "evidence": "·", "communication": "»"}
_SHORT: Final = {"hypothesis": "hypothes.", "communication": "message", "automation": "automatic"}
# Two moments that are further apart than this are both shown.
_APART_S: Final = 60.0


def entry_lines(
    row: LogRow,
    width: int,
    *,
    pinned: bool = False,
    struck: bool = False,
    old: LogRow | None = None,
    about: LogRow | None = None,
) -> list[Line]:
    """Return the entry wrapped to ``width`` columns.

    Args:
        row: the entry; its texts are raw and are cleaned here.
        width: columns inside the frame.
        pinned: whether it is drawn above the log.
        struck: whether a correction has replaced it.
        old: the entry that it replaces, when that one has been read.
        about: the hypothesis that it speaks for or against, when that one has been read.
    """
    narrow = width < 58
    author = 7 if narrow else 9 if width < 84 else 12
    kind = 0 if narrow else 10
    indent = 1 + 9 + 2 + kind + author + 1
    room = max(width - indent, 8)
    role = Role.STRUCK if struck else _ROLES.get(row.kind, Role.PLAIN)
    text = safe_text(row.text, 2000, single_line=False)
    parts = [(part, role) for part in rows_of(text, room)] or [(safe_text("—"), Role.QUIET)]
    for note in _notes(row, struck=struck, old=old, about=about):
        parts += [(part, Role.QUIET) for part in rows_of(safe_text(note, 600), room)]
    glyph = "◈" if pinned else _GLYPHS.get(row.kind, " ")
    head = (
        cell(f" {time_words(row.happened_at)}", 10, Role.QUIET),
        cell(glyph, 2, Role.STRONG),
        *((cell(_SHORT.get(row.kind, row.kind), kind, Role.QUIET),) if kind else ()),
        cell(row.author or row.source or "—", author, Role.PLAIN),
        blank(1),
    )
    lines = [Line((*head, cell(parts[0][0], room, parts[0][1])))]
    lines += [Line((blank(indent), cell(part, room, look))) for part, look in parts[1:]]
    return lines


def _notes(row: LogRow, *, struck: bool, old: LogRow | None, about: LogRow | None) -> list[str]:
    """Return the small print under an entry."""
    notes: list[str] = []
    if row.hypothesis is not None:
        h = row.hypothesis
        notes.append(f"{h.fate} · for {h.evidence_for} · against {h.evidence_against}")
    if row.stance:
        what = f"“{safe_text(about.text, 60)}”" if about else "a hypothesis"
        notes.append(f"{safe_text(row.stance, 12)} {what}")
    if row.corrects is not None:
        was = f"“{safe_text(old.text, 200)}”" if old else "an older entry"
        notes.append(f"✎ replaces {was}")
    if struck:
        notes.append("✎ corrected above")
    if row.confidence is not None:
        notes.append(f"confidence {row.confidence * 100:.0f} %")
    if abs((row.recorded_at - row.happened_at).total_seconds()) >= _APART_S:
        notes.append(f"recorded {_moment(row.recorded_at, row.happened_at)}")
    return notes


def _moment(moment: datetime, other: datetime) -> str:
    """Return the time of day, with its date where that is another one."""
    day = "" if moment.date() == other.date() else moment.strftime("%d %b ")
    return f"{day}{time_words(moment)}"
