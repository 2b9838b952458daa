"""Alert sources over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.directory.tokens import Lifetime
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Key, Limit, cut, decode_cursor
from warroom.api.problems import RESPONSES
from warroom.services.directory import sources

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Source(Strict):
    """A source of alerts or changes."""

    key: str
    name: str | None = None
    team: str | None = None
    service_label: str | None = Field(default=None, max_length=200)
    dialect: Literal[
        "alertmanager", "pagerduty", "opsgenie", "nagios", "cloudevents", "generic",
        "github", "gitlab", "argocd", "change",
    ] = "alertmanager"  # fmt: skip


class Severities(Strict):
    """The words of a source and what each means, 1 (worst) to 5; none for the built-in table."""

    severities: dict[str, int] = Field(max_length=200)


class SourceToken(Strict):
    """Another ingest token."""

    expires_in_s: Lifetime = None


class SourceMade(BaseModel):
    """The source that was made; token and secret are told once, and null when told before."""

    id: UUID
    key: str
    name: str
    team: str | None = None
    service_label: str | None = None
    dialect: str | None = None
    token: str | None = None
    secret: str | None = None


class SeveritiesSet(BaseModel):
    """The table as it is stored: its words in one spelling."""

    id: UUID
    key: str
    severities: dict[str, int]


class SourceTokenMade(BaseModel):
    """The token that was made; it is told once, and null when it was told before."""

    id: UUID
    source: str
    expires_at: datetime | None = None
    token: str | None = None


class SourceListed(BaseModel):
    """A source as lists show it."""

    id: UUID
    key: str
    name: str
    dialect: str
    severities: dict[str, int]
    paused_at: datetime | None
    last_seen_at: datetime | None


@router.post(
    "/sources", status_code=201, response_model=SourceMade, response_model_exclude_unset=True
)
async def add_source(body: Source, ctx: Commander, state: State) -> Json:
    """Make a source with its token (told once), GitHub's also with its secret."""
    return (await sources.add(state.db, ctx, **body.model_dump())).body


@router.post("/sources/{key}/severities", response_model=SeveritiesSet)
async def set_severities(key: Key, body: Severities, ctx: Commander, state: State) -> Json:
    """Give a source its own table of severities in place of the one it had."""
    return (await sources.set_severities(state.db, ctx, key, body.severities)).body


@router.post("/sources/{key}/tokens", status_code=201, response_model=SourceTokenMade)
async def add_source_token(key: Key, body: SourceToken, ctx: Commander, state: State) -> Json:
    """Make another ingest token of a source (told once); revoke the old one when it is in use."""
    return (await sources.add_token(state.db, ctx, key, expires_in_s=body.expires_in_s)).body


@router.get("/sources", response_model=PageOf[SourceListed])
async def list_sources(
    ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the sources."""
    after = decode_cursor(cursor) or ""
    found = await sources.list_all(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "key")
