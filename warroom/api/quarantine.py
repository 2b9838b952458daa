"""Quarantine over HTTP: what could not be understood, corrected and replayed.

A replay reads the body with the parser of the door that it came by, as that door would now: with
the source's present label for services and its present table of severities.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.dialects.door import understand
from warroom.api.dialects.readers import CHANGES, DIALECTS, reader_of
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.api.reading import options_of_source
from warroom.api.state import AppState
from warroom.domain.alert import IncomingAlert
from warroom.domain.principal import CommandContext
from warroom.ingest.mapping import compile_mapping
from warroom.services import alert_words, quarantine
from warroom.services.delivery import Delivery
from warroom.services.directory import source_mapping

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"], responses=RESPONSES)
Json = dict[str, Any]


class Fix(Strict):
    """A corrected body, as its sender should have sent it."""

    body: str = Field(min_length=1, max_length=quarantine.FIXED_BYTES)


class Replay(Strict):
    """Whether to replay it even though it was replayed or dropped before."""

    again: bool = False


class Drop(Strict):
    """Why nothing is to be taken from it."""

    reason: str = Field(min_length=1, max_length=2000)


class Quarantined(BaseModel):
    """A body that could not be understood; ``state`` is open, replayed or dropped."""

    id: UUID
    source: str
    dialect: str
    received_at: datetime
    error: str | None
    field: str | None
    bytes: int
    state: str
    fixed: bool
    replays: int
    replayed_as: UUID | None
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None


class QuarantinedWhole(Quarantined):
    """The same with the first 64 KiB of the body as it came, and of the corrected one."""

    content_type: str
    body: str
    truncated: bool
    fixed_body: str | None


class Settled(BaseModel):
    """How it stands now."""

    id: UUID
    state: str
    fixed: bool | None = None


class Replayed(Settled):
    """What a replay brought: alerts, or changes; ``new`` counts those that were not known."""

    delivery: UUID
    alerts: int
    new: int
    incidents: list[str]
    changes: list[UUID] | None = None


@router.get("", response_model=PageOf[Quarantined])
async def list_quarantine(
    ctx: Reader, state: State, every: bool = False, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List what lies in quarantine, the latest first; with ``every`` also what is settled."""
    before = decode_id_cursor(cursor)
    found = await quarantine.list_all(state.db, ctx, every=every, before=before, limit=limit + 1)
    return cut(found, limit, "id")


@router.get("/{id}", response_model=QuarantinedWhole)
async def show_quarantined(id: UUID, ctx: Reader, state: State) -> Json:  # noqa: A002 - its name
    """Show one with its body and why it was not understood."""
    return await quarantine.show(state.db, ctx, id)


@router.post("/{id}/fix", response_model=Settled, response_model_exclude_unset=True)
async def fix_quarantined(id: UUID, body: Fix, ctx: Commander, state: State) -> Json:  # noqa: A002
    """Give a corrected body for the next replay."""
    return (await quarantine.fix(state.db, ctx, id, body.body)).body


@router.post("/{id}/replay", response_model=Replayed, response_model_exclude_unset=True)
async def replay_quarantined(
    id: UUID,  # noqa: A002
    body: Replay,
    ctx: Commander,
    state: State,
) -> Json:
    """Take it in after all, once; what cannot be understood still is refused and stays."""
    one = await quarantine.held(state.db, ctx, id)
    if one.dialect in CHANGES:
        return await _replay_changes(one, ctx, state, again=body.again)
    quarantine.check_dialect(one.dialect, known=one.dialect in DIALECTS)
    stored = await source_mapping.of_source(state.db, ctx, one.source_id)
    reader = reader_of(one.dialect, None if stored is None else compile_mapping(stored))
    options = options_of_source(one.service_label, one.severity_map, state.settings)
    spoken, found = await understand(state, ctx, one.source_id, reader, one.body, options, one.now)
    delivery = _delivery(one, ctx, found)
    window = timedelta(seconds=state.settings.group_window_seconds)
    answer = await quarantine.replay(state.db, ctx, one, delivery, window=window, again=body.again)
    if spoken.remarks:
        said = [(remark.fingerprint, remark.text) for remark in spoken.remarks]
        await alert_words.remark(state.db, ctx, one.source_id, said)
    return answer.body


async def _replay_changes(
    one: quarantine.Held, ctx: CommandContext, state: AppState, *, again: bool
) -> Json:
    """Read a body of the doors of changes again, and take it in."""
    told = await asyncio.to_thread(CHANGES[one.dialect], one.body, {}, one.now)
    delivery = _delivery(one, ctx, ())
    done = await quarantine.replay_changes(state.db, ctx, one, delivery, told, again=again)
    return done.body


def _delivery(
    one: quarantine.Held, ctx: CommandContext, found: tuple[IncomingAlert, ...]
) -> Delivery:
    return Delivery(
        one.source_id, one.source_principal_id, one.dialect, one.content_type, one.body, found,
        ctx.request_id,
    )  # fmt: skip


@router.post("/{id}/drop", response_model=Settled, response_model_exclude_unset=True)
async def drop_quarantined(
    id: UUID,  # noqa: A002
    body: Drop,
    ctx: Commander,
    state: State,
) -> Json:
    """Settle that nothing is to be taken from it."""
    return (await quarantine.drop(state.db, ctx, id, body.reason)).body
