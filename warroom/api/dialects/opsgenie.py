"""Opsgenie's Alert API: a way out for teams whose Opsgenie ends.

The token of the source is the ``GenieKey``.  What Opsgenie does behind a 202 is done here before
it; the request's id is that of its delivery, and its status is read from what was stored.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from warroom.api.auth import Reader, State
from warroom.api.dialects.door import hear
from warroom.api.dialects.pagerduty import BODY
from warroom.api.foreign import responses, took
from warroom.domain.alert import AlertState
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import Forbidden, InvalidInput, NotFound
from warroom.ingest import opsgenie
from warroom.services import alert_words
from warroom.services.access import require
from warroom.services.alert_words import StandingAlert

# An alias may have slashes in it; they come decoded, so an identifier is a path.
router = APIRouter(prefix="/v2/alerts", tags=["ingest"], responses=responses("opsgenie"))
Identifier = Annotated[str, Path(min_length=1, max_length=opsgenie.MAX_ALIAS)]
Kind = Annotated[
    Literal["id", "alias", "tiny"],
    Query(alias="identifierType", description="what the identifier is"),
]
Action = Literal["close", "acknowledge", "notes"]
DONE = {"create": ("Create", "Created alert"), "close": ("Close", "Closed alert"),
        "acknowledge": ("Acknowledge", "Acknowledged alert"),
        "notes": ("AddNote", "Added note to alert")}  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TINY = re.compile(r"[0-9]{1,15}")


class Accepted(BaseModel):
    """What Opsgenie's clients want to hear."""

    result: str
    took: float
    requestId: str  # noqa: N815 - theirs


class Found(BaseModel):
    """An answer with data."""

    data: dict[str, Any]
    took: float
    requestId: str  # noqa: N815 - theirs


@router.post("", status_code=202, response_model=Accepted, openapi_extra=BODY)
async def create(request: Request, ctx: Reader, state: State) -> dict[str, Any]:
    """Take a new alert, or a repeat of one with the same alias; 202 only after the commit."""
    reader = partial(opsgenie.read, new_alias=str(uuid4()))
    heard = await hear(request, ctx, state, reader, "opsgenie")
    return _accepted(request, heard.taken["delivery"])


@router.get("/requests/{request_id}", response_model=Found)
async def request_status(
    request: Request, request_id: UUID, ctx: Reader, state: State
) -> dict[str, Any]:
    """Tell what became of a request of this source."""
    source = _source(ctx)
    kept = await alert_words.delivery(state.db, ctx, source, request_id)
    if kept is None:
        raise NotFound("Request does not exist.", field="requestId")
    try:
        action, alias, _ = opsgenie.unwrap(kept.body)
    except InvalidInput:
        action, alias = "create", ""
    alert: StandingAlert | None = None
    if kept.alert_id is not None:
        alert = await alert_words.by_id(state.db, ctx, source, kept.alert_id)
    elif action in ("acknowledge", "notes") and alias:
        mark = opsgenie.mark_of(alias)
        alert = (await alert_words.by_fingerprint(state.db, ctx, source, [mark])).get(mark)
        if alert is not None and alert.first_seen_at > kept.received_at:
            alert = None
    success = kept.accepted and alert is not None
    named, done = DONE[action]
    return _found(request, {
        "success": success,
        "isSuccess": success,
        "action": named,
        "processedAt": _time(kept.received_at),
        "integrationId": str(source),
        "status": done if success else kept.error or "Alert does not exist",
        "alertId": str(alert.id) if alert else "",
        "alias": alert.annotations.get("alias", alias) if alert else alias,
    })  # fmt: skip


@router.get("/{identifier:path}", response_model=Found)
async def show(
    request: Request, identifier: Identifier, ctx: Reader, state: State, kind: Kind = "id"
) -> dict[str, Any]:
    """Tell how an alert of this source stands."""
    alert = await _alert(ctx, state, identifier, kind)
    if alert is None:
        raise NotFound("Alert does not exist.", field="identifier")
    return _found(request, _as_theirs(alert, _source(ctx)))


@router.post(
    "/{identifier:path}/{action}", status_code=202, response_model=Accepted, openapi_extra=BODY
)
async def act(
    request: Request,
    identifier: Identifier,
    action: Action,
    ctx: Reader,
    state: State,
    kind: Kind = "id",
) -> dict[str, Any]:
    """Close an alert of this source, or say on its incident what was said of it there.

    Neither an acknowledgement nor a note changes anything: who is at work on an incident is what
    people say here.  Of an alert that is not known nothing is kept but the request.
    """
    alias = identifier
    if kind != "alias":
        alert = await _alert(ctx, state, identifier, kind)
        # An id that is not known stays in what is kept, and is no alias of ours.
        alias = alert.annotations.get("alias", "") if alert else f"{kind} {identifier}"
    raw = await request.body()
    try:
        body = opsgenie.wrap(action, alias, raw)
    except InvalidInput:
        body = raw
    heard = await hear(request, ctx, state, opsgenie.read, "opsgenie", body=body)
    return _accepted(request, heard.taken["delivery"])


def _source(ctx: CommandContext) -> UUID:
    """Return the source of the key.

    Raises:
        Forbidden: it belongs to none.
    """
    require(ctx, Scope.INGEST)
    if ctx.principal.source_id is None:
        raise Forbidden("This key belongs to no alert source.", field="Authorization")
    return ctx.principal.source_id


async def _alert(
    ctx: CommandContext, state: State, identifier: str, kind: str
) -> StandingAlert | None:
    source = _source(ctx)
    if kind == "alias":
        mark = opsgenie.mark_of(identifier.strip())
        return (await alert_words.by_fingerprint(state.db, ctx, source, [mark])).get(mark)
    if kind == "tiny":
        if not _TINY.fullmatch(identifier) or int(identifier) >= 1 << 48:
            return None
        tail = f"{int(identifier):012x}"
        return await alert_words.by_short_id(state.db, ctx, source, tail)
    if not _UUID.fullmatch(identifier):
        return None
    return await alert_words.by_id(state.db, ctx, source, UUID(identifier))


def _accepted(request: Request, delivery: str) -> dict[str, Any]:
    return {
        "result": "Request will be processed", "took": took(request), "requestId": delivery
    }  # fmt: skip


def _found(request: Request, data: dict[str, Any]) -> dict[str, Any]:
    return {"data": data, "took": took(request), "requestId": request.state.request_id}


def _as_theirs(alert: StandingAlert, source: UUID) -> dict[str, Any]:
    """Return an alert in Opsgenie's words; ``tinyId`` is the tail of its id as a number."""
    said = alert.annotations
    open_ = alert.state is AlertState.FIRING
    tags = [tag for tag in said.get("tags", "").split(", ") if tag]
    hidden = {*opsgenie.OWN, "entity", "source", "priority"}
    details = {n: v for n, v in (alert.labels | said).items() if n not in hidden}
    return {
        "id": str(alert.id),
        "tinyId": str(int(alert.id.hex[-12:], 16)),
        "alias": said.get("alias", ""),
        "message": alert.summary,
        "status": "open" if open_ else "closed",
        "acknowledged": open_ and alert.acknowledged,
        "isSeen": open_ and alert.acknowledged,
        "tags": tags,
        "snoozed": False,
        "count": alert.count,
        "lastOccurredAt": _time(alert.last_seen_at),
        "createdAt": _time(alert.first_seen_at),
        "updatedAt": _time(max(alert.changed_at, alert.last_seen_at)),
        "source": alert.labels.get("source", ""),
        "owner": "",
        "priority": f"P{alert.severity}",
        "responders": [],
        "integration": {"id": str(source), "name": "war room", "type": "API"},
        "actions": [a for a in said.get("actions", "").split(", ") if a],
        "entity": alert.labels.get("entity", ""),
        "description": alert.description,
        "details": details,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
