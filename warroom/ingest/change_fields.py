"""What the dialects of changes share: bounded texts, links, services, times, and one builder.

As with alerts: what cannot be understood is refused naming the path, what is merely too much is
cut and ``notes`` says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from warroom.domain.change import ChangeKind, ChangeStatus, IncomingChange
from warroom.domain.ids import fingerprint
from warroom.domain.validate import CLOCK_TOLERANCE, EARLIEST, shorten
from warroom.errors import InvalidInput
from warroom.ingest.common import read_text, read_time, wrong

MAX_KEY = 300
MAX_TITLE = 300
MAX_ENVIRONMENT = 100
MAX_REGION = 63
MAX_RELEASE = 200
MAX_BY = 200
MAX_LINK = 2000
MAX_REF = 500
MAX_SERVICE = 200
MAX_SERVICES = 50
MAX_LABELS = 40
MAX_LABEL_NAME = 100
MAX_LABEL_VALUE = 400

ChangeParser = Callable[[bytes, Mapping[str, str], datetime], tuple[IncomingChange, ...]]
"""Body, headers by small names, our clock → changes, none for a message that tells of none."""

_SPACED = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) "
    r"(?:UTC|([+-][0-9]{2}):?([0-9]{2}))"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a dialect has read of one change, before anything is cut."""

    dedup_key: str
    kind: ChangeKind
    status: ChangeStatus
    title: str
    services: tuple[str, ...]
    at: datetime | None
    status_at: datetime | None
    ended_at: datetime | None = None
    environment: str = ""
    production: bool | None = None
    region: str = ""
    release: str = ""
    by: str = ""
    link: str = ""
    approved_by: str = ""
    approval_ref: str = ""
    emergency: bool = False
    labels: Mapping[str, Any] | None = None


def one_line(text: str, longest: int) -> str:
    """Return text on one line, cut to ``longest`` characters."""
    return shorten(" ".join(text.split()), longest)


def http_link(text: str) -> str:
    """Return an address that a browser may open, empty for everything else (no javascript:)."""
    link = text.strip()
    if len(link) > MAX_LINK or any(ord(c) <= 32 or 127 <= ord(c) < 160 for c in link):
        return ""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    return link if parts.scheme.lower() in ("http", "https") and parts.netloc else ""


def read_flag(value: Any, path: str) -> bool:
    """Return a boolean; false for null or a missing field.

    Raises:
        InvalidInput: it is something else.
    """
    if value is None:
        return False
    if not isinstance(value, bool):
        raise wrong(path, "true or false")
    return value


def read_number(value: Any, path: str) -> str:
    """Return an identifier, a whole number or a text, as text; empty for null.

    Raises:
        InvalidInput: it is something else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return read_text(value, path)


def read_moment(value: Any, path: str) -> datetime | None:
    """Return a moment as RFC 3339 or GitLab (``2021-04-28 21:50:00 +0200``) writes it.

    Raises:
        InvalidInput: not a time.
    """
    text = read_text(value, path)
    if match := _SPACED.fullmatch(text):
        zone = f"{match[3]}:{match[4]}" if match[3] else "Z"
        text = f"{match[1]}T{match[2]}{zone}"
    return read_time(text, path)


def read_services(value: Any, path: str) -> tuple[str, ...]:
    """Return service names out of a text (commas between) or a list of texts.

    Raises:
        InvalidInput: it is something else.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(value.split(","))
    if not isinstance(value, list):
        raise wrong(path, "a text or a list of texts")
    return tuple(read_text(name, f"{path}[{index}]") for index, name in enumerate(value))


def build(told: Told, now: datetime, path: str = "") -> IncomingChange:
    """Return the change with everything bounded; times that cannot be become ``now``.

    Raises:
        InvalidInput: it names no service, has no title, or no identifier.
    """
    where = f"{path}." if path else ""
    services = _services(told.services)
    if not services:
        raise InvalidInput(
            f"{where}service names no service.",
            field=f"{where}service",
            remedy="Say which service is changed.",
        )
    notes: list[str] = []
    if len(services) > MAX_SERVICES:
        notes.append(f"{len(services) - MAX_SERVICES} of {len(services)} services left out")
    key = told.dedup_key.strip()
    if not key:
        raise wrong(f"{where}id", "a text or a number that stays the same in all its messages")
    if len(key) > MAX_KEY:  # two long keys that differ in their tails stay two changes
        key = f"{key[: MAX_KEY - 33]}-{fingerprint({'key': key})}"
    at = _moment(told.at or told.status_at, now)
    return IncomingChange(
        dedup_key=key,
        kind=told.kind,
        status=told.status,
        title=one_line(told.title, MAX_TITLE) or f"{told.kind} of {services[0]}"[:MAX_TITLE],
        services=services[:MAX_SERVICES],
        at=at,
        status_at=_moment(told.status_at or told.at, now),
        ended_at=_moment(told.ended_at, now) if told.ended_at else None,
        environment=one_line(told.environment, MAX_ENVIRONMENT),
        production=told.production,
        region=one_line(told.region, MAX_REGION),
        release=one_line(told.release, MAX_RELEASE),
        by=one_line(told.by, MAX_BY),
        link=http_link(told.link),
        approved_by=one_line(told.approved_by, MAX_BY),
        approval_ref=one_line(told.approval_ref, MAX_REF),
        emergency=told.emergency,
        labels=_labels(told.labels or {}, notes),
        notes=tuple(notes),
    )


def _moment(moment: datetime | None, now: datetime) -> datetime:
    """Return a moment that can be: not before 1970, and none that our clock has not reached."""
    if moment is None or moment < EARLIEST:
        return now
    return now if moment > now + CLOCK_TOLERANCE else moment.astimezone(UTC)


def _services(names: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in names:
        key = " ".join(name.split())
        if len(key) > MAX_SERVICE:
            key = f"{key[: MAX_SERVICE - 17]}-{fingerprint({'service': key})[:16]}"
        if key:
            found[key] = None
    return tuple(found)


def _labels(values: Mapping[str, Any], notes: list[str]) -> dict[str, str]:
    """Return what is worth keeping of a sender's own fields: short texts, few."""
    kept: dict[str, str] = {}
    for name in sorted(values):
        value = values[name]
        if value is None or value == "" or len(name) > MAX_LABEL_NAME or not name:
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        kept[name] = one_line(text, MAX_LABEL_VALUE)
    if len(kept) > MAX_LABELS:
        notes.append(f"{len(kept) - MAX_LABELS} of {len(kept)} labels left out")
    return dict(list(kept.items())[:MAX_LABELS])
