"""Impact over HTTP: one incident's, and the weak points of the whole estate."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from warroom.api.auth import Reader, State
from warroom.api.incidents import Ref
from warroom.api.problems import RESPONSES
from warroom.services import impact_report

router = APIRouter(prefix="/v1", tags=["impact"], responses=RESPONSES)
Json = dict[str, Any]


class Impact(BaseModel):
    """What was reasoned last about an incident; the parts as ``docs/impact.md`` tells them."""

    ref: str
    title: str
    severity: int
    computed_at: datetime | None
    totals: Json
    nodes: list[Json]
    suspects: list[Json]
    waves: list[Json]
    shared: list[Json]
    suggestion: Json | None


class Totals(BaseModel):
    """What all open incidents together take down.

    ``tier_one`` counts tier 0 and 1; ``user_share`` (per cent) and ``customers`` are the largest of
    one service, as shares overlap; ``line`` is all of it in words.
    """

    open_incidents: int
    services: int
    tier_one: int
    user_share: float | None
    customers: int | None
    regions: list[str]
    third_parties: int
    headline: str
    line: str


class WeakPoint(BaseModel):
    """What would be lost with one service or failure domain."""

    kind: str
    key: str
    name: str
    single: bool
    down: int
    hurt: int
    takes_down: list[str]
    cut_off: int
    splits: bool
    tier_one: int
    user_share: float | None
    customers: int | None
    regions: list[str]


class UnitReport(BaseModel):
    """The report of one unit's estate."""

    unit: str
    considered: int
    services: list[WeakPoint]
    domains: list[WeakPoint]


class WeakPoints(BaseModel):
    """The report."""

    units: list[UnitReport]


@router.get("/incidents/{ref}/impact", response_model=Impact)
async def show(ref: Ref, ctx: Reader, state: State) -> Json:
    """Show what an incident takes down, its suspects and the waves of its restart."""
    return await impact_report.show(state.db, ctx, ref)


@router.get("/impact", response_model=Totals)
async def totals(ctx: Reader, state: State) -> Json:
    """Show the totals over all open incidents, drills left out."""
    return await impact_report.totals(state.db, ctx)


@router.get("/impact/weak-points", response_model=WeakPoints)
async def weak(ctx: Reader, state: State, limit: Annotated[int, Query(ge=1, le=500)] = 20) -> Json:
    """List single points of failure, and what the loss of each service or domain would cost."""
    return await impact_report.weak(state.db, ctx, limit=limit)
