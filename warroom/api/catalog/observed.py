"""Observed edges over HTTP: listed apart, and decided about."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.services.catalog import observed

router = APIRouter(prefix="/v1/catalog", tags=["catalog"], responses=RESPONSES)
Json = dict[str, Any]
FIRST = UUID(int=0)


class Pair(Strict):
    """Which depends on which."""

    service: str = Field(min_length=1, max_length=200)
    depends_on: str = Field(min_length=1, max_length=200)


class Verdict(Strict):
    """What a person says of observed edges."""

    verdict: Literal["confirm", "reject"]
    edges: list[Pair] = Field(min_length=1, max_length=1000)
    hardness: Literal["hard", "soft"] | None = None
    sync: bool | None = None


class Decided(BaseModel):
    """How many edges were decided about."""

    verdict: str
    decided: int


class ObservedEdge(BaseModel):
    """An edge that was seen in traffic."""

    id: UUID
    service: str
    depends_on: str
    hardness: str
    sync: bool | None
    source: str | None
    state: str
    decided_by: str | None
    decided_at: datetime | None


@router.get("/observed", response_model=PageOf[ObservedEdge])
async def list_observed(
    ctx: Reader,
    state: State,
    which: Annotated[
        Literal["open", "confirmed", "rejected", "all"], Query(alias="state")
    ] = "open",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Json:
    """List the edges that were seen in traffic."""
    after = decode_id_cursor(cursor) or FIRST
    found = await observed.list_observed(state.db, ctx, state=which, after=after, limit=limit + 1)
    return cut(found, limit, "id")


@router.post("/observed", response_model=Decided)
async def decide_observed(body: Verdict, ctx: Commander, state: State) -> Json:
    """Confirm or reject observed edges, all of them or none."""
    pairs = [p.model_dump() for p in body.edges]
    answer = await observed.decide(
        state.db, ctx, verdict=body.verdict, edges=pairs, hardness=body.hardness, sync=body.sync
    )
    return answer.body
