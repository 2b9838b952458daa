"""Other tools' own interfaces over HTTP, one file each."""

from __future__ import annotations

from fastapi import APIRouter

from warroom.api.dialects import (
    cloudevents,
    mappings,
    nagios,
    opsgenie,
    pagerduty,
    rehearsal,
)

router = APIRouter()
for door in (pagerduty, opsgenie, nagios, cloudevents, mappings, rehearsal):
    router.include_router(door.router)
