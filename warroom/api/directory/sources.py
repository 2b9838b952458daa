"""Alert sources over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import Page, Strict
from warroom.api.problems import RESPONSES
from warroom.services.directory import sources

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Source(Strict):
    """An alert source."""

    key: str
    name: str | None = None
    team: str | None = None
    service_label: str | None = Field(default=None, max_length=200)


@router.post("/sources", status_code=201)
async def add_source(body: Source, ctx: Commander, state: State) -> Json:
    """Make an alert source with its token (told once)."""
    return (await sources.add(state.db, ctx, **body.model_dump())).body


@router.get("/sources", response_model=Page)
async def list_sources(ctx: Reader, state: State) -> Json:
    """List the sources."""
    return {"items": await sources.list_all(state.db, ctx), "next_cursor": None}
