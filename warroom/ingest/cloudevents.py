"""CloudEvents 1.0 over HTTP: structured, binary and batched, in JSON.

Source: CloudEvents specification 1.0.2, its JSON format and its HTTP binding.  A binary message is
first put together as a structured one (``structured``), so that what is kept says all that came.

What an event means is said by the mapping of its source, with paths like ``data.host``.  Without
one this is assumed: ``data`` may have alertname, summary, description, severity, status, service
and labels; an event whose status or the last word of whose type says so (``disk.full.resolved``) is
an end.  An alert is then known by the event's source, subject and type without that word.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from warroom.domain.alert import AlertState, IncomingAlert
from warroom.domain.ids import fingerprint
from warroom.errors import InvalidInput
from warroom.ingest.common import (
    IngestOptions,
    read_alerts,
    read_object,
    read_text,
    read_time,
    wrong,
)
from warroom.ingest.generic import FIRING, RESOLVED, read_document
from warroom.ingest.json_body import read_json
from warroom.ingest.mapping import Compiled
from warroom.ingest.spoken import Spoken, ToldAlert, as_text, build_told, split_details

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
REQUIRED = ("id", "source", "type")
_NAME = re.compile(r"[a-z0-9]{1,64}")
_JSON = re.compile(r"(?:[^;]*/)?(?:[^;/]*\+)?json(?:\s*;.*)?", re.IGNORECASE)
_ENDS = RESOLVED | {"ended", "end", "finished", "restored"}
_BEGINS = FIRING | {"fired", "started", "raised"}


def structured(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return the message as structured or batched JSON, whatever its mode was.

    Args:
        body: the request's body, decompressed.
        headers: by small names.

    Raises:
        InvalidInput: neither a CloudEvents media type nor ``ce-`` headers, or data that is no JSON
            though it says so.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in (STRUCTURED, BATCH):
        return body
    if kind.startswith("application/cloudevents"):
        raise InvalidInput(
            "Of the CloudEvents formats only JSON is read.",
            field="Content-Type",
            remedy=f"Send {STRUCTURED}, {BATCH} or the binary mode.",
        )
    event: dict[str, Any] = {}
    for name, value in headers.items():
        if name.startswith("ce-") and _NAME.fullmatch(name[3:]):
            event[name[3:]] = unquote(value)
    if "specversion" not in event:
        raise InvalidInput(
            "This is no CloudEvent: neither its media type nor ce-specversion says so.",
            field="Content-Type",
            remedy=f"Send {STRUCTURED}, or the headers ce-id, ce-source, ce-type, ce-specversion.",
        )
    if kind:
        event["datacontenttype"] = headers["content-type"]
    if body:
        event |= _data(body, kind)
    return json.dumps(event, ensure_ascii=False).encode()


def read(
    body: bytes, options: IngestOptions, now: datetime, *, mapping: Compiled | None = None
) -> Spoken:
    """Translate a structured event, or a batch of them; all or nothing.

    Args:
        body: as ``structured`` returns it.
        options: how the source is read.
        now: our clock.
        mapping: the source's own, which is applied to each event as a whole.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    document = read_json(body)
    if isinstance(document, list):
        alerts: list[IncomingAlert] = []
        for place, one in enumerate(read_alerts(document, "")):
            alerts += _event(one, f"[{place}]", options, now, mapping)
        return Spoken(alerts=tuple(alerts))
    return Spoken(alerts=tuple(_event(document, "", options, now, mapping)))


def _data(body: bytes, kind: str) -> dict[str, Any]:
    if not kind or _JSON.fullmatch(kind):
        return {"data": read_json(body)}
    try:
        return {"data": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"data_base64": base64.b64encode(body).decode("ascii")}


def _event(
    value: Any, path: str, options: IngestOptions, now: datetime, mapping: Compiled | None
) -> list[IncomingAlert]:
    event = read_object(value, path)
    where = f"{path}." if path else ""
    if read_text(event.get("specversion"), f"{where}specversion") != "1.0":
        raise wrong(f"{where}specversion", '"1.0"')
    for name in REQUIRED:
        if not read_text(event.get(name), f"{where}{name}"):
            raise wrong(f"{where}{name}", "a text that is not empty")
    subject = read_text(event.get("subject"), f"{where}subject")
    at = read_time(event.get("time"), f"{where}time")
    if mapping is not None:
        return read_document(event, options, now, mapping)
    return [_assumed(event, subject, at, path, options, now)]


def _assumed(
    event: dict[str, Any],
    subject: str,
    at: datetime | None,
    path: str,
    options: IngestOptions,
    now: datetime,
) -> IncomingAlert:
    data = event.get("data")
    own: dict[str, Any] = data if isinstance(data, dict) else {}
    stem, state = _meaning(event["type"], as_text(own.get("status") or own.get("state")))
    inner = own.get("labels")
    labels, long = split_details(inner if isinstance(inner, dict) else {})
    plain, more = split_details(
        {n: v for n, v in own.items() if n not in ("labels", "description", "summary")}
    )
    labels = plain | labels
    name = labels.get("alertname", "") or labels.get("name", "") or stem
    summary = as_text(own.get("summary") or own.get("message") or own.get("title"))
    if not own and isinstance(data, str):
        summary = data
    labels |= {"alertname": name, "type": event["type"], "source": event["source"]}
    if subject:
        labels["subject"] = subject
    told = ToldAlert(
        fingerprint=fingerprint({"source": event["source"], "subject": subject, "type": stem}),
        name=name,
        summary=summary or (f"{name}: {subject}" if subject else name),
        description=as_text(own.get("description")),
        labels=labels,
        annotations=long | more | {"event_id": event["id"]},
        state=state,
        starts_at=at if state is AlertState.FIRING else None,
        ends_at=at if state is AlertState.RESOLVED else None,
        url=as_text(own.get("url") or event.get("dataschema")),
        fallbacks=("service", "subject", "source"),
        raw=event,
    )
    return build_told(told, path, options, now)


def _meaning(kind: str, status: str) -> tuple[str, AlertState]:
    """Return the type without the word that says whether it is over, and whether it is."""
    stem, _, last = kind.rpartition(".")
    word = last.casefold()
    told = status.casefold()
    over = told in _ENDS or (told not in _BEGINS and word in _ENDS)
    known = bool(stem) and (word in _ENDS or word in _BEGINS)
    return (stem if known else kind), AlertState.RESOLVED if over else AlertState.FIRING
