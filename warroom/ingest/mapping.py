"""The mapping language: which part of somebody's JSON is which field of an alert.

A mapping is a table that one writes in TOML or JSON.  An expression is a path, or a table with
exactly one of ``path``, ``const``, ``first`` (the first of several expressions that says something)
and ``join`` (several, with ``with`` between), and beside it ``values`` (words for words) and
``default``.  A path is ``alert.labels.service``, ``items[0]``, ``["odd key"]``; ``$`` in front
begins at the whole body, anything else at the alert; ``[*]`` stands for every entry of a list.

All is checked when the mapping is compiled, so that no message meets a mistake of its author.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

from warroom.domain.validate import shorten
from warroom.errors import InvalidInput
from warroom.ingest.spoken import as_text

FIELDS = ("key", "name", "summary", "description", "service", "severity", "state", "starts_at",
          "ends_at", "url")  # fmt: skip
PARTS = frozenset({"alerts", "fields", "labels", "annotations", "expires_after_s"})
KINDS = ("path", "const", "first", "join")
MAX_CHARACTERS = 20_000
MAX_DEPTH = 6
MAX_STEPS = 32
MAX_ENTRIES = 128
MAX_VALUES = 100
"""The most values of a path that are joined into one field."""
REST = "*"
"""The entry of ``labels`` and ``annotations`` that takes all of an object."""

Step = str | int | None
"""A key, a place in a list, or None for every entry of it."""

_KEY = r"[^.\[\]\"\s$*]+"
_PLAIN = re.compile(_KEY)
_STEP = re.compile(
    rf"\.?(?P<key>{_KEY})"
    r"|\[(?P<place>[0-9]{1,6})\]"
    r"|\[(?P<quoted>\"(?:[^\"\\]|\\.)*\")\]"
    r"|\[(?P<every>\*)\]"
)


@dataclass(frozen=True, slots=True)
class Path:
    """Where to look: from the whole body or from the alert, step by step."""

    whole: bool
    steps: tuple[Step, ...]

    def every(self, body: Any, alert: Any, most: int | None = None) -> list[Any]:
        """Return the values that it leads to; none where something on the way is missing.

        Args:
            body: the whole.
            alert: the part that is one alert.
            most: how many at each step; where many alerts look at one long list it matters.
        """
        found = [body if self.whole else alert]
        for step in self.steps:
            inner = chain.from_iterable(_inside(place, step) for place in found)
            found = list(islice(inner, most))
        return found

    def gap(self, body: Any) -> str | None:
        """Return the first place on its way that some part of a body lacks; None if none does.

        ``[*]`` asks for a list or an object, also an empty one: behind that nothing is missing.
        """
        reached = [body]
        for number, step in enumerate(self.steps):
            inner: list[Any] = []
            for place in reached:
                entries = list(_inside(place, step))
                if not entries and not (step is None and isinstance(place, list | dict)):
                    return _said(self.steps[: number if step is None else number + 1])
                inner += entries
            reached = inner
        return None


@dataclass(frozen=True, slots=True)
class Expression:
    """What a field is: one of the four kinds, words for words, and what it is otherwise."""

    path: Path | None = None
    const: str | None = None
    parts: tuple[Expression, ...] = ()
    joined_with: str | None = None
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    default: str = ""

    def text(self, body: Any, alert: Any) -> str:
        """Return what it says of an alert, empty where that is nothing."""
        said = self._raw(body, alert).strip()
        if self.values and said:
            said = self.values.get(said) or self.values.get(said.casefold()) or said
        return said or self.default

    def _raw(self, body: Any, alert: Any) -> str:
        if self.path is not None:
            found = (as_text(value) for value in self.path.every(body, alert, MAX_VALUES))
            return ", ".join(text for text in found if text)
        if self.const is not None:
            return self.const
        said = (part.text(body, alert) for part in self.parts)
        if self.joined_with is None:
            return next((text for text in said if text), "")
        return self.joined_with.join(text for text in said if text)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A mapping that has been checked; ``labels`` and ``annotations`` by name, ``*`` for all."""

    alerts: Path
    fields: Mapping[str, Expression]
    labels: Mapping[str, Expression]
    annotations: Mapping[str, Expression]
    expires_after_s: int | None = None


def compile_mapping(document: Any, where: str = "mapping") -> Compiled:
    """Check a mapping and return it ready for use.

    Args:
        document: the table as TOML or JSON gave it.
        where: what it is called in errors.

    Raises:
        InvalidInput: ``field`` is the place at fault, e.g. ``mapping.fields.severity.first[1]``.
    """
    table = _table(document, where)
    if len(json.dumps(table, default=str)) > MAX_CHARACTERS:
        raise _wrong(where, f"at most {MAX_CHARACTERS:,} characters")
    _only(table, PARTS, where)
    fields = _entries(table.get("fields", {}), f"{where}.fields")
    _only(fields, frozenset(FIELDS), f"{where}.fields")
    if not fields.keys() & {"name", "summary"}:
        raise InvalidInput(
            f"{where}.fields must have a name or a summary.",
            field=f"{where}.fields",
            remedy='For example: [fields] summary = "title"',
        )
    expires = table.get("expires_after_s")
    if expires is not None and (
        isinstance(expires, bool) or not isinstance(expires, int) or not 30 <= expires <= 604_800
    ):
        raise _wrong(f"{where}.expires_after_s", "a whole number of seconds from 30 to 604800")
    return Compiled(
        alerts=read_path(table.get("alerts", "$"), f"{where}.alerts", whole=True),
        fields=fields,
        labels=_entries(table.get("labels", {}), f"{where}.labels"),
        annotations=_entries(table.get("annotations", {}), f"{where}.annotations"),
        expires_after_s=expires,
    )


def read_path(value: Any, where: str, *, whole: bool = False) -> Path:
    """Return a path.

    Args:
        value: as somebody wrote it.
        where: its place, for errors.
        whole: begin at the whole body also without ``$``.

    Raises:
        InvalidInput: it is no path.
    """
    if not isinstance(value, str) or not value.strip():
        raise _wrong(where, "a path like alert.labels.service")
    text = value.strip()
    rest = text.removeprefix("$")
    begins = whole or rest != text
    steps: list[Step] = []
    place = 0
    while place < len(rest):
        match = _STEP.match(rest, place)
        if match is None or (place == 0 and text.startswith("$") and rest[0] not in ".["):
            raise InvalidInput(
                f"{where} is no path: {shorten(text, 80)!a} cannot be read at character"
                f" {len(text) - len(rest) + place + 1}.",
                field=where,
                remedy='Steps are .name, [0], [*] and ["any key"].',
            )
        steps.append(_step(match, where))
        place = match.end()
    if len(steps) > MAX_STEPS:
        raise _wrong(where, f"at most {MAX_STEPS} steps")
    return Path(begins, tuple(steps))


def _step(match: re.Match[str], where: str) -> Step:
    if (key := match["key"]) is not None:
        return key
    if (place := match["place"]) is not None:
        return int(place)
    if (quoted := match["quoted"]) is None:
        return None
    try:
        return str(json.loads(quoted))
    except ValueError:
        raise _wrong(where, "a path whose quoted keys are JSON strings") from None


def _said(steps: tuple[Step, ...]) -> str:
    """Return steps as one writes them, ``$`` for the whole body."""
    text = "".join(
        "[*]" if step is None
        else f"[{step}]" if isinstance(step, int)
        else f".{step}" if _PLAIN.fullmatch(step)
        else f"[{json.dumps(step)}]"
        for step in steps
    )  # fmt: skip
    return text.removeprefix(".") or "$"


def _inside(value: Any, step: Step) -> Iterator[Any]:
    if step is None:
        if isinstance(value, list):
            yield from value
        elif isinstance(value, dict):
            yield from value.values()
    elif isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield value[step]
    elif isinstance(value, dict) and step in value:
        yield value[step]


def _expression(value: Any, where: str, depth: int = 0) -> Expression:
    if depth > MAX_DEPTH:
        raise _wrong(where, f"nested at most {MAX_DEPTH} deep")
    if isinstance(value, str):
        return Expression(path=read_path(value, where))
    table = _table(value, where)
    kinds = [kind for kind in KINDS if kind in table]
    if len(kinds) != 1:
        raise _wrong(where, f"a path, or a table with exactly one of {', '.join(KINDS)}")
    kind = kinds[0]
    extra = {"with"} if kind == "join" else set()
    _only(table, frozenset({kind, "values", "default"} | extra), where)
    values = {
        word.casefold(): _text(text, f"{where}.values.{word}")
        for word, text in _table(table.get("values", {}), f"{where}.values").items()
    }
    made = Expression(
        values=MappingProxyType(values),
        default=_text(table.get("default", ""), f"{where}.default"),
    )
    inner = table[kind]
    if kind == "path":
        return replace(made, path=read_path(inner, f"{where}.path"))
    if kind == "const":
        return replace(made, const=_text(inner, f"{where}.const"))
    if not isinstance(inner, list) or not 1 <= len(inner) <= MAX_STEPS:
        raise _wrong(f"{where}.{kind}", f"a list of 1 to {MAX_STEPS} expressions")
    parts = tuple(
        _expression(part, f"{where}.{kind}[{index}]", depth + 1) for index, part in enumerate(inner)
    )
    between = _text(table.get("with", " "), f"{where}.with") if kind == "join" else None
    return replace(made, parts=parts, joined_with=between)


def _entries(value: Any, where: str) -> Mapping[str, Expression]:
    table = _table(value, where)
    if len(table) > MAX_ENTRIES:
        raise _wrong(where, f"at most {MAX_ENTRIES} entries")
    found = {name: _expression(inner, f"{where}.{name}") for name, inner in table.items()}
    if "" in found:
        raise _wrong(where, "without empty names")
    if (rest := found.get(REST)) is not None and rest.path is None:
        raise _wrong(f"{where}.{REST}", "the path of an object")
    return MappingProxyType(found)


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "a table")
    return value


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool | int | float):
        return as_text(value)
    if not isinstance(value, str) or len(value) > 1_000:
        raise _wrong(where, "a text of at most 1,000 characters")
    return value


def _only(table: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise InvalidInput(
            f"{where}.{shorten(unknown[0], 60)} is not known.",
            field=f"{where}.{shorten(unknown[0], 60)}",
            remedy=f"Here may stand: {', '.join(sorted(known))}.",
        )


def _wrong(where: str, must: str) -> InvalidInput:
    return InvalidInput(f"{where} must be {must}.", field=where)
