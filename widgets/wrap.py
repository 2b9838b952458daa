"""Wrapping text into rows of columns; wide characters count two."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

from warroom.domain.safe_text import SafeText, safe_text
from widgets.cells import fit


def rows_of(text: SafeText, width: int) -> Iterator[SafeText]:
    """Wrap at blanks into rows of at most ``width`` columns."""
    for paragraph in text.split("\n"):
        row = ""
        for word in paragraph.split(" "):
            joined = f"{row} {word}" if row else word
            if cell_len(joined) <= width:
                row = joined
                continue
            if row:
                yield safe_text(row, 4000)
            while cell_len(word) > width:
                head = fit(safe_text(word, 4000), width)[:-1] or word[:1]
                yield safe_text(head, 4000)
                word = word[len(head) :]
            row = word
        if row:
            yield safe_text(row, 4000)
