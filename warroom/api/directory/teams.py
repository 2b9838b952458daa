"""Teams over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_cursor
from warroom.api.problems import RESPONSES
from warroom.services.directory import teams

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Team(Strict):
    """A team."""

    key: str
    name: str
    unit: str = "main"


class TeamRow(BaseModel):
    """A team as it is stored."""

    id: UUID
    key: str
    name: str
    unit: str


@router.post("/teams", status_code=201, response_model=TeamRow)
async def add_team(body: Team, ctx: Commander, state: State) -> Json:
    """Make a team."""
    return (await teams.add(state.db, ctx, **body.model_dump())).body


@router.get("/teams", response_model=PageOf[TeamRow])
async def list_teams(ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None) -> Json:
    """List the teams."""
    after = decode_cursor(cursor) or ""
    found = await teams.list_all(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "key")
