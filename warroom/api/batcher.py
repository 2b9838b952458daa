"""Micro-batches: what has queued while the last transaction ran goes into the next one.

The queue is bounded by alerts and by bytes; when it is full the sender is told to come back
(503, which Alertmanager retries).  A sender gets its 2xx only after the commit.  Whoever waits
when the batcher is cancelled is told what is true: unknown for the batch under way, which may be
in its COMMIT, and not stored for all others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.errors import OutcomeUnknown, Overloaded, WarRoomError
from warroom.services import alerts
from warroom.services.alerts import Delivery, DeliveryResult

Waiting = tuple[Delivery, "asyncio.Future[DeliveryResult]"]
CLOSE_S = 8.0
"""How long an orderly end may take; the supervisor kills after 15 s."""


def _count(delivery: Delivery) -> int:
    """Return how many alerts a delivery counts for; an empty one is a row, too."""
    return max(len(delivery.alerts), 1)


def _ended() -> Overloaded:
    return Overloaded(
        "The API is being stopped; nothing of this body was stored.",
        remedy="Send it again in a moment.",
    )


class Batcher:
    """One worker over a bounded queue.

    Args:
        db: the database.
        ctx: the batcher's own context.
        queue_max: alerts that may wait.
        batch_max: alerts of one transaction (one delivery may have more).
        bytes_max: bytes of bodies that may wait.
        window: grouping's window.
        close_s: how long ``close`` lets what has queued be finished, in seconds.
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
    ) -> None:
        self._db = db
        self._ctx = ctx
        self._queue_max = queue_max
        self._batch_max = batch_max
        self._bytes_max = bytes_max
        self._window = window
        self._close_s = close_s
        self._queue: deque[Waiting] = deque()
        self._alerts = 0
        self._bytes = 0
        self._wake = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def waiting(self) -> int:
        """Return how many alerts wait."""
        return self._alerts

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes of bodies wait."""
        return self._bytes

    def start(self) -> None:
        """Start the worker."""
        self._worker = asyncio.get_running_loop().create_task(self._run())

    def cancel(self) -> bool:
        """End the worker in the middle of its batch; tell whether it ran."""
        return self._worker is not None and self._worker.cancel()

    async def close(self) -> None:
        """Take no more, finish what has queued while there is time, end the worker.

        Whoever still waits after ``close_s`` seconds is answered without having been stored.
        """
        self._closing = True
        self._wake.set()
        if self._worker is None:
            self._refuse_queue()
            return
        try:
            # Not awaited itself: its cancellation is not ours, and ours must not be lost in it.
            await asyncio.wait({self._worker}, timeout=self._close_s)
        finally:
            if self.cancel():
                await asyncio.wait({self._worker})

    async def put(self, delivery: Delivery) -> DeliveryResult:
        """Queue a delivery and wait until it is committed.

        Raises:
            Overloaded: the queue is full; nothing was stored.
            WarRoomError: why the transaction of its batch failed.
        """
        if self._closing:
            raise _ended()
        count = _count(delivery)
        full = (self._alerts and self._alerts + count > self._queue_max) or self._bytes + len(
            delivery.body
        ) > self._bytes_max
        if full:
            raise Overloaded(
                f"{self._alerts} alerts wait already; nothing of this body was stored.",
                remedy="Send it again in a moment.",
            )
        future: asyncio.Future[DeliveryResult] = asyncio.get_running_loop().create_future()
        self._queue.append((delivery, future))
        self._alerts += count
        self._bytes += len(delivery.body)
        self._wake.set()
        return await future

    async def _run(self) -> None:
        try:
            while self._queue or not self._closing:
                if not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                batch = self._next()
                try:
                    await self._store(batch)
                finally:
                    self._count_off(batch)
        finally:
            # Nobody would ever take what is put into the queue from here on.
            self._closing = True
            self._refuse_queue()

    def _next(self) -> list[Waiting]:
        batch: list[Waiting] = []
        size = 0
        while self._queue:
            count = _count(self._queue[0][0])
            if batch and size + count > self._batch_max:
                break
            batch.append(self._queue.popleft())
            size += count
        return batch

    def _count_off(self, batch: Sequence[Waiting]) -> None:
        for delivery, _ in batch:
            self._alerts -= _count(delivery)
            self._bytes -= len(delivery.body)

    def _refuse_queue(self) -> None:
        """Answer whoever was never taken out of the queue: nothing of theirs was stored."""
        left = list(self._queue)
        self._queue.clear()
        self._fail(left, _ended())
        self._count_off(left)

    async def _store(self, batch: Sequence[Waiting]) -> None:
        try:
            results = await alerts.take_batch(
                self._db, self._ctx, [d for d, _ in batch], window=self._window
            )
        except WarRoomError as error:
            # A refusal is one body's fault: told to its neighbours, it would lose their alerts,
            # because Alertmanager never repeats what was answered with 4xx.
            if error.status < 500 and len(batch) > 1:
                await self._one_by_one(batch)
                return
            self._fail(batch, error)
        except Exception:  # noqa: BLE001 - whatever it is, senders must be answered
            if len(batch) > 1:
                await self._one_by_one(batch)
                return
            self._fail(batch, WarRoomError("This body could not be stored; the log says why."))
            from warroom.logs import log

            log.exception("a batch failed", deliveries=len(batch))
        except BaseException:
            # Cut off anywhere, perhaps in COMMIT.  Sending again is safe: an alert is known by
            # its fingerprint.
            self._fail(
                batch,
                OutcomeUnknown(
                    "The API was stopped while it stored this body: it may or may not be stored.",
                    remedy="Send it again.",
                ),
            )
            raise
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)

    async def _one_by_one(self, batch: Sequence[Waiting]) -> None:
        """Store each in a transaction of its own: a poisonous body takes no neighbour along."""
        for place, one in enumerate(batch):
            try:
                await self._store([one])
            except BaseException:
                # Their common transaction had failed, and their own never began.
                self._fail(batch[place + 1 :], _ended())
                raise

    @staticmethod
    def _fail(batch: Sequence[Waiting], error: WarRoomError) -> None:
        for _, future in batch:
            if not future.done():
                future.set_exception(error)
