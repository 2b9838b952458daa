"""Channels: webhooks with a signing secret of their own, paused and tried out by administrators."""

from __future__ import annotations

import base64
import json
import secrets
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import RowMapping

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.channel import SECRET_BYTES, check_url
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import NotFound, Refused
from warroom.services.access import require
from warroom.services.directory.common import Json, as_text, check_key, insert, listing


def new_secret() -> str:
    """Return a signing secret as Standard Webhooks writes it: ``whsec_`` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _told(answer: Answer, made: list[str]) -> Answer:
    """Tell the secret once: what answers a repeated request is stored without it."""
    return Answer(answer.status, answer.body | {"secret": made[0] if made else None})


async def add(db: Database, ctx: CommandContext, *, key: object, url: object) -> Answer:
    """Make a webhook; its signing secret is told once."""
    require(ctx, Scope.ADMIN)
    body = {"key": check_key(key), "kind": "webhook", "url": check_url(url)}
    secret = new_secret()
    made: list[str] = []

    async def handler(work: Work) -> Answer:
        made[:] = [secret]
        found = await insert(
            work, tables.channel, body | {"secret": secret}, f"The channel {body['key']!r}"
        )
        return Answer(201, {"id": str(found), **body})

    return _told(await run_command(db, ctx, "channel.add", body, handler), made)


async def renew_secret(db: Database, ctx: CommandContext, key: str) -> Answer:
    """Give a webhook another signing secret, told once; the old one signs nothing any more."""
    require(ctx, Scope.ADMIN)
    secret = new_secret()
    made: list[str] = []

    async def handler(work: Work) -> Answer:
        made[:] = [secret]
        row = await _channel(work, key)
        if row["kind"] != "webhook":
            raise Refused(f"{key} is no webhook: it has no secret.", rule="channel-kind")
        await _update(work, row["id"], secret=secret)
        return Answer(200, {"id": str(row["id"]), "key": key})

    return _told(await run_command(db, ctx, "channel.secret", {"key": key}, handler), made)


async def pause(db: Database, ctx: CommandContext, key: str) -> Answer:
    """Stop a channel: nothing new is queued for it, and what is queued waits until it resumes."""
    return await _switch(db, ctx, key, paused=True)


async def resume(db: Database, ctx: CommandContext, key: str) -> Answer:
    """Let a channel go on."""
    return await _switch(db, ctx, key, paused=False)


async def _switch(db: Database, ctx: CommandContext, key: str, *, paused: bool) -> Answer:
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Answer:
        row = await _channel(work, key)
        if (row["paused_at"] is not None) == paused:
            state = "paused" if paused else "in use"
            raise Refused(f"{key} is {state} already; nothing was changed.", rule="channel-state")
        moment = await work.scalar("select now()") if paused else None
        await _update(work, row["id"], disabled_at=moment)
        waiting = await work.scalar(
            "select count(*) from warroom.outbox where channel = :key"
            " and state in ('queued', 'sending')",
            {"key": key},
        )
        return Answer(200, {"id": str(row["id"]), "key": key, "paused_at": as_text(moment),
                            "waiting": waiting})  # fmt: skip

    command = "channel.pause" if paused else "channel.resume"
    return await run_command(db, ctx, command, {"key": key}, handler)


async def send_test(db: Database, ctx: CommandContext, key: str) -> Answer:
    """Put a message to one channel into the outbox, from which the engine sends it."""
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Answer:
        row = await _channel(work, key)
        if row["paused_at"] is not None:
            raise Refused(
                f"{key} is paused: nothing is sent to it. `warroom channel resume`.",
                rule="channel-paused",
            )
        payload = {
            "type": "channel.test", "channel": key,
            "text": f"This is a test of the channel {key} by {ctx.principal.name}.",
        }  # fmt: skip
        found = await work.scalar(
            "insert into warroom.outbox (channel, dedup_key, payload, unit, visibility)"
            " select :key, :dedup, cast(:payload as jsonb), p.units[1], 'normal'"
            " from warroom.principal p where p.id = :me returning id",
            {"key": key, "dedup": f"test:{uuid4()}", "payload": json.dumps(payload),
             "me": ctx.principal.id},
        )  # fmt: skip
        return Answer(202, {"message": str(found), "channel": key})

    return await run_command(db, ctx, "channel.test", {"key": key}, handler)


async def message(db: Database, ctx: CommandContext, key: str, message_id: UUID) -> Json:
    """Return what has become of one message to a channel.

    Raises:
        NotFound: there is none, or it is of a unit that the administrator does not see.
    """
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Json:
        row = await work.row(
            "select id as message, channel, state, attempts, created_at, sent_at, last_error"
            " from warroom.outbox where id = :id and channel = :key",
            {"id": message_id, "key": key},
        )
        if row is None:
            raise NotFound(f"There is no such message to {key!r}.", field="message_id")
        return dict(row)

    return await read(db, ctx, handler)


async def _channel(work: Work, key: str) -> RowMapping:
    row = await work.row(
        "select id, kind, disabled_at as paused_at from warroom.channel where key = :key"
        " for no key update",
        {"key": key},
    )
    if row is None:
        raise NotFound(
            f"There is no channel {key!r}; nothing was changed.", field="key",
            remedy="`warroom channel list` shows them.",
        )  # fmt: skip
    return row


async def _update(work: Work, channel_id: UUID, **values: object) -> None:
    table = tables.channel
    await work.execute(
        sa.update(table)
        .where(table.c.id == channel_id)
        .values(**values, version=table.c.version + 1)
    )


# The secret is never read here; the address may carry one, hence administrators only.
_LIST = (
    "select c.id, c.key, c.kind, c.url, c.disabled_at as paused_at, (select count(*)"
    " from warroom.outbox o where o.channel = c.key and o.state in ('queued', 'sending'))"
    " as waiting from warroom.channel c where c.key > :after order by c.key limit :limit"
)


async def list_all(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the channels behind the key ``after``, without their secrets, for administrators."""
    return await listing(db, ctx, _LIST, after=after, limit=limit, scope=Scope.ADMIN)
