"""Alertmanager's webhook, payload version 4: one group of alerts, firing and resolved.

Grafana's is the same with version "1", an ``orgId`` and a few fields more (``grafana.py``).

An alert's own ``status`` is believed.  Alertmanager announces the end, so a firing alert does not
expire unless the source is configured so; its zero ``endsAt`` means not yet.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from warroom.domain.alert import AlertState, IncomingAlert
from warroom.errors import InvalidInput
from warroom.ingest import grafana
from warroom.ingest.common import (
    IngestOptions,
    Times,
    build_alert,
    read_alerts,
    read_labels,
    read_object,
    read_text,
    read_time,
    wrong,
)
from warroom.ingest.json_body import read_json

VERSION = "4"
_TEXTS = ("groupKey", "receiver", "externalURL")
_MAPS = ("groupLabels", "commonLabels", "commonAnnotations")


def parse(body: bytes, options: IngestOptions, now: datetime) -> tuple[IncomingAlert, ...]:
    """Translate one webhook request.

    All or nothing: the first field that cannot be understood refuses the whole, so that the sender
    tries again and the kept body can be looked at.

    Args:
        body: the request's body, decompressed.
        options: how the source is read.
        now: our clock; stands in for times that are not given.

    Returns:
        The alerts in the order sent; the first carries a note when the sender cut the group.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    message = read_object(read_json(body), "")
    from_grafana = grafana.is_grafana(message)
    _check_envelope(message, grafana.VERSION if from_grafana else VERSION)
    alerts = read_alerts(message.get("alerts"), "alerts")
    cut = _truncated(message)
    found = tuple(
        _alert(alert, f"alerts[{index}]", options, now, cut if index == 0 else 0)
        for index, alert in enumerate(alerts)
    )
    if not from_grafana:
        return found
    return tuple(
        replace(alert, annotations={**more, **alert.annotations})
        if (more := grafana.annotations_of(alert.raw, f"alerts[{index}]"))
        else alert
        for index, alert in enumerate(found)
    )


def _check_envelope(message: dict[str, Any], version: str) -> None:
    """Refuse another version; the group's own fields are checked, though we group anew."""
    if message.get("version") != version:
        since = "Grafana's unified alerting sends" if version != VERSION else (
            "Alertmanager has sent since 0.6"
        )  # fmt: skip
        raise InvalidInput(
            f'version must be "{version}", as {since}.',
            field="version",
            remedy="Point a webhook of Alertmanager or Grafana here.",
        )
    for key in _TEXTS:
        read_text(message.get(key), key)
    for key in _MAPS:
        read_labels(message.get(key), key)
    _status(message.get("status"), "status")


def _truncated(message: dict[str, Any]) -> int:
    """Return how many alerts the sender left out of the group (its ``max_alerts``)."""
    cut = message.get("truncatedAlerts", 0)
    if cut is None:
        return 0
    if isinstance(cut, bool) or not isinstance(cut, int) or cut < 0:
        raise wrong("truncatedAlerts", "a whole number, 0 or more")
    return cut


def _status(value: Any, path: str, inside: str = "") -> AlertState:
    if value == AlertState.FIRING:
        return AlertState.FIRING
    if value == AlertState.RESOLVED:
        return AlertState.RESOLVED
    raise wrong(path + inside, '"firing" or "resolved"')


def _alert(value: Any, path: str, options: IngestOptions, now: datetime, cut: int) -> IncomingAlert:
    raw = read_object(value, path)
    state = _status(raw.get("status"), path, ".status")
    starts = read_time(raw.get("startsAt"), path, ".startsAt")
    ends = read_time(raw.get("endsAt"), path, ".endsAt")
    mark = read_text(raw.get("fingerprint"), path, ".fingerprint")
    note = f"the sender left {cut:,} more alerts out of this group (max_alerts)" if cut else ""
    return build_alert(
        raw, path, _times(state, starts, ends, options, now), mark, options, extra_note=note
    )


def _times(
    state: AlertState,
    starts: datetime | None,
    ends: datetime | None,
    options: IngestOptions,
    now: datetime,
) -> Times:
    """Work out the lifetime: a resolved alert always has an end, not before its start or ahead."""
    if state is AlertState.FIRING:
        expiry = now + options.webhook_expiry if options.webhook_expiry else None
        return Times(state, starts or now, None, expiry)
    over = now if ends is None or ends > now else ends
    began = starts or over
    return Times(state, began, max(over, began), None)
