"""Nagios and Icinga, as the notification command of ``docs/integrations`` sends their macros.

One flat object a notification; the sender's environment is all texts, so numbers come as texts.
PROBLEM begins or goes on, RECOVERY ends; acknowledgements, flapping, downtimes and custom
notifications change no alert, because the sender itself holds back what they cover: they become
remarks.  An alert is known by host and service.  The states are judged by the table: CRITICAL is 1,
DOWN 2, WARNING 3.  Service: the custom variable ``warroom_service``, else the host.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from warroom.domain.alert import AlertState
from warroom.domain.ids import fingerprint
from warroom.domain.validate import shorten
from warroom.ingest.change_fields import http_link
from warroom.ingest.common import IngestOptions, read_object, read_text, wrong
from warroom.ingest.json_body import read_json
from warroom.ingest.spoken import MAX_REMARK, Remark, Spoken, ToldAlert, build_told, from_epoch

GOOD = ("OK", "UP")
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN", "UP", "DOWN", "UNREACHABLE")
REMARKS = {
    "ACKNOWLEDGEMENT": "was acknowledged",
    "FLAPPINGSTART": "began to flap",
    "FLAPPINGSTOP": "stopped flapping",
    "FLAPPINGEND": "stopped flapping",
    "FLAPPINGDISABLED": "is no longer watched for flapping",
    "DOWNTIMESTART": "went into a downtime",
    "DOWNTIMEEND": "came out of its downtime",
    "DOWNTIMEREMOVED": "had its downtime removed",
    "DOWNTIMECANCELLED": "had its downtime cancelled",
    "CUSTOM": "has a notice",
}
TYPES = ("PROBLEM", "RECOVERY", *REMARKS)
# What a macro without a value looks like after Nagios has not replaced it.
_UNSET = re.compile(r"\$[A-Za-z0-9_.:]+\$")
_NUMBER = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,9})?")
_FIELDS = (
    "notification_type", "host", "host_address", "service", "state", "output", "long_output",
    "author", "comment", "since", "time", "url", "tool", "warroom_service", "groups", "contact",
)  # fmt: skip


def mark_of(host: str, service: str) -> str:
    """Return the fingerprint of a host, or of a service on it."""
    return fingerprint({"nagios host": host, "nagios service": service})


def read(body: bytes, options: IngestOptions, now: datetime) -> Spoken:
    """Translate one notification.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    message = read_object(read_json(body), "")
    said = {name: _said(message, name) for name in _FIELDS}
    kind = said["notification_type"].upper().replace("_", "").replace(" ", "")
    # Icinga 2 says DowntimeStart and FlappingStart, Nagios "FLAPPINGSTART" and "DOWNTIMESTART".
    if kind not in TYPES:
        raise wrong("notification_type", f"one of {', '.join(TYPES)}")
    host, check = said["host"], said["service"]
    if not host:
        raise wrong("host", "a text")
    mark = mark_of(host, check)
    if kind in REMARKS:
        return Spoken(remarks=(Remark(mark, _remark(kind, said)),), key=mark)
    state = said["state"].upper()
    if state not in STATES:
        raise wrong("state", f"one of {', '.join(STATES)}")
    over = kind == "RECOVERY" or state in GOOD
    since = _moment(said["since"]) or _moment(said["time"])
    told = ToldAlert(
        fingerprint=mark,
        name=check or f"host {host}",
        summary=_summary(host, check, state, said["output"]),
        description=said["long_output"],
        labels={
            "alertname": check or "host",
            "host": host,
            "instance": said["host_address"] or host,
            "check": check,
            "state": state,
            "service": said["warroom_service"],
            "groups": said["groups"],
        },
        annotations={"output": said["output"], "tool": said["tool"], "contact": said["contact"]},
        state=AlertState.RESOLVED if over else AlertState.FIRING,
        starts_at=None if over else since,
        ends_at=since if over else None,
        url=http_link(said["url"]),
        fallbacks=("host",),
        severity_label="state",
        raw=message,
    )
    return Spoken(alerts=(build_told(told, "", options, now),), key=mark)


def _said(message: dict[str, Any], name: str) -> str:
    value = message.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    text = read_text(value, name).strip()
    return "" if _UNSET.fullmatch(text) else text


def _moment(text: str) -> datetime | None:
    """Return a Unix time; what is none (a macro of a host that never changed) is left out."""
    return from_epoch(float(text)) if _NUMBER.fullmatch(text) else None


def _summary(host: str, check: str, state: str, output: str) -> str:
    where = f"{host}/{check}" if check else host
    return f"{where} is {state}: {output}" if output else f"{where} is {state}"


def _remark(kind: str, said: dict[str, str]) -> str:
    by = f" by {said['author']}" if said["author"] else ""
    about = f": {said['comment']}" if said["comment"] else ""
    return shorten(" ".join(f"{REMARKS[kind]}{by} at its source{about}".split()), MAX_REMARK)
