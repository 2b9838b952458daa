"""CSV with a heading: read with any of three separators, written so that no sheet runs it.

A cell that a spreadsheet would take for a formula gets an apostrophe in front; reading takes it
away again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from warroom.domain.validate import unstorable
from warroom.errors import InvalidInput

_RUNS: Final = ("=", "+", "-", "@", "\t", "\r", "'")
_SEPARATORS: Final = (",", ";", "\t")


def guarded(text: str) -> str:
    """Return a cell that no spreadsheet evaluates."""
    return f"'{text}" if text.startswith(_RUNS) else text


def unguarded(text: str) -> str:
    """Return what ``guarded`` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_RUNS) else text


def heading(text: str) -> list[str]:
    """Return the column names of a CSV file, in small letters; empty when it has none."""
    try:
        return next(_cells(text), [])
    except csv.Error:
        return []


def read_rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, cells by column) of each row that says anything.

    Raises:
        InvalidInput: it is no CSV, a column stands twice, or a row has more cells than columns.
    """
    if bad := unstorable(text):
        raise InvalidInput(f"it contains {bad}.")
    columns = heading(text)
    named = [c for c in columns if c]
    if not named:
        raise InvalidInput("it has no heading with the names of its columns.")
    if len(set(named)) != len(named):
        twice = next(c for c in named if named.count(c) > 1)
        raise InvalidInput(f"its heading has the column {twice!r} twice.")
    reader = csv.reader(_stream(text), delimiter=_separator(text), strict=True)
    try:
        next(reader)
        for cells in reader:
            if len(cells) > len(columns) and any(cells[len(columns) :]):
                raise InvalidInput(
                    f"line {reader.line_num} has {len(cells)} cells for {len(columns)} columns."
                )
            row = {c: unguarded(v) for c, v in zip(columns, cells, strict=False) if c}
            if any(v.strip() for v in row.values()):
                yield reader.line_num, row
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num} is no CSV: {error}.") from None


def write_rows(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Return a CSV text with a heading; None is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        values = (row.get(c) for c in columns)
        writer.writerow("" if v is None else guarded(_text(v)) for v in values)
    return out.getvalue()


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _stream(text: str) -> io.StringIO:
    return io.StringIO(text.removeprefix("\ufeff"), newline="")


def _separator(text: str) -> str:
    first = text.partition("\n")[0]
    return max(_SEPARATORS, key=first.count)


def _cells(text: str) -> Iterator[list[str]]:
    for row in csv.reader(_stream(text), delimiter=_separator(text)):
        yield [unguarded(c).strip().lower() for c in row]
