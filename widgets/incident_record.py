"""One incident in words: its facts, who does what, and the timeline, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.binding import Binding, BindingType

from warroom.domain.picture import AlertRow, IncidentDetail, TimelineRow
from warroom.domain.safe_text import safe_text
from widgets.cell_view import CellView, centred
from widgets.cells import Line, Role, blank, cell, whole
from widgets.words import (
    age_words,
    severity_look,
    target_words,
    time_words,
    timer_verb,
    timer_words,
)
from widgets.wrap import rows_of as _rows

_KIND_ROLES: Final = {"decision": Role.STRONG, "communication": Role.PLAIN, "status": Role.QUIET}
ALERTS_MAX: Final = 8
_KIND_GLYPHS: Final = {"decision": "✱", "hypothesis": "?", "evidence": "·"}


class IncidentRecord(CellView, can_focus=True):
    """The detail of an incident; scrolls by line."""

    framed: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "by(1)", "Down", id="detail.down", show=False),
        Binding("up,k", "by(-1)", "Up", id="detail.up", show=False),
        Binding("pagedown,space", "by(10)", "Page down", id="detail.page-down", show=False),
        Binding("pageup", "by(-10)", "Page up", id="detail.page-up", show=False),
        Binding("home,g", "by(-100000)", "Top", id="detail.top", show=False),
        Binding("end,G", "by(100000)", "End", id="detail.end", show=False),
    ]

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._detail: IncidentDetail | None = None
        self._now: datetime | None = None
        self._statement = safe_text("No incident is selected.")
        self._lines: list[Line] = []
        self._wrapped: list[Line] | None = None
        self._width = 0

    def show_detail(self, detail: IncidentDetail | None, now: datetime | None) -> None:
        """Take a picture of one incident; None shows the statement."""
        other = detail is None or self._detail is None or detail.row.id != self._detail.row.id
        self._detail, self._now, self._wrapped = detail, now, None
        if other:
            self.go_to(0)
        heading = f"{detail.row.ref} {safe_text(detail.row.title, 120)}" if detail else "Detail"
        self._lay_out(self.size.width - 4)
        self.set_heading(heading)

    def show_statement(self, statement: str) -> None:
        """Say why there is nothing to see."""
        self._statement = safe_text(statement)
        self.repaint()

    def tick(self, now: datetime) -> None:
        """Move ages and clocks on."""
        self._now = now
        self._lay_out(self.size.width - 4)
        self.repaint()

    def content_height(self) -> int:
        """All laid out lines."""
        return len(self._lines)

    def content_line(self, index: int, width: int) -> Line:
        """Return one laid out line."""
        if self._detail is None:
            inside = max(self.size.height - 2, 1)
            return (
                centred(self._statement, width) if index == inside // 2 else Line((blank(width),))
            )
        if width != self._width:
            self._lay_out(width)
        return self._lines[index] if index < len(self._lines) else Line((blank(width),))

    def action_by(self, lines: int) -> None:
        """Scroll."""
        self.go_to(self.scroll_y + lines)

    def on_resize(self) -> None:
        """Wrap anew."""
        self._lay_out(self.size.width - 4)
        super().on_resize()

    def _lay_out(self, width: int) -> None:
        """Wrap anew what changed: the record's text only with a new picture or width."""
        before = len(self._lines)
        if self._detail is None or self._now is None or width <= 10:
            self._lines, self._wrapped = [], None
        else:
            if self._wrapped is None or width != self._width:
                self._wrapped = list(_record(self._detail, width))
            self._lines = [*_moving(self._detail, self._now, width), *self._wrapped]
        self._width = width
        if len(self._lines) != before and self.is_mounted:
            self.resize_content()


def _moving(detail: IncidentDetail, now: datetime, width: int) -> Iterator[Line]:
    """State, age and clocks: what changes without a new picture."""
    row = detail.row
    look = severity_look(row.severity, drill=row.drill)
    age = age_words((now - row.opened_at).total_seconds())
    opened = f"{row.status} · opened {time_words(row.opened_at)}, {age} ago"
    head = f"{look.glyph} {look.word}  "
    yield Line((whole(head, look.role), cell(opened, width - cell_len(head))))
    for timer in detail.timers:
        words, role = timer_words(timer, now)
        rest = f" {timer_verb(timer.kind)} → {target_words(timer.target)}"
        clock = cell_len(words)
        label = cell("clock", 8, Role.QUIET)
        yield Line((label, cell(words, clock, role), cell(rest, width - 8 - clock)))


def _record(detail: IncidentDetail, width: int) -> Iterator[Line]:
    """Who, what it hits, the summary and the timeline."""
    row = detail.row
    yield from _standing(detail, width)
    holders = [f"owner {row.owner or 'nobody'}", *(f"{role} {name}" for role, name in detail.roles)]
    yield from _wrapped("who", " · ".join(holders), width)
    for offer in detail.offers:
        brief = f": {offer.brief}" if offer.brief else ""
        asked = f"{offer.to} to be {offer.role}, by {offer.giver}{brief}"
        yield from _wrapped("asked", asked, width, Role.SOON)
    names = [f"{s.name or s.key} {s.state}" for s in row.services]
    more = row.service_count - len(names)
    yield from _wrapped("hits", ", ".join(names) + (f" +{more}" if more > 0 else ""), width)
    alerts = f"{row.firing_count} firing of {row.alert_count}" if row.alert_count else "none"
    yield from _wrapped("alerts", alerts, width)
    for alert in detail.alerts[:ALERTS_MAX]:
        yield from _wrapped("", _alert_words(alert), width)
    if len(detail.alerts) > ALERTS_MAX:
        yield from _wrapped("", f"and {len(detail.alerts) - ALERTS_MAX} more", width)
    for number, link in enumerate(detail.links):
        called = f"{link.label} " if link.label and link.label != link.url else ""
        yield from _wrapped("" if number else "links", f"{link.kind} {called}{link.url}", width)
    for key, value in detail.custom:
        yield from _wrapped(safe_text(key, 24), value, width)
    for paragraph in _rows(safe_text(detail.summary, 2000, single_line=False), width):
        yield Line((cell(paragraph, width),))
    yield Line((whole("─" * width, Role.FRAME),))
    if not detail.timeline:
        nothing = "Nothing has been written yet: press e to log an entry."
        yield Line((cell(nothing, width, Role.QUIET),))
    for entry in detail.timeline:
        yield from _entry(entry, width)
    if detail.more_timeline:
        older = f"Older entries are on the record: warroom incident show {row.ref}"
        yield Line((cell(older, width, Role.QUIET),))


def _standing(detail: IncidentDetail, width: int) -> Iterator[Line]:
    """What sets it apart: few may see it, it is part of another one, how it ended."""
    said = []
    if detail.row.visibility != "normal":
        said.append(f"{detail.row.visibility}: only some may see it")
    if detail.merged_into is not None:
        said.append(f"merged into INC-{detail.merged_into}")
    elif detail.resolution:
        said.append(f"ended as {detail.resolution}")
    if said:
        yield from _wrapped("state", " · ".join(said), width, Role.SOON)


def _alert_words(alert: AlertRow) -> str:
    """One alert: its priority from the business, what it says, and why it is here."""
    level = f"P{alert.priority} " if alert.priority is not None else ""
    state = "flapping" if alert.flapping else alert.state
    why = f": {alert.decision}" if alert.decision else ""
    return f"{level}{alert.name} on {alert.service}, {state}{why}"


def _entry(entry: TimelineRow, width: int) -> Iterator[Line]:
    """An entry hangs to the right of its time, kind and author."""
    author_width = 12 if width >= 70 else 8
    indent = 10 + 2 + 11 + author_width + 1
    kind = _KIND_ROLES.get(entry.kind, Role.PLAIN)
    text = safe_text(entry.text, 2000, single_line=False)
    if entry.corrects is not None:
        text = safe_text(f"correction: {text}", 2000, single_line=False)
    short = "hypothes." if entry.kind == "hypothesis" else entry.kind
    short = "message" if entry.kind == "communication" else short
    for number, part in enumerate(_rows(text, max(width - indent, 8))):
        if number:
            yield Line((blank(indent), cell(part, width - indent, kind)))
            continue
        glyph = _KIND_GLYPHS.get(entry.kind, " ")
        yield Line(
            (
                cell(time_words(entry.happened_at), 10, Role.QUIET),
                cell(glyph, 2, Role.CHOSEN),
                cell(short, 11, Role.QUIET),
                cell(entry.author or entry.source or "—", author_width + 1, Role.PLAIN),
                cell(part, width - indent, kind),
            )
        )


def _wrapped(label: str, text: str, width: int, role: Role = Role.PLAIN) -> Iterator[Line]:
    for number, part in enumerate(_rows(safe_text(text, 1000), max(width - 8, 8))):
        head = cell(label if number == 0 else "", 8, Role.QUIET)
        yield Line((head, cell(part, width - 8, role)))
