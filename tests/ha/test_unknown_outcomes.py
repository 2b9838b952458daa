"""A commit whose fate is unknown: retries with the same key end in exactly one effect."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase, TestServer
from warroom.db.deadline import DeadlineExceeded
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.principal import (
    INGEST_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
    Scope,
)
from warroom.errors import DatabaseUnavailable, OutcomeUnknown, WarRoomError
from warroom.services import incidents

WHO = Principal(INGEST_PRINCIPAL, "ingest", PrincipalKind.AUTOMATION, frozenset({Scope.ADMIN}))


@pytest.fixture(params=[15, 18], ids=["pg15", "pg18"])
def own(request: pytest.FixtureRequest) -> Iterator[TestDatabase]:
    """A server of one's own, durable, to be killed."""
    folder = Path(tempfile.mkdtemp(prefix="wrha-"))
    folder.chmod(0o755)
    server = TestServer(request.param, folder, {"shared_buffers": "32MB", "max_connections": "40"})
    try:
        yield TestDatabase(server)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def database(db: TestDatabase, role: str = "warroom_api") -> Database:
    url = f"postgresql://{role}@/{db.name}?host={db.server.cluster.socket_dir}"
    return Database.open(url, role="api", pool_size=4, lock_timeout_ms=300)


def ctx(key: str | None) -> CommandContext:
    return CommandContext(WHO, "test", "test", key)


def count(db: TestDatabase, table: str) -> int:
    with db.connect() as conn:
        row = conn.execute(f"select count(*) from warroom.{table}").fetchone()
    assert row is not None
    return int(row[0])


def standby_names(db: TestDatabase, names: str) -> None:
    """Make commits wait for a standby that does not exist, or no longer."""
    with db.connect() as conn:
        conn.execute(f"alter system set synchronous_standby_names = '{names}'")
        conn.execute("select pg_reload_conf()")


async def declare(api: Database, key: str, deadline_s: float = 1.0) -> Answer:
    """Declare one incident with a short deadline."""

    async def handler(work: Work) -> Answer:
        row = await work.row(
            "insert into warroom.incident (title, severity, opened_by) values ('once', 1, :by)"
            " returning number",
            {"by": INGEST_PRINCIPAL},
        )
        assert row is not None
        return Answer(201, {"number": row["number"]})

    return await run_command(api, ctx(key), "test", {"a": 1}, handler, deadline_s=deadline_s)


async def until_known(api: Database, key: str) -> Answer:
    for _ in range(100):
        try:
            return await declare(api, key)
        except (OutcomeUnknown, DatabaseUnavailable):
            await asyncio.sleep(0.1)
    pytest.fail("the outcome never became known")


async def test_a_server_killed_in_the_middle_of_commit(own: TestDatabase) -> None:
    """The commit waits for a dead standby; the server is killed there; one effect remains."""
    api = database(own)
    await declare(api, "before", 5)
    standby_names(own, "gone")

    def in_force() -> bool:
        with own.connect() as conn:
            return conn.execute("show synchronous_standby_names").fetchone() == ("gone",)

    await wait_until(in_force, what="the setting")
    with pytest.raises(OutcomeUnknown):
        await declare(api, "k")
    # Meanwhile its locks may still be held: not known is not failed.
    with pytest.raises(WarRoomError):
        await declare(api, "k")
    process = own.server.cluster.status().process
    assert process is not None
    for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    own.server.cluster.stop("immediate")
    # Crash recovery reads the setting again, so it is taken out before the start.
    auto = own.server.cluster.data_dir / "postgresql.auto.conf"
    auto.write_text("", encoding="utf-8")
    own.server.cluster.start()
    first = await until_known(api, "k")
    again = await until_known(api, "k")
    assert first == again
    assert count(own, "incident") == 2
    assert count(own, "idempotency") == 2
    await api.close()


async def test_a_stored_answer_waits_for_the_standby_as_well(own: TestDatabase) -> None:
    """Committed here, confirmed nowhere: asking again must not call it done."""
    api = database(own)
    await declare(api, "before", 5)
    standby_names(own, "gone")

    def in_force() -> bool:
        with own.connect() as conn:
            return conn.execute("show synchronous_standby_names").fetchone() == ("gone",)

    await wait_until(in_force, what="the setting")
    with pytest.raises(OutcomeUnknown):
        await declare(api, "k")

    def ended() -> bool:
        """End the waiting commits: they are there, with a warning that nobody hears."""
        with own.connect() as conn:
            conn.execute("set synchronous_commit = off")
            conn.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where wait_event = 'SyncRep'"
            )
            found = conn.execute("select count(*) from warroom.idempotency where key = 'k'")
            return found.fetchone() == (1,)

    await wait_until(ended, what="the commit without its standby")
    with pytest.raises(OutcomeUnknown):
        await declare(api, "k")
    standby_names(own, "")
    assert (await until_known(api, "k")).status == 201
    assert count(own, "incident") == 2
    await api.close()


async def test_a_frozen_server_ends_the_call_at_the_deadline(own: TestDatabase) -> None:
    """SIGSTOP: the call ends by its own clock, and its connection is never used again."""
    api = database(own)
    await declare(api, "warm", 5)
    process = own.server.cluster.status().process
    assert process is not None
    family = [psutil.Process(process.pid)]
    family += family[0].children(recursive=True)
    for one in family:
        one.send_signal(signal.SIGSTOP)
    try:
        # It ends while the server is still frozen: no answer of the server's ended it.
        with pytest.raises((DeadlineExceeded, OutcomeUnknown)):
            await declare(api, "frozen")
        assert all(one.status() == psutil.STATUS_STOPPED for one in family if one.is_running())
    finally:
        for one in family:
            one.send_signal(signal.SIGCONT)
    await until_known(api, "frozen")
    assert count(own, "incident") == 2
    await api.close()


async def test_a_read_only_server_is_said_and_its_connections_dropped(own: TestDatabase) -> None:
    api = database(own)
    with own.connect() as conn:
        conn.execute(f"alter database {own.name} set default_transaction_read_only = on")
    with pytest.raises(DatabaseUnavailable, match="standby"):
        await declare(api, "ro")
    with own.connect() as conn:
        conn.execute("set default_transaction_read_only = off")
        conn.execute(f"alter database {own.name} reset default_transaction_read_only")
    assert (await until_known(api, "ro")).status == 201
    await api.close()


async def test_a_killed_backend_before_commit_changed_nothing(own: TestDatabase) -> None:
    api = database(own)

    async def handler(work: Work) -> Answer:
        await work.execute(
            "insert into warroom.incident (title, severity, opened_by) values ('x', 1, :by)",
            {"by": INGEST_PRINCIPAL},
        )
        pid = await work.scalar("select pg_backend_pid()")
        with own.connect() as conn:
            conn.execute("select pg_terminate_backend(%s)", (pid,))
        await work.scalar("select 1")
        return Answer(200, {})

    with pytest.raises(DatabaseUnavailable, match="nothing was changed"):
        await run_command(api, ctx("x"), "test", {}, handler)
    assert count(own, "incident") == 0
    assert (await incidents.declare(api, ctx("y"), title="z", severity=1)).status == 201

    async def one(work: Work) -> int:
        return int(await work.scalar("select 1"))

    assert await read(api, ctx(None), one) == 1
    await api.close()


async def test_unsafe_roles_are_refused(own: TestDatabase) -> None:
    api = database(own, "warroom_super")
    with pytest.raises(WarRoomError, match="superuser"):
        await api.check_role()
    await api.close()
    with psycopg.connect(own.conninfo(), autocommit=True) as conn:
        conn.execute("grant warroom_owner to warroom_engine")
    engine = database(own, "warroom_engine")
    with pytest.raises(WarRoomError, match="owner"):
        await engine.check_role()
    await engine.close()
