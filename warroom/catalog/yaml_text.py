"""YAML, read strictly with bounded memory, and written with everything escaped.

Read from the parser's events, so that nothing is ever built from a tag, a key that stands twice
is found, and an alias costs what it would expand to ("billion laughs").  Scalars stay texts
(``no`` is a word and ``1.10`` a version); only the plain words for nothing become None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
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
    line: int
    weight: int = 1
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    nodes: int = 0
    aliases: int = 0
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)

    def documents(self, text: str) -> Iterator[Document]:
        value: Any = None
        line = 1
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors.clear()
                value, line = None, 0
            elif isinstance(event, yaml.DocumentEndEvent):
                yield Document(value, max(line, 1))
            elif isinstance(event, yaml.NodeEvent):
                line = line or event.start_mark.line + 1
                done = self._node(event)
                if done is not None and not self.stack:
                    value = done[0]
            elif isinstance(event, yaml.CollectionEndEvent):
                ended = self.stack.pop()
                self._finish(ended.value, ended.anchor, ended.weight, ended.line)
                if not self.stack:
                    value = ended.value

    def _node(self, event: Any) -> tuple[Any] | None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            return (self._alias(event.anchor, line),)
        if event.tag is not None and event.tag not in _TAGS:
            raise InvalidInput(f"line {line} has the tag {shorten(str(event.tag), 60)}.")
        if isinstance(event, yaml.ScalarEvent):
            text: str | None = event.value
            if not event.style and text in _NOTHING and event.tag is None:
                text = None
            self._finish(text, event.anchor, 1, line)
            return (text,)
        if len(self.stack) >= MAX_DEPTH:
            raise InvalidInput(f"line {line} is nested more than {MAX_DEPTH} levels deep.")
        mapping = isinstance(event, yaml.MappingStartEvent)
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            raise InvalidInput(f"line {line} has a key that is no text.")
        self.stack.append(_Open({} if mapping else [], event.anchor, line))
        return None

    def _alias(self, anchor: str, line: int) -> Any:
        self.aliases += 1
        if anchor not in self.anchors:
            raise InvalidInput(f"line {line} repeats an anchor that is not complete there.")
        if self.aliases > MAX_ALIASES:
            raise InvalidInput(f"line {line} is one of more than {MAX_ALIASES:,} aliases.")
        value, weight = self.anchors[anchor]
        self.nodes += weight
        self._finish(value, None, weight, line)
        return value

    def _finish(self, value: Any, anchor: str | None, weight: int, line: int) -> None:
        """Put a complete node where it belongs, and count what it expands to."""
        self.nodes += 1
        if anchor is not None:
            self.anchors[anchor] = (value, weight)
        if not self.stack:
            return
        inside = self.stack[-1]
        inside.weight += weight
        if max(self.nodes, inside.weight) > MAX_NODES:
            raise InvalidInput(f"line {line}: it grows to more than {MAX_NODES:,} values.")
        if isinstance(inside.value, list):
            inside.value.append(value)
        elif inside.key is None:
            key = "" if value is None else value
            if not isinstance(key, str):
                raise InvalidInput(f"line {line} has a key that is no text.")
            if key in inside.value:
                raise InvalidInput(f"line {line} has the key {shorten(key, 60)!r} a second time.")
            inside.key = key
        else:
            inside.value[inside.key] = value
            inside.key = None


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
