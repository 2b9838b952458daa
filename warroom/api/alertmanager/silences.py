"""``/api/v2/silences`` and ``/api/v2/silence/{id}``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request

from warroom.api.alertmanager.shapes import (
    ANSWERS,
    Filters,
    GettableSilence,
    SilenceId,
    SilenceMade,
    silence_shape,
)
from warroom.api.auth import Reader, State
from warroom.api.ingest import json_body
from warroom.domain.principal import Scope
from warroom.ingest import alertmanager_silence
from warroom.ingest.matchers import parse_filters
from warroom.services import silences
from warroom.services.access import require

router = APIRouter(prefix="/api/v2", tags=["alertmanager"], responses=ANSWERS)
Json = dict[str, Any]
Key = Annotated[str | None, Header(alias="Idempotency-Key", pattern="^[!-~]{1,200}$")]


@router.get("/silences", response_model=list[GettableSilence])
async def get_silences(
    ctx: Reader,
    state: State,
    filter: Filters = [],  # noqa: A002, B006 # Alertmanager's own name; FastAPI copies it
) -> list[Json]:
    """List the silences in force, those to come, and those that ended in the last five days."""
    found = await silences.list_all(state.db, ctx, parse_filters(filter))
    return [silence_shape(s) for s in found]


@router.post("/silences", response_model=SilenceMade, openapi_extra=json_body("object"))
async def post_silence(
    request: Request, ctx: Reader, state: State, idempotency_key: Key = None
) -> Json:
    """Make a silence, or change the one that ``id`` names.

    The same one asked for again is the one that is there, also without an Idempotency-Key.
    """
    require(ctx, Scope.RESPOND)
    posted = alertmanager_silence.parse(await request.body())
    answer = await silences.put(
        state.db, replace(ctx, idempotency_key=idempotency_key), matchers=posted.matchers,
        starts_at=posted.starts_at, ends_at=posted.ends_at, comment=posted.comment,
        author=posted.created_by, silence=posted.id,
    )  # fmt: skip
    return {"silenceID": answer.body["id"]}


@router.get("/silence/{silence_id}", response_model=GettableSilence)
async def get_silence(silence_id: SilenceId, ctx: Reader, state: State) -> Json:
    """Show one silence."""
    return silence_shape(await silences.one(state.db, ctx, silence_id))


@router.delete("/silence/{silence_id}", response_model=None)
async def delete_silence(
    silence_id: SilenceId, ctx: Reader, state: State, idempotency_key: Key = None
) -> Json:
    """End a silence now; one that is over already stays as it is."""
    await silences.expire(state.db, replace(ctx, idempotency_key=idempotency_key), silence_id)
    return {}
