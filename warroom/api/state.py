"""What every route needs: settings, database, batcher."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from fastapi import Request

from warroom.api.buckets import Buckets
from warroom.api.token_lookup import TokenLookup
from warroom.db.engine import Database
from warroom.settings import Settings

if TYPE_CHECKING:
    from warroom.api.batcher import Batcher


@dataclass(slots=True)
class AppState:
    """One process's parts; ``public_conninfo`` is where consoles find the database.

    ``verifying`` is held while the record is verified: it costs a connection for minutes.
    """

    settings: Settings
    db: Database
    batcher: Batcher
    public_conninfo: str
    buckets: Buckets = field(default_factory=Buckets)
    verifying: asyncio.Lock = field(default_factory=asyncio.Lock)
    tokens: TokenLookup = field(init=False)

    def __post_init__(self) -> None:
        """Ask the same database whose a token is."""
        self.tokens = TokenLookup(self.db)


def state_of(request: Request) -> AppState:
    """Return the parts of the application that serves the request."""
    return cast(AppState, request.scope["app"].state.parts)


async def state_for(request: Request) -> AppState:
    """Return the same to a route: what is not async, the framework runs in a thread."""
    return state_of(request)
