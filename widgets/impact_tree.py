"""The impact pane: what the chosen incident takes down, what did it, what the hit share."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType

from warroom.domain.panes import ImpactPicture
from warroom.domain.reasoned import RestartWave, Suspect
from warroom.domain.safe_text import SafeText, safe_text
from widgets.cells import Line
from widgets.impact_lines import height_of, lines_of, marked
from widgets.impact_rows import (
    Key,
    Look,
    NodeRow,
    Row,
    SuspectRow,
    chased,
    rows_of,
    service_of,
)
from widgets.pane_list import PaneList

# What the border holds beside the foot: its ends and how fresh the picture is.
_BORDER = 24


class ImpactTree(PaneList):
    """The services of an incident and what depends on them, as a tree or by tier; its suspects.

    The chosen row stays chosen by what it names: a service, a suspect, a group.  The path of the
    suspect that was chosen last is marked, in the beginning that of the first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "fold", "Fold", id="impact.fold", show=False),
        Binding("i", "look", "Tree or grid", id="impact.look", show=False),
        Binding("o", "screen.page_owner", "Page the owner", id="impact.page", show=False),
        Binding("l", "screen.link_change", "Link a change", id="impact.link-change", show=False),
        Binding("w", "screen.waves", "Restart waves", id="impact.waves", show=False),
    ]

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._picture: ImpactPicture | None = None
        self._severity: int | None = None
        self._shape = Look.TREE
        self._folded: frozenset[Key] = frozenset()
        self._pursued: Key | None = None
        self._rows: tuple[Row, ...] = ()
        self._lines: dict[int, tuple[Line, ...]] = {}
        self._laid_out_for: Hashable | None = None

    # Data in

    def show_impact(
        self, picture: ImpactPicture | None, now: datetime | None, severity: int | None = None
    ) -> None:
        """Take a picture; None when nothing is chosen or it cannot be seen.

        Args:
            picture: what was reasoned.
            now: the database's time.
            severity: the incident's, against which a suggestion is held.
        """
        if picture and self._picture and picture.incident_id != self._picture.incident_id:
            self._folded, self._pursued = frozenset(), None
            self.go_to(0)
        before, known = self._picture, self._severity
        self._picture, self._now, self._severity = picture, now, severity
        if picture and before and _same(picture, before) and severity == known:
            # The same again, as most reads are: only ages move on.
            self._lines.clear()
            self.repaint()
            return
        if picture is not None and not _says_something(picture):
            what = "nothing" if picture.computed_at else "nothing yet"
            self.show_statement(f"INC-{picture.number} has no service: {what} to take down.")
        self.lay_out()

    @property
    def picture(self) -> ImpactPicture | None:
        """The picture that is shown."""
        return self._picture

    @property
    def look(self) -> Look:
        """Whether the services are shown as a tree or by tier."""
        return self._shape

    @property
    def chosen_service(self) -> str | None:
        """The key of the service that the chosen row is about."""
        return service_of(self._chosen_row())

    @property
    def chosen_suspect(self) -> Suspect | None:
        """The chosen suspect."""
        row = self._chosen_row()
        return row.suspect if isinstance(row, SuspectRow) else None

    @property
    def pursued_suspect(self) -> Suspect | None:
        """The suspect whose path is marked."""
        return chased(self._picture, self._pursued) if self._picture else None

    # Drawing

    def lay_out(self) -> None:
        """Make rows and their lines anew."""
        width = self.size.width - 4
        picture = self._picture
        if width < 1:
            return
        self._rows, self._laid_out_for = (), self._chosen
        if picture is not None and _says_something(picture):
            found = rows_of(picture, self._shape, self._folded, self._pursued, self._severity)
            self._rows = tuple(self._telling(row) for row in found)
        self._lines.clear()
        self.set_items([(row.key, height_of(row, width, self._now)) for row in self._rows])

    def tick(self, now: datetime) -> None:
        """Move ages on."""
        self._lines.clear()
        super().tick(now)

    def draw(self, place: int, which: int, width: int, *, chosen: bool) -> Line:
        """Return a line of a row; only those in sight are made."""
        if place not in self._lines:
            self._lines[place] = lines_of(self._rows[place], width, self._now)
        lines = self._lines[place]
        line = lines[which] if which < len(lines) else Line(())
        return marked(line) if chosen and line.cells else line

    def foot(self) -> SafeText:
        """Say how it is shown, how many have come back, and where one is."""
        if not self._rows or self._picture is None:
            return safe_text("")
        where, back = super().foot(), back_words(self._picture.waves)
        for parts in ((self._shape, back, where), (back, where), (where,)):
            words = " · ".join(part for part in parts if part)
            if len(words) + _BORDER < self.size.width:
                return safe_text(words)
        return safe_text("")

    # Keys

    def action_fold(self) -> None:
        """Fold the branch, group or reasons of the chosen row, or unfold them."""
        row = self._chosen_row()
        if row is None or row.key is None:
            return
        if not isinstance(row, NodeRow) or row.hidden or self._has_below(row):
            self._folded ^= {row.key}
            self.lay_out()

    def action_look(self) -> None:
        """Show the services by tier, or again as a tree; the chosen one stays chosen."""
        self._shape = Look.GRID if self._shape is Look.TREE else Look.TREE
        row = self._chosen_row()
        if isinstance(row, NodeRow) and row.node.elsewhere:
            self._chosen = ("node", row.node.key, "0")
        self.lay_out()
        if (place := self._place()) is not None:
            self._keep_in_sight(place)

    def choice_changed(self) -> None:
        """Mark the path of the suspect that was chosen; tell all of the service that was."""
        row = self._chosen_row()
        if isinstance(row, SuspectRow):
            self._pursued = row.key
        if row is not None and row.key != self._laid_out_for:
            self._lay_out_for_chosen()

    def on_focus(self) -> None:
        """Tell all of the chosen service again."""
        self.call_next(self._lay_out_for_chosen)

    def on_blur(self) -> None:
        """Tell no more than the lines: nothing is chosen without the focus."""
        self.call_next(self.lay_out)

    def _lay_out_for_chosen(self) -> None:
        self.lay_out()
        if (place := self._place()) is not None:
            self._keep_in_sight(place)

    def _telling(self, row: Row) -> Row:
        """Return a row as it is drawn: the chosen service with all that is known of it."""
        if isinstance(row, NodeRow) and row.key == self._chosen and self.has_focus:
            return replace(row, told=True)
        return row

    def _chosen_row(self) -> Row | None:
        place = self._place()
        return self._rows[place] if place is not None and place < len(self._rows) else None

    def _has_below(self, row: NodeRow) -> bool:
        """Say whether something hangs on this row in the tree."""
        place = self._rows.index(row)
        below = self._rows[place + 1] if place + 1 < len(self._rows) else None
        return (
            self._shape is Look.TREE
            and isinstance(below, NodeRow)
            and below.node.depth > row.node.depth
        )


def back_words(waves: tuple[RestartWave, ...]) -> str:
    """Return how far the restart is, empty without waves."""
    steps = [step for wave in waves for step in wave.steps]
    done = sum(step.done_at is not None for step in steps)
    if not steps:
        return ""
    count = f"{len(waves)} {'wave' if len(waves) == 1 else 'waves'}"
    return f"restart {done} of {len(steps)} in {count}" if done else f"restart in {count}"


def _same(one: ImpactPicture, other: ImpactPicture) -> bool:
    """Say whether two pictures differ in nothing but when they were read."""
    return replace(one, read_at=other.read_at) == other


def _says_something(picture: ImpactPicture) -> bool:
    return bool(picture.nodes or picture.suspects)
