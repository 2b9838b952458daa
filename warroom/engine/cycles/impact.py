"""Keep the impact of open incidents true to the catalogue and to what is heard."""

from __future__ import annotations

from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.services import impact_catalogue, impact_news


class Impact:
    """Remembers how much of the catalogue it has reasoned about, and which alerts it has heard.

    An engine that starts reasons about every open incident once.

    Args:
        db: the engine's database.
        ctx: the engine's context.
    """

    def __init__(self, db: Database, ctx: CommandContext) -> None:
        self._db = db
        self._ctx = ctx
        self._seen: impact_catalogue.Seen | None = None
        self._heard: impact_news.Heard | None = None

    async def run_once(self) -> str:
        """Look for changes and reason again where they matter; return the sentence."""
        # Listening begins before everything is reasoned about, so that nothing falls in between.
        self._heard, heard = await impact_news.follow(self._db, self._ctx, self._heard)
        self._seen, sentence = await impact_catalogue.follow(self._db, self._ctx, self._seen)
        return f"{sentence}; {heard}" if heard else sentence
