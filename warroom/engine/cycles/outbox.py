"""Deliver what the outbox holds: claim, send, record."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx

from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.notify import log, webhook
from warroom.notify.message import Message, NotSent
from warroom.services import outbox
from warroom.services.outbox import Claimed


class Delivery:
    """Sends claimed messages, several at once.

    Args:
        db: the engine's database.
        ctx: the engine's context.
        holder: who we are.
        http: the client for webhooks.
    """

    def __init__(
        self, db: Database, ctx: CommandContext, holder: str, http: httpx.AsyncClient
    ) -> None:
        self._db = db
        self._ctx = ctx
        self._holder = holder
        self._http = http

    async def run_once(self) -> str:
        """Deliver one batch; return the sentence."""
        claimed = await outbox.claim(self._db, self._ctx, self._holder)
        if not claimed:
            return "nothing is waiting to be sent"
        results = await asyncio.gather(*(self._send(m) for m in claimed))
        sent = [m for m, failure in zip(claimed, results, strict=True) if failure is None]
        failed = [
            (m, failure.why, failure.retry)
            for m, failure in zip(claimed, results, strict=True)
            if failure is not None
        ]
        await outbox.finish(self._db, self._ctx, sent, failed)
        return f"sent {len(sent)}" + (f", {len(failed)} failed: {failed[0][1]}" if failed else "")

    async def _send(self, claimed: Claimed) -> NotSent | None:
        message = Message(claimed.dedup_key, claimed.channel, claimed.payload, claimed.created_at)
        try:
            if claimed.kind == "webhook":
                await webhook.send(
                    self._http, claimed.url or "", claimed.secret or "", message,
                    datetime.now(UTC),
                )  # fmt: skip
            else:
                await log.send(message)
        except NotSent as failure:
            return failure
        except Exception as error:  # noqa: BLE001 - one bad channel must not stop its neighbours
            return NotSent(f"{type(error).__name__}: the channel is misconfigured")
        return None
