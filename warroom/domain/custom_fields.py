"""Custom fields: what the registry may say of a field, and whether a value is one of its kind.

A pattern is a regular expression that the database evaluates, under its statement timeout and
without back references, so that no pattern and no value can keep a server busy.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from warroom.domain.validate import check_text
from warroom.errors import InvalidInput

TEXT_MAX = 2000
PATTERN_MAX = 200
CHOICES_MAX = 100
CHOICE_MAX = 200
Value = str | float | int | bool | None

_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
# A backslash that is not itself escaped, before a digit: a back reference costs without a bound.
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[0-9]")


class FieldType(StrEnum):
    """What a custom field holds."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """A field of the registry.

    ``choices`` go with the type choice; ``max_length`` (characters) and ``pattern`` (of the whole
    value) with the type text.  A required one is never taken away.
    """

    key: str
    label: str
    type: FieldType
    choices: tuple[str, ...] = ()
    required: bool = False
    max_length: int | None = None
    pattern: str | None = None


def define(
    key: object,
    label: object,
    kind: str,
    *,
    choices: Sequence[object] = (),
    required: bool = False,
    max_length: int | None = None,
    pattern: str | None = None,
) -> FieldDefinition:
    """Return the definition of a new field.

    Raises:
        InvalidInput: names what cannot be used, or does not go with the type.
    """
    checked = check_text(key, "key", longest=63, shortest=1)
    if not _KEY.fullmatch(checked):
        raise InvalidInput(
            "key must be small letters, digits and '_' and begin with a letter.",
            field="key", remedy="For example: ticket_id",
        )  # fmt: skip
    if kind not in {t.value for t in FieldType}:
        raise InvalidInput(f"type must be one of {', '.join(FieldType)}.", field="type")
    found = FieldType(kind)
    if found is not FieldType.CHOICE and choices:
        raise InvalidInput("choices go with the type choice.", field="choices")
    if found is not FieldType.TEXT and (max_length is not None or pattern is not None):
        where = "pattern" if max_length is None else "max_length"
        raise InvalidInput(f"{where} goes with the type text.", field=where)
    if max_length is not None and not 1 <= max_length <= TEXT_MAX:
        raise InvalidInput(f"max_length must be from 1 to {TEXT_MAX:,}.", field="max_length")
    return FieldDefinition(
        checked, check_text(label, "label", longest=200, shortest=1), found,
        _choices(choices) if found is FieldType.CHOICE else (), required, max_length,
        _pattern(pattern),
    )  # fmt: skip


def _choices(choices: Sequence[object]) -> tuple[str, ...]:
    checked = tuple(check_text(c, "choices", longest=CHOICE_MAX, shortest=1) for c in choices)
    if not 1 <= len(checked) <= CHOICES_MAX:
        raise InvalidInput(
            f"A field of the type choice needs 1 to {CHOICES_MAX} choices.", field="choices"
        )
    if len(set(checked)) != len(checked):
        raise InvalidInput("choices has one of them twice.", field="choices")
    return checked


def _pattern(pattern: str | None) -> str | None:
    if pattern is None:
        return None
    checked = check_text(pattern, "pattern", longest=PATTERN_MAX, shortest=1)
    if _BACK_REFERENCE.search(checked):
        raise InvalidInput("pattern may not refer back to a group.", field="pattern")
    return checked


def check_value(definition: FieldDefinition, value: object) -> Value:
    """Return the value as it is stored, None to take the field away.

    People type text: one that reads as the field's number or truth value is taken for it.
    Whether a text is of the definition's ``pattern`` is for the caller to ask;
    ``not_of_pattern`` is the error then.

    Raises:
        InvalidInput: names the field and what it holds.
    """
    where = f"custom.{definition.key}"
    if value is None:
        if definition.required:
            raise InvalidInput(f"{where} is required and cannot be taken away.", field=where)
        return None
    if definition.type is FieldType.TEXT:
        return check_text(value, where, longest=definition.max_length or TEXT_MAX, shortest=1)
    if isinstance(value, str):
        value = _typed(definition.type, value.strip())
    if definition.type is FieldType.BOOLEAN and isinstance(value, bool):
        return value
    if (
        definition.type is FieldType.NUMBER
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    ):
        return value
    if definition.type is FieldType.CHOICE and value in definition.choices:
        return str(value)
    if definition.type is FieldType.DATE and isinstance(value, str):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    wanted = {
        FieldType.BOOLEAN: "true or false",
        FieldType.NUMBER: "a finite number",
        FieldType.DATE: "a date like 2026-11-21",
        FieldType.CHOICE: f"one of {', '.join(definition.choices)}",
    }[definition.type]
    raise InvalidInput(f"{where} must be {wanted}.", field=where, remedy=f"Give {wanted}.")


def _typed(kind: FieldType, text: str) -> object:
    if kind is FieldType.BOOLEAN:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), text)
    if kind is FieldType.NUMBER:
        with contextlib.suppress(ValueError):
            return int(text) if text.lstrip("+-").isdigit() else float(text)
    return text


def not_of_pattern(definition: FieldDefinition) -> InvalidInput:
    """Return the error for a text that is not of the field's pattern."""
    where = f"custom.{definition.key}"
    return InvalidInput(
        f"{where} must be of the form {definition.pattern}; nothing was changed.",
        field=where,
        remedy=f"Give a text of the form {definition.pattern}.",
    )
