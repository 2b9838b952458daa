"""How fast each source may be, and how a refusal is told to senders of each kind.

Buckets are this process's own: two API processes let twice as much in.  A delivery is let in while
its source's bucket is not empty, and all of its alerts are charged, so that one grouped post of
thousands passes; the debt is never more than a minute's worth.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from warroom.domain.source import BURST_SECONDS, Lane
from warroom.domain.validate import say_time
from warroom.errors import Overloaded, SourcePaused, Throttled, WarRoomError

LONGEST_S: Final = 60
"""Nobody is told to come back later than this."""
PAUSED_RETRY_S: Final = 60
TOKENS_KNOWN: Final = 10_000
READERS: Final = 1
"""Large bodies of ordinary sources that are parsed at the same time."""

# Alertmanager and Prometheus repeat what was answered with 5xx and nothing else.
RETRY_5XX: Final = re.compile(r"/v1/ingest/alertmanager(/.*)?|/api/v[12]/alerts", re.DOTALL)
# An address is held against these as it was unpacked: a part of it may have any character.
DOORS: Final = re.compile(
    r"/v1/ingest/.+|/api/v[12]/alerts|/v2/(change/)?enqueue|/v2/alerts(/.*)?", re.DOTALL
)
CHANGES: Final = re.compile(r"/v1/ingest/changes(/.*)?|/v2/change/enqueue", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of the source of a request.

    ``asked_at`` is the database's time of the question, ``heard_at`` the steady clock's seconds of
    its answer.
    """

    source_id: UUID
    key: str
    rate_per_s: int | None
    burst: int | None
    lane: Lane
    paused_at: datetime | None
    asked_at: datetime
    heard_at: float = field(default_factory=time.monotonic)

    def now(self, steady: float | None = None) -> datetime:
        """Return the database's time now, without asking again: no door trusts its host's clock.

        Args:
            steady: the steady clock's seconds, those of this moment if not given.
        """
        moment = time.monotonic() if steady is None else steady
        return self.asked_at + timedelta(seconds=max(moment - self.heard_at, 0.0))


def pace_of(source_id: UUID, row: Mapping[Any, Any], heard_at: float | None = None) -> Pace:
    """Return the pace in a row that was asked for ``token_proof.PACE``.

    ``heard_at``: when the row was answered, by the steady clock; now, if not given.
    """
    return Pace(
        source_id, row["source_key"], row["rate_per_s"], row["burst"],
        Lane(row["lane"] or Lane.ORDINARY), row["paused_at"], row["asked_at"],
        time.monotonic() if heard_at is None else heard_at,
    )  # fmt: skip


class Bucket:
    """One source's allowance, in alerts.

    Args:
        rate: alerts a second that come in.
        burst: alerts that it holds.
        now: a steady clock's seconds.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._at = now

    def wait(self, now: float) -> float:
        """Return the seconds until something is let in again; 0 when it is now."""
        self._level = min(self._level + (now - self._at) * self.rate, self.burst)
        self._at = now
        return 0.0 if self._level >= 1 else (1 - self._level) / self.rate

    def charge(self, alerts: int, now: float) -> None:
        """Take what came in; the level may fall below nothing."""
        self.wait(now)
        self._level = max(self._level - alerts, -LONGEST_S * self.rate + 1)


class Buckets:
    """Every source that this process has met: its bucket, its lane, and what it was refused.

    Args:
        clock: a steady clock's seconds.
        wait_s: how long a large body may wait for its turn to be read, in seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        wait_s: float = 5.0,
    ) -> None:
        self._clock = clock
        self._wait_s = wait_s
        self._buckets: dict[UUID, Bucket] = {}
        self._lanes: dict[UUID, Lane] = {}
        self._ordinary: dict[bytes, UUID] = {}
        self._readers = asyncio.Semaphore(READERS)
        self._refused: Counter[tuple[UUID, str]] = Counter()
        self.refused: Counter[str] = Counter()
        """How many deliveries were refused since the process began, by why."""

    def lane_of(self, source_id: UUID) -> Lane:
        """Return the lane of a source as it was when it last asked."""
        return self._lanes.get(source_id, Lane.ORDINARY)

    def meet(self, pace: Pace, token: bytes | None = None) -> None:
        """Learn what a source may, and whose token (by its hash) is an ordinary one's."""
        self._lanes[pace.source_id] = pace.lane
        if token is not None:
            if pace.lane is Lane.ORDINARY:
                if len(self._ordinary) >= TOKENS_KNOWN:
                    self._ordinary.clear()
                self._ordinary[token] = pace.source_id
            else:
                self._ordinary.pop(token, None)
        if pace.rate_per_s is None:
            self._buckets.pop(pace.source_id, None)
            return
        burst = float(pace.burst or pace.rate_per_s * BURST_SECONDS)
        known = self._buckets.get(pace.source_id)
        if known is None or (known.rate, known.burst) != (pace.rate_per_s, burst):
            self._buckets[pace.source_id] = Bucket(pace.rate_per_s, burst, self._clock())

    def lets_in(self, pace: Pace) -> bool:
        """Say whether ``admit`` would let a source's alerts in; nothing is counted."""
        bucket = self._buckets.get(pace.source_id)
        return pace.paused_at is None and (bucket is None or bucket.wait(self._clock()) <= 0)

    def admit(self, method: str, path: str, pace: Pace) -> bool:
        """Let a request through, or say why not; tell whether it brings alerts.

        What is at no door is not looked at.

        Raises:
            SourcePaused: somebody has paused the source, and its sender takes a final answer.
            Overloaded: the same, to a sender that repeats nothing but 5xx; or its bucket is empty.
            Throttled: its bucket is empty.
        """
        if method != "POST" or not DOORS.fullmatch(path):
            return False
        if pace.paused_at is not None:
            self.count(pace.source_id, "paused")
            when = say_time(pace.paused_at, pace.asked_at)
            said = f"The source {pace.key} was paused {when}; nothing was stored."
            remedy = f"`warroom source resume {pace.key}` lets it go on."
            if RETRY_5XX.fullmatch(path):
                raise Overloaded(said, remedy=remedy, retry_after_s=PAUSED_RETRY_S)
            raise SourcePaused(said, remedy=remedy)
        bucket = self._buckets.get(pace.source_id)
        wait = 0.0 if bucket is None else bucket.wait(self._clock())
        if wait > 0:
            self.count(pace.source_id, "rate")
            seconds = min(int(wait) + 1, LONGEST_S)
            raise as_told(path, Overloaded(
                f"The source {pace.key} sends more than its {pace.rate_per_s} alerts a second;"
                " nothing was stored.",
                remedy=f"Send it again in {seconds} s.", retry_after_s=seconds,
            ))  # fmt: skip
        return not CHANGES.fullmatch(path)

    def brings_alerts(self, method: str, path: str, token: bytes) -> UUID | None:
        """Return the ordinary source that a request of this token would bring alerts of.

        What it was when it last asked; enough to refuse it for want of room without asking again
        who it is, and for nothing else.
        """
        if method != "POST" or not DOORS.fullmatch(path) or CHANGES.fullmatch(path):
            return None
        return self._ordinary.get(token)

    def charge(self, source_id: UUID, alerts: int) -> None:
        """Take a delivery's alerts out of its source's bucket."""
        bucket = self._buckets.get(source_id)
        if bucket is not None:
            bucket.charge(max(alerts, 1), self._clock())

    def count(self, source_id: UUID, why: str) -> None:
        """Count a delivery that was refused: ``paused``, ``rate`` or ``full``."""
        self._refused[(source_id, why)] += 1
        self.refused[why] += 1

    def take_counts(self) -> dict[tuple[UUID, str], int]:
        """Return what was refused since this was last asked for."""
        counts, self._refused = dict(self._refused), Counter()
        return counts

    @asynccontextmanager
    async def reading(self, source_id: UUID) -> AsyncIterator[None]:
        """Hold a place for reading a large body, if its source is an ordinary one.

        Parsing takes the processor from everything else that this process does.

        Raises:
            Overloaded: no place became free in time.
        """
        if self.lane_of(source_id) is Lane.CRITICAL:
            yield
            return
        async with self._place(self._readers):
            yield

    @asynccontextmanager
    async def _place(self, places: asyncio.Semaphore) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._wait_s):
                await places.acquire()
        except TimeoutError:
            raise Overloaded(
                "Too many wait to be let in; nothing of this body was stored.",
                remedy="Send it again in a moment.",
            ) from None
        try:
            yield
        finally:
            places.release()


def as_told(path: str, error: WarRoomError) -> WarRoomError:
    """Return the error as the senders at an address understand it.

    A full queue is 503 to Alertmanager and Prometheus, which never repeat 429, and 429 where the
    dialect's clients repeat that.
    """
    if type(error) is Overloaded and DOORS.fullmatch(path) and not RETRY_5XX.fullmatch(path):
        return Throttled(
            error.message, field=error.field, remedy=error.remedy,
            retry_after_s=error.retry_after_s,
        )  # fmt: skip
    return error
