"""Rows of the impact pane as lines of cells, fitted to a width."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from warroom.domain.safe_text import SafeText, safe_text
from widgets.cells import Cell, Line, Role, blank, cell, whole
from widgets.impact_rows import DomainRow, HeadRow, NodeRow, Row, SayRow, SuspectRow
from widgets.impact_words import (
    THIRD_PARTY,
    about_words,
    customers_words,
    domain_words,
    felt_words,
    meter,
    reason_words,
    state_look,
)
from widgets.words import age_words
from widgets.wrap import rows_of as wrapped

_LONGEST_REASON: Final = 4
_WIDE: Final = 84
# From here on users and customers have columns of their own.
_ROOMY: Final = 120
_FEEL: Final = 28
_LONGEST_NAME: Final = 56
_SUSPECT_COLUMNS: Final = 70
# How far the chain of causes may reach before what follows is cut.
_TEXT: Final = 600


def lines_of(row: Row, width: int, now: datetime | None) -> tuple[Line, ...]:
    """Return the lines of a row; the first cell of each is the column of marks.

    Args:
        row: what to draw.
        width: columns there are.
        now: the database's time, None before it is known.
    """
    if isinstance(row, SayRow):
        return _said(row, width)
    if isinstance(row, HeadRow):
        return (_head(row, width),)
    if isinstance(row, NodeRow):
        return (_node(row, width, now), *(_told(row, width) if row.told else ()))
    if isinstance(row, DomainRow):
        return (_domain(row, width),)
    return _suspect(row, width, now)


def height_of(row: Row, width: int, now: datetime | None) -> int:
    """Return how many lines a row takes."""
    if isinstance(row, SayRow | SuspectRow) or (isinstance(row, NodeRow) and row.told):
        return len(lines_of(row, width, now))
    return 1


def marked(line: Line) -> Line:
    """Return a line as the chosen one."""
    return Line((whole("▌", Role.CHOSEN), *line.cells[1:]), True)


def _said(row: SayRow, width: int) -> tuple[Line, ...]:
    lead = f"{row.lead} " if row.lead else ""
    room = max(width - 1 - len(lead), 8)
    parts = list(wrapped(safe_text(row.text, _TEXT), room))
    parts = _at_most(parts, row.most)
    lines = []
    for number, part in enumerate(parts):
        first = cell(lead if number == 0 else "", len(lead), Role.QUIET)
        lines.append(Line((blank(1), first, cell(part, room, row.role))))
    return tuple(lines)


def _head(row: HeadRow, width: int) -> Line:
    glyph = ("▸" if row.folded else "▾") if row.key else "─"
    text = safe_text(f"{row.text} ", 120)
    rule = max(width - 3 - len(text), 0)
    cells = (blank(1), whole(f"{glyph} ", Role.FRAME), whole(text, Role.QUIET))
    return Line((*cells, whole("─" * rule, Role.FRAME)))


def _node(row: NodeRow, width: int, now: datetime | None) -> Line:
    node = row.node
    glyph, word, role = state_look(node.state)
    since = ""
    if node.since is not None and now is not None:
        since = age_words((now - node.since).total_seconds())
    team = 11 if width >= 64 else 0
    why, feel = _why_columns(width), _FEEL if width >= _ROOMY else 0
    tier = 7 if width >= 46 else 3
    state = 10
    # mark, glyph, state, age and tier; the name has what remains.
    name = width - 3 - state - 5 - tier - (team + 1 if team else 0) - (why + 1 if why else 0)
    name -= feel
    # On a wall the state stays near the name, and the chain of causes has what is left.
    spare = max(name - _LONGEST_NAME, 0) if why else 0
    name, why = name - spare, why + spare
    drawn = min(len(row.branch), max(name - 8, 0))
    label = node.name or node.key
    if node.elsewhere:
        label += " ↑"
    elif row.hidden:
        label += f" +{row.hidden}"
    tail = node.kind in THIRD_PARTY and name - drawn >= len(label) + 14
    quiet = Role.QUIET if node.elsewhere else Role.PLAIN
    cells = [
        whole("┃", Role.CHOSEN) if row.on_path else blank(1),
        whole(row.branch[:drawn], Role.CHOSEN if row.on_path else Role.FRAME),
        whole("▸ " if row.hidden else f"{glyph} ", role),
        cell(f"{label} (third party)" if tail else label, name - drawn,
             Role.STRONG if row.on_path else quiet),
        cell(word, state, role),
        cell(since, 4, Role.QUIET, right=True),
        blank(1),
        cell(f"tier {node.tier}" if tier == 7 else f"t{node.tier}", tier, Role.QUIET),
    ]  # fmt: skip
    if team:
        cells += [cell(node.team, team, Role.QUIET), blank(1)]
    if feel:
        share = "" if node.user_share is None else f"~{node.user_share:.0f} %"
        many = "" if node.customers is None else customers_words(node.customers)
        cells += [cell(share, 6, Role.QUIET, right=True), blank(1)]
        cells += [cell(many, feel - 9, Role.QUIET, right=True), blank(2)]
    if why:
        cells += [cell(reason_words(node), why, Role.QUIET), blank(1)]
    return Line(tuple(cells))


def _told(row: NodeRow, width: int) -> tuple[Line, ...]:
    """Return what the line of a service has no room for: why, and how many people feel it."""
    reason = reason_words(row.node)
    parts = [reason] if len(reason) > _why_columns(width) else []
    if width < _ROOMY and (felt := felt_words(row.node)):
        parts.append(felt)
    room = max(width - 5, 8)
    rows = _at_most(list(wrapped(safe_text(" · ".join(parts), _TEXT), room)), 2) if parts else []
    return tuple(Line((blank(1), blank(4), cell(part, room, Role.QUIET))) for part in rows)


def _why_columns(width: int) -> int:
    return max(width // (4 if width >= _ROOMY else 3), 16) if width >= _WIDE else 0


def _domain(row: DomainRow, width: int) -> Line:
    # Without a known state no glyph: the dot means well on the map.
    glyph, _, role = state_look(row.state) if row.state else (" ", "", Role.QUIET)
    kind = row.domain.kind.replace("-", " ")
    name = min(max((width - 15) // 3, 10), 30)
    cells = [
        blank(1),
        whole(f"{glyph} ", role),
        cell(kind, 12, Role.QUIET),
        cell(row.domain.value, name - 1),
        blank(1),
    ]
    cells.append(cell(domain_words(row.domain), width - 15 - name, Role.QUIET))
    return Line(tuple(cells))


def _suspect(row: SuspectRow, width: int, now: datetime | None) -> tuple[Line, ...]:
    suspect = row.suspect
    age = ""
    if suspect.since is not None and now is not None:
        age = age_words((now - suspect.since).total_seconds())
    what = about_words(suspect, age)
    reasons = suspect.reasons if row.full else suspect.reasons[:1]
    path = ""
    if row.full and len(suspect.path) > 1:
        path = "reaches " + " → ".join(safe_text(key, 60) for key in suspect.path)
    link = suspect.link if row.full else ""
    texts = (*reasons, *(text for text in (path, link) if text))
    draw = _beside if width >= _SUSPECT_COLUMNS else _below
    return draw(row, width, what, texts)


def _beside(row: SuspectRow, width: int, what: str, texts: tuple[str, ...]) -> tuple[Line, ...]:
    """Name and nature at the left, reasons at the right."""
    left = min(max(width * 2 // 5, 30), 44)
    room = width - 9 - left
    right = _reasons(texts, room, full=row.full)
    below = list(wrapped(safe_text(what, 200), left))[:2] if row.full else []
    lines = [Line((*_begin(row), cell(_name(row), left, Role.STRONG), blank(1),
                   right[0] if right else blank(room)))]  # fmt: skip
    for number in range(1, max(len(right), 1 + len(below))):
        mine = below[number - 1] if number <= len(below) else ""
        words = right[number] if number < len(right) else blank(room)
        lines.append(Line((blank(1), blank(7), cell(mine, left, Role.QUIET), blank(1), words)))
    return tuple(lines)


def _below(row: SuspectRow, width: int, what: str, texts: tuple[str, ...]) -> tuple[Line, ...]:
    """Name first, then the reasons beneath it: there is no room beside it."""
    lines = [Line((*_begin(row), cell(_name(row), width - 8, Role.STRONG)))]
    lines += [
        Line((blank(1), blank(3), words)) for words in _reasons(texts, width - 4, full=row.full)
    ]
    if row.full and what:
        parts = _at_most(list(wrapped(safe_text(what, 200), max(width - 4, 8))), 2)
        lines += [Line((blank(1), blank(3), cell(part, width - 4, Role.QUIET))) for part in parts]
    return tuple(lines)


def _begin(row: SuspectRow) -> tuple[Cell, ...]:
    number = cell(str(row.place), 2, Role.QUIET, right=True)
    return blank(1), number, blank(1), whole(meter(row.suspect.score), Role.QUIET), blank(1)


def _name(row: SuspectRow) -> str:
    return row.suspect.name or row.suspect.key


def _reasons(texts: tuple[str, ...], room: int, *, full: bool) -> list[Cell]:
    """Return the reasons wrapped; a folded suspect has one line, which says by … that it goes on.

    The first reason is the key fact, so it is the one that is not quiet.
    """
    found: list[Cell] = []
    for number, text in enumerate(texts):
        role = Role.PLAIN if number == 0 else Role.QUIET
        parts = list(wrapped(safe_text(text, _TEXT), max(room, 8)))
        parts = _at_most(parts, _LONGEST_REASON if full else 1)
        found += [cell(part, room, role) for part in parts]
    return found


def _at_most(parts: list[SafeText], most: int) -> list[SafeText]:
    """Return so many rows of a text; what the last one has no room for is cut with a sign."""
    if len(parts) <= most:
        return parts
    return [*parts[: most - 1], safe_text(" ".join(parts[most - 1 :]), _TEXT)]
