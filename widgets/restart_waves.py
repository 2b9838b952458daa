"""The restart waves of an incident as a checklist: what can come back side by side, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from warroom.domain.panes import ImpactPicture
from warroom.domain.reasoned import RestartStep, RestartWave
from warroom.domain.safe_text import SafeText, safe_text
from widgets.cells import Cell, Line, Role, blank, cell, fit, whole
from widgets.impact_lines import marked
from widgets.impact_tree import back_words
from widgets.impact_words import state_look
from widgets.incident_lines import Mark
from widgets.pane_list import PaneList
from widgets.words import time_words
from widgets.wrap import rows_of

_INDENT: Final = 8
_MOST_VERIFY: Final = 4
_TEXT: Final = 600
_LONGEST_NAME: Final = 56
# From this height on there is a line of air between waves.
_AIRY: Final = 30


@dataclass(frozen=True, slots=True)
class _Item:
    """A line or a step with its lines."""

    key: str | None
    lines: tuple[Line, ...]


class RestartWaves(PaneList):
    """Waves under each other; a step is chosen by its service, and stays chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "screen.tick_step", "Tick", id="restart.tick", show=False),
    ]

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._picture: ImpactPicture | None = None
        self._marks: dict[str, Mark] = {}
        self._items: list[_Item] = []
        self._began = False

    def show_waves(self, picture: ImpactPicture, now: datetime | None) -> None:
        """Take the waves of a picture; the first step that is not back is chosen at first."""
        self._picture, self._now = picture, now
        if not picture.waves:
            self.show_statement(
                f"No restart order for INC-{picture.number}: nothing that it takes down is known."
            )
        self.lay_out()

    def show_marks(self, marks: Mapping[str, Mark]) -> None:
        """Take the marks of ticks under way, by service."""
        if dict(marks) != self._marks:
            self._marks = dict(marks)
            self.lay_out()

    @property
    def waves(self) -> tuple[RestartWave, ...]:
        """The waves that are shown."""
        return self._picture.waves if self._picture else ()

    @property
    def chosen_step(self) -> tuple[RestartWave, RestartStep] | None:
        """The chosen step and its wave."""
        steps = ((wave, step) for wave in self.waves for step in wave.steps)
        return next((found for found in steps if found[1].key == self.chosen_key), None)

    def missing_before(self, number: int) -> tuple[RestartStep, ...]:
        """Return the steps of earlier waves that are not back yet."""
        earlier = (wave for wave in self.waves if wave.number < number)
        return tuple(step for wave in earlier for step in wave.steps if step.done_at is None)

    # Drawing

    def lay_out(self) -> None:
        """Make the lines anew."""
        width = self.size.width - 4
        if width < 1:
            return
        items: list[_Item] = []
        ready = True
        for wave in self.waves:
            items += self._wave(wave, width, ready=ready)
            ready = ready and all(step.done_at is not None for step in wave.steps)
        self._items = items
        self.set_items([(item.key, len(item.lines)) for item in items])
        if items and not self._began:
            self._began = True
            self._choose_first()

    def draw(self, place: int, which: int, width: int, *, chosen: bool) -> Line:  # noqa: ARG002
        """Return a line of a wave or step."""
        line = self._items[place].lines[which]
        return marked(line) if chosen else line

    def foot(self) -> SafeText:
        """Say how far the restart is."""
        back = back_words(self.waves)
        where = super().foot()
        return safe_text(f"{back} · {where}" if back and where else back or where)

    def _choose_first(self) -> None:
        places = [place for place, item in enumerate(self._items) if item.key is not None]
        open_keys = {s.key for wave in self.waves for s in wave.steps if s.done_at is None}
        wanted = [place for place in places if self._items[place].key in open_keys] or places
        if wanted:
            self._choose_near(wanted[0], 1)

    def _wave(self, wave: RestartWave, width: int, *, ready: bool) -> list[_Item]:
        done = sum(step.done_at is not None for step in wave.steps)
        side = f" · {len(wave.steps)} side by side" if len(wave.steps) > 1 else ""
        count = f" · {done} of {len(wave.steps)} back"
        if done == len(wave.steps):
            word, role = "well", Role.QUIET
        elif ready:
            word, role = "now", Role.STRONG
        else:
            word, role = f"when wave {wave.number - 1} is well", Role.QUIET
        head = fit(safe_text(f"wave {wave.number} · {word}{side}{count} "), max(width - 2, 0))
        text = safe_text(head.rstrip() + " ", 200)
        rule = whole("─" * max(width - 2 - len(text), 0), Role.FRAME)
        head_line = Line((blank(2), whole(text, role), rule))
        air = wave.number > 1 and self.size.height >= _AIRY
        items = [_Item(None, (Line((blank(width),)), head_line) if air else (head_line,))]
        items += [_Item(step.key, self._step(step, width)) for step in wave.steps]
        for sentence in wave.breaks:
            text = safe_text(f"cycle broken: {sentence}", _TEXT)
            lines = [_quiet(part, width) for part in rows_of(text, max(width - _INDENT, 8))]
            items.append(_Item(None, tuple(lines[:3])))
        return items

    def _step(self, step: RestartStep, width: int) -> tuple[Line, ...]:
        glyph, word, role = state_look(step.state)
        box, box_role = ("[✓]", Role.PLAIN) if step.done_at is not None else ("[ ]", Role.PLAIN)
        mark = self._marks.get(step.key, Mark.NONE)
        if mark in {Mark.PENDING, Mark.UNKNOWN}:
            box, box_role = f"[{mark.value}]", Role.SOON if mark is Mark.UNKNOWN else Role.CHOSEN
        back = step.done_at is not None
        who = ""
        if step.done_at is not None:
            by = safe_text(step.done_by or "somebody", 30)
            who = f"back {time_words(step.done_at)} {by}"
        wide = width >= 72
        team = 12 if wide else 0
        said = min(30 if wide else 22, max(width // 3, 0))
        name = min(max(width - 5 - 2 - 11 - 7 - team - said, 8), _LONGEST_NAME)
        cells: list[Cell] = [
            blank(1), whole(box, box_role), blank(1),
            whole(f"{'✓' if back else glyph} ", Role.QUIET if back else role),
            cell(step.name or step.key, name, Role.QUIET if back else Role.STRONG),
            cell("" if back else word, 11, role),
            cell(f"tier {step.tier}", 7, Role.QUIET),
        ]  # fmt: skip
        if team:
            cells.append(cell(step.team, team, Role.QUIET))
        cells.append(cell(who, said, Role.QUIET))
        lines = [Line(tuple(cells))]
        if step.verify:
            text = safe_text(f"verify: {step.verify}", _TEXT)
            parts = list(rows_of(text, max(width - _INDENT, 8)))[:_MOST_VERIFY]
            lines += [_quiet(part, width) for part in parts]
        return tuple(lines)


def _quiet(text: SafeText, width: int) -> Line:
    # The column of marks is a cell of its own.
    return Line((blank(1), blank(_INDENT - 1), cell(text, width - _INDENT, Role.QUIET)))
