"""CloudEvents, and anybody's JSON by the mapping of its source."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from fastapi import APIRouter, Request

from warroom.api.auth import Reader, State
from warroom.api.dialects.door import hear
from warroom.api.dialects.mappings import compiled
from warroom.api.dialects.pagerduty import BODY
from warroom.api.ingest import LARGE_BODY, Taken
from warroom.api.problems import RESPONSES
from warroom.errors import InvalidInput
from warroom.ingest import cloudevents, generic
from warroom.ingest.spoken import Spoken

router = APIRouter(tags=["ingest"], responses=RESPONSES)
ANY_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            cloudevents.STRUCTURED: {"schema": {"type": "object"}},
            cloudevents.BATCH: {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    }
}


@router.post("/v1/ingest/cloudevents", response_model=Taken, openapi_extra=ANY_BODY)
async def events(request: Request, ctx: Reader, state: State) -> dict[str, Any]:
    """Take CloudEvents 1.0, structured, batched or binary; 2xx only after the commit."""
    mapping = compiled(request)
    raw = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        body = (
            await asyncio.to_thread(cloudevents.structured, raw, headers)
            if len(raw) > LARGE_BODY
            else cloudevents.structured(raw, headers)
        )
    except InvalidInput as error:
        await hear(request, ctx, state, _refusing(error), "cloudevents")
        raise
    reader = partial(cloudevents.read, mapping=mapping)
    return (await hear(request, ctx, state, reader, "cloudevents", body=body)).taken


@router.post("/v1/ingest/generic", response_model=Taken, openapi_extra=BODY)
async def mapped(request: Request, ctx: Reader, state: State) -> dict[str, Any]:
    """Take any JSON by the mapping of its source; 2xx only after the commit."""
    mapping = compiled(request)
    if mapping is None:
        missing = InvalidInput(
            "This source has no mapping.",
            field="mapping",
            remedy="`warroom source mapping SOURCE FILE` gives it one.",
        )
        return (await hear(request, ctx, state, _refusing(missing), "generic")).taken
    reader = partial(generic.read, mapping=mapping)
    return (await hear(request, ctx, state, reader, "generic")).taken


def _refusing(error: InvalidInput) -> Any:
    """Return a reader that refuses: the body is kept, and can be replayed."""

    def read(*_: object) -> Spoken:
        raise error

    return read
