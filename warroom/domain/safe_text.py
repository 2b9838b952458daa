"""Text from outside, made fit to be shown: nothing in it can steer a terminal or mislead an eye.

Alert labels, titles and notes are written by strangers.  ``safe_text`` keeps every character
that a person can see and turns each other one into something that a person can see: ``␛`` for
ESC, ``‹U+202E›`` for a bidi override.  The result is a ``SafeText``; screens, widgets,
notifications, exports and the command line take nothing else.

Emoji sequences are decomposed (👩‍🚒 becomes 👩🚒, 🇦🇹 becomes ‹AT›), because terminals disagree
about their width and one wrong width breaks the frame of the whole line.
"""

from __future__ import annotations

import unicodedata
from typing import Final, Self

DEFAULT_LIMIT: Final = 500
ELLIPSIS: Final = "…"

_ZWJ: Final = 0x200D
_MARKS_MAX: Final = 4
_MARK_KINDS: Final = frozenset({"Mn", "Me"})
_HIDDEN_KINDS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Characters that Unicode calls default-ignorable, or that terminals give no width, although
# their category says letter, symbol or mark.
_INVISIBLE: Final = (
    (0x034F, 0x034F), (0x1160, 0x11FF), (0x115F, 0x115F), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x2800, 0x2800), (0x3164, 0x3164), (0xD7B0, 0xD7FF), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0),
    (0xFFFC, 0xFFFC), (0xE0100, 0xE01EF),
)  # fmt: skip
_SEMANTIC_SELECTORS: Final = (0xFE0E, 0xFE0F)
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_REGIONAL: Final = range(0x1F1E6, 0x1F200)
_TAB: Final = "    "
_SEAL: Final = object()


class SafeText(str):
    """Text that may be shown. Only ``safe_text`` makes it."""

    __slots__ = ()

    def __new__(cls, text: object, *, seal: object = None) -> Self:
        """Refuse without the seal: a SafeText that nobody cleaned would be a lie."""
        if seal is not _SEAL:
            raise TypeError("SafeText is made by safe_text() only")
        return super().__new__(cls, text)

    def __reduce__(self) -> tuple[object, ...]:
        return safe_text, (str(self), max(len(self), 1), "\n" not in self)


def safe_text(raw: object, limit: int = DEFAULT_LIMIT, single_line: bool = True) -> SafeText:
    """Return ``str(raw)`` with everything invisible made visible, at most ``limit`` long.

    Idempotent: its own output, cleaned again with the same arguments, stays as it is.

    Args:
        raw: the foreign text (or a number, an id, …).
        limit: the largest length of the result in characters, at least 1; what is longer ends
            in an ellipsis.
        single_line: a line feed becomes ``␊``; otherwise it stays, and a tab becomes blanks.
    """
    if limit < 1:
        raise ValueError("limit must be at least 1")
    text = raw if isinstance(raw, str) else str(raw)
    if type(text) is SafeText and len(text) <= limit and not (single_line and "\n" in text):
        return text
    if text.isascii() and text.isprintable():
        return _seal(text if len(text) <= limit else text[: limit - 1] + ELLIPSIS)
    if not single_line:
        text = text.replace("\r\n", "\n")
    return _seal(_show(text, limit, single_line))


def _seal(text: str) -> SafeText:
    return SafeText(text, seal=_SEAL)


def _show(text: str, limit: int, single_line: bool) -> str:
    pieces: list[str] = []
    last = ""
    marks = size = 0
    for index, char in enumerate(text):
        following = text[index + 1] if index + 1 < len(text) else ""
        if ord(char) in _REGIONAL:
            piece = _letter(char, text[index - 1 : index] if index else "", following)
        else:
            piece = _visible(char, last, marks, following, single_line)
        if not piece:
            continue
        if size + len(piece) > limit:
            return _cut(pieces, size, limit) + ELLIPSIS
        pieces.append(piece)
        size += len(piece)
        is_mark = len(piece) == 1 and unicodedata.category(piece) in _MARK_KINDS
        marks = marks + 1 if is_mark else 0
        last = last if is_mark else piece[-1]
    return "".join(pieces)


def _cut(pieces: list[str], size: int, limit: int) -> str:
    """Drop whole pieces until the ellipsis fits: half an escape would be a riddle."""
    while size > limit - 1:
        size -= len(pieces.pop())
    return "".join(pieces)


def _visible(char: str, last: str, marks: int, following: str, single_line: bool) -> str:
    """Return how one character is shown behind the base character ``last``; may be empty."""
    if " " <= char <= "~":
        return char
    point = ord(char)
    if point < 0x20:
        if single_line or char not in "\n\t":
            return chr(0x2400 + point)
        return char if char == "\n" else _TAB
    if point == 0x7F:
        return "␡"
    kind = unicodedata.category(char)
    if kind == "Zs":
        return " "
    if point == _ZWJ and _is_symbol(last) and _is_symbol(following):
        return ""
    if point in _SEMANTIC_SELECTORS and (_is_symbol(last) or last in set("0123456789#*‼⁉↔")):
        return ""
    if point in _SKIN_TONES:
        return "" if _is_symbol(last) else _escape(point)
    if kind in _HIDDEN_KINDS or any(low <= point <= high for low, high in _INVISIBLE):
        return _escape(point)
    if kind in _MARK_KINDS and (last in {"", " ", "\n", "›"} or marks >= _MARKS_MAX):
        return _escape(point)
    return char


def _is_symbol(char: str) -> bool:
    return char != "" and unicodedata.category(char) == "So"


def _letter(char: str, previous: str, following: str) -> str:
    """Return a flag's letter; the first of a run opens the bracket, the last closes it."""
    opening = "" if previous and ord(previous) in _REGIONAL else "‹"
    closing = "" if following and ord(following) in _REGIONAL else "›"
    return f"{opening}{chr(ord('A') + ord(char) - _REGIONAL.start)}{closing}"


def _escape(point: int) -> str:
    return f"‹U+{point:04X}›"
