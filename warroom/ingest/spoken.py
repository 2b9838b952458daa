"""What a message says, where it may say more than "these alerts fire or are over".

Some dialects end an alert by its key alone, and some pass on remarks (somebody acknowledged it, a
downtime began) that change no alert.  A reader of such a dialect returns ``Spoken``; what an ending
does not repeat is filled in from the stored alert before the rules see it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from warroom.domain.alert import AlertState, IncomingAlert
from warroom.domain.validate import shorten
from warroom.ingest.common import (
    MAX_NAME,
    MAX_SUMMARY,
    IngestOptions,
    Times,
    build_alert,
)

MAX_REMARK = 2_000
LONGEST_LABEL = 200
_LATEST_EPOCH_S = 32_503_680_000  # the year 3000; beyond it a number counts milliseconds


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an alert that is named by its fingerprint only."""

    fingerprint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Remark:
    """What a source says about an alert without changing it: ``acknowledged by ana``."""

    fingerprint: str
    text: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message: alerts that are told whole, endings, remarks; ``key`` is the sender's own."""

    alerts: tuple[IncomingAlert, ...] = ()
    endings: tuple[Ending, ...] = ()
    remarks: tuple[Remark, ...] = ()
    key: str = ""


Reader = Callable[[bytes, IngestOptions, datetime], Spoken]
"""Body, how the source is read, our clock → what it says.  Raises InvalidInput."""


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """What a dialect has read of one alert, before anything is cut.

    ``fallbacks`` are labels that name the service when none of the configured ones does.
    ``severity_label`` is the label whose word is judged; empty for the configured one.
    """

    fingerprint: str
    name: str
    summary: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    description: str = ""
    state: AlertState = AlertState.FIRING
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    expires_at: datetime | None = None
    url: str = ""
    fallbacks: tuple[str, ...] = ()
    severity_label: str = ""
    raw: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def build_told(told: ToldAlert, path: str, options: IngestOptions, now: datetime) -> IncomingAlert:
    """Return the alert with everything bounded, by the rules that all dialects share.

    Raises:
        InvalidInput: it has no label at all.
    """
    labels = {name: text for name, text in told.labels.items() if name and text}
    annotations = {name: text for name, text in told.annotations.items() if name and text}
    if told.description:
        annotations["description"] = told.description
    reading = replace(
        options,
        service_labels=(*options.service_labels, *told.fallbacks),
        severity_label=told.severity_label or options.severity_label,
    )
    shared = {"labels": labels, "annotations": annotations, "generatorURL": told.url}
    alert = build_alert(shared, path, _times(told, now), told.fingerprint, reading)
    name = " ".join(told.name.split()) or alert.name
    summary = " ".join(told.summary.split()) or name
    return replace(
        alert,
        name=shorten(name, MAX_NAME),
        summary=shorten(summary, MAX_SUMMARY),
        raw=told.raw or shared,
    )


def _times(told: ToldAlert, now: datetime) -> Times:
    """Return a lifetime that can be: no end before the start, and none ahead of our clock."""
    starts = told.starts_at or now
    if told.state is AlertState.FIRING:
        return Times(told.state, min(starts, now), None, told.expires_at)
    ends = min(told.ends_at or now, now)
    starts = min(told.starts_at or ends, ends)
    return Times(told.state, starts, ends, None)


def split_details(values: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return a sender's own fields as (labels, annotations): short words, and all the rest.

    Labels are what rules look at, so only what fits on a line becomes one.
    """
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for name, value in values.items():
        text = as_text(value)
        if not name or not text.strip():
            continue
        short = not isinstance(value, dict | list) and len(text) <= LONGEST_LABEL
        (labels if short and "\n" not in text else annotations)[name] = text
    return labels, annotations


def as_text(value: Any) -> str:
    """Return a JSON value as a text: strings as they are, null as nothing, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def from_epoch(number: float) -> datetime | None:
    """Return the moment of a Unix time in seconds, or in milliseconds where it is that large."""
    seconds = number / 1000 if number > _LATEST_EPOCH_S else number
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
