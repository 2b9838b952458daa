"""The engine: every cycle in a task of its own, until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import structlog

from warroom.db.conninfo import beside
from warroom.db.engine import Database
from warroom.domain.health import Limits
from warroom.domain.principal import ENGINE_PRINCIPAL, CommandContext, Principal, PrincipalKind
from warroom.engine.cycle import Cycle
from warroom.engine.cycles.health import Health
from warroom.engine.cycles.impact import Impact
from warroom.engine.cycles.outbox import Delivery
from warroom.errors import WarRoomError
from warroom.services import (
    alert_deferred,
    alert_end,
    escalations,
    heartbeat_watch,
    housekeeping,
    impact_evidence,
    late_roots,
    leases,
    quiet_sources,
)
from warroom.services.catalog import workloads
from warroom.settings import Settings

log: Any = structlog.get_logger("warroom.engine")
TELL_EVERY_S = 10.0
LONGEST_PAUSE_S = 10.0


class Engine:
    """One engine process.

    Args:
        settings: periods and sizes.
        db: connected as ``warroom_engine``.
    """

    def __init__(self, settings: Settings, db: Database) -> None:
        self._settings = settings
        self._db = db
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        principal = Principal(ENGINE_PRINCIPAL, "engine", PrincipalKind.AUTOMATION)
        self._ctx = CommandContext(principal, f"engine:{self.holder}"[:200], "engine")
        self._http = httpx.AsyncClient(trust_env=False)
        self._stop = asyncio.Event()
        impact_evidence.look_back(db, timedelta(seconds=settings.change_look_back_seconds))
        self._impact = Impact(db, self._ctx)
        self._told: dict[str, tuple[str, float]] = {}

    def cycles(self) -> Sequence[Cycle]:
        """Return what this engine does."""
        db, ctx, tick = self._db, self._ctx, self._settings.engine_tick_seconds
        delivery = Delivery(db, ctx, self.holder, self._http)
        health = Health(db, ctx, _limits(self._settings), _standby(self._settings))
        batch = self._settings.engine_batch
        window = timedelta(seconds=self._settings.group_window_seconds)
        return (
            Cycle("timers", tick, False, lambda: escalations.fire_due(db, ctx, limit=batch)),
            Cycle("outbox", tick, False, delivery.run_once),
            Cycle("expiry", 2.0, True, lambda: alert_end.expire(db, ctx)),
            Cycle("deferred", 1.0, True, lambda: alert_deferred.decide(db, ctx, window=window)),
            Cycle("late causes", 2.0, True, lambda: late_roots.merge(db, ctx, window=window)),
            Cycle("impact", 2.0, True, self._impact.run_once, rest=2.0),
            Cycle("health", 1.0, True, health.run_once),
            Cycle("sources", 5.0, True, lambda: quiet_sources.follow(db, ctx)),
            Cycle("heartbeats", 1.0, False, lambda: heartbeat_watch.follow(db, ctx)),
            Cycle("partitions", 3600.0, True, lambda: housekeeping.make_partitions(db, ctx)),
            Cycle("keys", 3600.0, True, lambda: housekeeping.drop_old_keys(db, ctx)),
            Cycle("workloads", 30.0, True, lambda: workloads.forget_expired(db, ctx)),
            Cycle("logins", 30.0, True, lambda: housekeeping.reap_logins(db, ctx)),
        )

    def stop(self) -> None:
        """Ask for the end; what is under way is finished."""
        self._stop.set()

    async def run(self) -> None:
        """Check the role, then run every cycle until ``stop``.

        Raises:
            UnsafeRole: the database role has rights that an engine must not have.
        """
        await self._db.check_role()
        log.info("engine started", holder=self.holder)
        try:
            await asyncio.gather(*(self._repeat(cycle) for cycle in self.cycles()))
        finally:
            with contextlib.suppress(WarRoomError, OSError):
                await leases.give_back(self._db, self._ctx, self.holder)
            await self._http.aclose()
            await self._db.close()
            log.info("engine ended", holder=self.holder)

    async def _repeat(self, cycle: Cycle) -> None:
        pause = cycle.every_s
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            begun = loop.time()
            try:
                await self.run_cycle(cycle)
                pause = cycle.pause_s(loop.time() - begun)
            except WarRoomError as error:
                # Nothing is lost: what was not committed is done at the next turn.
                log.warning("cycle failed", cycle=cycle.name, why=error.message)
                pause = min(max(pause * 2, 0.5), max(LONGEST_PAUSE_S, cycle.every_s))
            except Exception:
                log.exception("cycle broke", cycle=cycle.name)
                pause = min(max(pause * 2, 0.5), max(LONGEST_PAUSE_S, cycle.every_s))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def run_cycle(self, cycle: Cycle) -> str:
        """Run one cycle once, if it is ours to run; return the sentence."""
        if cycle.leased:
            seconds = max(self._settings.lease_seconds, cycle.every_s * 1.5)
            fence = await leases.take(self._db, self._ctx, cycle.name, self.holder, seconds)
            if fence is None:
                return "another engine does it"
        sentence = await cycle.run_once()
        now = asyncio.get_running_loop().time()
        before, when = self._told.get(cycle.name, ("", -TELL_EVERY_S))
        if sentence != before or now - when >= TELL_EVERY_S:
            await leases.tell(self._db, self._ctx, cycle.name, self.holder, sentence)
            self._told[cycle.name] = (sentence, now)
        return sentence


def _limits(settings: Settings) -> Limits:
    return Limits(
        lag_s=settings.health_lag_seconds,
        retained_bytes=settings.health_retained_bytes,
        connections_percent=settings.health_connections_percent,
        transaction_s=settings.health_transaction_seconds,
        slow_ms=settings.health_slow_statement_ms,
        slow_alert_ms=settings.health_slow_alert_ms,
        wal_bytes=settings.health_wal_bytes,
        dead_rows=settings.health_dead_rows,
        vacuum_s=settings.health_vacuum_seconds,
        size_bytes=settings.health_size_bytes,
        growth_bytes=settings.health_growth_bytes,
        intake_s=settings.health_intake_lag_seconds,
    )


def _standby(settings: Settings) -> str | None:
    """Return how to reach the standby with the engine's own login, None when none is known."""
    if settings.standby_database_url is None:
        return None
    return beside(
        settings.standby_database_url, settings.engine_database_url or settings.database_url or ""
    )
