"""What would happen to a body: read by the real dialect, decided by the real rules, not stored."""

from __future__ import annotations

import asyncio
import base64
import binascii
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Reader, State
from warroom.api.dialects.readers import guess, reader_of
from warroom.api.models import Strict
from warroom.api.problems import RESPONSES
from warroom.api.reading import options_of_source
from warroom.domain.alert import IncomingAlert
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import InvalidInput
from warroom.ingest.mapping import compile_mapping
from warroom.ingest.spoken import Spoken
from warroom.services import alert_rehearsal, alert_words
from warroom.services.access import require
from warroom.services.delivery import Delivery
from warroom.services.directory import source_mapping

router = APIRouter(tags=["ingest"], responses=RESPONSES)


class Rehearsal(Strict):
    """A body, and as whose it is to be read."""

    source: str = Field(min_length=1, max_length=63)
    body: str = Field(description="base64")
    dialect: str | None = Field(default=None, description="the source's own if not given")
    mapping: dict[str, Any] | None = Field(default=None, description="in place of the source's own")


class RehearsedAlert(BaseModel):
    """What would become of one alert."""

    name: str
    summary: str
    state: str
    fingerprint: str
    service: str
    service_label: str | None
    service_is_new: bool
    severity: int
    severity_reason: str
    change: str
    decision: str
    incident: str | None
    incident_title: str | None
    incident_severity: int | None
    opens_incident: bool
    starts_at: datetime
    ends_at: datetime | None
    expires_at: datetime | None
    labels: dict[str, str]
    annotations: dict[str, str]
    notes: list[str]


class RehearsedRemark(BaseModel):
    """What would be said on a timeline."""

    fingerprint: str
    text: str
    alert: str | None


class RehearsalResult(BaseModel):
    """What would happen; nothing was stored."""

    source: str
    dialect: str
    alerts: list[RehearsedAlert]
    remarks: list[RehearsedRemark]
    unknown_endings: int


@router.post("/v1/ingest/test", response_model=RehearsalResult)
async def rehearse(body: Rehearsal, ctx: Reader, state: State) -> dict[str, Any]:
    """Say what would happen to a body of a source (scope admin); nothing is stored."""
    require(ctx, Scope.ADMIN)
    source = await source_mapping.of_key(state.db, ctx, body.source)
    try:
        content = base64.b64decode(body.body, validate=True)
    except binascii.Error:
        raise InvalidInput("body is not base64.", field="body") from None
    given = body.mapping if body.mapping is not None else source["mapping"]
    mapping = None if given is None else compile_mapping(given)
    dialect = guess(body.dialect or source["dialect"], content)
    options = options_of_source(source["service_label"], source["severity_map"], state.settings)
    now: datetime = source["now"]
    read = reader_of(dialect, mapping)
    spoken: Spoken = await asyncio.to_thread(read, content, options, now)
    return {"source": body.source, "dialect": dialect} | await _outcome(
        ctx, state, source, spoken, dialect, content
    )


async def _outcome(
    ctx: CommandContext,
    state: State,
    source: dict[str, Any],
    spoken: Spoken,
    dialect: str,
    content: bytes,
) -> dict[str, Any]:
    source_id: UUID = source["id"]
    marks = [e.fingerprint for e in spoken.endings] + [r.fingerprint for r in spoken.remarks]
    known = await alert_words.by_fingerprint(state.db, ctx, source_id, marks) if marks else {}
    told = spoken.alerts + tuple(
        alert_words.ended(known[e.fingerprint], e.at)
        for e in spoken.endings
        if e.fingerprint in known
    )
    delivery = Delivery(source_id, source["principal_id"], dialect, "", content, told)
    rehearsed = await alert_rehearsal.rehearse(
        state.db, ctx, delivery, window=timedelta(seconds=state.settings.group_window_seconds)
    )
    return {
        "alerts": [_alert(told[one.position], one) for one in rehearsed],
        "remarks": [
            {
                "fingerprint": r.fingerprint,
                "text": r.text,
                "alert": known[r.fingerprint].name if r.fingerprint in known else None,
            }
            for r in spoken.remarks
        ],
        "unknown_endings": sum(1 for e in spoken.endings if e.fingerprint not in known),
    }


def _alert(alert: IncomingAlert, outcome: alert_rehearsal.Rehearsed) -> dict[str, Any]:
    return {
        "name": alert.name,
        "summary": alert.summary,
        "state": alert.state.value,
        "fingerprint": alert.fingerprint,
        "service": outcome.service,
        "service_label": alert.service_label,
        "service_is_new": outcome.service_is_new,
        "severity": alert.severity,
        "severity_reason": alert.severity_reason,
        "change": outcome.change,
        "decision": outcome.decision,
        "incident": outcome.incident,
        "incident_title": outcome.title,
        "incident_severity": outcome.incident_severity,
        "opens_incident": outcome.opens,
        "starts_at": alert.starts_at,
        "ends_at": alert.ends_at,
        "expires_at": alert.expires_at,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "notes": list(alert.notes),
    }
