"""Services and dependencies over HTTP."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_cursor
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


class ServiceMade(BaseModel):
    """The service that was made."""

    id: UUID
    key: str
    name: str


class DependencyMade(BaseModel):
    """The dependency that was made."""

    id: UUID
    service: str
    depends_on: str
    hardness: str
    redundancy_group: str | None = None


class ServiceListed(ServiceMade):
    """A service as lists show it."""

    kind: str
    tier: int
    team: str
    region: str | None
    health: str
    provisional: bool


@router.post("/services", status_code=201, response_model=ServiceMade)
async def add_service(body: Service, ctx: Commander, state: State) -> Json:
    """Make a service, or a provisional one a full one."""
    return (await catalogue.add_service(state.db, ctx, body.model_dump())).body


@router.post("/dependencies", status_code=201, response_model=DependencyMade)
async def add_dependency(body: Dependency, ctx: Commander, state: State) -> Json:
    """Say that a service depends on another."""
    return (await catalogue.add_dependency(state.db, ctx, **body.model_dump())).body


@router.get("/services", response_model=PageOf[ServiceListed])
async def list_services(
    ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the services."""
    after = decode_cursor(cursor) or ""
    found = await catalogue.list_services(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "key")
