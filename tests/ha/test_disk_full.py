"""The database's disk is full: the API says so in time, loses nothing it took, and goes on.

Once only the tables have no room (a transaction fails, the server lives), once the WAL has none
(the server goes down, and whoever keeps it starts it when there is room).
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.api.conftest import Api, serving
from tests.api.test_doors import alert, source, webhook
from tests.ha.small_disk import SmallDisk, may_mount, run_inside, small_disk
from tests.helpers import wait_until_sync
from tests.pgfixtures import TestDatabase, TestServer
from warroom.errors import DatabaseUnavailable, OutcomeUnknown
from warroom.settings import Settings

DEADLINE_S = 5.0
SERVER = {"shared_buffers": "32MB", "max_connections": "60", "max_wal_size": "48MB",
          "min_wal_size": "32MB", "fsync": "off"}  # fmt: skip
# Enough that a few alerts need another page of every table that they write to.
TEXT = "no space left on the device " * 150
MOST = 400


@contextlib.contextmanager
def tables_only(disk: SmallDisk) -> Iterator[TestDatabase]:
    """Put the tables on the small disk; the WAL has all the room that it needs."""
    folder = Path(tempfile.mkdtemp(prefix="wrha-"))
    folder.chmod(0o755)
    server = TestServer(18, folder, SERVER)
    try:
        db = TestDatabase(server)
        place = disk.folder / "tables"
        place.mkdir()
        server.cluster.identity.own(place)
        server.execute(sql.SQL("create tablespace small location {}").format(str(place)))
        name = sql.Identifier(db.name)
        server.execute(sql.SQL("alter database {} set tablespace small").format(name))
        yield db
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def everything(disk: SmallDisk) -> Iterator[TestDatabase]:
    """Put the whole server on the small disk."""
    server = TestServer(18, disk.folder, SERVER)
    try:
        yield TestDatabase(server)
    finally:
        server.stop()


class Sender:
    """Sends alerts and remembers which were acknowledged, and how long the slowest answer took."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}
        self.acknowledged: set[str] = set()
        self.answers: set[int] = set()
        self.slowest = 0.0

    async def send(self, name: str) -> int:
        """Send one; a refusal must say when to come back."""
        begun = time.monotonic()
        body = webhook(alert(name, f"s{len(self.acknowledged) % 5}", text=TEXT))
        answer = await self._http.post("/v1/ingest/alertmanager", json=body, headers=self._headers)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.answers.add(answer.status_code)
        if answer.status_code == 200:
            self.acknowledged.add(name)
        else:
            assert answer.headers.get("Retry-After"), answer.text
        return answer.status_code

    async def until_refused(self, prefix: str) -> None:
        """Send until there is no room."""
        for n in range(MOST):
            if await self.send(f"{prefix}{n}") != 200:
                return
        pytest.fail(f"{MOST} alerts found room on a full disk")


def stored(db: TestDatabase) -> set[str]:
    with db.connect() as conn:
        return {row[0] for row in conn.execute("select name from warroom.alert")}


async def goes_on(api: Api, sender: Sender, db: TestDatabase) -> None:
    ends_at = time.monotonic() + 90
    while await sender.send("after") != 200:
        assert time.monotonic() < ends_at, "the door did not go on"
        await asyncio.sleep(0.5)
    assert sender.acknowledged <= stored(db)
    declared = await api.client().declare("after", 2)
    assert declared["status"] == "triggered"
    verdict = await api.client().verify_audit()
    assert verdict["verified"] is True, verdict["problems"]


@contextlib.asynccontextmanager
async def sending(db: TestDatabase) -> AsyncIterator[tuple[Api, Sender]]:
    url = f"postgresql://warroom_api@/{db.name}?host={db.server.cluster.socket_dir}"
    async with (
        serving(db, Settings(database_url=url, db_deadline_seconds=DEADLINE_S)) as api,
        httpx.AsyncClient(base_url=api.url, timeout=120) as http,
    ):
        sender = Sender(http, await source(api))
        for n in range(20):
            assert await sender.send(f"before{n}") == 200
        yield api, sender


async def test_no_room_for_tables(request: pytest.FixtureRequest) -> None:
    if not may_mount():
        await asyncio.to_thread(run_inside, request)
        return
    with small_disk(96) as disk, tables_only(disk) as db:
        async with sending(db) as (api, sender):
            disk.fill()
            await sender.until_refused("full")
            await asyncio.gather(*(sender.send(f"more{n}") for n in range(40)))
            assert sender.answers <= {200, 503}
            # What there is can still be read, and a command is told that it changed nothing.
            assert (await api.client().incident("INC-1"))["ref"] == "INC-1"
            with pytest.raises(DatabaseUnavailable, match="disk is full") as caught:
                await declare_until_refused(api)
            assert caught.value.status == 503
            assert sender.slowest < 4 * DEADLINE_S
            disk.free()
            await goes_on(api, sender, db)
            print(f"tables: slowest answer {sender.slowest:.1f} s; {sender.answers}")


async def test_no_room_for_the_wal(request: pytest.FixtureRequest) -> None:
    if not may_mount():
        await asyncio.to_thread(run_inside, request)
        return
    with small_disk(320) as disk, everything(disk) as db:
        async with sending(db) as (api, sender):
            disk.fill()
            await sender.until_refused("full")
            await asyncio.to_thread(write_wal, db)
            await asyncio.gather(*(sender.send(f"down{n}") for n in range(40)))
            assert sender.answers <= {200, 503, 504}
            with pytest.raises((DatabaseUnavailable, OutcomeUnknown)):
                await api.client().declare("down", 3)
            assert sender.slowest < 4 * DEADLINE_S
            disk.free()
            await asyncio.to_thread(keep_running, db)
            await goes_on(api, sender, db)
            print(f"wal: slowest answer {sender.slowest:.1f} s; {sender.answers}")


async def declare_until_refused(api: Api) -> None:
    for n in range(MOST):
        await api.client().declare(f"full {n}", 3, summary=TEXT)


def write_wal(db: TestDatabase) -> None:
    """Write until a new segment is needed and cannot be made: the server gives up."""
    with db.connect() as conn, contextlib.suppress(psycopg.OperationalError):
        for _ in range(200):
            conn.execute("select pg_logical_emit_message(false, 'ballast', repeat('x', 1000000))")
        pytest.fail("200 MB of WAL found room on a full disk")


def keep_running(db: TestDatabase) -> None:
    """Do as a supervisor does: start it where it has ended."""
    cluster = db.server.cluster

    def runs() -> bool:
        if cluster.is_running():
            return True
        if cluster.status().process is None:
            cluster.start()
        return cluster.is_running()

    wait_until_sync(runs, every_s=0.2, what="the server to run again")
