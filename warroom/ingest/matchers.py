r"""Matchers as people and amtool write them: ``service=~"pay.*"``, ``{a="b", c!="d"}``.

Alertmanager's reading: the value may be quoted, and must be where it holds a quotation mark; in
quotes ``\"``, ``\\`` and ``\n`` mean one character, and so does what amtool writes for
characters that cannot be printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from warroom.domain.silence import Matcher
from warroom.domain.validate import shorten, unstorable
from warroom.errors import InvalidInput

LONGEST: Final = 10_000
_MATCHER: Final = re.compile(
    r'\s*(?:([a-zA-Z_:][a-zA-Z0-9_:]*)|"((?:[^"\\]|\\.)*)")\s*(=~|!=|!~|=)\s*(.*?)\s*', re.DOTALL
)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
# Not \b: in an expression it is the edge of a word, and amtool would have doubled the backslash.
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL
)
_ONE: Final = {"n": "\n", '"': '"', "\\": "\\", "t": "\t", "r": "\r", "a": "\a", "f": "\f",
               "v": "\v"}  # fmt: skip


def parse_matcher(text: str, field: str = "filter") -> Matcher:
    """Read one matcher.

    Raises:
        InvalidInput: it is none; ``field`` names where it stood.
    """
    found = _MATCHER.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise _bad(text, field)
    plain, quoted, operator, raw = found.groups()
    name = plain if plain is not None else _unescaped(quoted)
    if raw.startswith('"') or raw.endswith('"'):
        inside = _QUOTED.fullmatch(raw)
        if inside is None:
            raise _bad(text, field)
        value = _unescaped(inside[1])
    else:
        value = _unescaped(raw)
    if not name or unstorable(name + value):
        raise _bad(text, field)
    return Matcher(name, value, operator in ("=~", "!~"), operator in ("=", "=~"))


def parse_matchers(text: str, field: str = "matchers") -> tuple[Matcher, ...]:
    """Read matchers between commas, with or without braces around them.

    Raises:
        InvalidInput: one is none.
    """
    inside = text.strip()
    if inside.startswith("{"):
        if not inside.endswith("}"):
            raise _bad(text, field)
        inside = inside[1:-1]
    parts = [part for part in _split(inside) if part.strip()]
    return tuple(parse_matcher(part, field) for part in parts)


def parse_filters(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """Read what a query names as ``filter``, any number of times.

    Raises:
        InvalidInput: one is no matcher.
    """
    return tuple(parse_matcher(text, "filter") for text in texts)


def _split(text: str) -> list[str]:
    """Cut at the commas that are outside quotation marks."""
    parts, begin, quoted, escaped = [], 0, False, False
    for place, letter in enumerate(text):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            parts.append(text[begin:place])
            begin = place + 1
    return [*parts, text[begin:]]


def _unescaped(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        code = found[1] or found[2] or found[3]
        if code is None:
            return _ONE.get(found[4], found[0])
        number = int(code, 16)
        return chr(number) if number < 0x110000 else found[0]

    return _ESCAPE.sub(one, text) if "\\" in text else text


def _bad(text: str, field: str) -> InvalidInput:
    return InvalidInput(
        f"bad matcher format: {shorten(text, 100)}", field=field,
        remedy='Write it like service="payments" or env=~"prod|stage".',
    )  # fmt: skip
