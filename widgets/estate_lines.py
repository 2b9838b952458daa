"""The lines of the estate's map: headline, large numbers, headings and cells. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Final

from warroom.domain.reasoned import EstatePicture, EstateService
from warroom.domain.safe_text import safe_text
from widgets.big_clock import big
from widgets.cells import Cell, Line, Role, blank, cell, whole
from widgets.estate_layout import WELL, Count, Heading, Spot, heading_words, is_hit
from widgets.impact_words import state_look

_SCOREBOARD: Final = (
    ("down", ("down",), Role.NOW_LOUD),
    ("degraded", ("degraded",), Role.NOW),
    ("expected", ("expected-down", "expected-degraded"), Role.SOON),
    ("suspected", ("suspected",), Role.SOON),
    ("recovered", ("recovered",), Role.QUIET),
    ("well", (WELL,), Role.QUIET),
)


def headline(picture: EstatePicture, width: int) -> Line:
    """Return the line that says all of it."""
    hit = sum(map(is_hit, picture.services))
    if not hit:
        words = f"All {len(picture.services)} services are well"
        words += f", with {picture.open_count} open incidents." if picture.open_count else "."
        return Line((cell(f" {words}", width, Role.QUIET),))
    down = any(service.state == "down" for service in picture.services)
    words = picture.headline or f"{hit} services hit"
    return Line((cell(f" {words}", width, Role.NOW if down else Role.SOON),))


def scores(counts: Counter[str], index: int) -> Line:
    """Draw one of the three lines of large numbers; what is nought is quiet."""
    cells: list[Cell] = [blank(1)]
    for label, states, role in _SCOREBOARD:
        number = sum(counts[state] for state in states)
        shown = role if number else Role.QUIET
        digits = big(str(number))[index]
        words = label if index == 1 else ""
        cells += [whole(f" {digits} ", shown), blank(1), cell(words, 14, Role.QUIET)]
    return Line(tuple(cells))


def heading_line(heading: Heading, width: int) -> Line:
    """Return the line above a tier."""
    words = safe_text(f" {heading_words(heading)} ", 120)
    role = Role.STRONG if heading.hit else Role.QUIET
    return Line((whole(words, role), whole("─" * max(width - len(words), 0), Role.FRAME)))


def spot_cells(spot: Spot, width: int, *, chosen: bool) -> list[Cell]:
    """Draw a cell of one line; what is down is loud, what is well is nearly nothing."""
    if isinstance(spot, Count):
        return [cell(f" · {spot.number} well", width, Role.QUIET)]
    glyph, word, role = _look_of(spot)
    inner = max(width - 2, 1)
    name = spot.name if len(spot.name) + 4 + len(word) <= inner else spot.key
    state = f" {word} " if word and inner >= 20 else ""
    return [
        _mark(chosen=chosen),
        cell(f"{glyph} {name}", inner - len(state), role),
        cell(state, len(state), role),
        blank(1),
    ]


def roomy(spot: Spot, width: int, part: int, *, chosen: bool) -> list[Cell]:
    """Draw one of a cell's two lines: the name, and beneath it the state and its incident."""
    if isinstance(spot, Count):
        return [blank(width)]
    glyph, word, role = _look_of(spot)
    refs = f" INC-{spot.incidents[0]}" if spot.incidents else ""
    second = f"  {word}{refs}" if word else ""
    words = second if part else f"{glyph} {spot.name or spot.key}"
    return [_mark(chosen=chosen), cell(words, max(width - 2, 1), role), blank(1)]


def _look_of(service: EstateService) -> tuple[str, str, Role]:
    if service.state == WELL:
        return "·", "", Role.QUIET
    glyph, word, role = state_look(service.state)
    return glyph, word, Role.NOW_LOUD if service.state == "down" else role


def _mark(*, chosen: bool) -> Cell:
    return whole("▌", Role.CHOSEN) if chosen else blank(1)
