"""``POST /api/v2/alerts`` as Prometheus and amtool speak it: a list of alerts.

There is no status: an end in the past means resolved, one in the future is how long the sender
wants to be believed without repeating itself, none at all means the default of five minutes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from warroom.domain.alert import AlertState, IncomingAlert, firing_or_over
from warroom.errors import InvalidInput
from warroom.ingest.common import (
    IngestOptions,
    Times,
    build_alert,
    read_alerts,
    read_object,
    read_time,
)
from warroom.ingest.json_body import read_json


def parse(body: bytes, options: IngestOptions, now: datetime) -> tuple[IncomingAlert, ...]:
    """Translate one request.

    All or nothing, where Alertmanager stores the valid ones and answers 400 all the same: a body
    that was refused is kept whole, and the sender repeats what still fires.

    Args:
        body: the request's body, decompressed.
        options: how the source is read.
        now: our clock; decides what is past, and stands in for times that are not given.

    Returns:
        The alerts in the order sent.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault, e.g. ``[3].endsAt``.
    """
    alerts = read_alerts(read_json(body), "")
    return tuple(_alert(alert, f"[{index}]", options, now) for index, alert in enumerate(alerts))


def _alert(value: Any, path: str, options: IngestOptions, now: datetime) -> IncomingAlert:
    raw = read_object(value, path)
    starts = read_time(raw.get("startsAt"), path, ".startsAt")
    ends = read_time(raw.get("endsAt"), path, ".endsAt")
    if starts is not None and ends is not None and ends < starts:
        raise InvalidInput(f"{path}.endsAt is before startsAt.", field=f"{path}.endsAt")
    return build_alert(raw, path, _times(starts, ends, options, now), "", options)


def _times(
    starts: datetime | None, ends: datetime | None, options: IngestOptions, now: datetime
) -> Times:
    """Work out the lifetime from the two ends, as Alertmanager does."""
    state = firing_or_over(ends, now)
    if state is AlertState.RESOLVED:
        # Without a beginning it is no late message of an older episode: it ends what fires.
        return Times(state, starts or ends or now, ends, None, ends_any=starts is None)
    return Times(state, starts or now, None, ends or now + options.resolve_timeout)
