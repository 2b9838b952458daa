"""Teams over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import Page, Strict
from warroom.api.problems import RESPONSES
from warroom.services.directory import teams

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Team(Strict):
    """A team."""

    key: str
    name: str
    unit: str = "main"


@router.post("/teams", status_code=201)
async def add_team(body: Team, ctx: Commander, state: State) -> Json:
    """Make a team."""
    return (await teams.add(state.db, ctx, **body.model_dump())).body


@router.get("/teams", response_model=Page)
async def list_teams(ctx: Reader, state: State) -> Json:
    """List the teams."""
    return {"items": await teams.list_all(state.db, ctx), "next_cursor": None}
