"""Incidents over HTTP: parse, call one service, answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response

from warroom.api import models
from warroom.api.auth import Commander, Reader, State
from warroom.api.paging import Cursor, Limit, bad_cursor, cut, decode_cursor, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.db.uow import Answer
from warroom.services import entries, incidents

router = APIRouter(prefix="/v1/incidents", tags=["incidents"], responses=RESPONSES)
Ref = Annotated[str, Path(max_length=80, description="INC-12, 12 or an id")]


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
    if after is not None and not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise bad_cursor()
    items = await incidents.list_page(
        state.db, ctx, status=status, after=int(after) if after else None, limit=limit + 1
    )
    return cut(items, limit, "number")


@router.get("/{ref}", response_model=models.Incident)
async def show(ref: Ref, ctx: Reader, state: State) -> dict[str, Any]:
    """Show one incident."""
    return await incidents.show(state.db, ctx, ref)


@router.get("/{ref}/timeline", response_model=models.Page)
async def timeline(
    ref: Ref, ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Show the timeline, newest first."""
    after = decode_id_cursor(cursor)
    items = await incidents.timeline_page(state.db, ctx, ref, after=after, limit=limit + 1)
    return cut(items, limit, "id")


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
