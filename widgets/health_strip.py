"""The replication health pane: the cluster's nodes, what is over its threshold, and the figures."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Final

from rich.cells import cell_len

from warroom.domain.panes import HealthPicture, Node, Reading, Verdict
from warroom.domain.safe_text import safe_text
from widgets.cells import Cell, Line, Role, blank, cell, whole
from widgets.pane_list import PaneList
from widgets.words import age_words, time_words
from widgets.wrap import rows_of

LOOKS: Final = {
    Verdict.OK: ("●", Role.PLAIN),
    Verdict.WARN: ("▼", Role.SOON),
    Verdict.BAD: ("✖", Role.NOW),
    Verdict.UNKNOWN: ("–", Role.QUIET),
}
_BARS: Final = "▁▂▃▄▅▆▇█"
_OLD_SAMPLE_S: Final = 15.0
_CHART: Final = 10


class HealthStrip(PaneList):
    """Nodes first, then sentences about what is wrong, then readings, then what is not offered."""

    def __init__(self, *, id: str | None = None, title: str = "", note: str = "") -> None:  # noqa: A002 # Textual's own name
        super().__init__(id=id, title=title, note=note)
        self._picture: HealthPicture | None = None
        self._lines: list[Line] = []
        self._laid_width = 0

    def show_health(self, picture: HealthPicture, now: datetime | None) -> None:
        """Take the last sample."""
        self._picture, self._now = picture, now
        if picture.sampled_at is None:
            self.show_statement("No sample yet: `warroom engine` takes them. Is it running?")
        self.lay_out()
        if now is not None:
            self.tick(now)

    def tick(self, now: datetime) -> None:
        """Say how old the sample is, loudly when the engine stopped taking them."""
        self._now = now
        sampled = self._picture.sampled_at if self._picture else None
        if sampled is not None:
            age = (now - sampled).total_seconds()
            old = age > _OLD_SAMPLE_S
            words = f"NO SAMPLE for {age_words(age)}" if old else f"sampled {time_words(sampled)}"
            self.set_heading(str(self._heading), words)
        self.repaint()

    def lay_out(self) -> None:
        """Place nodes and readings in as many columns as there is room for."""
        width = self.size.width - 4
        self._laid_width = width
        picture = self._picture
        self._lines = []
        if picture is not None and picture.sampled_at is not None and width > 8:
            self._lines = health_lines(picture, width, self.size.height - 2)
        items: list[tuple[Hashable | None, int]] = [(None, 1)] * len(self._lines)
        self.set_items(items)

    def draw(self, place: int, which: int, width: int, *, chosen: bool) -> Line:  # noqa: ARG002
        """Return a laid out line."""
        if width != self._laid_width or place >= len(self._lines):
            return Line((blank(width),))
        return self._lines[place]

    def action_step(self, step: int) -> None:
        """Scroll: there is nothing to choose here."""
        self.go_to(round(self.scroll_y) + step)

    @property
    def worst(self) -> Verdict:
        """The worst verdict of the last sample."""
        if self._picture is None:
            return Verdict.UNKNOWN
        found = {n.verdict for n in self._picture.nodes}
        found |= {r.verdict for r in self._picture.readings}
        return next((v for v in (Verdict.BAD, Verdict.WARN) if v in found), Verdict.OK)


def health_lines(picture: HealthPicture, width: int, height: int = 0) -> list[Line]:
    """Return the pane's lines.

    What is wrong is told whole, over as many lines as it takes; what is not offered takes one
    line each, and is told whole too where ``height`` lines have room for it.
    """
    lines = _grid([_node(node) for node in picture.nodes], width, 46)
    wrong: list[Node | Reading] = [*picture.nodes, *picture.readings]
    for verdict in (Verdict.BAD, Verdict.WARN):
        for each in wrong:
            if each.verdict is verdict and each.sentence:
                lines += _sentence(each, width)
    if not picture.standby_configured:
        waits = any(r.name == "slots" and r.text != "none" for r in picture.readings)
        hint = (
            "No standby streams yet; a slot keeps WAL for one that is being copied, or is away."
            if waits
            else "No standby configured: `warroom up --standby`."
        )
        lines.append(Line((cell(hint, width, Role.QUIET),)))
    figures = [
        _reading(r, picture.wal_rate) for r in picture.readings if r.verdict is not Verdict.UNKNOWN
    ]
    lines += _grid(figures, width, 34)
    unknown = [
        f"{safe_text(r.name, 40)}: {safe_text(r.sentence, 300)}"
        for r in picture.readings if r.verdict is Verdict.UNKNOWN
    ]  # fmt: skip
    whole_ones = [line for said in unknown for line in _told("– ", said, width, Role.QUIET)]
    if len(lines) + len(whole_ones) <= height:
        return [*lines, *whole_ones]
    return [*lines, *(Line((cell(f"– {said}", width, Role.QUIET),)) for said in unknown)]


def _grid(groups: list[list[Cell]], width: int, least: int) -> list[Line]:
    """Put groups side by side in columns of the same width, wide enough for the widest."""
    if not groups:
        return []
    widest = max(sum(each.width for each in group) for group in groups)
    across = max(min(width // max(least, widest), len(groups)), 1)
    column = width // across
    lines = []
    for first in range(0, len(groups), across):
        cells: list[Cell] = []
        for group in groups[first : first + across]:
            room = column
            for each in group:
                kept = each if each.width <= room else cell(each.shown, room, each.role)
                cells.append(kept)
                room -= kept.width
            cells.append(blank(room))
        lines.append(Line((*cells, blank(width - sum(c.width for c in cells)))))
    return lines


def _node(node: Node) -> list[Cell]:
    glyph, role = LOOKS[node.verdict]
    kind = node.sync or node.role if node.role == "standby" else node.role
    state = "" if node.state in {"", "streaming", kind} else f" {safe_text(node.state, 16)}"
    cells = [whole(f"{glyph} ", role), cell(node.name, min(_wide(node.name), 16) + 1, Role.STRONG)]
    if node.state == "promoted":
        kind, state = "promoted", ""
    # The embedded servers are called after what they are: once is enough.
    kind = "" if kind == node.name else safe_text(kind, 12)
    parts = [f"{kind}{state}".strip()]
    if node.lag_s is not None:
        parts.append(f"{node.lag_s:.1f} s")
    if node.lag_bytes is not None:
        parts.append(size_words(node.lag_bytes))
    if node.slot and node.retained_wal_bytes is not None:
        parts.append(f"slot keeps {size_words(node.retained_wal_bytes)}")
    if node.timeline is not None:
        parts.append(f"timeline {node.timeline}")
    cells.append(whole("  ".join(parts), role if node.verdict is not Verdict.OK else Role.PLAIN))
    return [*cells, blank(2)]


def _reading(reading: Reading, rates: tuple[float, ...]) -> list[Cell]:
    glyph, role = LOOKS[reading.verdict]
    name = safe_text(reading.name, 24)
    cells = [
        whole(f"{glyph} ", role),
        cell(name, cell_len(name) + 1, Role.QUIET),
        whole(safe_text(reading.text, 40), role),
    ]
    if reading.name == "WAL rate" and rates:
        # The figure keeps its width, so that the chart stands still.
        cells[2] = cell(reading.text, max(cell_len(safe_text(reading.text, 40)), 10), role)
        cells.append(whole(f" {chart(rates[-_CHART:])}", Role.PLAIN))
    return [*cells, blank(2)]


def _sentence(thing: Node | Reading, width: int) -> list[Line]:
    glyph, role = LOOKS[thing.verdict]
    since = f" (since {time_words(thing.since)})" if thing.since else ""
    # The sentence usually says since when itself.
    said = thing.sentence if "since" in thing.sentence else f"{thing.sentence}{since}"
    return _told(f"{glyph} ", said, width, role)


def _told(glyph: str, said: str, width: int, role: Role) -> list[Line]:
    """Return a sentence over as many lines as it takes, indented below its glyph."""
    rows = list(rows_of(safe_text(said, 600), width - 2)) or [safe_text("")]
    return [
        Line((whole(glyph if place == 0 else "  ", role), cell(row, width - 2, role)))
        for place, row in enumerate(rows)
    ]


def chart(values: tuple[float, ...]) -> str:
    """Return one block a value, scaled to the largest; nothing at all is the lowest block."""
    top = max(max(values, default=0.0), 1e-9)
    return "".join(_BARS[min(int(max(v, 0.0) / top * 7.999), 7)] for v in values)


def size_words(size: float) -> str:
    """Return bytes in at most four figures: ``12 kB``, ``3.1 MB``."""
    value = float(max(size, 0))
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _wide(text: str) -> int:
    return cell_len(safe_text(text, 40))
