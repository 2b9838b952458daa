"""Whoever waits for a batch is told what is true when the batcher is cancelled or shut down.

A trigger of the test holds one alert's batch inside its transaction, or inside its COMMIT, for as
long as the test holds a lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio

from tests.api.conftest import Api
from tests.api.test_doors import source
from tests.api.test_hardening import delivery
from tests.helpers import wait_until
from warroom.api.batcher import Batcher
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.errors import InvalidInput, OutcomeUnknown, Overloaded
from warroom.services.alerts import INGEST
from warroom.services.delivery import DeliveryResult

LOCK = 4711


class Bench:
    """A batcher of small batches on a real database, and the lock that its alert Slow waits for."""

    def __init__(self, api: Api, conn: psycopg.Connection, origin: tuple[UUID, UUID]) -> None:
        url = f"postgresql://warroom_api@/{api.pg.name}?host={api.pg.server.cluster.socket_dir}"
        self.api = api
        self.conn = conn
        self.origin = origin
        self.db = Database.open(
            url, role="api", lock_timeout_ms=60_000, statement_timeout_ms=60_000,
            command_deadline_s=60,
        )  # fmt: skip
        self.sent: list[asyncio.Future[DeliveryResult]] = []

    def batcher(self, *, batch_max: int = 1, close_s: float = 60.0) -> Batcher:
        """Make one; it is not started yet."""
        return Batcher(
            self.db, CommandContext(INGEST, "test", "test"), window=timedelta(minutes=10),
            queue_max=100, batch_max=batch_max, bytes_max=1 << 20, close_s=close_s,
        )  # fmt: skip

    async def send(self, batcher: Batcher, names: Sequence[str]) -> None:
        """Put one delivery a name into the queue, in this order."""
        for name in names:
            summary = "a\x00b" if name == "Bad" else None
            one = delivery(self.origin, name, summary)
            self.sent.append(asyncio.ensure_future(batcher.put(one)))
        await asyncio.sleep(0)

    def hold(self, *, in_commit: bool) -> None:
        """Hold whoever stores the alert Slow."""
        self.conn.execute(
            "create function public.stand_still() returns trigger language plpgsql as $$ begin"
            f" perform pg_advisory_xact_lock_shared({LOCK}); return null; end $$"
        )
        self.conn.execute(
            "create constraint trigger stand after insert on warroom.alert"
            f" {'deferrable initially deferred' if in_commit else ''} for each row"
            " when (new.name = 'Slow') execute function public.stand_still()"
        )
        self.conn.execute("select pg_advisory_lock(%s)", (LOCK,))

    async def held(self) -> int:
        """Wait until somebody stands there; return the backend."""

        def stands() -> int:
            row = self.conn.execute(
                "select pid from pg_stat_activity where wait_event = 'advisory'"
                " and datname = current_database()"
            ).fetchone()
            return int(row[0]) if row else 0

        return await wait_until(stands, what="a batch that is held")

    async def let_go(self, pid: int) -> None:
        """Let the held backend go on to its end."""
        self.conn.execute("select pg_advisory_unlock(%s)", (LOCK,))
        query = "select 1 from pg_stat_activity where pid = %s"
        await wait_until(
            lambda: self.conn.execute(query, (pid,)).fetchone() is None, what="its end"
        )

    async def answers(self) -> list[DeliveryResult | BaseException]:
        """Return what each sender was told; nobody may be left waiting."""
        await wait_until(lambda: all(one.done() for one in self.sent), what="every answer")
        return await asyncio.gather(*self.sent, return_exceptions=True)

    def stored(self) -> list[str]:
        """Return the names of the alerts that are there."""
        return [n for (n,) in self.conn.execute("select name from warroom.alert order by name")]


@pytest_asyncio.fixture
async def bench(api18: Api) -> AsyncIterator[Bench]:
    """A bench of one's own."""
    await source(api18)
    with api18.pg.connect() as conn:
        row = conn.execute("select id, principal_id from warroom.source").fetchone()
        assert row is not None
        made = Bench(api18, conn, (row[0], row[1]))
        yield made
        await made.db.close()


def empty(batcher: Batcher) -> bool:
    """Say whether nothing waits, neither alerts nor bytes."""
    return (batcher.waiting, batcher.waiting_bytes) == (0, 0)


@pytest.mark.parametrize("in_commit", [False, True], ids=["in the transaction", "in commit"])
async def test_a_cancelled_worker_answers_everybody(bench: Bench, in_commit: bool) -> None:
    """The batch under way is unknown (in COMMIT it happens!); what waits is known not to be."""
    bench.hold(in_commit=in_commit)
    batcher = bench.batcher()
    await bench.send(batcher, ["Slow", "Behind", "Last"])
    batcher.start()
    pid = await bench.held()
    assert not empty(batcher)
    assert batcher.cancel()
    first, *others = await bench.answers()
    assert isinstance(first, OutcomeUnknown)
    assert all(isinstance(other, Overloaded) for other in others)
    assert empty(batcher)
    with pytest.raises(Overloaded):  # nobody would ever answer
        await batcher.put(delivery(bench.origin, "Late"))
    await batcher.close()
    await bench.let_go(pid)
    assert bench.stored() == (["Slow"] if in_commit else [])


async def test_a_shutdown_does_not_wait_for_ever(bench: Bench) -> None:
    bench.hold(in_commit=False)
    batcher = bench.batcher(close_s=0.0)
    await bench.send(batcher, ["Slow", "Behind"])
    batcher.start()
    pid = await bench.held()
    await batcher.close()
    first, second = await bench.answers()
    assert isinstance(first, OutcomeUnknown)
    assert isinstance(second, Overloaded)
    assert empty(batcher)
    await bench.let_go(pid)


async def test_a_cancelled_shutdown_answers_everybody_and_is_cancelled(bench: Bench) -> None:
    bench.hold(in_commit=False)
    batcher = bench.batcher()
    await bench.send(batcher, ["Slow", "Behind"])
    batcher.start()
    pid = await bench.held()
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    first, second = await bench.answers()
    assert isinstance(first, OutcomeUnknown)
    assert isinstance(second, Overloaded)
    assert empty(batcher)
    await bench.let_go(pid)


async def test_cancelled_among_single_bodies_each_is_told_its_own(bench: Bench) -> None:
    """A poisonous body made the batch be stored by halves; the cut comes at the second body."""
    bench.hold(in_commit=False)
    batcher = bench.batcher(batch_max=10)
    await bench.send(batcher, ["Bad", "Slow", "Behind", "Last"])
    batcher.start()
    pid = await bench.held()
    assert batcher.cancel()
    bad, slow, *behind = await bench.answers()
    assert isinstance(bad, InvalidInput)
    assert isinstance(slow, OutcomeUnknown)
    assert [type(one) for one in behind] == [Overloaded, Overloaded]
    assert empty(batcher)
    await bench.let_go(pid)
    assert bench.stored() == []


async def test_closed_before_it_ever_ran(bench: Bench) -> None:
    batcher = bench.batcher()
    await bench.send(batcher, ["A", "B"])
    await batcher.close()
    assert all(isinstance(answer, Overloaded) for answer in await bench.answers())
    assert empty(batcher)


async def test_a_sender_that_goes_away_is_stored_and_counted_off(bench: Bench) -> None:
    bench.hold(in_commit=False)
    batcher = bench.batcher()
    await bench.send(batcher, ["Slow", "Behind"])
    batcher.start()
    await bench.held()
    bench.sent[0].cancel()
    bench.conn.execute("select pg_advisory_unlock(%s)", (LOCK,))
    gone, behind = await bench.answers()
    assert isinstance(gone, asyncio.CancelledError)
    assert isinstance(behind, DeliveryResult)
    await batcher.close()
    assert empty(batcher)
    assert bench.stored() == ["Behind", "Slow"]
