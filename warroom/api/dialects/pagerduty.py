"""PagerDuty's Events API v2: the token of the source is the routing key in the body."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel

from warroom.api.auth import State
from warroom.api.dialects.door import hear
from warroom.api.foreign import responses
from warroom.api.proof import Proven
from warroom.ingest import pagerduty_events

router = APIRouter(tags=["ingest"], responses=responses("pagerduty"))
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


class Event(BaseModel):
    """What PagerDuty's clients want to hear."""

    status: str
    message: str
    dedup_key: str


@router.post("/v2/enqueue", status_code=202, response_model=Event, openapi_extra=BODY)
async def enqueue(request: Request, ctx: Proven, state: State) -> dict[str, str]:
    """Take an alert event as PagerDuty does; 202 only after the commit."""
    body = await request.body()
    reader = partial(pagerduty_events.read, new_key=uuid4().hex)
    heard = await hear(
        request, ctx, state, reader, "pagerduty", kept=pagerduty_events.without_key(body)
    )
    return {"status": "success", "message": "Event processed", "dedup_key": heard.spoken.key}
