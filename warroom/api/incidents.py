"""Incidents over HTTP: parse, call one service, answer."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from warroom.api import models
from warroom.api.auth import Commander, Reader, State
from warroom.api.problems import RESPONSES
from warroom.db.uow import Answer
from warroom.errors import InvalidInput
from warroom.services import entries, incidents

router = APIRouter(prefix="/v1/incidents", tags=["incidents"], responses=RESPONSES)
Ref = Annotated[str, Path(max_length=80, description="INC-12, 12 or an id")]
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str | None, Query(max_length=200)]


def encode_cursor(value: object) -> str:
    """Return an opaque cursor."""
    return base64.urlsafe_b64encode(str(value).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """Return what a cursor carries.

    Raises:
        InvalidInput: it is none of ours.
    """
    if cursor is None:
        return None
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        raise _bad_cursor() from None


def _bad_cursor() -> InvalidInput:
    return InvalidInput(
        "cursor is none of ours.", field="cursor", remedy="Use next_cursor of the page before."
    )


def _send(response: Response, answer: Answer) -> dict[str, Any]:
    response.status_code = answer.status
    return answer.body


@router.post("", status_code=201, response_model=models.Incident)
async def declare(
    body: models.Declare, ctx: Commander, state: State, response: Response
) -> dict[str, Any]:
    """Declare an incident."""
    answer = await incidents.declare(
        state.db, ctx, title=body.title, severity=body.severity, services=body.services,
        summary=body.summary, drill=body.drill,
    )  # fmt: skip
    return _send(response, answer)


@router.get("", response_model=models.Page)
async def list_incidents(
    ctx: Reader,
    state: State,
    status: Literal["open", "all"] = "open",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """List incidents, newest first."""
    after = decode_cursor(cursor)
    if after is not None and not (after.isdigit() and len(after) <= 18):
        raise _bad_cursor()
    items = await incidents.list_page(
        state.db, ctx, status=status, after=int(after) if after else None, limit=limit + 1
    )
    more = encode_cursor(items[limit - 1]["number"]) if len(items) > limit else None
    return {"items": items[:limit], "next_cursor": more}


@router.get("/{ref}", response_model=models.Incident)
async def show(ref: Ref, ctx: Reader, state: State) -> dict[str, Any]:
    """Show one incident."""
    return await incidents.show(state.db, ctx, ref)


@router.get("/{ref}/timeline", response_model=models.Page)
async def timeline(
    ref: Ref, ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Show the timeline, newest first."""
    after = decode_cursor(cursor)
    try:
        bound = UUID(after) if after else None
    except ValueError:
        raise _bad_cursor() from None
    items = await incidents.timeline_page(state.db, ctx, ref, after=bound, limit=limit + 1)
    more = encode_cursor(items[limit - 1]["id"]) if len(items) > limit else None
    return {"items": items[:limit], "next_cursor": more}


@router.post("/{ref}/acknowledge", response_model=models.Incident)
async def acknowledge(
    ref: Ref, body: models.Acknowledge, ctx: Commander, state: State, response: Response
) -> dict[str, Any]:
    """Acknowledge: escalation ends."""
    return _send(response, await incidents.acknowledge(state.db, ctx, ref, version=body.version))


@router.post("/{ref}/resolve", response_model=models.Incident)
async def resolve(
    ref: Ref, body: models.Resolve, ctx: Commander, state: State, response: Response
) -> dict[str, Any]:
    """Resolve: every clock stops."""
    answer = await incidents.resolve(state.db, ctx, ref, version=body.version, note=body.note)
    return _send(response, answer)


@router.post("/{ref}/entries", status_code=201, response_model=models.Incident)
async def log_entry(
    ref: Ref, body: models.Entry, ctx: Commander, state: State, response: Response
) -> dict[str, Any]:
    """Add an entry to the timeline."""
    answer = await entries.log_entry(
        state.db, ctx, ref, kind=body.kind, text=body.text, happened_at=body.happened_at,
        confidence=body.confidence, about=body.about, stance=body.stance,
    )  # fmt: skip
    return _send(response, answer)
