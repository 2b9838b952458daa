"""Custom fields: what the registry says of a field, and whether a value is one of its type."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from warroom.domain.validate import check_text
from warroom.errors import InvalidInput

TEXT_MAX = 2000
Value = str | float | int | bool | None


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

    ``choices`` go with the type choice; a required one is never taken away.
    """

    key: str
    label: str
    type: FieldType
    choices: tuple[str, ...] = ()
    required: bool = False


def check_value(definition: FieldDefinition, value: object) -> Value:
    """Return the value as it is stored, None to take the field away.

    People type text: one that reads as the field's number or truth value is taken for it.

    Raises:
        InvalidInput: names the field and what it holds.
    """
    where = f"custom.{definition.key}"
    if value is None:
        if definition.required:
            raise InvalidInput(f"{where} is required and cannot be taken away.", field=where)
        return None
    if definition.type is FieldType.TEXT:
        return check_text(value, where, longest=TEXT_MAX, shortest=1)
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
