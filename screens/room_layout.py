"""Where the panes stand at each size. Pure arithmetic: the screen only carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from warroom.domain.panes import Pane

ORDER: Final = (Pane.BOARD, Pane.IMPACT, Pane.TIMERS, Pane.TIMELINE, Pane.HEALTH)
# Below these the room shows one pane; below the second pair three.
_THREE: Final = (110, 26)
_FIVE: Final = (156, 36)
_BIG: Final = (200, 50)


@dataclass(frozen=True, slots=True)
class Box:
    """A pane's place inside the room, in cells."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Places of the visible panes; ``tabs`` when some are hidden; lines of the header."""

    boxes: dict[Pane, Box]
    tabs: bool
    header: int = 1


def header_lines(width: int, height: int) -> int:
    """Return how many lines the header has: three where it is read from afar."""
    return 3 if width >= _BIG[0] and height >= _BIG[1] else 1


def plan(width: int, height: int, focus: Pane, side: Pane, *, zoomed: bool = False) -> Plan:
    """Return the room's plan.

    Args:
        width: columns of the terminal.
        height: lines of the terminal.
        focus: the pane with the keys: always visible.
        side: which of impact, timers and health stands beside the timeline when only three fit.
        zoomed: whether the focused pane has the whole room.
    """
    header = header_lines(width, height)
    five = width >= _FIVE[0] and height >= _FIVE[1]
    three = width >= _THREE[0] and height >= _THREE[1]
    tabs = zoomed or not five
    room = max(height - header - 1 - tabs, 1)
    if zoomed or not three:
        return Plan({focus: Box(0, 0, width, room)}, tabs=True, header=header)
    boxes = _five(width, room) if five else _three(width, room, side)
    return Plan(boxes, tabs, header)


def _three(width: int, room: int, side: Pane) -> dict[Pane, Box]:
    top = room - max(room * 9 // 20, 8)
    left = width * 9 // 20
    return {
        Pane.BOARD: Box(0, 0, width, top),
        side: Box(0, top, left, room - top),
        Pane.TIMELINE: Box(left, top, width - left, room - top),
    }


def _five(width: int, room: int) -> dict[Pane, Box]:
    health = 8 if room < 50 else 10
    middle = (room - health) * 2 // 5
    top = room - health - middle
    left, short = width * 11 // 20, width * 8 // 20
    return {
        Pane.BOARD: Box(0, 0, left, top),
        Pane.IMPACT: Box(left, 0, width - left, top),
        Pane.TIMERS: Box(0, top, short, middle),
        Pane.TIMELINE: Box(short, top, width - short, middle),
        Pane.HEALTH: Box(0, top + middle, width, health),
    }
