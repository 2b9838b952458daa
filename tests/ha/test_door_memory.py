"""Ten times what can be stored: memory stays flat, critical sources are served, nothing is lost.

The senders are processes of the test; the API is one of its own, so that its memory is its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from tests.console.live import LiveRoom, free_port
from tests.pgfixtures import TestDatabase
from warroom.db import migrate

WARM_S, RUN_S = 8.0, 24.0
SENDERS = 32
PER_BODY = 400
AGAIN_S = 1.0
"""Half of what Retry-After asks for: with 32 senders still over ten thousand alerts a second."""


@dataclass
class Told:
    """What senders were told: status -> how often, and how long the critical ones waited."""

    ordinary: dict[int, int] = field(default_factory=dict)
    critical: dict[int, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)


def body(source: str, number: int, alerts: int) -> bytes:
    """Return a webhook of alerts that are all new."""
    made = [
        {
            "status": "firing",
            "labels": {"alertname": f"{source}-{number}-{n}", "service": f"svc{n % 50}",
                       "severity": "warning", "instance": f"host{n}"},
            "annotations": {"summary": "x" * 200},
            "startsAt": "2026-01-01T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
        }
        for n in range(alerts)
    ]  # fmt: skip
    return json.dumps({
        "version": "4", "groupKey": "g", "status": "firing", "receiver": "r", "groupLabels": {},
        "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0,
        "alerts": made,
    }).encode()  # fmt: skip


async def storm(
    http: httpx.AsyncClient, token: str, which: int, told: Told, ends_at: float
) -> None:
    """Send as fast as the API answers, and the same again soon when it refuses."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    number = 0
    content = body(f"o{which}", number, PER_BODY)
    while time.monotonic() < ends_at:
        try:
            answer = await http.post("/v1/ingest/alertmanager", content=content, headers=headers)
        except httpx.TransportError:
            told.ordinary[0] = told.ordinary.get(0, 0) + 1
            continue
        told.ordinary[answer.status_code] = told.ordinary.get(answer.status_code, 0) + 1
        if answer.status_code == 200:
            number += 1
            content = body(f"o{which}", number, PER_BODY)
        else:
            await asyncio.sleep(AGAIN_S)


async def calls(url: str, token: str, told: Told, ends_at: float) -> None:
    """Send one critical alert every half second."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    number = 0
    async with httpx.AsyncClient(base_url=url, timeout=60, headers=headers) as http:
        while time.monotonic() < ends_at:
            begun = time.monotonic()
            content = body("c", number, 1)
            answer = await http.post("/v1/ingest/alertmanager", content=content)
            told.critical[answer.status_code] = told.critical.get(answer.status_code, 0) + 1
            told.waits.append(time.monotonic() - begun)
            if answer.status_code == 200:
                told.acknowledged.add(f"c-{number}-0")
            else:
                told.refusals.append(f"{told.waits[-1]:.1f} s: {answer.text}"[:200])
            number += 1
            await asyncio.sleep(0.5)


@pytest.mark.parametrize("queue_max", [4000])
async def test_memory_is_flat_and_critical_sources_are_served(
    pg18: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queue_max: int
) -> None:
    monkeypatch.setenv("WARROOM_INGEST_QUEUE_MAX", str(queue_max))
    live = LiveRoom(
        pg18, migrate.bootstrap_admin(pg18.conninfo(), "ana"), free_port(), tmp_path / "api.log"
    )
    told, samples = Told(), []
    try:
        live.start_api()
        assert live.process is not None
        api = psutil.Process(live.process.pid)
        tokens = {
            key: str(live.call("POST", "/v1/sources", {"key": key, "lane": key})["token"])
            for key in ("ordinary", "critical")
        }
        begun = time.monotonic()
        ends_at = begun + WARM_S + RUN_S
        limits = httpx.Limits(max_connections=SENDERS)
        async with httpx.AsyncClient(base_url=live.url, timeout=60, limits=limits) as http:
            work = asyncio.gather(
                calls(live.url, tokens["critical"], told, ends_at),
                *(storm(http, tokens["ordinary"], n, told, ends_at) for n in range(SENDERS)),
            )
            while not work.done():
                samples.append((time.monotonic() - begun, api.memory_info().rss / 1e6))
                await asyncio.sleep(0.5)
            await work
        stored = {
            n for (n,) in live.fetch("select name from warroom.alert where left(name, 2) = 'c-'")
        }
    finally:
        if live.process is not None:
            live.kill_api()
    half = WARM_S + RUN_S / 2
    plateau = max(rss for at, rss in samples if WARM_S <= at < half)
    later = max(rss for at, rss in samples if at >= half)
    waits = sorted(told.waits)
    print(
        f"RSS MB: start {samples[0][1]:.0f}, plateau {plateau:.0f}, later {later:.0f};"
        f" ordinary {told.ordinary}, critical {told.critical},"
        f" critical median {waits[len(waits) // 2]:.2f} s, worst {waits[-1]:.2f} s"
    )
    assert told.ordinary.get(503, 0) > told.ordinary.get(200, 0)  # it really was too much
    assert set(told.critical) == {200}, told.refusals
    assert told.acknowledged <= stored
    assert later <= plateau * 1.15
