"""Changes in war room's own JSON, for whatever has no dialect: one object, or ``{"changes": […]}``.

Fields: id, kind, status, title, service or services, at, status_at, ended_at, environment,
production, region, version, by, link, approved_by, approval, emergency, labels.  Required are a
service and a title; unknown fields are refused, so that a slip of the pen is not silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from warroom.domain.change import ChangeKind, ChangeStatus, IncomingChange
from warroom.domain.ids import fingerprint
from warroom.errors import InvalidInput
from warroom.ingest.change_fields import (
    Told,
    build,
    read_flag,
    read_moment,
    read_number,
    read_services,
)
from warroom.ingest.common import read_object, read_text, wrong
from warroom.ingest.json_body import read_json, step

MAX_CHANGES = 500
FIELDS = frozenset(
    {"id", "kind", "status", "title", "service", "services", "at", "status_at", "ended_at",
     "environment", "production", "region", "version", "by", "link", "approved_by", "approval",
     "emergency", "labels"}
)  # fmt: skip
Choice = TypeVar("Choice", ChangeKind, ChangeStatus)


def parse(body: bytes, _headers: Mapping[str, str], now: datetime) -> tuple[IncomingChange, ...]:
    """Translate one body, all or nothing.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    message = read_object(read_json(body), "")
    if "changes" not in message:
        return (read_change(message, "", now),)
    if set(message) != {"changes"}:
        raise wrong("changes", "alone, or the fields of one change without it")
    found = message["changes"]
    if not isinstance(found, list):
        raise wrong("changes", "a list")
    if len(found) > MAX_CHANGES:
        raise wrong("changes", f"at most {MAX_CHANGES} changes", "Send it in several parts.")
    return tuple(
        read_change(read_object(one, f"changes[{i}]"), f"changes[{i}]", now)
        for i, one in enumerate(found)
    )


def read_change(raw: Mapping[str, Any], path: str, now: datetime) -> IncomingChange:
    """Translate one change.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    where = f"{path}." if path else ""
    if unknown := sorted(set(raw) - FIELDS):
        place = f"{path}{step(unknown[0])}".removeprefix(".")
        raise InvalidInput(
            f"{place} is no field of a change.", field=place,
            remedy=f"Fields are {', '.join(sorted(FIELDS))}.",
        )  # fmt: skip

    def text(name: str) -> str:
        return read_text(raw.get(name), where + name)

    title = text("title")
    if not title.strip():
        raise wrong(f"{where}title", "a text")
    services = read_services(raw.get("service"), f"{where}service")
    services += read_services(raw.get("services"), f"{where}services")
    at = read_moment(raw.get("at"), f"{where}at")
    production = raw.get("production")
    if production is not None:
        production = read_flag(production, f"{where}production")
    labels = read_object(raw.get("labels") or {}, f"{where}labels")
    own = read_number(raw.get("id"), f"{where}id")
    told = Told(
        # Without an identifier, what says the same is the same.
        dedup_key=own or "own:" + fingerprint(
            {"title": title, "services": "\0".join(services), "version": text("version"),
             "environment": text("environment"), "at": at.isoformat() if at else ""}
        ),
        kind=_choice(raw.get("kind"), ChangeKind.DEPLOY, f"{where}kind"),
        status=_choice(raw.get("status"), ChangeStatus.SUCCEEDED, f"{where}status"),
        title=title,
        services=services,
        at=at,
        status_at=read_moment(raw.get("status_at"), f"{where}status_at")
        or read_moment(raw.get("ended_at"), f"{where}ended_at"),
        ended_at=read_moment(raw.get("ended_at"), f"{where}ended_at"),
        environment=text("environment"),
        production=production,
        region=text("region"),
        release=text("version"),
        by=text("by"),
        link=text("link"),
        approved_by=text("approved_by"),
        approval_ref=text("approval"),
        emergency=read_flag(raw.get("emergency"), f"{where}emergency"),
        labels=labels,
    )  # fmt: skip
    return build(told, now, path)


def _choice(value: Any, default: Choice, path: str) -> Choice:
    if value is None:
        return default
    kind = type(default)
    if not isinstance(value, str) or value not in set(kind):
        raise wrong(path, f"one of {', '.join(kind)}")
    return kind(value)
