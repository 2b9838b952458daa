"""The rules on alerts over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.incident_commands import send
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Key, Limit, cut, decode_cursor
from warroom.api.problems import RESPONSES
from warroom.domain.validate import unstorable
from warroom.errors import InvalidInput
from warroom.services import alert_rules

router = APIRouter(prefix="/v1", tags=["alert rules"], responses=RESPONSES)
Json = dict[str, Any]
Matches = dict[str, list[str]]
Version = Annotated[int, Query(ge=1, le=2**31 - 1, description="what the caller saw")]


class NewRule(Strict):
    """A rule: what it is about, and what it says; see ``docs/alerts.md``."""

    key: str
    kind: Literal["group", "declare"]
    position: int = Field(default=100, ge=1, le=10_000, description="lower comes first")
    matches: Matches = Field(default_factory=dict, description="patterns by field")
    spec: Json = Field(default_factory=dict)
    note: str = Field(default="", max_length=500)


class ChangedRule(Strict):
    """What changes of a rule that the caller saw at ``version``; what is null stays."""

    version: int = Field(ge=1, le=2**31 - 1)
    position: int | None = Field(default=None, ge=1, le=10_000)
    matches: Matches | None = None
    spec: Json | None = None
    note: str | None = Field(default=None, max_length=500)
    enabled: bool | None = None


class RuleListed(BaseModel):
    """A rule."""

    id: UUID
    key: str
    kind: str
    position: int
    matches: Matches
    spec: Json
    note: str
    enabled: bool
    version: int
    changed_at: datetime


class Sample(Strict):
    """An alert to try the rules on."""

    service: str | None = Field(default=None, max_length=200)
    source: str = Field(default="", max_length=63)
    name: str = Field(default="", max_length=500)
    severity: int = Field(default=3, ge=1, le=5)
    labels: dict[str, str] = Field(default_factory=dict, max_length=100)


class Tried(BaseModel):
    """What the rules would do; ``declare`` and ``group`` are keys, null for what holds without."""

    service_known: bool
    priority: int
    priority_reason: str
    begins_with: int
    declare: str | None
    outcome: Json
    group: str | None
    grouped_by: str


def _storable(value: object, field: str) -> None:
    """Refuse what cannot be stored, however deep it lies.

    Raises:
        InvalidInput: a text has a NUL or half a character.
    """
    if isinstance(value, str) and (wrong := unstorable(value)) is not None:
        raise InvalidInput(f"{field} has {wrong}; nothing was changed.", field=field)
    inner = [*value, *value.values()] if isinstance(value, dict) else value
    for part in inner if isinstance(inner, list) else ():
        _storable(part, field)


@router.get("/alert-rules", response_model=PageOf[RuleListed])
async def list_rules(ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None) -> Json:
    """List the rules by key; they apply by position."""
    after = decode_cursor(cursor) or ""
    found = await alert_rules.list_all(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "key")


@router.post("/alert-rules", status_code=201, response_model=RuleListed)
async def add_rule(body: NewRule, ctx: Commander, state: State, response: Response) -> Json:
    """Make a rule; it holds for the next alert."""
    for field in ("matches", "spec"):
        _storable(getattr(body, field), field)
    return send(response, await alert_rules.add(state.db, ctx, **body.model_dump()))


@router.post("/alert-rules/{key}", response_model=RuleListed)
async def change_rule(key: Key, body: ChangedRule, ctx: Commander, state: State) -> Json:
    """Change a rule, or turn it on or off."""
    for field in ("matches", "spec"):
        _storable(getattr(body, field), field)
    return (await alert_rules.change(state.db, ctx, key, **body.model_dump())).body


@router.delete("/alert-rules/{key}", response_model=RuleListed)
async def remove_rule(key: Key, version: Version, ctx: Commander, state: State) -> Json:
    """Take a rule away; its history stays."""
    return (await alert_rules.remove(state.db, ctx, key, version=version)).body


@router.post("/alert-rule-test", response_model=Tried)
async def try_rules(body: Sample, ctx: Reader, state: State) -> Json:
    """Say what the rules would do to an alert; nothing is stored."""
    _storable(body.labels, "labels")
    return await alert_rules.try_out(state.db, ctx, **body.model_dump())
