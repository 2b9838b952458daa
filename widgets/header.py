"""The header: the facts that a tired person needs within two seconds, on one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.cells import cell_len

from warroom.domain.picture import BoardPicture, IncidentRow, NextTimer
from warroom.domain.safe_text import safe_text
from widgets.big_clock import big
from widgets.cell_view import CellView
from widgets.cells import Cell, Line, Role, blank, cell
from widgets.freshness import NO_PICTURE, Freshness, badge_words
from widgets.words import (
    people_words,
    severity_look,
    target_words,
    time_words,
    timer_verb,
    timer_words,
)

BIG_LINES: Final = 3
_WIDE: Final = 40


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What the header is told: the board, who looks at it, and the database's time."""

    board: BoardPicture | None = None
    who: str = ""
    now: datetime | None = None


class Header(CellView):
    """Open count, the worst, the next clock, who am I, freshness and the time in UTC."""

    DEFAULT_CSS = "Header { height: 1; dock: top; background: $wr-bar; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id)
        self._facts = HeaderFacts()
        self._badge: Freshness = NO_PICTURE
        self._worst: IncidentRow | None = None
        self._nearest: tuple[IncidentRow, NextTimer] | None = None

    def show_facts(self, facts: HeaderFacts, badge: Freshness) -> None:
        """Take the facts of this moment."""
        if facts.board is not self._facts.board:
            rows = facts.board.rows if facts.board else ()
            self._worst = min((r for r in rows if not r.drill), key=_badness, default=None)
            clocks = [(r, r.next_timer) for r in rows if r.next_timer and not r.drill]
            # What is owed stays for as long as nobody gives it: it hides no clock that still runs.
            clocks = clocks or [(r, r.owed) for r in rows if r.owed and not r.drill]
            self._nearest = min(clocks, key=lambda pair: pair[1].due_at, default=None)
        self._facts, self._badge = facts, badge
        self.repaint()

    def content_height(self) -> int:
        """One line, or the three of the big one."""
        return max(self.size.height, 1)

    def content_line(self, index: int, width: int) -> Line:
        """Draw left what is wrong, right who and when; the less important yields first."""
        if self.size.height >= BIG_LINES:
            return self._big(index, width)
        right = self._right(width)
        room = width - sum(c.width for c in right)
        left: list[Cell] = []
        for group in self._left(width):
            size = sum(c.width for c in group)
            if size > room:
                break
            left += group
            room -= size
        if self._facts.board is not None:
            # Last, so that it yields first: the health pane names them wherever it is shown.
            left += _quiet(self._facts.board.quiet_sources, room)
            room = width - sum(c.width for c in (*left, *right))
        return Line((*left, blank(room, Role.BAR), *right))

    def _big(self, index: int, width: int) -> Line:
        """Three lines: the worst and whose it is, the next clock in large digits, who and when."""
        board, now = self._facts.board, self._facts.now
        left, middle, right = [_bar(" ")], [_bar("")], ""
        if index == 0:
            left = [_bar(" WAR ROOM")]
            right = safe_text(self._facts.who, 24)
        elif index == 1 and board is not None:
            left = [*_open(board), *_drills(board)]
            if board.triage_count:
                left.append(_whole(f"· {board.triage_count} in triage ", Role.SOON))
            left += _quiet(board.quiet_sources, _WIDE)
            left += _worst(self._worst, width) if self._worst else []
        elif index == BIG_LINES - 1:
            left = [cell(f" {self._worst.title if self._worst else ''}", 60, Role.BAR)]
            right = f"{time_words(now)} UTC" if now else ""
        if now is not None and self._nearest is not None:
            row, timer = self._nearest
            words, role = timer_words(timer, now)
            role = Role.BAR if role is Role.PLAIN else role
            digits = big(words.removesuffix(" ⏱").removeprefix("OVERDUE "))[index % BIG_LINES]
            verb = "OVERDUE" if role is Role.NOW_LOUD else "next clock"
            where = f"{timer_verb(timer.kind)} → {target_words(timer.target)}"
            labels = (verb, row.ref, where)
            middle = [_whole(f" {digits} ", role), _bar("  ")]
            middle.append(cell(labels[index % BIG_LINES], 36, Role.BAR))
        badge = [_whole(*badge_words(self._badge))] if index == 1 else [_whole(right, Role.BAR)]
        gap = width * 2 // 5 - sum(c.width for c in left)
        used = max(gap, 1) + sum(c.width for c in (*left, *middle, *badge)) + 1
        fill = blank(max(width - used, 0), Role.BAR)
        return Line((*left, blank(max(gap, 1), Role.BAR), *middle, fill, *badge, _bar(" ")))

    def _left(self, width: int) -> list[list[Cell]]:
        board = self._facts.board
        groups = [[_bar(" WAR ROOM  ")]] if width >= 120 else []
        if board is None:
            return [*groups, [_bar(" starting ")]]
        groups.append(_open(board))
        roomy = width >= 120
        if roomy:
            groups[-1] += _drills(board)
        if board.triage_count:
            word = " in triage" if width >= 100 else " triage"
            groups[-1].append(_whole(f"· {board.triage_count}{word} ", Role.SOON))
        if self._worst is not None:
            groups.append(_worst(self._worst, width))
        if self._nearest is not None and self._facts.now:
            groups.append(_next(*self._nearest, self._facts.now, width))
        if not roomy:  # a drill takes no room from what is real
            groups.append(_drills(board, "·"))
        return groups

    def _right(self, width: int) -> list[Cell]:
        words, role = badge_words(self._badge)
        clock = time_words(self._facts.now) if self._facts.now else "--:--:--"
        who = safe_text(self._facts.who, 24 if width >= 120 else 8)
        badge = _whole(words, role)
        cells = [badge, blank(14 - badge.width, Role.BAR)]
        if who:
            cells.insert(0, cell(f"{who}  ", cell_len(who) + 2, Role.BAR))
        return [*cells, _bar(f" {clock} UTC " if width >= 100 else f"{clock}Z")]


def _drill_count(board: BoardPicture) -> int:
    return max(board.drill_count, sum(row.drill for row in board.rows))


def _open(board: BoardPicture) -> list[Cell]:
    """How many incidents are open, drills apart: a quiet room with a drill in it is quiet."""
    return [_bar(f" {max(board.open_count, len(board.rows)) - _drill_count(board)} open ")]


def _drills(board: BoardPicture, sign: str = "+") -> list[Cell]:
    count = _drill_count(board)
    words = f"{sign} {count} drill{'' if count == 1 else 's'} "
    return [_whole(words, Role.BAR_QUIET)] if count else []


def _worst(row: IncidentRow, width: int) -> list[Cell]:
    """The worst incident and, where there is room, who has it."""
    look = severity_look(row.severity, drill=row.drill)
    loud = Role.NOW_LOUD if look.role is Role.NOW else Role.BAR
    cells = [_bar(" "), _whole(f" {look.glyph} {look.word} {row.ref} ", loud)]
    if width >= 120:
        people, _ = people_words(row)
        cells.append(_whole(f" {safe_text(people, 24)} ", Role.BAR))
    return cells


def _next(row: IncidentRow, timer: NextTimer, now: datetime, width: int) -> list[Cell]:
    """The clock that runs out first, and whose it is."""
    words, role = timer_words(timer, now)
    role = Role.BAR if role is Role.PLAIN else role
    # As wide as an overdue clock, so that what follows stays where it is.
    clock = cell(words.removesuffix(" ⏱"), 13 if role is Role.NOW_LOUD else 5, role)
    where = row.ref
    if width >= 160:
        where += f" {timer_verb(timer.kind)} → {target_words(timer.target)}"
    label = [_bar(" next ")] if width >= 100 else [_bar(" ")]
    return [*label, clock, _whole(f" {safe_text(where, 60)} ", Role.BAR_QUIET)]


def _quiet(count: int, room: int) -> list[Cell]:
    """How many alert sources are waited for and say nothing, as far as there is room."""
    sources = "source" if count == 1 else "sources"
    said = (_whole(f"· {count} {words} ", Role.SOON) for words in (f"{sources} quiet", "quiet"))
    return [each for each in said if count and each.width <= room][:1]


def _bar(text: str) -> Cell:
    return cell(text, cell_len(text), Role.BAR)


def _whole(text: str, role: Role) -> Cell:
    return cell(text, cell_len(text), role)


def _badness(row: IncidentRow) -> tuple[int, datetime]:
    return row.severity, row.opened_at
