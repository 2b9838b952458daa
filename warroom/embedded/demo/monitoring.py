"""The demo's monitoring: alerts as Alertmanager and Prometheus send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from warroom.client import Client
from warroom.embedded.demo.data import Alerts

ZERO_TIME = "0001-01-01T00:00:00Z"
STILL_FIRING = timedelta(minutes=30)
"""How long an alert of the v2 door fires without being repeated: longer than any of the script."""


async def send(monitoring: Client, burst: Alerts, started: datetime, *, over: bool) -> None:
    """Send all alerts of a burst in one post; ``over`` says that they have ended."""
    alerts = [_alert(burst, index, started, over=over) for index in range(1, burst.count + 1)]
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


def _alert(burst: Alerts, index: int, started: datetime, *, over: bool) -> dict[str, Any]:
    now = datetime.now(UTC)
    ends = now.isoformat() if over else ZERO_TIME
    if burst.door == "v2" and not over:
        ends = (now + STILL_FIRING).isoformat()
    host = f"{burst.host}-{index}"
    return {
        "status": "resolved" if over else "firing",
        "labels": {
            "alertname": burst.name,
            "service": burst.service,
            "severity": burst.severity,
            "instance": host,
        },
        "annotations": {"summary": burst.text if burst.count == 1 else f"{burst.text} ({host})"},
        "startsAt": started.isoformat(),
        "endsAt": ends,
        "generatorURL": f"http://monitoring.example/graph?g0.expr={burst.name}",
    }
