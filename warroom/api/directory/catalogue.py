"""Services and dependencies over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_cursor, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.services.directory import catalogue

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Link(Strict):
    """A runbook, dashboard or other address."""

    kind: Literal["runbook", "dashboard", "document", "code", "chat"] = "document"
    url: str = Field(min_length=1, max_length=2000)
    label: str = Field(default="", max_length=200)


class Service(Strict):
    """A service of the catalogue."""

    key: str
    name: str | None = None
    kind: Literal[
        "service", "datastore", "queue", "system", "job", "network", "third_party", "region", "zone"
    ] = "service"
    tier: int = Field(default=3, ge=0, le=5)
    team: str | None = None
    policy: str | None = None
    region: str | None = Field(default=None, max_length=63)
    customers: int | None = Field(default=None, ge=0, le=2**53)
    user_share: float | None = Field(default=None, ge=0, le=100)
    runbook_url: str | None = Field(default=None, max_length=2000)
    zone: str | None = Field(default=None, max_length=63)
    host: str | None = Field(default=None, max_length=253)
    provider: str | None = Field(default=None, max_length=200, description="of a third party")
    slo: float | None = Field(default=None, ge=0, le=100, description="per cent")
    dashboard_url: str | None = Field(default=None, max_length=2000)
    system: str | None = Field(default=None, max_length=200, description="what it is a part of")
    links: list[Link] | None = Field(default=None, max_length=50)


class Dependency(Strict):
    """One service depends on another."""

    service: str
    depends_on: str
    hardness: Literal["hard", "soft"] = "hard"
    sync: bool | None = Field(default=None, description="null is synchronous")
    redundancy_group: str | None = Field(default=None, max_length=100)
    redundancy_needed: int | None = Field(default=None, ge=1, le=32767)


class Pair(Strict):
    """Which depends on which."""

    service: str
    depends_on: str


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
    sync: bool | None = None
    redundancy_group: str | None = None
    redundancy_needed: int | None = None


class DependencyRemoved(BaseModel):
    """The dependency that is none."""

    service: str
    depends_on: str
    removed: bool


class DependencyListed(DependencyMade):
    """A dependency as lists show it; ``counts``: the reasoning uses it."""

    origin: str
    source: str | None
    counts: bool


class ServiceListed(ServiceMade):
    """A service as lists show it."""

    kind: str
    tier: int
    team: str
    region: str | None
    zone: str | None
    host: str | None
    provider: str | None
    system: str | None
    slo: float | None
    expires_at: datetime | None
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


@router.post("/dependencies/remove", response_model=DependencyRemoved)
async def remove_dependency(body: Pair, ctx: Commander, state: State) -> Json:
    """Say that a service does not depend on another."""
    return (await catalogue.remove_dependency(state.db, ctx, **body.model_dump())).body


@router.get("/dependencies", response_model=PageOf[DependencyListed])
async def list_dependencies(
    ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the dependencies."""
    after = decode_id_cursor(cursor) or UUID(int=0)
    found = await catalogue.list_dependencies(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "id")


@router.get("/services", response_model=PageOf[ServiceListed])
async def list_services(
    ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the services."""
    after = decode_cursor(cursor) or ""
    found = await catalogue.list_services(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "key")
