"""One new alert arrives sixteen times at once, at two API processes: it is one alert."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from tests.ha.ingest_api import api_processes, number, source_token
from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase

ROUNDS = 200
AT_ONCE = 16
SERVICES = 5


async def test_sixteen_first_arrivals_two_hundred_times(pg18: TestDatabase, tmp_path: Path) -> None:
    async with api_processes(pg18, tmp_path, 2) as apis:
        headers = {"Authorization": f"Bearer {await source_token(apis[0])}"}
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        async with httpx.AsyncClient(headers=headers, timeout=60, limits=limits) as http:
            for turn in range(ROUNDS):
                labels = {"alertname": f"First{turn}", "service": f"s{turn % SERVICES}"}
                answers = await asyncio.gather(*(
                    http.post(f"{apis[n % 2].url}/api/v2/alerts", json=[{"labels": labels}])
                    for n in range(AT_ONCE)
                ))  # fmt: skip
                assert [a.status_code for a in answers] == [200] * AT_ONCE, turn
                assert sum(a.json()["new"] or 0 for a in answers) <= 1, turn
        await wait_until(
            lambda: number(pg18, "select count(*) from warroom.intake") == 0,
            what="the alerts that wait",
        )
    assert number(pg18, "select count(*) from warroom.alert") == ROUNDS
    assert number(pg18, f"select count(*) from warroom.alert where count = {AT_ONCE}") == ROUNDS
    assert number(pg18, "select count(*) from warroom.alert_event") == ROUNDS * AT_ONCE
    assert number(pg18, "select count(*) from warroom.incident") == SERVICES
    counts = "select count(*) from warroom.incident where alert_count = {n} and firing_count = {n}"
    assert number(pg18, counts.format(n=ROUNDS // SERVICES)) == SERVICES
