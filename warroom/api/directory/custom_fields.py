"""The registry of custom fields over HTTP."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_cursor
from warroom.api.problems import RESPONSES
from warroom.domain.custom_fields import CHOICES_MAX, PATTERN_MAX, TEXT_MAX
from warroom.services import custom_fields

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class CustomField(Strict):
    """A custom field of incidents.

    ``choices`` go with the type choice, ``max_length`` and ``pattern`` (a regular expression that
    the whole value is of) with the type text.
    """

    key: str
    label: str
    type: Literal["text", "number", "boolean", "date", "choice"]
    choices: list[str] = Field(default_factory=list, max_length=CHOICES_MAX)
    required: bool = Field(default=False, description="once set, it cannot be taken away")
    max_length: int | None = Field(default=None, ge=1, le=TEXT_MAX)
    pattern: str | None = Field(default=None, max_length=PATTERN_MAX)


class CustomFieldRow(BaseModel):
    """A field as the registry has it."""

    id: UUID
    key: str
    label: str
    type: str
    choices: list[str]
    required: bool
    max_length: int | None
    pattern: str | None


@router.post("/fields", status_code=201, response_model=CustomFieldRow)
async def add_field(body: CustomField, ctx: Commander, state: State) -> Json:
    """Define a custom field."""
    return (await custom_fields.add(state.db, ctx, **body.model_dump())).body


@router.get("/fields", response_model=PageOf[CustomFieldRow])
async def list_fields(ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None) -> Json:
    """List the custom fields."""
    after = decode_cursor(cursor) or ""
    found = await custom_fields.list_all(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "key")
