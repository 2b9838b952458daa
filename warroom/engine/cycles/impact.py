"""Keep the impact of open incidents true to the catalogue."""

from __future__ import annotations

from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.services import impact_catalogue


class Impact:
    """Remembers how much of the catalogue it has reasoned about.

    An engine that starts reasons about every open incident once.

    Args:
        db: the engine's database.
        ctx: the engine's context.
    """

    def __init__(self, db: Database, ctx: CommandContext) -> None:
        self._db = db
        self._ctx = ctx
        self._seen: impact_catalogue.Seen | None = None

    async def run_once(self) -> str:
        """Look for changes and reason again where they matter; return the sentence."""
        self._seen, sentence = await impact_catalogue.follow(self._db, self._ctx, self._seen)
        return sentence
