"""The alerts that the ingest figures send: what Prometheus posts for hosts of some services."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

SERVICES = 100
SEVERITIES = ("critical", "warning", "error", "info")
_BEGUN = datetime.now(UTC) - timedelta(minutes=2)


def one(number: int, prefix: str) -> dict[str, Any]:
    """Return alert ``number``; no two numbers and no two prefixes have the same labels."""
    service = number % SERVICES
    return {
        "labels": {
            "alertname": f"HighLatency{number % 7}",
            "service": f"service-{service:03}",
            "severity": SEVERITIES[number % len(SEVERITIES)],
            "instance": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:9100",
            "job": "node",
            "cluster": "eu-1",
            "run": prefix,
        },
        "annotations": {
            "summary": f"latency of service-{service:03} is over 2 s",
            "description": "The 99th percentile of the last five minutes is over its objective.",
        },
        "startsAt": (_BEGUN + timedelta(milliseconds=number)).isoformat(),
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=latency&g0.tab=1",
    }


def posts(count: int, each: int, prefix: str) -> list[bytes]:
    """Return bodies for ``/api/v2/alerts`` with ``count`` alerts in all, ``each`` a body."""
    return [
        json.dumps([one(n, prefix) for n in range(begin, min(begin + each, count))]).encode()
        for begin in range(0, count, each)
    ]
