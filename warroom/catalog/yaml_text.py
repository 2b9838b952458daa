"""YAML, read strictly with bounded memory, and written with everything escaped.

Read from the parser's events, so that nothing is ever built from a tag, a key that stands twice
is found, and an alias costs what it would expand to ("billion laughs").  Scalars stay texts
(``no`` is a word and ``1.10`` a version); only the plain words for nothing become None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from warroom.domain.validate import shorten, unstorable
from warroom.errors import InvalidInput

MAX_DEPTH: Final = 32
MAX_NODES: Final = 2_000_000
MAX_ALIASES: Final = 1_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})
_CORE: Final = "tag:yaml.org,2002:"
_TAGS: Final = frozenset(_CORE + t for t in ("str", "int", "float", "bool", "null", "map", "seq"))
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(:[A-Za-z][A-Za-z0-9_./-]*)?")
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a stream: dictionaries, lists, texts and None; ``line`` from 1."""

    value: Any
    line: int


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that has not ended yet."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    weight: int = 1
    key: str | None = None


class _Reader:
    """Builds values from events; what it knows of a document ends with it."""

    def __init__(self) -> None:
        self._nodes = 0
        self._aliases = 0
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}

    def documents(self, text: str) -> Iterator[Document]:
        """Yield each document as it ends."""
        value: Any = None
        line = 0
        stack = self._stack
        # By the very class and the most frequent first: an estate has half a million events.
        for event in yaml.parse(text, Loader=_LOADER):
            sort = type(event)
            if sort is yaml.ScalarEvent:
                found: Any = event.value
                if not event.style and event.tag is None and found in _NOTHING:
                    found = None
                self._put(found, event, 1)
            elif sort is yaml.MappingStartEvent or sort is yaml.SequenceStartEvent:
                self._begin({} if sort is yaml.MappingStartEvent else [], event)
                found = value
            elif sort is yaml.MappingEndEvent or sort is yaml.SequenceEndEvent:
                ended = stack.pop()
                found = ended.value
                if ended.anchor is not None:
                    self._anchors[ended.anchor] = (found, ended.weight)
                self._into(found, event, ended.weight)
            elif sort is yaml.AliasEvent:
                found = self._alias(event)
            elif sort is yaml.DocumentEndEvent:
                yield Document(value, line)
                continue
            else:
                self._anchors.clear()
                value, line = None, 0
                continue
            if line == 0:
                line = _line(event)
            if not stack:
                value = found

    def _put(self, value: str | None, event: Any, weight: int) -> None:
        if event.tag is not None and event.tag not in _TAGS:
            raise InvalidInput(f"line {_line(event)} has the tag {shorten(str(event.tag), 60)}.")
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, weight)
        self._into(value, event, weight)

    def _begin(self, value: dict[str, Any] | list[Any], event: Any) -> None:
        if event.tag is not None and event.tag not in _TAGS:
            raise InvalidInput(f"line {_line(event)} has the tag {shorten(str(event.tag), 60)}.")
        stack = self._stack
        if len(stack) >= MAX_DEPTH:
            raise InvalidInput(f"line {_line(event)} is nested more than {MAX_DEPTH} levels deep.")
        if stack and stack[-1].key is None and type(stack[-1].value) is dict:
            raise InvalidInput(f"line {_line(event)} has a key that is no text.")
        stack.append(_Open(value, event.anchor))

    def _alias(self, event: Any) -> Any:
        self._aliases += 1
        known = self._anchors.get(event.anchor)
        if known is None:
            raise InvalidInput(f"line {_line(event)} repeats an anchor that is not complete there.")
        if self._aliases > MAX_ALIASES:
            raise InvalidInput(f"line {_line(event)} is one of more than {MAX_ALIASES:,} aliases.")
        self._nodes += known[1]
        self._into(known[0], event, known[1])
        return known[0]

    def _into(self, value: Any, event: Any, weight: int) -> None:
        """Put a complete node where it belongs, and count what it expands to."""
        self._nodes += 1
        if not self._stack:
            return
        inside = self._stack[-1]
        inside.weight += weight
        if self._nodes > MAX_NODES or inside.weight > MAX_NODES:
            raise InvalidInput(f"line {_line(event)}: it grows to more than {MAX_NODES:,} values.")
        holder = inside.value
        if type(holder) is list:
            holder.append(value)
        elif inside.key is not None:
            holder[inside.key] = value  # type: ignore[call-overload]
            inside.key = None
        else:
            key = "" if value is None else value
            if type(key) is not str:
                raise InvalidInput(f"line {_line(event)} has a key that is no text.")
            if key in holder:
                raise InvalidInput(
                    f"line {_line(event)} has the key {shorten(key, 60)!r} a second time."
                )
            inside.key = key


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def read_yaml(text: str) -> list[Document]:
    """Return the documents of a YAML stream.

    Raises:
        InvalidInput: it is no YAML, has tags, keys twice, or grows or nests beyond the limits; the
            sentence names the line.
    """
    if bad := unstorable(text):
        raise InvalidInput(f"it contains {bad}.")
    try:
        return list(_Reader().documents(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise InvalidInput(f"{line}{error.problem or error.context or 'it is no YAML'}.") from None
    except yaml.YAMLError as error:
        at = getattr(error, "position", None)
        where = f"character {at} " if isinstance(at, int) else "a character "
        raise InvalidInput(f"{where}may not stand in YAML.") from None
    except RecursionError:
        raise InvalidInput(f"it is nested more than {MAX_DEPTH} levels deep.") from None


def yaml_scalar(text: str) -> str:
    """Return a text as a YAML scalar: plain where nobody can take it for anything else."""
    if len(text) <= 200 and _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    out = []
    for c in text:
        code = ord(c)
        if c in '"\\':
            out.append("\\" + c)
        elif c.isprintable() and code != 0xFEFF:
            out.append(c)
        elif code <= 0xFF:
            out.append(f"\\x{code:02x}")
        elif code <= 0xFFFF:
            out.append(f"\\u{code:04x}")
        else:
            out.append(f"\\U{code:08x}")
    return '"' + "".join(out) + '"'


def yaml_lines(value: Any, indent: int = 0) -> Iterator[str]:
    """Yield a document of dictionaries, lists and texts as YAML lines; what is None is left out."""
    pad = " " * indent
    if isinstance(value, dict):
        for key, inner in value.items():
            if inner is None or inner in ([], {}):
                continue
            if isinstance(inner, dict | list):
                yield f"{pad}{yaml_scalar(str(key))}:"
                yield from yaml_lines(inner, indent + 2)
            else:
                yield f"{pad}{yaml_scalar(str(key))}: {yaml_scalar(str(inner))}"
    else:
        for inner in value:
            if isinstance(inner, dict):
                lines = list(yaml_lines(inner, indent + 2))
                yield f"{pad}- {lines[0].lstrip()}"
                yield from lines[1:]
            else:
                yield f"{pad}- {yaml_scalar(str(inner))}"
