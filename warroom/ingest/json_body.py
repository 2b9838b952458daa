"""A request body to JSON values, strictly, with bounded memory and a sentence for every refusal.

Python's own reader accepts what PostgreSQL or the next reader will not: NaN, duplicate keys, NUL,
lone surrogates, numbers of thousands of digits, nesting until the stack ends.  All of it is
refused here as ``InvalidInput`` that names the place.  Bodies with nothing unusual about them, the
most by far, are read by ``json_plain.py`` at half the price.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from warroom.domain.validate import shorten, unstorable
from warroom.errors import InvalidInput
from warroom.ingest.json_plain import UNSURE, read_plain

MAX_DEPTH = 32
# A group of 14,000 alerts has 42,000 containers; each costs some 200 bytes once it is read.
MAX_CONTAINERS = 200_000
MAX_VALUES = 600_000
MAX_DIGITS = 100

_CONTAINERS = (dict, list)
# Raw NUL is not JSON and raw surrogates are not UTF-8: only these escapes can make one of them.
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class _UnusableError(ValueError):
    """Raised inside the reader's hooks; carries the sentence."""


def step(key: str) -> str:
    """Return one step of a path, in ASCII: ``.labels``, or a JSON string in square brackets."""
    if len(key) <= 60 and key.isascii() and key.isidentifier():
        return f".{key}"
    return f"[{json.dumps(shorten(key, 60))}]"


def read_json(body: bytes) -> Any:
    """Return the JSON value that ``body`` holds, as UTF-8.

    Raises:
        InvalidInput: anything that is not strict JSON, could not be stored as JSON, or is nested
            or crowded beyond the limits; ``field`` is the path, or ``body`` for the whole.
    """
    _check_size(body)
    value = read_plain(body, MAX_DEPTH)
    return read_strictly(body) if value is UNSURE else value


def read_strictly(body: bytes) -> Any:
    """Do what ``read_json`` does, for every body: each object and each number is looked at.

    Raises:
        InvalidInput: as ``read_json``.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"The body is not UTF-8: byte {error.start} cannot be read.",
            field="body",
            remedy="Send JSON in UTF-8.",
        ) from None
    if text.startswith("\ufeff"):
        raise InvalidInput(
            "The body begins with a byte order mark.", field="body", remedy="Send plain UTF-8."
        )
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            field="body",
        ) from None
    except _UnusableError as error:
        raise InvalidInput(f"The body {error}.", field="body") from None
    except RecursionError:
        raise _too_deep() from None
    _check_depth(value)
    if _SUSPECT_ESCAPE.search(text):
        _check_texts(value)
    return value


def _check_size(body: bytes) -> None:
    """Refuse bodies whose values would take far more memory than their bytes, before reading."""
    if not body.strip():
        raise InvalidInput("The body is empty.", field="body", remedy="Send JSON.")
    if len(body) <= MAX_CONTAINERS:  # too short to hold so many
        return
    containers = body.count(b"{") + body.count(b"[")
    if containers > MAX_CONTAINERS or containers + body.count(b",") > MAX_VALUES:
        raise InvalidInput(
            f"The body has more than {MAX_CONTAINERS:,} objects and lists "
            f"or {MAX_VALUES:,} values.",
            field="body",
            remedy="Send it in several parts.",
        )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                name = json.dumps(shorten(key, 60))
                raise _UnusableError(f"has the key {name} twice in one object")
            seen.add(key)
    return result


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _UnusableError(f"has a number of {len(digits):,} digits; the most is {MAX_DIGITS}")
    return int(digits)


def _decimal(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise _UnusableError(f"has a number of {len(digits):,} digits; the most is {MAX_DIGITS}")
    number = float(digits)
    if not math.isfinite(number):
        raise _UnusableError(f"has the number {digits}, which is out of range")
    return number


def _constant(name: str) -> NoReturn:
    raise _UnusableError(f"has {name}, which is not JSON")


def _too_deep() -> InvalidInput:
    return InvalidInput(f"The body is nested more than {MAX_DEPTH} levels deep.", field="body")


def _inside(container: Any) -> Iterable[Any]:
    """Return the values of an object or a list."""
    return container.values() if isinstance(container, dict) else container


def _check_depth(value: Any) -> None:
    """Refuse what is nested too deep, level by level: a recursion here could itself overflow."""
    level = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            inner
            for container in level
            for inner in _inside(container)
            if isinstance(inner, _CONTAINERS)
        ]
    if level:
        raise _too_deep()


def _check_texts(value: Any) -> None:
    """Refuse keys and strings that cannot be stored, naming where they stand."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, found = waiting.pop()
        if isinstance(found, str) and (bad := unstorable(found)):
            where = path.removeprefix(".") or "body"
            raise InvalidInput(f"{where} contains {bad}.", field=where, remedy="Remove it.")
        if isinstance(found, dict):
            for key, inner in found.items():
                if bad := unstorable(key):
                    where = path.removeprefix(".") or "body"
                    raise InvalidInput(f"{where} has a key with {bad}.", field=where)
                waiting.append((path + step(key), inner))
        elif isinstance(found, list):
            waiting.extend((f"{path}[{index}]", inner) for index, inner in enumerate(found))
