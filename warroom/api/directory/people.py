"""People over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.directory.tokens import TokenScope, usual_scopes
from warroom.api.models import Page, Strict
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


@router.post("/people", status_code=201)
async def add_person(body: Person, ctx: Commander, state: State) -> Json:
    """Make a person with an own database role and a token (told once)."""
    return (await people.add(state.db, ctx, **body.model_dump())).body


@router.get("/people", response_model=Page)
async def list_people(ctx: Reader, state: State) -> Json:
    """List the principals."""
    return {"items": await people.list_all(state.db, ctx), "next_cursor": None}
