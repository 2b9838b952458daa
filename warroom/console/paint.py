"""Fewer bytes to the terminal than Textual sends by itself.

``TightUpdate`` sends only the columns that changed: Textual's own update starts at the left edge
of the widget.  ``Colourless`` takes every colour away: Textual's own filter still sends the codes
of the default colours.
"""

from __future__ import annotations

from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.color import Color
from textual.filter import LineFilter


class TightUpdate(ChopsUpdate):
    """A partial update cut to its columns on both sides."""

    def __init__(self, update: ChopsUpdate) -> None:
        super().__init__(update.chops, update.spans, update.chop_ends)

    def render_segments(self, console: Console) -> str:
        """Return the bytes: for each changed span a cursor address and its cells."""
        sequences: list[str] = []
        for y, x1, x2 in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= x2 or end <= x1:
                    continue
                first, last = max(x, x1), min(end, x2)
                part = strip if (first, last) == (x, end) else strip.crop(first - x, last - x)
                sequences.append(Control.move_to(first, y).segment.text)
                sequences.append(part.render(console))
        return "".join(sequences)


class Colourless(LineFilter):
    """Keep bold, underline and reverse, drop every colour."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the segments without colours; what had a loud background is reversed."""
        return [
            Segment(text, None if style is None else _plain(style), control)
            for text, style, control in segments
        ]


def _plain(style: Style) -> Style:
    loud = style.bgcolor is not None and style.bgcolor.name in {"red", "bright_red"}
    bare = style.without_color
    return bare + Style(reverse=True) if loud else bare
