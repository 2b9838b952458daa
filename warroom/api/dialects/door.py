"""What the doors of foreign dialects share: endings are filled in, remarks go to the timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request

from warroom.api.auth import State
from warroom.api.ingest import LARGE_BODY, clock, no_source, options_of, take
from warroom.domain.alert import IncomingAlert
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import InvalidInput
from warroom.ingest.common import IngestOptions
from warroom.ingest.spoken import Reader, Spoken
from warroom.services import alert_words
from warroom.services.access import require


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said, and what became of it (the answer of our own doors)."""

    spoken: Spoken
    taken: dict[str, Any]


async def understand(
    state: State,
    ctx: CommandContext,
    source: UUID | None,
    read: Reader,
    content: bytes,
    options: IngestOptions,
    now: datetime,
) -> tuple[Spoken, tuple[IncomingAlert, ...]]:
    """Read a body; return what it says, and its alerts with the ends of those that are known.

    Raises:
        InvalidInput: it cannot be understood.
    """
    spoken = (
        await asyncio.to_thread(read, content, options, now)
        if len(content) > LARGE_BODY
        else read(content, options, now)
    )
    alerts = spoken.alerts
    if spoken.endings and source is not None:
        marks = [ending.fingerprint for ending in spoken.endings]
        known = await alert_words.by_fingerprint(state.db, ctx, source, marks)
        alerts += tuple(
            alert_words.ended(known[ending.fingerprint], ending.at)
            for ending in spoken.endings
            if ending.fingerprint in known
        )
    return spoken, alerts


async def hear(
    request: Request,
    ctx: CommandContext,
    state: State,
    read: Reader,
    dialect: str,
    *,
    body: bytes | None = None,
    kept: bytes | None = None,
) -> Heard:
    """Take one message of a dialect that may end alerts by key or only remark on them.

    The end of an alert that is not known is kept with its delivery and changes nothing.  Remarks
    are written behind the delivery, in a transaction of their own: where that fails the sender is
    told so and sends it again, and what was said already is not said twice.

    Args:
        request: the request.
        ctx: the sender.
        state: the process's parts.
        read: the dialect's reader.
        dialect: the word under which the body is kept.
        body: what is read in place of the request's body.
        kept: what is kept in place of ``body``.

    Raises:
        InvalidInput: it cannot be understood; it is kept in quarantine.
        WarRoomError: nothing was stored, or nobody knows (``OutcomeUnknown``).
    """
    require(ctx, Scope.INGEST)
    source = ctx.principal.source_id
    if source is None:
        raise no_source()
    content = await request.body() if body is None else body
    now = clock(request)
    alerts: tuple[IncomingAlert, ...] = ()
    spoken = Spoken()
    wrong: InvalidInput | None = None
    try:
        spoken, alerts = await understand(
            state, ctx, source, read, content, options_of(request, state), now
        )
    except InvalidInput as error:
        wrong = error
    taken = await take(
        request, ctx, state, _told(alerts, wrong), dialect,
        stored_as=content if kept is None else kept,
    )  # fmt: skip
    if spoken.remarks:
        said = [(remark.fingerprint, remark.text) for remark in spoken.remarks]
        await alert_words.remark(state.db, ctx, source, said)
    return Heard(spoken, taken)


def _told(
    alerts: tuple[IncomingAlert, ...], wrong: InvalidInput | None
) -> Callable[[bytes, IngestOptions, datetime], tuple[IncomingAlert, ...]]:
    """Return a reader that says again what was read already, or why it could not be."""

    def parse(_body: bytes, _options: IngestOptions, _now: datetime) -> tuple[IncomingAlert, ...]:
        if wrong is not None:
            raise wrong
        return alerts

    return parse
