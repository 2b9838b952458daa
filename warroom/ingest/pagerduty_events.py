"""PagerDuty's Events API v2 (``POST /v2/enqueue``): trigger, acknowledge, resolve.

Source: PagerDuty, "Send an alert event" and its published OpenAPI document.  An alert is known by
its ``dedup_key`` within the source that the routing key stands for; the fingerprint is a digest of
it, because a key may be any text of up to 255 characters.  A trigger begins when it comes: one
behind a resolve is a new episode whatever ``timestamp`` says.  Service: a configured label among
``custom_details``, else ``group``, ``component``, ``source``.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from warroom.domain.ids import fingerprint
from warroom.errors import InvalidInput
from warroom.ingest.change_fields import http_link
from warroom.ingest.common import IngestOptions, read_object, read_text, wrong
from warroom.ingest.json_body import read_json
from warroom.ingest.spoken import (
    Ending,
    Remark,
    Spoken,
    ToldAlert,
    as_text,
    build_told,
    split_details,
)

MAX_BYTES = 512 * 1024
"""The most that PagerDuty takes, and so do we."""
MAX_KEY = 255
SEVERITIES = ("critical", "error", "warning", "info")
ACTIONS = ("trigger", "acknowledge", "resolve")
HIDDEN = "[the token]"


def read(body: bytes, options: IngestOptions, now: datetime, *, new_key: str = "") -> Spoken:
    """Translate one event.

    Args:
        body: the request's body, decompressed.
        options: how the source is read.
        now: our clock.
        new_key: the ``dedup_key`` of a trigger that brings none.

    Returns:
        An alert, an ending or a remark, and the event's ``dedup_key``.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    message = read_object(read_json(body), "")
    action = read_text(message.get("event_action"), "event_action")
    if action not in ACTIONS:
        raise wrong("event_action", f"one of {', '.join(ACTIONS)}")
    key = _key(message, action, new_key)
    mark = mark_of(key)
    if action == "resolve":
        return Spoken(endings=(Ending(mark, now),), key=key)
    if action == "acknowledge":
        who = read_text(message.get("client"), "client")
        by = f" by {who}" if who else ""
        return Spoken(remarks=(Remark(mark, f"was acknowledged{by} at its source"),), key=key)
    told = _trigger(message, key, mark)
    return Spoken(alerts=(build_told(told, "payload", options, now),), key=key)


def mark_of(key: str) -> str:
    """Return the fingerprint of a ``dedup_key``."""
    return fingerprint({"pagerduty dedup_key": key})


def without_key(body: bytes) -> bytes:
    """Return the body without the routing key: it is our token, which nobody may read."""
    try:
        message = read_object(read_json(body), "")
    except InvalidInput:
        return body
    key = message.get("routing_key")
    if not isinstance(key, str) or not key:
        return body
    if (plain := key.encode()) in body:
        return body.replace(plain, HIDDEN.encode())
    # Written with escapes, it cannot be cut out of the text as it came.
    return json.dumps(message | {"routing_key": HIDDEN}, ensure_ascii=False).encode()


def _key(message: dict[str, Any], action: str, new_key: str) -> str:
    key = read_text(message.get("dedup_key"), "dedup_key")
    if not key and action == "trigger":
        key = new_key
    if not key:
        raise wrong("dedup_key", f"a text where event_action is {action}")
    if len(key) > MAX_KEY:
        raise wrong("dedup_key", f"at most {MAX_KEY} characters")
    return key


def _trigger(message: dict[str, Any], key: str, mark: str) -> ToldAlert:
    payload = read_object(message.get("payload"), "payload")
    summary = _required(payload, "summary")
    source = _required(payload, "source")
    word = _required(payload, "severity").lower()
    if word not in SEVERITIES:
        raise wrong("payload.severity", f"one of {', '.join(SEVERITIES)}")
    details = payload.get("custom_details")
    labels, annotations = (
        split_details(details)
        if isinstance(details, dict)
        else ({}, {"custom_details": as_text(details)})
    )
    parts = {
        name: read_text(payload.get(name), f"payload.{name}")
        for name in ("component", "group", "class")
    }
    labels |= {"source": source, "severity": word} | parts
    client = read_text(message.get("client"), "client")
    url = http_link(read_text(message.get("client_url"), "client_url"))
    links = _links(message.get("links"), "links", "href", "text")
    images = _links(message.get("images"), "images", "src", "alt")
    annotations |= {
        "client": client,
        "dedup_key": key,
        "timestamp": as_text(payload.get("timestamp")),
        "links": "\n".join(links),
        "images": "\n".join(images),
    }
    return ToldAlert(
        fingerprint=mark,
        name=labels.get("alertname", "") or parts["class"] or summary,
        summary=summary,
        labels=labels,
        annotations=annotations,
        url=url or next((link.split(" ")[0] for link in links), ""),
        fallbacks=("group", "component", "source"),
        severity_label="severity",
        raw={name: value for name, value in message.items() if name != "routing_key"},
    )


def _required(payload: dict[str, Any], name: str) -> str:
    text = read_text(payload.get(name), f"payload.{name}")
    if not text.strip():
        raise wrong(f"payload.{name}", "a text")
    return text


def _links(value: Any, path: str, address: str, about: str) -> list[str]:
    """Return the addresses that a browser may open, each with what it is about behind it."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong(path, "a list")
    found: list[str] = []
    for index, item in enumerate(value):
        entry = read_object(item, f"{path}[{index}]")
        link = http_link(read_text(entry.get(address), f"{path}[{index}].{address}"))
        text = " ".join(read_text(entry.get(about), f"{path}[{index}].{about}").split())
        if link:
            found.append(f"{link} {text}".strip())
    return found
