"""What a terminal shows of the bytes that were sent to it: as much of one as the console needs."""

from __future__ import annotations

import codecs
import re

from rich.cells import cell_len

_PIECE = re.compile(
    r"\x1b\[(?P<args>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[^\[\]PX^_]"
    r"|(?P<char>[^\x1b])",
    re.DOTALL,
)


class Glass:
    """The cells of a screen; places, erasing and text are understood, colours are not kept."""

    def __init__(self, columns: int, lines: int) -> None:
        self._size = columns, lines
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._clear()

    def feed(self, sent: bytes) -> None:
        """Take what came next; half a sequence waits for its other half."""
        text = self._rest + self._decoder.decode(sent)
        place = 0
        while match := _PIECE.match(text, place):
            place = match.end()
            if match["char"]:
                self._put(match["char"])
            elif match["final"]:
                self._steer(match["args"], match["final"])
        self._rest = text[place:]

    def text(self) -> str:
        """Return the screen, a line each."""
        return "\n".join("".join(line) for line in self._cells)

    def flat(self) -> str:
        """Return the screen as one line without frames, so that wrapped words stand together."""
        return " ".join(re.sub("[│╭╮╰╯─]", " ", self.text()).split())

    def _clear(self) -> None:
        columns, lines = self._size
        self._cells = [[" "] * columns for _ in range(lines)]
        self._line = self._column = 0

    def _steer(self, args: str, final: str) -> None:
        if final == "H":
            numbers = [int(n or 1) for n in (args or "1;1").split(";")]
            self._line, self._column = numbers[0] - 1, numbers[1] - 1
        elif final == "J":
            self._clear()

    def _put(self, char: str) -> None:
        if char == "\r":
            self._column = 0
        elif char == "\n":
            # The console's line feeds go to the beginning of the next line (ONLCR).
            self._line, self._column = self._line + 1, 0
        else:
            width = cell_len(char)
            columns, lines = self._size
            if self._line < lines and self._column + width <= columns:
                if width:
                    self._cells[self._line][self._column] = char
                for more in range(1, width):
                    self._cells[self._line][self._column + more] = ""
            self._column += width
