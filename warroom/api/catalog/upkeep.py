"""Short-lived workloads and the coverage report over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import Strict
from warroom.api.problems import RESPONSES
from warroom.services.catalog import coverage, workloads

router = APIRouter(prefix="/v1/catalog", tags=["catalog"], responses=RESPONSES)
Json = dict[str, Any]


class Workload(Strict):
    """A short-lived service; registering it again renews it."""

    key: str = Field(min_length=1, max_length=200)
    ttl_s: int = Field(ge=workloads.SHORTEST_S, le=workloads.LONGEST_S)
    name: str | None = Field(default=None, max_length=200)
    kind: (
        Literal[
            "service", "datastore", "queue", "system", "job", "network", "third_party", "region",
            "zone",
        ]
        | None
    ) = None  # fmt: skip
    tier: int | None = Field(default=None, ge=0, le=5)
    team: str | None = None
    region: str | None = Field(default=None, max_length=63)
    zone: str | None = Field(default=None, max_length=63)
    host: str | None = Field(default=None, max_length=253)
    system: str | None = Field(default=None, max_length=200)
    depends_on: list[str] = Field(default_factory=list, max_length=100)


class Registered(BaseModel):
    """The workload, and when it ends unless it registers again."""

    id: UUID
    key: str
    expires_at: datetime


class Lacking(BaseModel):
    """A service and what it lacks."""

    key: str
    name: str
    kind: str
    tier: int
    team: str
    last_alert_at: datetime | None
    missing: list[str]


class Coverage(BaseModel):
    """Which services lack what; the counts are of all services."""

    days: int
    services: int
    covered: int
    missing: dict[str, int]
    items: list[Lacking]


@router.post("/register", response_model=Registered)
async def register(body: Workload, ctx: Commander, state: State) -> Json:
    """Register a short-lived workload, or renew it."""
    return (await workloads.register(state.db, ctx, body.model_dump())).body


@router.get("/coverage", response_model=Coverage)
async def report_coverage(
    ctx: Reader,
    state: State,
    days: Annotated[int, Query(ge=1, le=3650)] = 30,
    limit: Annotated[int, Query(ge=0, le=100_000)] = 1000,
) -> Json:
    """Say which services have no alert source, owner, runbook or heartbeat."""
    return await coverage.coverage(state.db, ctx, days=days, limit=limit)
