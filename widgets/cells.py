"""Cells: the unit that live widgets draw and compare.

A line is a row of cells, each a text that was already fitted to its columns and the role that
gives it a colour.  Comparing two lines cell by cell tells which columns of the terminal must be
sent again, so an unchanged column costs no byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from warroom.domain.safe_text import SafeText, safe_text

ELLIPSIS = "…"
_LONGEST = 2000


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


def spread(cells: tuple[Cell, ...]) -> Iterator[tuple[int, int, Cell]]:
    """Yield (first column, width, cell)."""
    x = 0
    for each in cells:
        width = each.width
        yield x, width, each
        x += width


def changed_columns(old: Line, new: Line) -> list[tuple[int, int]]:
    """Return (first column, width) of each run of columns that differ; empty when none do."""
    before, after = list(spread(old.cells)), list(spread(new.cells))
    total = sum(width for _, width, _ in after)
    same_grid = [(x, w) for x, w, _ in before] == [(x, w) for x, w, _ in after]
    if old.selected != new.selected or not same_grid:
        return [] if old == new else [(0, total)]
    runs: list[tuple[int, int]] = []
    for (x, width, was), (_, _, now) in zip(before, after, strict=True):
        if was == now or width == 0:
            continue
        # A new cursor address costs about as much as eight columns: close neighbours join.
        if runs and x - sum(runs[-1]) < 8:
            runs[-1] = (runs[-1][0], x + width - runs[-1][0])
        else:
            runs.append((x, width))
    return runs
