"""What the nouns of the directory share: keys, tokens, inserting, and finding by key."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.errors import AlreadyExists, InvalidInput, NotFound
from warroom.services.access import require

Json = dict[str, Any]
KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def new_token(scope: str, dialect: str = "") -> tuple[str, bytes]:
    """Return a bearer token and the hash that is stored of it.

    PagerDuty's keys have 32 characters, and some of its clients look: so has a token of its dialect
    (128 random bits).
    """
    token = f"wr_{scope[0]}_{secrets.token_urlsafe(32)}"
    if dialect == "pagerduty":
        token = secrets.token_hex(16)
    return token, hashlib.sha256(token.encode()).digest()


async def ends_at(work: Work, in_s: int | None) -> datetime | None:
    """Return when a token that lasts ``in_s`` seconds ends, by the database's clock."""
    if in_s is None:
        return None
    now: datetime = await work.scalar("select now()")
    return now + timedelta(seconds=in_s)


def as_text(moment: datetime | None) -> str | None:
    """Return a moment as the stored answer of a command holds it."""
    return None if moment is None else moment.isoformat()


def check_key(value: object, field: str = "key") -> str:
    """Return a key: small letters, digits, dot, dash, underscore; up to 63."""
    text = check_text(value, field, longest=63, shortest=1)
    if not KEY.fullmatch(text):
        raise InvalidInput(
            f"{field} must be small letters, digits, '.', '-' or '_' and begin with a letter or"
            " digit.",
            field=field,
            remedy="For example: payments-db",
        )
    return text


def with_token(answer: Answer, made: Sequence[str]) -> Answer:
    """Tell the token once: it is never stored, so a repeated request gets null instead."""
    return Answer(answer.status, answer.body | {"token": made[0] if made else None})


async def insert(work: Work, table: sa.Table, values: Mapping[str, Any], taken: str) -> Any:
    """Insert one row and return its id; ``taken`` names it where its key is taken already."""
    try:
        return await work.scalar(sa.insert(table).values(**values).returning(table.c.id))
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", "") == "23505":
            raise AlreadyExists(f"{taken} exists already; nothing was changed.") from error
        raise


async def id_of(work: Work, table: sa.Table, key: str, field: str) -> Any:
    """Return the id of the row with this key (of a principal: this name)."""
    column = table.c.name if table is tables.principal else table.c.key
    found = await work.scalar(sa.select(table.c.id).where(column == key))
    if found is None:
        raise NotFound(f"There is no {table.name} {key!r}; nothing was changed.", field=field)
    return found


async def listing(
    db: Database,
    ctx: CommandContext,
    query: str,
    *,
    after: object,
    limit: int,
    scope: Scope = Scope.READ,
) -> list[Json]:
    """Return a page of a query's rows, for whoever may see them.

    Args:
        db: the database of the API.
        ctx: who asks.
        query: begins behind ``:after`` and takes at most ``:limit`` rows.
        after: the last key or id of the page before; the smallest for the first.
        limit: how many.
        scope: what the token must be for.
    """
    require(ctx, scope)

    async def handler(work: Work) -> list[Json]:
        return [dict(r) for r in await work.rows(query, {"after": after, "limit": limit})]

    return await read(db, ctx, handler)
