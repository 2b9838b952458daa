"""What the demo's machines send: alerts as Alertmanager and Prometheus do, and changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from warroom.client import Client
from warroom.embedded.demo.data import Alerts, Change

ZERO_TIME = "0001-01-01T00:00:00Z"
STILL_FIRING = timedelta(minutes=5)
"""How long an alert of the v2 door is believed beyond its end in the script."""


async def send(
    monitoring: Client,
    burst: Alerts,
    started: datetime,
    *,
    over: bool,
    lasts: timedelta,
    day: int,
) -> None:
    """Send all alerts of a burst in one post.

    Args:
        monitoring: a client with the source's token.
        burst: which.
        started: when they began.
        over: that they have ended.
        lasts: how long the v2 door, which repeats nothing here, is told to believe them.
        day: which day of the demo; alerts of another day are others.
    """
    alerts = [
        _alert(burst, index, started, over=over, lasts=lasts, day=day)
        for index in range(1, burst.count + 1)
    ]
    if burst.door == "v2":
        await monitoring.post_alerts(alerts, dialect="v2")
        return
    await monitoring.post_alerts(
        {
            "version": "4",
            "groupKey": f'{{}}:{{service="{burst.service}"}}',
            "status": "resolved" if over else "firing",
            "receiver": "warroom",
            "groupLabels": {"service": burst.service},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "http://monitoring.example",
            "truncatedAlerts": 0,
            "alerts": alerts,
        }
    )


async def deliver(delivery: Client, change: Change, name: str) -> str:
    """Tell of a change through the public door; return its id.

    Args:
        delivery: a client with the source's token.
        change: which.
        name: its own name there: told again, it is the same change.
    """
    at = datetime.now(UTC) - timedelta(minutes=change.ago)
    taken = await delivery.request(
        "POST",
        "/v1/ingest/changes",
        body={
            "id": name,
            "kind": change.kind,
            "status": "succeeded",
            "title": change.title,
            "service": change.service,
            "version": change.version,
            "by": change.by,
            "at": at.isoformat(),
            "ended_at": at.isoformat(),
            "environment": "production",
            "link": f"https://delivery.example/runs/{change.name}",
            "approved_by": change.approved_by,
        },
    )
    return str(taken["changes"][0]["id"])


def _alert(
    burst: Alerts, index: int, started: datetime, *, over: bool, lasts: timedelta, day: int
) -> dict[str, Any]:
    now = datetime.now(UTC)
    ends = now.isoformat() if over else ZERO_TIME
    if burst.door == "v2" and not over:
        ends = (now + lasts).isoformat()
    host = f"{burst.host}-{index}"
    return {
        "status": "resolved" if over else "firing",
        "labels": {
            "alertname": burst.name,
            "service": burst.service,
            "severity": burst.severity,
            "instance": host,
            "demo_day": str(day),
        },
        "annotations": {"summary": burst.text if burst.count == 1 else f"{burst.text} ({host})"},
        "startsAt": started.isoformat(),
        "endsAt": ends,
        "generatorURL": f"http://monitoring.example/graph?g0.expr={burst.name}",
    }
