"""The API's description of itself is served beside everything else."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest
from fastapi.openapi.utils import get_openapi

from tests.api.conftest import Api
from warroom.api import described


async def test_nobody_waits_for_the_description(
    api18: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    times: list[int] = []

    def slow(**of: Any) -> dict[str, Any]:
        times.append(1)
        begun.set()
        assert go_on.wait(60), "nobody else was answered"
        return get_openapi(**of)

    monkeypatch.setattr("warroom.api.described.get_openapi", slow)
    async with httpx.AsyncClient(base_url=api18.url, timeout=120) as http:
        asked = [asyncio.create_task(http.get(described.ADDRESS)) for _ in range(3)]
        assert await asyncio.to_thread(begun.wait, 60)
        assert (await http.get("/healthz")).status_code == 200
        go_on.set()
        answers = await asyncio.gather(*asked)
    assert len(times) == 1
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["info"]["title"] == "war room"
