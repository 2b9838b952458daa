"""A database that stands still: every door says so within its deadline, and goes on behind it."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.api.conftest import Api, serving
from tests.api.test_doors import alert, source, webhook
from tests.pgfixtures import TestDatabase, TestServer
from warroom.settings import Settings

DEADLINE_S = 2.0
SENDERS = 40


@pytest.fixture
def own() -> Iterator[TestDatabase]:
    """A server of one's own, to be stopped."""
    folder = Path(tempfile.mkdtemp(prefix="wrha-"))
    folder.chmod(0o755)
    server = TestServer(18, folder, {"shared_buffers": "32MB", "max_connections": "60"})
    try:
        yield TestDatabase(server)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def processes(db: TestDatabase) -> list[psutil.Process]:
    """Return the server's processes, the postmaster first."""
    found = db.server.cluster.status().process
    assert found is not None
    top = psutil.Process(found.pid)
    return [top, *top.children(recursive=True)]


async def post(http: httpx.AsyncClient, token: str, name: str) -> tuple[int, float]:
    """Send one alert; return the answer's status and how long it took."""
    begun = time.monotonic()
    answer = await http.post(
        "/v1/ingest/alertmanager", json=webhook(alert(name, f"s{name}")),
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert answer.status_code == 200 or answer.headers.get("Retry-After"), answer.text
    return answer.status_code, time.monotonic() - begun


async def test_a_frozen_database_is_said_within_the_deadline(own: TestDatabase) -> None:
    url = f"postgresql://warroom_api@/{own.name}?host={own.server.cluster.socket_dir}"
    settings = Settings(database_url=url, db_deadline_seconds=DEADLINE_S)
    async with (
        serving(own, settings) as api,
        httpx.AsyncClient(
            base_url=api.url, timeout=60, limits=httpx.Limits(max_connections=2 * SENDERS)
        ) as http,
    ):
        token = await source(api)
        urgent = (await api.client().add("sources", {"key": "urgent", "lane": "critical"}))["token"]
        for each in (token, urgent):
            assert (await post(http, each, "before"))[0] == 200
        # Some are asked who they are, some wait in a lane, some are being stored.
        under_way = [
            asyncio.ensure_future(post(http, urgent if n % 4 == 0 else token, f"a{n}"))
            for n in range(SENDERS)
        ]
        await asyncio.sleep(0.05)
        stopped = processes(own)
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
        try:
            more = [asyncio.ensure_future(post(http, token, f"b{n}")) for n in range(SENDERS)]
            answers = await asyncio.gather(*under_way, *more)
        finally:
            for process in reversed(stopped):
                process.send_signal(signal.SIGCONT)
        slowest = max(took for _, took in answers)
        said = {status for status, _ in answers}
        print(f"frozen: slowest answer {slowest:.1f} s at a deadline of {DEADLINE_S:g} s; {said}")
        assert said <= {200, 503, 504}
        assert 503 in said
        # Waited to be asked, asked who it is, waited in its lane, was stored: a deadline each.
        assert slowest < 4 * DEADLINE_S + 2
        await goes_on(api, http, token)


async def goes_on(api: Api, http: httpx.AsyncClient, token: str) -> None:
    """The same process takes alerts again, once the database answers."""
    ends_at = time.monotonic() + 60
    while (await post(http, token, "after"))[0] != 200:
        assert time.monotonic() < ends_at, "the door did not go on"
        await asyncio.sleep(0.5)
    assert (await api.client().verify_audit())["verified"] is True
