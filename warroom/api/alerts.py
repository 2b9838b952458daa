"""Alerts over HTTP, to be looked up; they come in by the doors of :mod:`warroom.api.ingest`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from warroom.api.auth import Reader, State
from warroom.api.models import PageOf
from warroom.api.paging import Cursor, Limit, cut, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.services import alert_lookup
from warroom.services.alert_lookup import Wanted

router = APIRouter(prefix="/v1/alerts", tags=["alerts"], responses=RESPONSES)
Json = dict[str, Any]
AlertState = Literal["firing", "resolved"]
Disposition = Literal["declared", "recorded", "triage", "suppressed", "dismissed", "waiting"]
ServiceKey = Annotated[str | None, Query(min_length=1, max_length=200)]
Name = Annotated[str | None, Query(min_length=1, max_length=500)]
Ref = Annotated[str | None, Query(max_length=80, description="INC-12, 12 or an id")]
Ending = Annotated[
    str | None, Query(pattern="^[0-9A-Fa-f-]{1,36}$", description="the last digits of the id")
]


class AlertListed(BaseModel):
    """An alert, and in ``decision`` one sentence on what became of it.

    ``disposition`` is what was decided of the episode, null for one from before there were rules;
    ``incident`` is null when it is on none that the caller may see.
    """

    id: UUID
    state: str
    name: str
    summary: str
    service: str
    source: str
    severity: int
    priority: int | None
    disposition: str | None
    decision: str
    incident: str | None
    since: datetime
    ended_at: datetime | None
    last_seen_at: datetime
    count: int
    flapping: bool


class AlertShown(AlertListed):
    """The same with all that its source told."""

    description: str
    severity_word: str | None
    priority_reason: str
    labels: dict[str, str]
    annotations: dict[str, str]
    url: str | None
    fingerprint: str
    first_seen_at: datetime
    expires_at: datetime | None
    decide_at: datetime | None
    visibility: str
    drill: bool


@router.get("", response_model=PageOf[AlertListed])
async def list_alerts(
    ctx: Reader,
    state: State,
    alert_state: Annotated[AlertState | None, Query(alias="state")] = None,
    disposition: Disposition | None = None,
    service: ServiceKey = None,
    source: ServiceKey = None,
    name: Name = None,
    incident: Ref = None,
    id_end: Ending = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Json:
    """List alerts and what became of them, also of those that opened nothing; the newest first."""
    wanted = Wanted(alert_state, disposition, service, source, name, incident, id_end)
    found = await alert_lookup.list_page(
        state.db, ctx, wanted, before=decode_id_cursor(cursor), limit=limit + 1
    )
    return cut(found, limit, "id")


@router.get("/{alert_id}", response_model=AlertShown)
async def show_alert(
    alert_id: Annotated[UUID, Path(description="an alert")], ctx: Reader, state: State
) -> Json:
    """Show one alert."""
    return await alert_lookup.show(state.db, ctx, alert_id)
