"""JSON files of other tools: read with bounded memory, and with a sentence for refusals."""

from __future__ import annotations

import json
from typing import Any, Final

from warroom.domain.validate import unstorable
from warroom.errors import InvalidInput

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 2_000_000


def read_json_text(text: str) -> Any:
    """Return the JSON value of a file.

    Raises:
        InvalidInput: it is no JSON, or too deep or crowded; the sentence says where.
    """
    if text.count(",") + text.count("[") + text.count("{") > MAX_VALUES:
        raise InvalidInput(f"it has more than {MAX_VALUES:,} values.")
    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"it is no JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise InvalidInput(f"it is nested more than {MAX_DEPTH} levels deep.") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if any(isinstance(item, str) and unstorable(item) for item in level):
            raise InvalidInput("it contains a NUL character or half a surrogate pair.")
        if not level:
            return value
    raise InvalidInput(f"it is nested more than {MAX_DEPTH} levels deep.")


def write_json_text(value: object) -> str:
    """Return a value as indented ASCII JSON."""
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"
