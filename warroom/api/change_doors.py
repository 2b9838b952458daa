"""The doors for changes: GitHub, GitLab, Argo CD, PagerDuty's change events, and our own JSON."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from warroom.api.auth import Reader, State
from warroom.api.foreign import responses
from warroom.api.ingest import LARGE_BODY, clock
from warroom.api.paging import Key
from warroom.api.problems import RESPONSES
from warroom.api.proof import Proven
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import Forbidden, InvalidInput
from warroom.ingest import (
    change_argocd,
    change_generic,
    change_github,
    change_gitlab,
    change_pagerduty,
    pagerduty_events,
)
from warroom.ingest.change_fields import ChangeParser
from warroom.services import alerts, changes
from warroom.services.access import require
from warroom.services.delivery import Delivery

router = APIRouter(tags=["ingest"], responses=RESPONSES)
events = APIRouter(tags=["ingest"], responses=responses("pagerduty"))
"""PagerDuty's clients read its errors, in its shape."""
PAGERDUTY = "pagerduty-change"
"""Their alert events are kept as ``pagerduty``: whoever reads one again must know which it is."""
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


class ChangeTaken(BaseModel):
    """What became of one change."""

    id: UUID
    status: str
    new: bool
    changed: bool


class ChangesTaken(BaseModel):
    """What became of a delivery; no change for a message that tells of none."""

    delivery: UUID
    changes: list[ChangeTaken]


class Enqueued(BaseModel):
    """What PagerDuty's clients want to hear."""

    status: str
    message: str
    change: UUID


@router.post("/v1/ingest/changes", response_model=ChangesTaken, openapi_extra=BODY)
async def generic(request: Request, ctx: Reader, state: State) -> dict[str, Any]:
    """Take changes in war room's own JSON; 2xx only after the commit."""
    return await _take(request, ctx, state, change_generic.parse, "change")


@router.post("/v1/ingest/changes/github", response_model=ChangesTaken, openapi_extra=BODY)
async def github(request: Request, ctx: Reader, state: State) -> dict[str, Any]:
    """Take GitHub's deployment and deployment_status, with a bearer token."""
    return await _take(request, ctx, state, change_github.parse, "github")


@router.post("/v1/ingest/changes/github/{key}", response_model=ChangesTaken, openapi_extra=BODY)
async def github_signed(request: Request, key: Key, ctx: Proven, state: State) -> dict[str, Any]:
    """Take the same from GitHub itself, signed with the secret of the source ``key``."""
    del key  # ``proven`` has read it: whose signature it is, is part of the proof
    return await _take(request, ctx, state, change_github.parse, "github")


@router.post("/v1/ingest/changes/gitlab", response_model=ChangesTaken, openapi_extra=BODY)
async def gitlab(request: Request, ctx: Reader, state: State) -> dict[str, Any]:
    """Take GitLab's deployment events; X-Gitlab-Token holds the token of the source."""
    return await _take(request, ctx, state, change_gitlab.parse, "gitlab")


@router.post("/v1/ingest/changes/argocd", response_model=ChangesTaken, openapi_extra=BODY)
async def argocd(request: Request, ctx: Reader, state: State) -> dict[str, Any]:
    """Take Argo CD's notifications in the documented template."""
    return await _take(request, ctx, state, change_argocd.parse, "argocd")


@events.post(
    "/v2/change/enqueue", status_code=202, response_model=Enqueued, openapi_extra=BODY
)  # fmt: skip
async def pagerduty(request: Request, ctx: Proven, state: State) -> dict[str, Any]:
    """Take a change event as PagerDuty does; the token is its routing_key, or the bearer's."""
    taken = await _take(request, ctx, state, change_pagerduty.parse, PAGERDUTY)
    return {"status": "success", "message": "Change event processed",
            "change": taken["changes"][0]["id"]}  # fmt: skip


async def _take(
    request: Request, ctx: CommandContext, state: State, parse: ChangeParser, dialect: str
) -> dict[str, Any]:
    require(ctx, Scope.INGEST)
    if ctx.principal.source_id is None:
        raise Forbidden(
            "This token belongs to no source; nothing was stored.",
            field="Authorization",
            remedy="Make a source: `warroom source add NAME --dialect github`.",
        )
    state.buckets.charge(ctx.principal.source_id, 1)
    body = await request.body()
    delivery = Delivery(
        ctx.principal.source_id, ctx.principal.id, dialect,
        request.headers.get("content-type", ""), _kept(body, dialect), (), ctx.request_id,
    )  # fmt: skip
    now = clock(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        found = (
            await asyncio.to_thread(parse, body, headers, now)
            if len(body) > LARGE_BODY
            else parse(body, headers, now)
        )
    except InvalidInput as error:
        kept = await alerts.quarantine(state.db, ctx, delivery, error)
        error.remedy = f"{error.remedy or ''} The body is kept as {kept}.".strip()
        raise
    result = await changes.take(state.db, ctx, delivery, found)
    return {
        "delivery": str(result.delivery_id),
        "changes": [
            {"id": str(c.id), "status": c.status, "new": c.new, "changed": c.changed}
            for c in result.changes
        ],
    }


def _kept(body: bytes, dialect: str) -> bytes:
    """Return the body as it is stored: PagerDuty's has our token in it, which nobody may read."""
    return pagerduty_events.without_key(body) if dialect == PAGERDUTY else body
