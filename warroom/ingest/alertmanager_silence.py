"""A silence as Alertmanager's API v2 posts it; amtool, Karma and Grafana write it alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from warroom.domain.silence import MAX_MATCHERS, Matcher
from warroom.ingest.common import read_object, read_text, read_time, wrong
from warroom.ingest.json_body import read_json


@dataclass(frozen=True, slots=True)
class PostedSilence:
    """What was asked for; ``id`` names the one to change, None for a new one."""

    id: UUID | None
    matchers: tuple[Matcher, ...]
    starts_at: datetime | None
    ends_at: datetime | None
    created_by: str
    comment: str


def parse(body: bytes) -> PostedSilence:
    """Read one silence; times of the year 1 mean that none is given.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    raw = read_object(read_json(body), "")
    matchers = raw.get("matchers")
    if not isinstance(matchers, list) or len(matchers) > MAX_MATCHERS:
        raise wrong("matchers", f"a list of at most {MAX_MATCHERS}")
    return PostedSilence(
        _id(raw.get("id")),
        tuple(_matcher(m, f"matchers[{place}]") for place, m in enumerate(matchers)),
        read_time(raw.get("startsAt"), "startsAt"),
        read_time(raw.get("endsAt"), "endsAt"),
        read_text(raw.get("createdBy"), "createdBy"),
        read_text(raw.get("comment"), "comment"),
    )


def _id(value: Any) -> UUID | None:
    text = read_text(value, "id")
    try:
        return UUID(text) if text else None
    except ValueError:
        raise wrong("id", "the id of a silence") from None


def _matcher(value: Any, path: str) -> Matcher:
    raw = read_object(value, path)
    name = read_text(raw.get("name"), f"{path}.name")
    if not name:
        raise wrong(f"{path}.name", "the name of a label")
    return Matcher(
        name,
        read_text(raw.get("value"), f"{path}.value"),
        _flag(raw.get("isRegex"), f"{path}.isRegex", default=False),
        _flag(raw.get("isEqual"), f"{path}.isEqual", default=True),
    )


def _flag(value: Any, path: str, *, default: bool) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise wrong(path, "true or false")
    return value
