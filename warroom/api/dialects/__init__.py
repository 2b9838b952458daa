"""Other tools' own interfaces over HTTP, one file each."""

from __future__ import annotations

from warroom.api.dialects import (
    cloudevents,
    mappings,
    nagios,
    opsgenie,
    pagerduty,
    rehearsal,
)

ROUTERS = tuple(
    door.router for door in (pagerduty, opsgenie, nagios, cloudevents, mappings, rehearsal)
)
