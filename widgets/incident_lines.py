"""The two lines of an incident in the live list, as cells of fixed width."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from rich.cells import cell_len

from warroom.domain.picture import IncidentRow, ServiceLink
from warroom.domain.safe_text import SafeText, safe_text
from widgets.cells import Cell, Line, Role, blank, cell, fit, whole
from widgets.words import (
    age_words,
    people_words,
    severity_look,
    target_words,
    timer_verb,
    timer_words,
)

LINES: Final = 2
ALL_COLUMNS: Final = frozenset({"status", "people", "services", "clock"})


class Mark(StrEnum):
    """What is known about the last command on an incident."""

    NONE = " "
    PENDING = "…"
    UNKNOWN = "?"
    DONE = "✓"


_MARK_ROLES: Final = {
    Mark.NONE: Role.PLAIN,
    Mark.PENDING: Role.CHOSEN,
    Mark.UNKNOWN: Role.SOON,
    Mark.DONE: Role.CHOSEN,
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of the flexible columns. The same for all rows, so that nothing jumps."""

    title: int
    status: int
    people: int
    services: int
    clock: int


def columns(width: int, shown: frozenset[str] = ALL_COLUMNS) -> Columns:
    """Return the columns for a pane whose inside is ``width`` wide; a saved view may hide some."""
    wide = width >= 110
    clock = (42 if wide else 17 if width >= 50 else 14) if "clock" in shown else 0
    status = 13 if width >= 40 and "status" in shown else 0
    people = (24 if wide else 18 if width >= 66 else 10) if "people" in shown else 0
    # 9 = selection bar, indent and age; each shown column is followed by two blanks.
    services = width - 9 - (status + 2 if status else 0) - (people + 2) - clock - 2
    if "services" not in shown:
        services = 0
    elif services < 6:
        people, services = people + services + 2, 0
    return Columns(width - 24, status, people, services, clock)


def incident_lines(
    row: IncidentRow,
    cols: Columns,
    now: datetime,
    mark: Mark,
    *,
    selected: bool,
    tagged: bool = False,
) -> tuple[Line, Line]:
    """Return the two lines of an incident.

    Args:
        row: the incident; its texts are raw and are cleaned here.
        cols: the widths of the pane's columns.
        now: the database's present moment.
        mark: the state of the last command on it.
        selected: whether it is the chosen one.
        tagged: whether it is marked for a batch.
    """
    look = severity_look(row.severity, drill=row.drill)
    bar = whole("▌" if selected else " ", Role.CHOSEN)
    first = (
        bar,
        whole(f"{look.glyph} {look.word:<5} ", look.role),
        cell(row.ref, 9, Role.STRONG),
        blank(1),
        whole(mark.value, _MARK_ROLES[mark]),
        blank(1),
        whole("■" if tagged else " ", Role.CHOSEN),
        blank(2),
        cell(row.title, cols.title, Role.STRONG if row.severity <= 2 else Role.PLAIN),
    )
    people, people_role = people_words(row)
    second = [
        bar,
        cell(age_words((now - row.opened_at).total_seconds()), 5, Role.QUIET, right=True),
    ]
    second.append(blank(3))
    if cols.status:
        role = Role.SOON if row.status == "triggered" and not row.drill else Role.QUIET
        second += [cell(row.status, cols.status, role), blank(2)]
    second += [cell(people, cols.people, people_role), blank(2)]
    if cols.services:
        second += [Cell(_services(row, cols.services), Role.QUIET), blank(2)]
    if cols.clock:
        room = sum(c.width for c in first) - sum(c.width for c in second) - cols.clock
        second += [blank(room), *_clock(row, cols.clock, now)]
    return Line(first, selected), Line(tuple(second), selected)


def _clock(row: IncidentRow, width: int, now: datetime) -> list[Cell]:
    words, role = timer_words(row.clock, now)
    if row.clock is None or width < 30:
        return _right(words, width, role)
    target = f"{timer_verb(row.clock.kind)} → {target_words(row.clock.target)}"
    return [cell(target, width - 17, Role.QUIET, right=True), *_right(words, 17, role)]


def _right(words: str, width: int, role: Role) -> list[Cell]:
    """Right-align without colouring the blanks: a loud clock is a block, not a bar."""
    used = min(cell_len(words), width)
    return [blank(width - used), cell(words, used, role)]


def _services(row: IncidentRow, width: int) -> SafeText:
    """Return as many service names as fit, and ``+N`` for the rest."""
    links = sorted(row.services, key=_rank)
    total = max(row.service_count, len(links))
    shown = ""
    used = 0
    for link in links:
        name = safe_text(link.name or link.key, 40)
        longer = f"{shown} {name}" if shown else str(name)
        rest = f" +{total - used - 1}" if total - used - 1 else ""
        if cell_len(longer) + len(rest) > width:
            break
        shown, used = longer, used + 1
    if used == 0 and links:
        rest = f" +{total - 1}" if total > 1 else ""
        first = safe_text(links[0].name or links[0].key, 200)
        shown, used = fit(first, min(cell_len(first), width - len(rest))), 1
    more = f" +{total - used}" if total > used and used else ""
    return fit(safe_text(shown + more), width)


def _rank(link: ServiceLink) -> tuple[int, int]:
    return {"down": 0, "degraded": 1, "suspected": 2}.get(link.state, 3), link.tier
