"""What the health pane says of a real standby: following, paused, frozen, stopped, gone, promoted.

The server, the standby and the sampling are the product's own; the sampler is driven by the test,
one sample a turn, so that nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from tests.helpers import wait_until, wait_until_sync
from tests.pgfixtures import TestServer
from warroom.db.engine import Database
from warroom.db.reads import read_health
from warroom.domain.health import Limits
from warroom.domain.panes import HealthPicture, Node, Verdict
from warroom.domain.principal import ENGINE_PRINCIPAL, CommandContext, Principal, PrincipalKind
from warroom.embedded.processes import processes_in, send_signal
from warroom.embedded.standby import Standby
from warroom.engine.cycles.health import Health

CTX = CommandContext(
    Principal(ENGINE_PRINCIPAL, "engine", PrincipalKind.AUTOMATION), "test", "engine"
)
Condition = Callable[[HealthPicture], object]


class Pair:
    """A primary with the schema, and its streaming standby."""

    def __init__(self, version: int, folder: Path) -> None:
        self.server = TestServer(version, folder)
        self.name = self.server.fresh_database()
        self.said: list[str] = []
        self.standby = Standby(
            self.server.cluster, folder / "standby", folder / "standby.log", self.said.append
        )
        wait_until_sync(self._streams, timeout_s=60, every_s=0.1, what="a streaming standby")

    def _streams(self) -> bool:
        self.standby.look()
        query = "select 1 from pg_stat_replication where state = 'streaming'"
        with psycopg.connect(self.server.conninfo(), autocommit=True) as conn:
            return conn.execute(query).fetchone() is not None and self.standby.cluster.is_running()

    def on_standby(self, statement: str) -> None:
        conninfo = self.standby.cluster.conninfo(dbname=self.name)
        with psycopg.connect(conninfo, autocommit=True) as conn:
            conn.execute(statement.encode())

    def on_primary(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.server.conninfo(dbname=self.name), autocommit=True) as conn:
            cursor = conn.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def signal(self, number: signal.Signals) -> None:
        for process in processes_in(self.standby.cluster.data_dir):
            send_signal(process, number)

    def stop(self) -> None:
        self.signal(signal.SIGCONT)
        self.standby.cluster.stop("immediate")
        self.server.stop()


@pytest.fixture(params=(15, 18), ids=("pg15", "pg18"))
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A pair of one's own: the standby is harmed in every way."""
    folder = Path(tempfile.mkdtemp(prefix=f"wrp{request.param}-"))
    folder.chmod(0o755)
    found: Pair | None = None
    try:
        found = Pair(request.param, folder)
        yield found
    finally:
        if found is not None:
            found.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Watch:
    """Samples as the engine does and reads as the console does."""

    def __init__(self, cycle: Health, conn: psycopg.AsyncConnection[object]) -> None:
        self._cycle = cycle
        self._conn = conn

    async def look(self) -> HealthPicture:
        await self._cycle.run_once()
        return await read_health(self._conn)

    async def until(self, condition: Condition, what: str) -> HealthPicture:
        shown: list[HealthPicture] = []

        async def ask() -> bool:
            shown[:] = [await self.look()]
            return bool(condition(shown[0]))

        await wait_until(ask, timeout_s=20, every_s=0.5, what=what)  # type: ignore[arg-type]
        return shown[0]


@asynccontextmanager
async def watching(pair: Pair) -> AsyncIterator[Watch]:
    db = Database.open(pair.server.conninfo("warroom_engine", pair.name), role="engine")
    conninfo = pair.server.conninfo(dbname=pair.name)
    try:
        async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
            there = pair.standby.cluster.conninfo("warroom_engine", pair.name)
            yield Watch(Health(db, CTX, Limits(lag_s=1.5), there), conn)
    finally:
        await db.close()


def standby(picture: HealthPicture) -> Node:
    return next(n for n in picture.nodes if n.role != "primary")


async def test_a_standby_that_follows_and_then_does_not_replay(pair: Pair) -> None:
    async with watching(pair) as watch:
        shown = await watch.until(
            lambda p: p.standby_configured and standby(p).verdict is Verdict.OK, "a good standby"
        )
        node = standby(shown)
        assert (node.state, node.sync, node.slot) == ("streaming", "async", "warroom_standby")
        assert "follows" in node.sentence
        assert shown.nodes[0].role == "primary"
        assert shown.nodes[0].timeline == 1
        readings = {r.name: r for r in shown.readings}
        assert readings["slow statements"].text == "not available"
        assert "CREATE EXTENSION" in readings["slow statements"].sentence
        assert " of 80" in readings["connections"].text
        assert readings["database size"].value

        pair.on_standby("select pg_wal_replay_pause()")
        shown = await watch.until(lambda p: standby(p).verdict is Verdict.BAD, "the pause")
        assert "over the 1.5 s target since" in standby(shown).sentence
        shown = await watch.until(lambda p: "does not replay" in standby(p).sentence, "the reason")
        assert standby(shown).state == "not replaying"
        alert = "select state, name from warroom.alert"
        assert pair.on_primary(alert) == [("firing", "StandbyBehind")]
        ((summary,),) = pair.on_primary("select summary from warroom.alert")
        assert re.fullmatch(
            r"standby standby is \d+\.\d+ s behind: over the 1\.5 s target since \d\d:\d\d UTC.*",
            str(summary),
        )
        assert pair.on_primary(
            "select s.key from warroom.incident_service i"
            " join warroom.service s on s.id = i.service_id"
        ) == [("war-room-database",)]

        pair.on_standby("select pg_wal_replay_resume()")
        await watch.until(lambda p: standby(p).verdict is Verdict.OK, "it to catch up")
        ((summary,),) = pair.on_primary("select summary from warroom.alert")
        assert re.fullmatch(r"standby standby follows, \d\.\d s behind", str(summary))
        assert pair.on_primary(alert) == [("resolved", "StandbyBehind")]
        verdict = pair.on_primary("select count(*) from read_v1.audit_verify() where problem <> ''")
        assert verdict == [(0,)]


async def test_a_frozen_standby_is_never_shown_as_fresh(pair: Pair) -> None:
    async with watching(pair) as watch:
        await watch.until(lambda p: p.standby_configured, "the standby")
        pair.signal(signal.SIGSTOP)
        shown = await watch.until(lambda p: standby(p).verdict is Verdict.BAD, "the freeze")
        assert standby(shown).lag_s is not None
        assert "behind" in standby(shown).sentence
        pair.signal(signal.SIGCONT)
        await watch.until(lambda p: standby(p).verdict is Verdict.OK, "the thaw")


async def test_a_stopped_standby_stays_listed_and_returns(pair: Pair) -> None:
    async with watching(pair) as watch:
        await watch.until(lambda p: p.standby_configured, "the standby")
        await asyncio.to_thread(pair.standby.cluster.stop, "fast")
        shown = await watch.until(lambda p: standby(p).role == "gone", "it to be gone")
        assert "is gone since" in standby(shown).sentence
        assert standby(shown).verdict is Verdict.BAD
        assert standby(shown).retained_wal_bytes is not None
        assert pair.on_primary("select state, name from warroom.alert") == [
            ("firing", "StandbyGone")
        ]
        before = standby(shown).since
        async with watching(pair) as another:  # an engine that knows nothing yet
            assert standby(await another.look()).since == before
        pair.standby.cluster.launch()
        await watch.until(lambda p: standby(p).role == "standby", "its return")
        await watch.until(lambda p: standby(p).verdict is Verdict.OK, "it to follow")
        await watch.until(
            lambda _: pair.on_primary("select state from warroom.alert") == [("resolved",)],
            "the alert to end",
        )


async def test_a_promoted_standby_is_called_so_and_left_alone(pair: Pair) -> None:
    summaries = "select state, summary from warroom.alert"
    async with watching(pair) as watch:
        await watch.until(lambda p: p.standby_configured, "the standby")
        pair.on_standby("select pg_promote(true, 60)")
        shown = await watch.until(lambda p: standby(p).state == "promoted", "the promotion")
        assert standby(shown).verdict is Verdict.BAD
        assert "was promoted (timeline 2): two servers take writes" in standby(shown).sentence
        assert "`warroom doctor`" in standby(shown).sentence
        ((state, summary),) = pair.on_primary(summaries)
        assert (state, summary) == ("firing", standby(shown).sentence)
        await asyncio.to_thread(pair.standby.cluster.stop, "fast")
        async with watching(pair) as another:  # an engine that cannot ask it any more
            assert standby(await another.look()).state == "promoted"
    assert pair.standby.state() == "promoted"
    assert pair.standby.look() in {True, False}
    assert pair.standby.pid == 0
    assert pair.on_primary("select * from pg_replication_slots") == []
    assert "was promoted" in pair.said[-1]
