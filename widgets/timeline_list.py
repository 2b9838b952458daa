"""The timeline pane: an incident's log, newest first, pins on top, older pages as one scrolls."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from textual.binding import Binding, BindingType
from textual.message import Message

from warroom.domain.panes import LogRow, TimelinePicture
from warroom.domain.safe_text import SafeText, safe_text
from widgets.cells import Line, Role
from widgets.entry_lines import entry_lines
from widgets.pane_list import PaneList

# What the filter key goes through: its name and the kinds of entry that it shows.
FILTERS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("", ()),
    ("decisions", ("decision",)),
    ("hypotheses", ("hypothesis", "evidence")),
    ("messages", ("communication",)),
    ("facts", ("fact", "evidence")),
    ("status", ("status",)),
    ("automation", ("automation",)),
)


class TimelineList(PaneList):
    """Keeps every page that was read of the present incident."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "next_filter", "Only one kind of entry", id="timeline.filter", show=False)
    ]

    class OlderWanted(Message):
        """The end came near: the page before ``before`` is wanted."""

        def __init__(self, before: UUID) -> None:
            super().__init__()
            self.before = before

    class FilterChosen(Message):
        """Other kinds of entry are wanted."""

        def __init__(self, kinds: tuple[str, ...]) -> None:
            super().__init__()
            self.kinds = kinds

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._incident: UUID | None = None
        self._known: dict[UUID, LogRow] = {}
        self._pins: tuple[LogRow, ...] = ()
        self._cursor: UUID | None = None
        self._asked: UUID | None = None
        self._filter = 0
        self._drawn_items: list[list[Line]] = []
        self._cache: dict[tuple[object, ...], list[Line]] = {}

    # Data in

    def show_log(self, picture: TimelinePicture | None, now: datetime | None) -> None:
        """Take the newest page of an incident; None when nothing is chosen."""
        self._now = now
        if picture is None or picture.incident_id != self._incident:
            self._forget()
            self._incident = picture.incident_id if picture else None
            self.go_to(0)
        if picture is not None:
            fresh = {row.id: row for row in picture.rows}
            first = not self._known
            if self._known and fresh and not fresh.keys() & self._known.keys():
                # More was written than one page: what lies between must be read again.
                self._forget()
                first = True
            self._known = {**self._known, **fresh}
            if first:
                self._cursor = picture.older
            self._pins = picture.pins
            self.show_statement("Nothing has been written yet: press e to log an entry.")
        self.lay_out()

    def show_older(self, picture: TimelinePicture) -> None:
        """Append an older page."""
        if picture.incident_id != self._incident or self._asked is None:
            return
        self._known = {**self._known, **{row.id: row for row in picture.rows}}
        self._cursor, self._asked = picture.older, None
        self.lay_out()

    def older_failed(self) -> None:
        """Allow asking again: the page did not come."""
        self._asked = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are shown; empty means all."""
        return FILTERS[self._filter][1]

    @property
    def chosen_entry(self) -> LogRow | None:
        """The chosen entry, for pins, corrections and fates."""
        key = self.chosen_key
        if not isinstance(key, tuple):
            return None
        pins = {row.id: row for row in self._pins}
        return self._known.get(key[1]) or pins.get(key[1])

    @property
    def entries(self) -> tuple[LogRow, ...]:
        """The entries that have been read, newest first."""
        return tuple(sorted(self._known.values(), key=lambda row: row.id, reverse=True))

    @property
    def entry_count(self) -> int:
        """How many entries have been read."""
        return len(self._known)

    # Drawing

    def lay_out(self) -> None:
        """Wrap what is new; wrapped entries are kept."""
        width = self.size.width - 4
        if width < 12:
            return
        rows = sorted(self._known.values(), key=lambda row: row.id, reverse=True)
        replaced = {row.corrects for row in rows if row.corrects is not None}
        items: list[tuple[Hashable | None, int]] = []
        drawn: list[list[Line]] = []
        cache: dict[tuple[object, ...], list[Line]] = {}
        for top, part in ((True, self._pins), (False, tuple(rows))):
            for row in part:
                old = self._known.get(row.corrects) if row.corrects else None
                about = self._known.get(row.about) if row.about else None
                struck = row.corrected_by is not None or row.id in replaced
                seen = (row, width, top, struck, old, about)
                cache[seen] = self._cache.get(seen) or entry_lines(
                    row, width, pinned=top, struck=struck, old=old, about=about
                )
                drawn.append(cache[seen])
                items.append(((top, row.id), len(cache[seen])))
        self._cache, self._drawn_items = cache, drawn
        self.set_items(items)
        self._look_for_end()

    def draw(self, place: int, which: int, width: int, *, chosen: bool) -> Line:  # noqa: ARG002
        """Return a wrapped line of an entry."""
        lines = self._drawn_items[place] if place < len(self._drawn_items) else []
        if which >= len(lines):
            return Line(())
        line = lines[which]
        if not chosen:
            return line
        first = line.cells[0]
        mark = type(first)(safe_text("▌" + first.shown[1:]), Role.CHOSEN)
        return Line((mark, *line.cells[1:]), True)

    def foot(self) -> SafeText:
        """Say whether there is more."""
        words = f"{len(self._known)} entries"
        if self._asked is not None:
            words += " · reading older …"
        elif self._cursor is not None:
            words += " · older below"
        return safe_text(words if self._known else "")

    def near_end(self) -> None:
        """Ask for the next older page, once."""
        if self._cursor is not None and self._asked is None:
            self._asked = self._cursor
            self.post_message(self.OlderWanted(self._cursor))

    def action_next_filter(self) -> None:
        """Show only the next kind of entry, after the last one all."""
        self._filter = (self._filter + 1) % len(FILTERS)
        self._forget()
        name = FILTERS[self._filter][0]
        self.set_heading(str(self._heading), f"only {name}" if name else "")
        self.show_statement("Reading …")
        self.lay_out()
        self.post_message(self.FilterChosen(self.kinds))

    def _forget(self) -> None:
        self._known, self._pins, self._cursor, self._asked = {}, (), None, None
        self._cache = {}
