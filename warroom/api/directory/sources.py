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
from warroom.domain.source import BURST_MAX, QUIET_MIN_S, RATE_MAX, YEAR_S
from warroom.services.directory import source_upkeep, sources

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Wishes(Strict):
    """How fast a source may be, in which lane, and when it is said to be quiet."""

    rate_per_s: int | None = Field(default=None, ge=1, le=RATE_MAX, description="alerts a second")
    burst: int | None = Field(default=None, ge=1, le=BURST_MAX, description="alerts at once")
    lane: Literal["ordinary", "critical"] = "ordinary"
    quiet_after_s: int | None = Field(default=None, ge=QUIET_MIN_S, le=YEAR_S)
    environment: str | None = Field(default=None, max_length=100)


class Source(Wishes):
    """A source of alerts or changes."""

    key: str
    name: str | None = None
    team: str | None = None
    service_label: str | None = Field(default=None, max_length=200)
    dialect: Literal[
        "alertmanager", "pagerduty", "opsgenie", "nagios", "cloudevents", "generic",
        "github", "gitlab", "argocd", "change",
    ] = "alertmanager"  # fmt: skip


class SourceSettings(Wishes):
    """What is to change; what is not named stays, and null takes a limit away."""

    name: str | None = Field(default=None, max_length=200)
    team: str | None = Field(default=None, max_length=63)
    service_label: str | None = Field(default=None, max_length=200)


class Rotation(Strict):
    """How long the tokens and secrets before this one go on."""

    grace_s: int = Field(default=3600, ge=0, le=30 * 86_400)


class Nothing(Strict):
    """No words are needed."""


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
    rate_per_s: int | None = None
    burst: int | None = None
    lane: str | None = None
    quiet_after_s: int | None = None
    environment: str | None = None
    token: str | None = None
    secret: str | None = None


class SourceChanged(BaseModel):
    """What was asked for, as it is stored."""

    id: UUID
    key: str
    changed: dict[str, Any]


class SourcePausedAnswer(BaseModel):
    """Since when it is paused, null when it goes on."""

    id: UUID
    key: str
    paused_at: datetime | None


class SourceRotated(BaseModel):
    """The new token and secret, told once; ``old_ends_at`` is when those before end."""

    id: UUID
    key: str
    old_ends_at: datetime
    old_tokens: int
    signs: bool
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
    team: str | None
    service_label: str | None
    lane: str
    rate_per_s: int | None
    burst: int | None
    quiet_after_s: int | None
    quiet_since: datetime | None
    environment: str | None
    refused: dict[str, int]


class TokenInUse(BaseModel):
    """A token that is accepted now."""

    id: UUID
    created_at: datetime
    expires_at: datetime | None


class SourceShown(SourceListed):
    """A source with its tokens in use."""

    tokens: list[TokenInUse]


@router.post(
    "/sources", status_code=201, response_model=SourceMade, response_model_exclude_unset=True
)
async def add_source(body: Source, ctx: Commander, state: State) -> Json:
    """Make a source with its token (told once), GitHub's also with its secret."""
    chosen = {"key": None, "dialect": "alertmanager"} | body.model_dump(exclude_unset=True)
    return (await sources.add(state.db, ctx, **chosen)).body


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


@router.get("/sources/{key}", response_model=SourceShown)
async def show_source(key: Key, ctx: Reader, state: State) -> Json:
    """Show one source: its settings, when it last spoke, what it was refused, its tokens."""
    return await sources.show(state.db, ctx, key)


@router.post("/sources/{key}/settings", response_model=SourceChanged)
async def change_source(key: Key, body: SourceSettings, ctx: Commander, state: State) -> Json:
    """Change the settings that are named."""
    wishes = body.model_dump(exclude_unset=True)
    return (await source_upkeep.change(state.db, ctx, key, wishes)).body


@router.post("/sources/{key}/pause", response_model=SourcePausedAnswer)
async def pause_source(key: Key, body: Nothing, ctx: Commander, state: State) -> Json:
    """Take nothing more from a source; its senders are told, and what they send is counted."""
    del body
    return (await source_upkeep.pause(state.db, ctx, key, paused=True)).body


@router.post("/sources/{key}/resume", response_model=SourcePausedAnswer)
async def resume_source(key: Key, body: Nothing, ctx: Commander, state: State) -> Json:
    """Let a paused source go on."""
    del body
    return (await source_upkeep.pause(state.db, ctx, key, paused=False)).body


@router.post(
    "/sources/{key}/rotate", response_model=SourceRotated, response_model_exclude_unset=True
)
async def rotate_source(key: Key, body: Rotation, ctx: Commander, state: State) -> Json:
    """Make a new token (and secret, where it signs), told once; the old ones end after a grace."""
    return (await source_upkeep.rotate(state.db, ctx, key, grace_s=body.grace_s)).body
