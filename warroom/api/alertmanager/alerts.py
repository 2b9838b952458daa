"""``/api/v2/alerts`` and ``/api/v2/alerts/groups``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from warroom.api.alertmanager.shapes import (
    ANSWERS,
    RECEIVER,
    AlertGroup,
    Filters,
    GettableAlert,
    moment,
)
from warroom.api.auth import Reader, State
from warroom.api.ingest import Taken, json_body, take_at
from warroom.domain.principal import CommandContext
from warroom.domain.silence import Matcher
from warroom.ingest.matchers import parse_filters
from warroom.services.alert_listing import FiringAlert, firing
from warroom.services.matching import holds_for

router = APIRouter(prefix="/api/v2/alerts", tags=["alertmanager"], responses=ANSWERS)
Json = dict[str, Any]
Wanted = Annotated[bool, Query(description="also those in this state")]
ByReceiver = Annotated[str, Query(max_length=1000, description="a regular expression")]


@router.post("", response_model=Taken, openapi_extra=json_body("array"))
async def post_alerts(request: Request, ctx: Reader, state: State) -> Json:
    """Take alerts as Alertmanager does; Prometheus posts here directly. 200 after the commit."""
    return await take_at(request, ctx, state)


@router.get("", response_model=list[GettableAlert])
async def get_alerts(
    ctx: Reader,
    state: State,
    filter: Filters = [],  # noqa: A002, B006 # Alertmanager's own name; FastAPI copies it
    receiver: ByReceiver = "",
    active: Wanted = True,
    silenced: Wanted = True,
    inhibited: Wanted = True,  # noqa: ARG001 # nothing inhibits here
    unprocessed: Wanted = True,  # noqa: ARG001 # all are processed once they are stored
) -> Response:
    """List what fires; a source's token sees its own, everybody else what they may see."""
    found = await _firing(ctx, state, filter, receiver, active=active, silenced=silenced)
    return await _answer(lambda: [_shape(a) for a in found])


@router.get("/groups", response_model=list[AlertGroup])
async def get_groups(
    ctx: Reader,
    state: State,
    filter: Filters = [],  # noqa: A002, B006 # as above
    receiver: ByReceiver = "",
    active: Wanted = True,
    silenced: Wanted = True,
    inhibited: Wanted = True,  # noqa: ARG001 # as above
) -> Response:
    """List what fires by incident; what is on none stands together, without labels."""
    found = await _firing(ctx, state, filter, receiver, active=active, silenced=silenced)

    def groups() -> list[Json]:
        by: dict[tuple[str, str], list[Json]] = {}
        for alert in found:
            key = (alert.incident, alert.service) if alert.incident else ("", "")
            by.setdefault(key, []).append(_shape(alert))
        return [
            {"labels": {"incident": ref, "service": service} if ref else {},
             "receiver": {"name": RECEIVER}, "alerts": alerts}
            for (ref, service), alerts in sorted(by.items())
        ]  # fmt: skip

    return await _answer(groups)


async def _firing(
    ctx: CommandContext,
    state: State,
    filters: Sequence[str],
    receiver: str,
    *,
    active: bool,
    silenced: bool,
) -> list[FiringAlert]:
    matchers = parse_filters(filters)
    wanted = not receiver or holds_for(Matcher("receiver", receiver, regex=True))(RECEIVER)
    found = await firing(state.db, ctx, matchers, active=active, silenced=silenced)
    return found if wanted else []


async def _answer(shape: Any) -> Response:
    """Write the answer beside the event loop: thousands of alerts take a while."""
    body = await asyncio.to_thread(lambda: json.dumps(shape(), separators=(",", ":")).encode())
    return Response(body, media_type="application/json")


def _shape(alert: FiringAlert) -> Json:
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": moment(alert.starts_at),
        "endsAt": moment(alert.ends_at),
        "updatedAt": moment(alert.updated_at),
        "fingerprint": alert.fingerprint,
        "generatorURL": alert.generator_url,
        "receivers": [{"name": RECEIVER}],
        "status": {
            "state": "suppressed" if alert.silenced_by else "active",
            "silencedBy": list(alert.silenced_by),
            "inhibitedBy": [],
            "mutedBy": [],
        },
    }
