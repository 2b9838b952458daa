"""The triage queue over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.services import triage

router = APIRouter(prefix="/v1/triage", tags=["triage"], responses=RESPONSES)
Json = dict[str, Any]
ItemId = Annotated[UUID, Path(description="what waits")]


class Seen(Strict):
    """``version`` is the one the caller saw."""

    version: int = Field(ge=1, le=2**31 - 1)


class Accept(Seen):
    """What the incident begins with; by default what waits says."""

    severity: int | None = Field(default=None, ge=1, le=5)
    title: str | None = Field(default=None, min_length=1, max_length=500)


class MergeInto(Seen):
    """The open incident that it is part of."""

    into: str = Field(min_length=1, max_length=80)


class Dismiss(Seen):
    """Why it is nothing."""

    reason: str = Field(min_length=1, max_length=1000)


class Waiting(BaseModel):
    """An alert or a report, and what became of it."""

    id: UUID
    kind: str
    title: str
    body: str
    service: str | None
    severity: int
    priority: int | None
    reported_by: str
    why: str
    state: str
    reason: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    incident: str | None
    alert: str | None
    alert_state: str | None
    source: str | None
    version: int


@router.get("", response_model=PageOf[Waiting])
async def list_waiting(
    ctx: Reader, state: State, every: bool = False, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List what waits for a person, the oldest first; or all that ever did."""
    found = await triage.list_page(
        state.db, ctx, every=every, after=decode_id_cursor(cursor), limit=limit + 1
    )
    return cut(found, limit, "id")


@router.post("/{item}/accept", response_model=Waiting)
async def accept(item: ItemId, body: Accept, ctx: Commander, state: State) -> Json:
    """Declare an incident of it."""
    return (await triage.accept(state.db, ctx, item, **body.model_dump())).body


@router.post("/{item}/merge", response_model=Waiting)
async def merge(item: ItemId, body: MergeInto, ctx: Commander, state: State) -> Json:
    """Make it part of an open incident."""
    return (await triage.merge(state.db, ctx, item, **body.model_dump())).body


@router.post("/{item}/dismiss", response_model=Waiting)
async def dismiss(item: ItemId, body: Dismiss, ctx: Commander, state: State) -> Json:
    """Let it be, and say why."""
    return (await triage.dismiss(state.db, ctx, item, **body.model_dump())).body
