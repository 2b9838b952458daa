"""Cells: the unit that live widgets draw and compare.

A line is a row of cells, each a text that was already fitted to its columns and the role that
gives it a colour.  Comparing two lines cell by cell tells which columns of the terminal must be
sent again, so an unchanged column costs no byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from warroom.domain.safe_text import SafeText, safe_text

ELLIPSIS = "…"
_LONGEST = 2000
_NEAR = 12


class Role(StrEnum):
    """Why a cell looks as it does; the theme decides how. Colour always means something."""

    PLAIN = "plain"
    STRONG = "strong"
    QUIET = "quiet"
    FRAME = "frame"
    TITLE = "title"
    NOW = "now"
    NOW_LOUD = "now-loud"
    SOON = "soon"
    CHOSEN = "chosen"
    STRUCK = "struck"
    BAR = "bar"
    BAR_QUIET = "bar-quiet"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text as wide as its columns."""

    shown: SafeText
    role: Role = Role.PLAIN

    @property
    def width(self) -> int:
        """Columns that it takes."""
        return cell_len(self.shown)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a widget; ``selected`` changes its background."""

    cells: tuple[Cell, ...]
    selected: bool = False


@lru_cache(maxsize=4096)
def fit(text: SafeText, width: int, *, right: bool = False) -> SafeText:
    """Cut or pad to exactly ``width`` columns; what is cut ends in an ellipsis.

    A wide character that would be halved is left out, so the columns behind it never move.
    """
    if width <= 0:
        return safe_text("")
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        head = set_cell_size(str(text), width - 1).rstrip(" ")
        return safe_text(set_cell_size(head + ELLIPSIS, width), _LONGEST)
    padding = " " * (width - length)
    return safe_text(padding + text if right else text + padding, _LONGEST)


@lru_cache(maxsize=1024)
def clean(text: str) -> SafeText:
    """Return ``safe_text(text)``; the same few hundred texts are drawn again and again."""
    return safe_text(text, _LONGEST)


def cell(text: str, width: int, role: Role = Role.PLAIN, *, right: bool = False) -> Cell:
    """Return a fitted cell; a text that nobody cleaned yet is cleaned here."""
    return Cell(fit(clean(text), width, right=right), role)


def whole(text: str, role: Role = Role.PLAIN) -> Cell:
    """Return a cell that is as wide as its text."""
    return Cell(clean(text), role)


def blank(width: int, role: Role = Role.PLAIN) -> Cell:
    """Return an empty cell."""
    return Cell(clean(" " * max(width, 0)), role)


def exactly(line: Line, width: int) -> Line:
    """Return a line of exactly ``width`` columns: where there is no room at all, the end is cut."""
    room = width - sum(c.width for c in line.cells)
    if room == 0:
        return line
    if room > 0:
        return Line((*line.cells, blank(room)), line.selected)
    kept: list[Cell] = []
    left = width
    for each in line.cells:
        kept.append(each if each.width <= left else Cell(fit(each.shown, left), each.role))
        left -= kept[-1].width
    return Line(tuple(kept), line.selected)


def changed_columns(old: Line, new: Line) -> list[tuple[int, int]]:
    """Return (first column, width) of each run of columns that differ; empty when none do."""
    before, after = _columns(old), _columns(new)
    if old.selected != new.selected or len(before) != len(after):
        return [] if old == new else [(0, len(after))]
    runs: list[tuple[int, int]] = []
    for x, (was, now) in enumerate(zip(before, after, strict=True)):
        if was == now:
            continue
        # The second half of a wide character cannot be sent without the first one.
        first = x - 1 if x and (now[0] == "" or was[0] == "") else x
        # A new cursor address and style cost more than some columns: close neighbours join.
        if runs and first - sum(runs[-1]) < _NEAR:
            runs[-1] = (runs[-1][0], x + 1 - runs[-1][0])
        else:
            runs.append((first, x + 1 - first))
    return [(x, _whole_width(after, before, x + width) - x) for x, width in runs]


def _columns(line: Line) -> list[tuple[str, Role]]:
    """Return (character, role) for each column; the second half of a wide one is empty."""
    columns: list[tuple[str, Role]] = []
    for each in line.cells:
        if each.shown.isascii():
            columns += [(char, each.role) for char in each.shown]
            continue
        for char in each.shown:
            width = cell_len(char)
            if width == 0 and columns:
                columns[-1] = (columns[-1][0] + char, columns[-1][1])
            columns += [(char if not half else "", each.role) for half in range(width)]
    return columns


def _whole_width(after: list[tuple[str, Role]], before: list[tuple[str, Role]], end: int) -> int:
    """Let a run end behind a wide character, not in it."""
    while end < len(after) and (after[end][0] == "" or before[end][0] == ""):
        end += 1
    return end
