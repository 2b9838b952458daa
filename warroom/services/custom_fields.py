"""The registry of custom fields: defined by administrators, asked whenever a value is set."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DBAPIError

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.custom_fields import (
    FieldDefinition,
    FieldType,
    Value,
    check_value,
    define,
    not_of_pattern,
)
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import InvalidInput
from warroom.services.access import require
from warroom.services.directory.common import Json, insert, listing

NOUN = "incident"
"""What has custom fields so far."""


async def add(
    db: Database,
    ctx: CommandContext,
    *,
    key: object,
    label: object,
    type: str,  # noqa: A002 - the field's name over HTTP
    **more: Any,
) -> Answer:
    """Define a custom field of incidents.

    Args:
        db: the database of the API.
        ctx: an administrator's.
        key: its name in requests: small letters, digits and ``_``.
        label: its name for people.
        type: one of ``FieldType``.
        more: ``choices``, ``required``, ``max_length``, ``pattern`` as ``define`` takes them.
    """
    require(ctx, Scope.ADMIN)
    field = define(key, label, type, **more)
    body = {
        "key": field.key, "label": field.label, "type": field.type.value,
        "choices": list(field.choices), "required": field.required,
        "max_length": field.max_length, "pattern": field.pattern,
    }  # fmt: skip

    async def handler(work: Work) -> Answer:
        if field.pattern is not None:
            await _matches(work, field.pattern, "")
        values = {k: v for k, v in body.items() if v is not None and v != []} | {"noun": NOUN}
        found = await insert(
            work, tables.field_definition, values, f"The custom field {field.key!r}"
        )
        return Answer(201, {"id": str(found), **body})

    return await run_command(db, ctx, "field.add", body, handler)


_LIST = (
    "select id, key, label, type, coalesce(choices, '[]') as choices, required, max_length,"
    " pattern from warroom.field_definition where noun = 'incident' and key > :after"
    " order by key limit :limit"
)


async def list_all(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the definitions behind the key ``after``."""
    return await listing(db, ctx, _LIST, after=after, limit=limit)


async def check(work: Work, key: str, value: object) -> tuple[FieldDefinition, Value]:
    """Return a custom field of incidents, and the value as it is stored; None takes it away.

    Raises:
        InvalidInput: no such field, or no value of its kind; names it.
    """
    known = await work.row(
        "select key, label, type, choices, required, max_length, pattern"
        " from warroom.field_definition where noun = :noun and key = :key",
        {"noun": NOUN, "key": key},
    )
    if known is None:
        raise InvalidInput(
            f"There is no custom field {key[:80]!r}; nothing was changed.",
            field="field",
            remedy="`warroom field list` shows them, `warroom field add` makes one.",
        )
    definition = FieldDefinition(
        known["key"], known["label"], FieldType(known["type"]), tuple(known["choices"] or ()),
        known["required"], known["max_length"], known["pattern"],
    )  # fmt: skip
    checked = check_value(definition, value)
    if (
        definition.pattern is not None
        and isinstance(checked, str)
        and not await _matches(work, definition.pattern, checked)
    ):
        raise not_of_pattern(definition)
    return definition, checked


async def _matches(work: Work, pattern: str, text: str) -> bool:
    """Tell whether the whole of a text is of a pattern.

    Raises:
        InvalidInput: the pattern is no regular expression of PostgreSQL.
    """
    try:
        # Alone first: an unbalanced parenthesis must not close the frame around it.
        return bool(
            await work.scalar(
                "select '' ~ cast(:pattern as text) is not null"
                " and cast(:text as text) ~ ('^(?:' || cast(:pattern as text) || ')$')",
                {"pattern": pattern, "text": text},
            )
        )
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == "2201B":
            raise InvalidInput(
                "pattern is no regular expression that the database understands; nothing was"
                " changed.",
                field="pattern",
                remedy="For example: [A-Z]+-[0-9]+",
            ) from error
        raise
