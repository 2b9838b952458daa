"""Channels over HTTP: webhooks that messages are sent to."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Key, Limit, cut, decode_cursor
from warroom.api.problems import RESPONSES
from warroom.services.directory import channels

router = APIRouter(prefix="/v1/channels", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Channel(Strict):
    """A webhook; each message is signed as Standard Webhooks describes."""

    key: str
    url: str = Field(max_length=2000, description="http or https, without name and password")


class ChannelMade(BaseModel):
    """The channel that was made; the secret is told once, and null when it was told before."""

    id: UUID
    key: str
    kind: str
    url: str
    secret: str | None = None


class ChannelSecret(BaseModel):
    """The secret that signs from now on; told once, and null when it was told before."""

    id: UUID
    key: str
    secret: str | None = None


class ChannelSwitched(BaseModel):
    """Since when it is paused, null when it is in use; and how many messages wait for it."""

    id: UUID
    key: str
    paused_at: datetime | None
    waiting: int


class ChannelListed(BaseModel):
    """A channel as lists show it, never its secret; ``waiting`` messages are not sent yet."""

    id: UUID
    key: str
    kind: str
    url: str | None
    paused_at: datetime | None
    waiting: int


class TestQueued(BaseModel):
    """The message that the engine sends next."""

    message: UUID
    channel: str


class Message(BaseModel):
    """What has become of a message: queued, sending, sent or dead; and why not, if not."""

    message: UUID
    channel: str
    state: str
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    last_error: str | None


@router.post("", status_code=201, response_model=ChannelMade)
async def add_channel(body: Channel, ctx: Commander, state: State) -> Json:
    """Make a webhook (its secret is told once)."""
    return (await channels.add(state.db, ctx, key=body.key, url=body.url)).body


@router.get("", response_model=PageOf[ChannelListed])
async def list_channels(
    ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the channels without their secrets."""
    after = decode_cursor(cursor) or ""
    found = await channels.list_all(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "key")


@router.post("/{key}/secret", response_model=ChannelSecret)
async def renew_secret(key: Key, ctx: Commander, state: State) -> Json:
    """Give a webhook another secret (told once); the old one signs nothing any more."""
    return (await channels.renew_secret(state.db, ctx, key)).body


@router.post("/{key}/pause", response_model=ChannelSwitched)
async def pause(key: Key, ctx: Commander, state: State) -> Json:
    """Stop a channel: nothing new is queued for it, and what is queued waits."""
    return (await channels.pause(state.db, ctx, key)).body


@router.post("/{key}/resume", response_model=ChannelSwitched)
async def resume(key: Key, ctx: Commander, state: State) -> Json:
    """Let a channel go on."""
    return (await channels.resume(state.db, ctx, key)).body


@router.post("/{key}/test", status_code=202, response_model=TestQueued)
async def send_test(key: Key, ctx: Commander, state: State) -> Json:
    """Queue a test message; ask for it below what has become of it."""
    return (await channels.send_test(state.db, ctx, key)).body


@router.get("/{key}/messages/{message_id}", response_model=Message)
async def message(key: Key, message_id: UUID, ctx: Reader, state: State) -> Json:
    """Say what has become of one message."""
    return await channels.message(state.db, ctx, key, message_id)
