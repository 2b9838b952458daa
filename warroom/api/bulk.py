"""Bulk: alerts as a stream of lines, stored part by part, each part once however often it comes.

The stream is read no faster than it is stored, so its length costs no memory.  What was stored
before a stream broke stays, and whoever sends it again under the same name doubles nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from warroom.api.auth import Reader, State
from warroom.api.ingest import clock, no_source, options_of
from warroom.api.problems import RESPONSES
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import InvalidInput, Overloaded
from warroom.ingest import ndjson
from warroom.ingest.gunzip import Gunzip
from warroom.services import alert_load, alerts
from warroom.services.access import require
from warroom.services.delivery import Delivery

ADDRESS = "/v1/ingest/bulk"
AT_ONCE = 2
"""Streams at once in one process: a load must never take the room of alerts that come in."""
SILENCE_S = 30.0
"""How long a stream may bring nothing before its sender is told."""
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_running: set[object] = set()
router = APIRouter(tags=["ingest"], responses=RESPONSES)
Name = Annotated[str, Query(description="names the file; the same on every retry")]
From = Annotated[int, Query(ge=1, description="the line of the file that comes first")]
_NDJSON: dict[str, Any] = {
    "requestBody": {
        "required": True,
        # The type is not looked at; some tools know only the plainer one.
        "content": {
            kind: {"schema": {"type": "string"}} for kind in ("application/x-ndjson", "text/plain")
        },
    }
}


class Loaded(BaseModel):
    """What became of a stream: its last line that is stored, alerts and new ones among them."""

    through: int
    alerts: int = 0
    new: int = 0


@router.get(ADDRESS, response_model=Loaded)
async def loaded(ctx: Reader, state: State, load: Name) -> Loaded:
    """Say how far a file has been stored, so that loading it goes on there."""
    prefix = _prefix(ctx, load)
    return Loaded(through=await alert_load.loaded_through(state.db, ctx, prefix))


@router.post(ADDRESS, response_model=Loaded, openapi_extra=_NDJSON)
async def bulk(request: Request, ctx: Reader, state: State, load: Name, first: From = 1) -> Loaded:
    """Store a stream of alerts, one a line; each part in a transaction of its own."""
    prefix = _prefix(ctx, load)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise InvalidInput(
            "A stream may come as gzip, or without Content-Encoding; nothing was stored.",
            field="Content-Encoding",
            remedy="Send it plain.",
        )
    if len(_running) >= AT_ONCE:
        raise Overloaded(
            f"{AT_ONCE} files are being loaded already; nothing was stored.",
            remedy="Send it again when one of them is done.",
        )
    mark = object()
    _running.add(mark)
    try:
        return await _store(request, ctx, state, prefix, first, packed=encoding == "gzip")
    finally:
        _running.discard(mark)


def _prefix(ctx: CommandContext, load: str) -> str:
    """Return what the keys of a file's parts begin with.

    Raises:
        Forbidden: the token is no source's.
        InvalidInput: the name cannot be one.
    """
    require(ctx, Scope.INGEST)
    if ctx.principal.source_id is None:
        raise no_source()
    if not _NAME.fullmatch(load):
        raise InvalidInput(
            "load must be 1 to 64 letters, digits and hyphens.",
            field="load",
            remedy="`warroom ingest load` takes the digest of the file.",
        )
    return f"bulk:{ctx.principal.source_id}:{load}:"


async def _store(
    request: Request,
    ctx: CommandContext,
    state: State,
    prefix: str,
    first: int,
    *,
    packed: bool,
) -> Loaded:
    options = options_of(request, state)
    done = Loaded(through=first - 1)
    cutter = ndjson.Cutter(line=first - 1)
    stream = request.stream()
    gunzip = Gunzip() if packed else None
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                data = await anext(stream, None)
        except TimeoutError:
            raise Overloaded(
                f"The stream brought nothing for {SILENCE_S:g} s;"
                f" it is stored through line {done.through}.",
                remedy="Send the rest.",
            ) from None
        except ClientDisconnect:
            return done  # heard by nobody; what is stored is found again by its name
        if gunzip is not None and data is None:
            gunzip.end()
        for part in _parts(cutter, gunzip, data):
            found = await asyncio.to_thread(ndjson.parse, part, options, clock(request))
            if found:
                await _once(ctx, state, prefix, part, found, done)
            done.through = part.last
        if data is None:
            return done


def _parts(
    cutter: ndjson.Cutter, gunzip: Gunzip | None, data: bytes | None
) -> Iterator[ndjson.Part]:
    """Yield the parts that are whole now; a packed stream is unpacked as far as it is asked for."""
    if data is None:
        yield from cutter.end()
    elif gunzip is None:
        yield from cutter.feed(data)
    else:
        for piece in gunzip.feed(data):
            yield from cutter.feed(piece)


async def _once(
    ctx: CommandContext,
    state: State,
    prefix: str,
    part: ndjson.Part,
    found: tuple[Any, ...],
    done: Loaded,
) -> None:
    source = ctx.principal.source_id
    assert source is not None
    delivery = Delivery(
        source, ctx.principal.id, "bulk", "application/x-ndjson", part.body, found, ctx.request_id
    )
    stored = await state.batcher.between(
        lambda turn: alerts.take_once(
            state.db, ctx, delivery, f"{prefix}{part.first}", part.last,
            window=timedelta(seconds=state.settings.group_window_seconds), turn=turn,
        )
    )  # fmt: skip
    done.alerts += stored["alerts"]
    done.new += stored["new"]
