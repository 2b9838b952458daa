"""Sample the database's health, and raise or end war room's alerts about it."""

from __future__ import annotations

from typing import Any

import structlog

from warroom.db.engine import Database
from warroom.domain.health import Limits
from warroom.domain.principal import CommandContext
from warroom.errors import WarRoomError
from warroom.services import health_alerts
from warroom.services.health import Sampler

log: Any = structlog.get_logger("warroom.engine")


class Health:
    """One sample a turn; an alert that could not be stored is tried again at the next."""

    def __init__(
        self, db: Database, ctx: CommandContext, limits: Limits, standby: str | None = None
    ) -> None:
        self._db = db
        self._ctx = ctx
        self._sampler = Sampler(db, ctx, limits, standby)

    async def run_once(self) -> str:
        """Sample and alert; return the sentence."""
        sentence, crossings = await self._sampler.sample()
        for crossing in crossings:
            try:
                firing = await health_alerts.raise_or_end(self._db, self._ctx, crossing)
            except WarRoomError as error:
                log.warning("own alert not stored", why=error.message)
                continue
            self._sampler.alerted(crossing, firing)
        return sentence
