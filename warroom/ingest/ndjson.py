"""Alerts one a line, each a JSON object as Prometheus posts it: files and streams of any length.

A stream is cut into parts by its own content (so many lines, so many bytes), never by how it
happened to arrive: whoever sends it again from a line where a part began gets the same parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from warroom.domain.alert import IncomingAlert
from warroom.errors import InvalidInput, PayloadTooLarge
from warroom.ingest import alertmanager_v2
from warroom.ingest.common import IngestOptions

PART_LINES = 500
PART_BYTES = 1 << 20
LINE_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that are stored together: ``first`` and ``last`` count from 1, blank lines too."""

    first: int
    last: int
    body: bytes


@dataclass(slots=True)
class Cutter:
    """Cuts a stream into parts, keeping no more than one part and one line in memory.

    ``line`` is the number of the last line before the stream.
    """

    line: int = 0
    _open: bytearray = field(default_factory=bytearray)
    _lines: list[bytes] = field(default_factory=list)
    _size: int = 0

    def feed(self, data: bytes) -> list[Part]:
        """Take what has arrived; return the parts that are whole now.

        Raises:
            PayloadTooLarge: a line is over 256 KB.
        """
        self._open += data
        parts: list[Part] = []
        begin = 0
        while (end := self._open.find(b"\n", begin)) >= 0:
            parts += self._take(bytes(self._open[begin:end]))
            begin = end + 1
        del self._open[:begin]
        if len(self._open) > LINE_BYTES:
            raise self._too_long()
        return parts

    def end(self) -> list[Part]:
        """Return what is left at the end of the stream; the last line needs no line feed."""
        parts = self._take(bytes(self._open)) if self._open else []
        self._open.clear()
        return parts + self._cut()

    def _take(self, line: bytes) -> list[Part]:
        if len(line) > LINE_BYTES:
            raise self._too_long()
        full = self._lines and self._size + len(line) > PART_BYTES
        parts = self._cut() if full else []
        self._lines.append(line)
        self._size += len(line) + 1
        return parts + (self._cut() if len(self._lines) >= PART_LINES else [])

    def _cut(self) -> list[Part]:
        if not self._lines:
            return []
        first, self.line = self.line + 1, self.line + len(self._lines)
        part = Part(first, self.line, b"\n".join(self._lines))
        self._lines.clear()
        self._size = 0
        return [part]

    def _too_long(self) -> PayloadTooLarge:
        number = self.line + len(self._lines) + 1
        return PayloadTooLarge(
            f"Line {number} is over {LINE_BYTES} bytes; it and what follows were not stored.",
            field=f"line {number}",
            remedy="One alert a line; correct the line and load the file again.",
        )


def parse(part: Part, options: IngestOptions, now: datetime) -> tuple[IncomingAlert, ...]:
    """Translate the lines of a part.

    Args:
        part: as the ``Cutter`` made it; blank lines are skipped.
        options: how the source is read.
        now: our clock.

    Raises:
        InvalidInput: ``field`` is the line and the path at fault, e.g. ``line 17.endsAt``.
    """
    found: list[IncomingAlert] = []
    for number, line in enumerate(part.body.split(b"\n"), part.first):
        if not line.strip():
            continue
        try:
            alerts = alertmanager_v2.parse(b"[" + line + b"]", options, now)
        except InvalidInput as error:
            path = (error.field or "").removeprefix("body").removeprefix("[0]")
            said = error.message.replace("[0].", "", 1)
            raise InvalidInput(
                f"Line {number}: {said}", field=f"line {number}{path}", remedy=error.remedy
            ) from None
        if len(alerts) != 1:
            raise InvalidInput(
                f"Line {number} holds {len(alerts)} alerts.", field=f"line {number}",
                remedy="One alert a line.",
            )  # fmt: skip
        found.extend(alerts)
    return tuple(found)
