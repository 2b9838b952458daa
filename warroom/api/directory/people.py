"""People over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.directory.tokens import Lifetime, TokenScope, usual_scopes
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_cursor
from warroom.api.problems import RESPONSES
from warroom.services.directory import people

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Person(Strict):
    """A person with an own database role and token."""

    name: str
    email: str | None = Field(default=None, max_length=320)
    units: list[str] = Field(default_factory=lambda: ["main"], max_length=100)
    teams: list[str] = Field(default_factory=list, max_length=100)
    scopes: list[TokenScope] = Field(default_factory=usual_scopes, min_length=1, max_length=3)
    auditor: bool = False
    sees_security: bool = False
    expires_in_s: Lifetime = None


class PersonMade(BaseModel):
    """The person that was made; the token is told once, and null when it was told before."""

    id: UUID
    name: str
    db_role: str
    expires_at: datetime | None = None
    token: str | None = None


class PersonListed(BaseModel):
    """A principal as lists show it: people, automations, and the senders of alerts."""

    id: UUID
    name: str
    kind: str
    db_role: str | None
    units: list[str]
    disabled_at: datetime | None


@router.post("/people", status_code=201, response_model=PersonMade)
async def add_person(body: Person, ctx: Commander, state: State) -> Json:
    """Make a person with an own database role and a token (told once)."""
    return (await people.add(state.db, ctx, **body.model_dump())).body


@router.get("/people", response_model=PageOf[PersonListed])
async def list_people(ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None) -> Json:
    """List the principals."""
    after = decode_cursor(cursor) or ""
    found = await people.list_all(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "name")
