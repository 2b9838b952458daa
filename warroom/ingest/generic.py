"""Anybody's JSON, by the mapping of its source (:mod:`warroom.ingest.mapping`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from warroom.domain.alert import AlertState, IncomingAlert
from warroom.domain.ids import fingerprint
from warroom.domain.validate import shorten
from warroom.errors import InvalidInput
from warroom.ingest.change_fields import http_link, read_moment
from warroom.ingest.common import MAX_ALERTS, IngestOptions, wrong
from warroom.ingest.json_body import read_json
from warroom.ingest.mapping import MAX_VALUES, REST, Compiled, Expression
from warroom.ingest.spoken import (
    Spoken,
    ToldAlert,
    as_text,
    build_told,
    from_epoch,
    split_details,
)

FIRING = frozenset({"firing", "alerting", "alert", "triggered", "trigger", "open", "opened",
                    "active", "problem", "new", "down", "critical", "warning", "error",
                    "failed", "true", "1"})  # fmt: skip
RESOLVED = frozenset({"resolved", "resolve", "ok", "up", "closed", "close", "recovered",
                      "recovery", "inactive", "cleared", "clear", "normal", "healthy", "success",
                      "passed", "false", "0"})  # fmt: skip


def read(body: bytes, options: IngestOptions, now: datetime, *, mapping: Compiled) -> Spoken:
    """Translate one body, all or nothing.

    Args:
        body: the request's body, decompressed.
        options: how the source is read.
        now: our clock.
        mapping: what is where in it.

    Raises:
        InvalidInput: ``field`` is the alert's place and the field at fault: ``alerts[3].state``.
    """
    return Spoken(alerts=tuple(read_document(read_json(body), options, now, mapping)))


def read_document(
    document: Any, options: IngestOptions, now: datetime, mapping: Compiled
) -> list[IncomingAlert]:
    """Translate a body that has been read already.

    Raises:
        InvalidInput: as ``read``.
    """
    if (gap := mapping.alerts.gap(document)) is not None:
        # Nothing there is not "no alerts": the sender's JSON is another than the mapping's author
        # thought, and a 2xx would lose what it says.
        raise InvalidInput(
            f"The mapping looks for alerts in {shorten(gap, 80)!a}, and the body has nothing there"
            " that can be read.",
            field="body",
            remedy="`warroom ingest test FILE --as SOURCE` shows what a mapping makes of a body.",
        )
    found = mapping.alerts.every(document, document)
    if len(found) > MAX_ALERTS:
        raise wrong("body", f"at most {MAX_ALERTS:,} alerts", "Send it in several parts.")
    many = len(found) > 1
    return [
        _alert(document, item, f"alerts[{place}]" if many else "alert", options, now, mapping)
        for place, item in enumerate(found)
    ]


def _alert(
    body: Any, item: Any, path: str, options: IngestOptions, now: datetime, mapping: Compiled
) -> IncomingAlert:
    if not isinstance(item, dict | list):
        raise wrong(path, "an object")
    said = {name: one.text(body, item) for name, one in mapping.fields.items()}
    labels, more = _named(mapping.labels, body, item)
    annotations, extra = _named(mapping.annotations, body, item)
    annotations = more | extra | annotations
    name = said.get("name") or said.get("summary") or ""
    if not name:
        raise wrong(f"{path}.name", "a text: the mapping's name and summary find nothing")
    labels.setdefault("alertname", shorten(" ".join(name.split()), 200))
    word = said.get("severity", "")
    if word:
        labels["severity"] = word
    service = said.get("service", "")
    if service:
        labels["service"] = service
    state = _state(said.get("state", ""), path)
    starts = _moment(said.get("starts_at", ""), f"{path}.starts_at")
    ends = _moment(said.get("ends_at", ""), f"{path}.ends_at")
    if "state" not in mapping.fields and ends is not None and ends <= now:
        state = AlertState.RESOLVED
    key = said.get("key", "")
    if "key" in mapping.fields and not key:
        raise wrong(f"{path}.key", "a text: the mapping's key finds nothing")
    expires = timedelta(seconds=mapping.expires_after_s) if mapping.expires_after_s else None
    told = ToldAlert(
        # What says how bad it is must not tell two alerts apart.
        fingerprint=fingerprint({"key": key})
        if key
        else fingerprint({n: v for n, v in labels.items() if n != "severity"}),
        name=name,
        summary=said.get("summary", ""),
        description=said.get("description", ""),
        labels=labels,
        annotations=annotations | ({"key": key} if key else {}),
        state=state,
        starts_at=starts,
        ends_at=ends,
        expires_at=now + expires if expires else None,
        url=http_link(said.get("url", "")),
        fallbacks=("service",),
        severity_label="severity" if word else "",
        raw=item if isinstance(item, dict) else {},
    )
    return build_told(told, path, options, now)


def _named(
    entries: dict[str, Expression] | Any, body: Any, item: Any
) -> tuple[dict[str, str], dict[str, str]]:
    """Return (what fits a label, what does not) of the named entries and of all of an object."""
    short: dict[str, str] = {}
    long: dict[str, str] = {}
    rest: Expression | None = entries.get(REST)
    if rest is not None and rest.path is not None:
        for value in rest.path.every(body, item, MAX_VALUES):
            if isinstance(value, dict):
                short, long = split_details(value)
    for name, one in entries.items():
        if name != REST and (text := one.text(body, item)):
            short[name] = text
    return short, long


def _state(text: str, path: str) -> AlertState:
    word = text.casefold()
    if not word or word in FIRING:
        return AlertState.FIRING
    if word in RESOLVED:
        return AlertState.RESOLVED
    raise InvalidInput(
        f"{path}.state says {shorten(as_text(text), 60)!a}, which is neither firing nor resolved.",
        field=f"{path}.state",
        remedy='Say what it means in the mapping: fields.state = {path = "…", values = {…}}',
    )


def _moment(text: str, path: str) -> datetime | None:
    """Return a moment as RFC 3339 or as a Unix time in seconds or milliseconds."""
    if text and text.replace(".", "", 1).isdigit() and len(text) <= 20:
        return from_epoch(float(text))
    return read_moment(text, path)
