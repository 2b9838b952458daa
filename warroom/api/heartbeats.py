"""Heartbeats over HTTP: the address that is called, and who there is to be waited for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State, stranger
from warroom.api.directory.sources import Nothing
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Key, Limit, cut, decode_cursor
from warroom.api.problems import RESPONSES
from warroom.domain.principal import INGEST_PRINCIPAL
from warroom.domain.source import YEAR_S
from warroom.services import heartbeats

beats = APIRouter(tags=["heartbeats"], responses=RESPONSES)
router = APIRouter(prefix="/v1/heartbeats", tags=["heartbeats"], responses=RESPONSES)
Json = dict[str, Any]
Secret = Annotated[str, Path(max_length=200, description="what `warroom heartbeat add` told")]


class Beat(BaseModel):
    """The beat was noted; the next is due within that many seconds."""

    status: str
    heartbeat: str
    next_within_s: int
    paused: bool


class Heartbeat(Strict):
    """Something that is to speak up by itself."""

    key: str = Field(max_length=63)
    service: str = Field(min_length=1, max_length=200, description="the key of a service")
    severity: int = Field(default=2, ge=1, le=5)
    window_s: int = Field(default=300, ge=heartbeats.WINDOW_MIN_S, le=YEAR_S)
    grace_s: int = Field(default=60, ge=0, le=YEAR_S)


class HeartbeatMade(BaseModel):
    """The heartbeat; its token, the last step of its address, is told once."""

    id: UUID
    key: str
    service: str
    severity: int
    window_s: int
    grace_s: int
    token: str | None = None


class HeartbeatSwitched(BaseModel):
    """How it is now."""

    id: UUID
    key: str
    paused_at: datetime | None
    removed_at: datetime | None


class HeartbeatListed(BaseModel):
    """A heartbeat as lists show it; ``state`` is new, beating, missing or paused."""

    id: UUID
    key: str
    service: str
    severity: int
    window_s: int
    grace_s: int
    state: str
    paused_at: datetime | None
    last_beat_at: datetime | None
    missing_since: datetime | None
    beats: int


@beats.get("/heartbeat/{key}", response_model=Beat)
async def beat_by_get(key: Secret, request: Request, state: State) -> Json:
    """Note a beat; a body or query is not looked at."""
    return await heartbeats.beat(state.db, stranger(request), key, eyes=INGEST_PRINCIPAL)


@beats.post("/heartbeat/{key}", response_model=Beat)
async def beat_by_post(key: Secret, request: Request, state: State) -> Json:
    """Note a beat; a body or query is not looked at."""
    return await heartbeats.beat(state.db, stranger(request), key, eyes=INGEST_PRINCIPAL)


@router.post("", status_code=201, response_model=HeartbeatMade)
async def add_heartbeat(body: Heartbeat, ctx: Commander, state: State) -> Json:
    """Make a heartbeat; the first beat is waited for from now on."""
    return (await heartbeats.add(state.db, ctx, **body.model_dump())).body


@router.get("", response_model=PageOf[HeartbeatListed])
async def list_heartbeats(
    ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the heartbeats, each with its last beat."""
    after = decode_cursor(cursor) or ""
    found = await heartbeats.list_all(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "key")


@router.post("/{key}/pause", response_model=HeartbeatSwitched)
async def pause_heartbeat(key: Key, body: Nothing, ctx: Commander, state: State) -> Json:
    """Wait for it no longer; an alert of its absence ends."""
    del body
    return (await heartbeats.switch(state.db, ctx, key, "pause")).body


@router.post("/{key}/resume", response_model=HeartbeatSwitched)
async def resume_heartbeat(key: Key, body: Nothing, ctx: Commander, state: State) -> Json:
    """Wait for it again, from now on for a whole window."""
    del body
    return (await heartbeats.switch(state.db, ctx, key, "resume")).body


@router.delete("/{key}", response_model=HeartbeatSwitched)
async def remove_heartbeat(key: Key, ctx: Commander, state: State) -> Json:
    """Remove it: its address is unknown from now on, an alert of its absence ends."""
    return (await heartbeats.switch(state.db, ctx, key, "remove")).body
