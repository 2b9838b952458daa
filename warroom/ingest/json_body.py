"""A request body to JSON values, strictly, with bounded memory and a sentence for every refusal.

Python's own reader accepts what PostgreSQL or the next reader will not: NaN, duplicate keys, NUL,
lone surrogates, numbers of thousands of digits, nesting until the stack ends.  All of it is
refused here as ``InvalidInput`` that names the place.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from warroom.domain.validate import shorten, unstorable
from warroom.errors import InvalidInput

MAX_DEPTH = 32
# A group of 14,000 alerts has 42,000 containers; each costs some 200 bytes once it is read.
MAX_CONTAINERS = 200_000
MAX_VALUES = 2_000_000
MAX_DIGITS = 100


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
        raise _too_deep("body") from None
    _check_values(value, check_texts="\\u" in text)
    return value


def _check_size(body: bytes) -> None:
    """Refuse bodies whose values would take far more memory than their bytes, before reading."""
    if not body.strip():
        raise InvalidInput("The body is empty.", field="body", remedy="Send JSON.")
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


def _too_deep(where: str) -> InvalidInput:
    return InvalidInput(f"{where} is nested more than {MAX_DEPTH} levels deep.", field=where)


def _check_values(value: Any, *, check_texts: bool) -> None:
    """Check depth, and texts where an escape may have made one that cannot be stored.

    Only escapes can: raw NUL is not JSON and raw surrogates are not UTF-8.
    """
    if check_texts and isinstance(value, str):
        _check_one(value, "body")
    level: list[tuple[str, Any]] = [("", value)] if isinstance(value, dict | list) else []
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep(level[0][0].removeprefix(".") or "body")
        deeper: list[tuple[str, Any]] = []
        for path, container in level:
            _check_container(path, container, deeper, check_texts=check_texts)
        level = deeper


def _check_container(
    path: str, container: Any, deeper: list[tuple[str, Any]], *, check_texts: bool
) -> None:
    """Check the texts of one container and append the containers inside it to ``deeper``."""
    if isinstance(container, dict):
        for key, inner in container.items():
            if check_texts and (bad := unstorable(key)):
                where = path.removeprefix(".") or "body"
                raise InvalidInput(f"{where} has a key with {bad}.", field=where)
            if isinstance(inner, dict | list):
                deeper.append((path + step(key), inner))
            elif check_texts and isinstance(inner, str):
                _check_one(inner, (path + step(key)).removeprefix("."))
    else:
        for index, inner in enumerate(container):
            if isinstance(inner, dict | list):
                deeper.append((f"{path}[{index}]", inner))
            elif check_texts and isinstance(inner, str):
                _check_one(inner, f"{path}[{index}]".removeprefix("."))


def _check_one(text: str, where: str) -> None:
    if bad := unstorable(text):
        raise InvalidInput(f"{where} contains {bad}.", field=where, remedy="Remove it.")
