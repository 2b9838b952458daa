"""Micro-batches: what has queued while the last transaction ran goes into the next one.

There are two lanes, each with a queue, workers and connections of their own: what critical sources
send neither waits behind a storm from ordinary ones nor is refused because of it.  The ordinary one
has two workers: while the database stores one batch, the other is read and decided.  A queue is
bounded by alerts, by bytes and by how long one waits in it; beyond that the sender is told to come
back.  A sender gets its 2xx only after the commit: of what its alerts lead to, or, where a
crowd waits and its door lets it, of its body (``warroom.api.keeper``).  Whoever waits when the
batcher is cancelled is told what is true: unknown for the batch under way, which may be in its
COMMIT, and not stored for all others.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from warroom.api.keeper import ENDED, cut_off
from warroom.api.kept_bodies import KeptBodies
from warroom.api.lanes import AGAIN, BatchSize, LaneQueue, Waiting, count
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.domain.source import Lane
from warroom.errors import LockNotAvailable, Overloaded, WarRoomError
from warroom.services import alerts
from warroom.services.alert_turn import Turn
from warroom.services.delivery import Delivery, DeliveryResult
from warroom.services.intake import Gone
from warroom.services.token_proof import Unproven

T = TypeVar("T")
CLOSE_S = 8.0
"""How long an orderly end may take; the supervisor kills after 15 s."""
WAIT_S = 30.0
CRITICAL_SHARE = 4
"""The critical lane has room of its own: a fourth of what the ordinary one has, on top of it."""
WORKERS = 2
YIELD_S = 1.0
"""How long an ordinary batch lets critical ones go first, that may need the same services."""


def _ended() -> Overloaded:
    return Overloaded(ENDED, remedy=AGAIN)


class Batcher:
    """The workers of each lane over its bounded queue.

    Args:
        db: the database.
        ctx: the batcher's own context.
        queue_max: alerts that may wait in the ordinary lane.
        batch_max: alerts of one transaction at most (one delivery may have more); on a slow
            database fewer.
        bytes_max: bytes of bodies that may wait in the ordinary lane.
        window: grouping's window.
        close_s: how long ``close`` lets what has queued be finished, in seconds.
        wait_s: how long a delivery may wait for its transaction to begin, in seconds.
        lane_of: the lane of a source; ordinary for all if not given.
    """

    def __init__(
        self,
        db: Database,
        ctx: CommandContext,
        *,
        queue_max: int,
        batch_max: int,
        bytes_max: int,
        window: timedelta,
        close_s: float = CLOSE_S,
        wait_s: float = WAIT_S,
        lane_of: Callable[[UUID], Lane] | None = None,
    ) -> None:
        self._db = db
        self._ctx = ctx
        self._sizes = {lane: BatchSize(batch_max) for lane in Lane}
        self._window = window
        self._close_s = close_s
        self.wait_s = wait_s
        self._lane_of = lane_of or (lambda _: Lane.ORDINARY)
        self._lanes = {
            Lane.ORDINARY: LaneQueue(queue_max, bytes_max),
            Lane.CRITICAL: LaneQueue(
                max(queue_max // CRITICAL_SHARE, 1), max(bytes_max // CRITICAL_SHARE, 1)
            ),
        }
        self._workers: set[asyncio.Task[None]] = set()
        self._closing = False
        self._kept = KeptBodies(db, ctx)
        # Held by who changes something in the ordinary lane: a batch, or a part of a file.
        self._turn = asyncio.Lock()
        self._parts = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Return how many alerts wait."""
        return sum(lane.alerts for lane in self._lanes.values())

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes of bodies wait."""
        return sum(lane.bytes for lane in self._lanes.values())

    def waiting_in(self, lane: Lane) -> int:
        """Return how many alerts wait in one lane."""
        return self._lanes[lane].alerts

    @property
    def kept(self) -> Collection[UUID]:
        """Return the kept bodies that wait or are being worked out here."""
        return self._kept.ids

    def start(self) -> None:
        """Start the workers."""
        loop = asyncio.get_running_loop()
        self._workers = {
            loop.create_task(self._run(lane))
            for lane in self._lanes
            for _ in range(WORKERS if lane is Lane.ORDINARY else 1)
        }

    def cancel(self) -> bool:
        """End the workers in the middle of their batches; tell whether any ran."""
        self._kept.cancel()
        ran = [worker.cancel() for worker in self._workers]  # each of them, not only the first
        return any(ran)

    async def close(self) -> None:
        """Take no more, finish what has queued while there is time, end the workers.

        Whoever still waits after ``close_s`` seconds is answered without having been stored; what
        is kept stays so, for whoever looks for what was left behind.
        """
        self._closing = True
        self._kept.stop()
        for lane in self._lanes.values():
            lane.wake.set()
        if not self._workers:
            for lane in self._lanes.values():
                self._fail(lane.empty(), _ended())
            return
        try:
            # Not awaited themselves: their cancellation is not ours, and ours must not be lost.
            await asyncio.wait(self._workers, timeout=self._close_s)
        finally:
            if self.cancel():
                await asyncio.wait(self._workers)
            await self._kept.ended()

    def check_room(self, source_id: UUID) -> None:
        """Refuse what a source is about to send, when its lane has just refused for want of room.

        Raises:
            Overloaded: there is no room; nothing was stored.
        """
        self._lanes[self._lane_of(source_id)].check(source_id)

    async def put(self, delivery: Delivery, *, may_wait: bool = False) -> DeliveryResult:
        """Queue a delivery in the lane of its source and wait until it is committed.

        Args:
            delivery: the delivery.
            may_wait: whether its alerts may wait while others are being stored, once its body is
                committed.

        Raises:
            Overloaded: the queue is full, or it waited for too long; nothing was stored.
            Unproven: its token is not what it was; nothing was stored.
            WarRoomError: why the transaction of its batch failed.
        """
        if self._closing:
            raise _ended()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[DeliveryResult] = loop.create_future()
        lane = self._lanes[self._lane_of(delivery.source_id)]
        if may_wait and lane.lets_wait(delivery):
            return await self._kept.keep(lane, delivery)
        one = (delivery, future)
        lane.put(one)
        # Behind a database that has stopped, each batch takes its whole deadline: nobody is kept
        # for all of them.
        patience = loop.call_later(self.wait_s, self._give_up, lane, one)
        try:
            return await future
        finally:
            patience.cancel()

    def adopt(self, delivery: Delivery, lane: Lane = Lane.ORDINARY) -> asyncio.Future[bool]:
        """Work out a kept body that was left behind; done when it is settled, one way or another.

        Args:
            delivery: with its id in the intake.
            lane: its source's.

        Returns:
            Whether it was settled here; False: somebody else was at it, or this process ends.
        """
        return self._kept.adopt(self._lanes[lane], delivery)

    async def between(self, store: Callable[[Turn], Awaitable[T]]) -> T:
        """Store a part of a file between two batches of the ordinary lane.

        Turns are taken one by one: however many files are loaded, no more than one part comes
        between two batches that wait, and critical deliveries go first.

        Raises:
            Overloaded: the API is being stopped; nothing was stored.
        """
        async with self._parts:
            await self._let_pass()
            await self._lanes[Lane.ORDINARY].one_passes(self.wait_s)
            if self._closing:
                raise _ended()
            # Not held around it: who waits for its turn may hold what the part reads first.
            return await store(Turn(self._turn))

    def _give_up(self, lane: LaneQueue, one: Waiting) -> None:
        if lane.drop(one):
            late = Overloaded(
                f"It waited for {self.wait_s:g} s and its turn did not come; nothing of this body"
                " was stored.",
                remedy=AGAIN,
            )
            self._fail([one], late)

    async def _run(self, which: Lane) -> None:
        lane, urgent = self._lanes[which], which is Lane.CRITICAL
        try:
            while lane or lane.coming or not self._closing:
                if not lane.enough:
                    lane.wake.clear()
                    await lane.wake.wait()
                    continue
                if not urgent:
                    await self._let_pass()
                size = self._sizes[which]
                batch = lane.take(size.now)
                if not batch:  # all who waited have given up meanwhile
                    continue
                begun = time.monotonic()
                try:
                    stored = await self._store(batch, urgent=urgent)
                finally:
                    lane.done(batch)
                if not stored:
                    size.failed()
                    continue
                # A critical batch is as large as it may be, however long that takes.
                took = 0.0 if urgent else time.monotonic() - begun
                size.took(took, sum(count(d) for d, _ in batch))
        finally:
            # Nobody would ever take what is put into the queue from here on.
            self._closing = True
            self._kept.stop()
            self._fail(lane.empty(), _ended())

    async def _let_pass(self) -> None:
        """Wait until no critical delivery waits or is being stored, but not for long."""
        idle = self._lanes[Lane.CRITICAL].idle
        if not idle.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(YIELD_S):
                    await idle.wait()

    async def _store(self, batch: Sequence[Waiting], *, urgent: bool) -> bool:
        """Store a batch, and tell its senders; False where the database could not."""
        try:
            results = await self._take([d for d, _ in batch], urgent=urgent)
        except (Unproven, Gone) as error:
            self._fail([batch[place] for place in error.places], error)
            left = [one for place, one in enumerate(batch) if place not in error.places]
            return not left or await self._store(left, urgent=urgent)
        except WarRoomError as error:
            # A refusal is one body's fault: told to its neighbours, it would lose their alerts,
            # because Alertmanager never repeats what was answered with 4xx.
            if error.status < 500 and len(batch) > 1:
                return await self._apart(batch, urgent=urgent)
            self._fail(batch, error)
            return error.status < 500
        except Exception:  # noqa: BLE001 - whatever it is, senders must be answered
            if len(batch) > 1:
                return await self._apart(batch, urgent=urgent)
            self._fail(batch, WarRoomError("This body could not be stored; the log says why."))
            from warroom.logs import log

            log.exception("a batch failed", deliveries=len(batch))
            return True
        except BaseException:
            # Cut off anywhere, perhaps in COMMIT.  Sending again is safe: an alert is known by
            # its fingerprint.
            self._fail(batch, cut_off())
            raise
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
            return True

    async def _take(self, batch: list[Delivery], *, urgent: bool) -> list[DeliveryResult]:
        """Store them; what is urgent asks again for rows that an ordinary batch holds."""
        ends_at = time.monotonic() + self.wait_s
        while True:
            try:
                return await alerts.take_batch(
                    self._db, self._ctx, batch, window=self._window,
                    turn=None if urgent else Turn(self._turn),
                )  # fmt: skip
            except LockNotAvailable:
                if not urgent or time.monotonic() >= ends_at:
                    raise

    async def _apart(self, batch: Sequence[Waiting], *, urgent: bool) -> bool:
        """Store each half in a transaction of its own, until a poisonous body is alone."""
        middle = len(batch) // 2
        first, second = batch[:middle], batch[middle:]
        try:
            good = await self._store(first, urgent=urgent)
        except BaseException:
            # Their common transaction had failed, and their own never began.
            self._fail(second, _ended())
            raise
        return await self._store(second, urgent=urgent) and good

    @staticmethod
    def _fail(batch: Sequence[Waiting], error: WarRoomError | Unproven | Gone) -> None:
        for _, future in batch:
            if not future.done():
                future.set_exception(error)
