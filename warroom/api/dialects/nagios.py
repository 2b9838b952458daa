"""Nagios and Icinga, through the notification command of ``docs/integrations``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from warroom.api.auth import Reader, State
from warroom.api.dialects.door import hear
from warroom.api.dialects.pagerduty import BODY
from warroom.api.ingest import Taken
from warroom.api.problems import RESPONSES
from warroom.ingest import nagios

router = APIRouter(tags=["ingest"], responses=RESPONSES)


@router.post("/v1/ingest/nagios", response_model=Taken, openapi_extra=BODY)
async def notification(request: Request, ctx: Reader, state: State) -> dict[str, Any]:
    """Take one notification of a host or a service; 2xx only after the commit."""
    return (await hear(request, ctx, state, nagios.read, "nagios")).taken
