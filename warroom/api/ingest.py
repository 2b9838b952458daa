"""Alerts in: what every door of alerts ends in, and Alertmanager's webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from warroom.api.auth import Reader, State, here, prove
from warroom.api.buckets import Pace
from warroom.api.head import first_text
from warroom.api.problems import RESPONSES
from warroom.api.said import Said
from warroom.domain.alert import IncomingAlert
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import Forbidden, InvalidInput, Overloaded
from warroom.ingest import alertmanager_v2, alertmanager_webhook
from warroom.ingest.common import IngestOptions
from warroom.services import alerts
from warroom.services.access import require
from warroom.services.delivery import Delivery
from warroom.services.token_proof import Unproven

router = APIRouter(tags=["ingest"], responses=RESPONSES)
Parser = Callable[[bytes, IngestOptions, datetime], tuple[IncomingAlert, ...]]
LARGE_BODY = 65_536


DOORS: Mapping[str, tuple[Parser, str]] = {
    "/api/v2/alerts": (alertmanager_v2.parse, "alertmanager-v2"),
    "/v1/ingest/alertmanager": (alertmanager_webhook.parse, "alertmanager"),
}
"""The busiest, by address: what reads a body, and the word under which it is kept."""


def json_body(kind: str) -> dict[str, Any]:
    """Describe a body that we read ourselves: the framework would refuse it before it is kept."""
    shape = {"type": kind} if kind == "object" else {"type": kind, "items": {"type": "object"}}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape}}}}


class Taken(BaseModel):
    """What became of a delivery.

    ``new`` null: the body is committed, and its alerts wait for their turn behind others.
    """

    delivery: str
    alerts: int
    new: int | None
    incidents: list[str]


@router.post("/v1/ingest/alertmanager", response_model=Taken, openapi_extra=json_body("object"))
async def webhook(request: Request, ctx: Reader, state: State) -> dict[str, Any]:
    """Take an Alertmanager webhook (version 4); 2xx only after the commit."""
    return await take_at(request, ctx, state)


def options_of(request: Request, state: State) -> IngestOptions:
    """Return how the source of this request is read: its own words over the settings."""
    said: Said = request.scope["state"]["said"]
    return said.options(state.settings)


async def take_at(request: Request, ctx: CommandContext, state: State) -> dict[str, Any]:
    """Take one delivery at one of ``DOORS``; raises what ``take`` raises."""
    parse, dialect = DOORS[request.scope["path"]]
    return await take(request, ctx, state, parse, dialect, may_wait=True)


async def body_of(request: Request) -> bytes:
    """Return the body; the layer that reads it has it whole, so it need not be put together."""
    whole: bytes | None = request.scope["state"].get("body")
    return await request.body() if whole is None else whole


def no_source() -> Forbidden:
    """Return the refusal of a token that may send alerts and is no source's."""
    return Forbidden(
        "This token belongs to no alert source; nothing was stored.",
        field="Authorization",
        remedy="Make a source: `warroom source add NAME`.",
    )


def clock(request: Request) -> datetime:
    """Return the database's time, as it was asked when the sender was recognised.

    Where a message brings no times of its own, two API hosts whose clocks differ would otherwise
    take the trigger behind a resolve for one of before it.
    """
    pace: Pace = request.scope["state"]["pace"]
    return pace.now()


async def take(
    request: Request,
    ctx: CommandContext,
    state: State,
    parse: Parser,
    dialect: str,
    *,
    stored_as: bytes | None = None,
    may_wait: bool = False,
) -> dict[str, Any]:
    """Take one delivery: read it, store it with what follows, and say what became of it.

    Args:
        request: its body is read here, once it is known that the sender may send one.
        ctx: the sender.
        state: the process's parts.
        parse: the dialect's reader.
        dialect: the word under which the body is kept.
        stored_as: what is kept in place of the body, where it holds what nobody may read.
        may_wait: whether its alerts may wait for their turn once it is committed: its messages say
            themselves which episode they are of, so that they need no order.

    Raises:
        Forbidden: the token is none of a source's.
        InvalidInput: the body cannot be understood; it is kept in quarantine.
        WarRoomError: nothing was stored, or nobody knows (``OutcomeUnknown``).
    """
    require(ctx, Scope.INGEST)
    if ctx.principal.source_id is None:
        raise no_source()
    source = ctx.principal.source_id
    body = await body_of(request)
    kept_body = body if stored_as is None else stored_as
    delivery = partial(
        Delivery, source, ctx.principal.id, dialect, first_text(request.scope, b"content-type"),
        kept_body, request_id=ctx.request_id, proof=request.scope["state"].get("proof"),
    )  # fmt: skip
    now = clock(request)
    try:
        found = await _read(state, source, kept_body, parse, options_of(request, state), now)
        state.buckets.charge(source, len(found))
        # An end that does not say of what episode must not come behind what was sent after it.
        orderless = any(alert.ends_any for alert in found)
        result = await state.batcher.put(
            delivery(found, read_at=now), may_wait=may_wait and not orderless
        )
    except Overloaded:
        state.buckets.count(source, "full")
        raise
    except Unproven:
        await prove(request)
        return await take(
            request, here(request), state, parse, dialect, stored_as=stored_as, may_wait=may_wait
        )
    except InvalidInput as error:
        await prove(request)
        kept = await alerts.quarantine(state.db, ctx, delivery(()), error)
        error.remedy = f"{error.remedy or ''} The body is kept as {kept}.".strip()
        raise
    return {
        "delivery": str(result.delivery_id),
        "alerts": result.alerts,
        "new": result.new,
        "incidents": [f"INC-{n}" for n in result.incidents],
    }


async def _read(
    state: State, source: UUID, body: bytes, parse: Parser, options: IngestOptions, now: datetime
) -> tuple[IncomingAlert, ...]:
    """Parse a body; a large one in a thread, because it would hold up everybody else's requests."""
    if len(body) <= LARGE_BODY:
        return parse(body, options, now)
    async with state.buckets.reading(source):
        state.batcher.check_room(source)
        return await asyncio.to_thread(parse, body, options, now)
