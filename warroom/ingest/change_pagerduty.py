"""PagerDuty's change events (Events API v2, ``POST /v2/change/enqueue``).

Source: PagerDuty, "Send change event".  ``payload.source`` is the service, unless
``custom_details`` has ``service``.  The format has no identifier: what is the same in summary,
time, source and links is one change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from warroom.domain.change import ChangeKind, ChangeStatus, IncomingChange
from warroom.domain.ids import fingerprint
from warroom.ingest.change_fields import Told, build, read_flag, read_moment, read_services
from warroom.ingest.common import read_object, read_text, wrong
from warroom.ingest.json_body import read_json


def routing_key(body: bytes) -> str:
    """Return the key by which a sender without our token names itself; empty when there is none.

    Raises:
        InvalidInput: the body is no JSON object.
    """
    found = read_object(read_json(body), "").get("routing_key")
    return found if isinstance(found, str) else ""


def parse(body: bytes, _headers: Mapping[str, str], now: datetime) -> tuple[IncomingChange, ...]:
    """Translate one change event.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    message = read_object(read_json(body), "")
    payload = read_object(message.get("payload"), "payload")
    summary = read_text(payload.get("summary"), "payload.summary")
    if not summary.strip():
        raise wrong("payload.summary", "a text")
    source = read_text(payload.get("source"), "payload.source")
    details = payload.get("custom_details")
    own: dict[str, Any] = details if isinstance(details, dict) else {}
    at = read_moment(payload.get("timestamp"), "payload.timestamp")
    links = message.get("links") or []
    if not isinstance(links, list):
        raise wrong("links", "a list")
    hrefs = [
        read_text(read_object(link, f"links[{i}]").get("href"), f"links[{i}].href")
        for i, link in enumerate(links)
    ]
    services = tuple(
        s for s in read_services(own.get("service"), "payload.custom_details.service") if s.strip()
    )
    told = Told(
        dedup_key="pagerduty:" + fingerprint({
            "summary": summary, "source": source, "links": json.dumps(hrefs),
            "timestamp": at.isoformat() if at else "",
            "service": ",".join(services),
        }),
        kind=_kind(own.get("kind")),
        status=ChangeStatus.SUCCEEDED,
        title=summary,
        services=services or (source,),
        at=at,
        status_at=at,
        environment=_text(own, "environment"),
        region=_text(own, "region"),
        release=_text(own, "version"),
        by=_text(own, "user") or _text(own, "author"),
        link=next(iter(hrefs), ""),
        approved_by=_text(own, "approved_by"),
        approval_ref=_text(own, "approval"),
        emergency=read_flag(own.get("emergency"), "payload.custom_details.emergency"),
        labels=own,
    )  # fmt: skip
    return (build(told, now),)


def _text(values: Mapping[str, Any], key: str) -> str:
    found = values.get(key)
    return found if isinstance(found, str) else ""


def _kind(value: object) -> ChangeKind:
    known = isinstance(value, str) and value in set(ChangeKind)
    return ChangeKind(str(value)) if known else ChangeKind.DEPLOY
