"""Services and dependencies over HTTP."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import Page, Strict
from warroom.api.problems import RESPONSES
from warroom.services.directory import catalogue

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Service(Strict):
    """A service of the catalogue."""

    key: str
    name: str | None = None
    kind: Literal["service", "datastore", "queue", "system", "job", "network", "third_party"] = (
        "service"
    )
    tier: int = Field(default=3, ge=0, le=5)
    team: str | None = None
    policy: str | None = None
    region: str | None = Field(default=None, max_length=63)
    customers: int | None = Field(default=None, ge=0, le=2**53)
    user_share: float | None = Field(default=None, ge=0, le=100)
    runbook_url: str | None = Field(default=None, max_length=2000)


class Dependency(Strict):
    """One service depends on another."""

    service: str
    depends_on: str
    hardness: Literal["hard", "soft"] = "hard"
    redundancy_group: str | None = Field(default=None, max_length=100)


@router.post("/services", status_code=201)
async def add_service(body: Service, ctx: Commander, state: State) -> Json:
    """Make a service, or a provisional one a full one."""
    return (await catalogue.add_service(state.db, ctx, body.model_dump())).body


@router.post("/dependencies", status_code=201)
async def add_dependency(body: Dependency, ctx: Commander, state: State) -> Json:
    """Say that a service depends on another."""
    return (await catalogue.add_dependency(state.db, ctx, **body.model_dump())).body


@router.get("/services", response_model=Page)
async def list_services(ctx: Reader, state: State) -> Json:
    """List the services."""
    return {"items": await catalogue.list_services(state.db, ctx), "next_cursor": None}
