"""API tokens: told once, kept as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.errors import InvalidInput, NotFound
from warroom.services.access import require
from warroom.services.directory.common import (
    Json,
    as_text,
    ends_at,
    id_of,
    insert,
    listing,
    new_token,
    with_token,
)


async def add(
    db: Database,
    ctx: CommandContext,
    *,
    person: str,
    name: object,
    scopes: Sequence[str],
    expires_in_s: int | None = None,
    source: str | None = None,
) -> Answer:
    """Make another token for a principal; it is told once.

    One that may also bring in alerts (``ingest``) brings them as those of the source that it
    names; all else it does as the person.

    Args:
        db: the database of the API.
        ctx: an administrator's.
        person: whose, by name.
        name: what it is called in lists.
        scopes: what it may do.
        expires_in_s: seconds until it is refused; None for never.
        source: whose alerts it brings in; needed with the scope ``ingest``, and only then.

    Raises:
        InvalidInput: one of ``ingest`` and source without the other.
        NotFound: no such person, or no such source.
    """
    require(ctx, Scope.ADMIN)
    if (Scope.INGEST in scopes) != (source is not None):
        raise InvalidInput(
            "The scope ingest and a source go together; nothing was changed.", field="source",
            remedy="Name both, e.g. `warroom token add PERSON --scope respond --scope ingest"
            " --source KEY`; `warroom source token KEY` makes one that only brings alerts.",
        )  # fmt: skip
    called = check_text(name, "name", longest=200, shortest=1)
    token, hashed = new_token("token")
    body: dict[str, Any] = {"person": person, "name": called, "scopes": list(scopes)}
    if expires_in_s is not None:  # a request without it stays what it was before there was one
        body["expires_in_s"] = expires_in_s
    if source is not None:
        body["source"] = source

    made: list[str] = []

    async def handler(work: Work) -> Answer:
        made[:] = [token]
        principal = await id_of(work, tables.principal, person, "person")
        brings = None if source is None else await id_of(work, tables.source, source, "source")
        ends = await ends_at(work, expires_in_s)
        found = await insert(
            work, tables.api_token,
            {"principal_id": principal, "name": called, "token_hash": hashed,
             "scopes": list(scopes), "expires_at": ends, "source_id": brings},
            "The token",
        )  # fmt: skip
        return Answer(201, {
            "id": str(found), "person": person, "name": called, "scopes": list(scopes),
            "expires_at": as_text(ends), "source": source,
        })  # fmt: skip

    answer = await run_command(db, ctx, "token.add", body, handler)
    return with_token(answer, made)


async def revoke(db: Database, ctx: CommandContext, token_id: str) -> Answer:
    """Revoke a token at once."""
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Answer:
        table = tables.api_token
        done = await work.scalar(
            sa.update(table)
            .where(table.c.id == token_id, table.c.revoked_at.is_(None))
            .values(revoked_at=sa.func.now(), version=table.c.version + 1)
            .returning(table.c.id)
        )
        if done is None:
            raise NotFound("There is no such token in use.", field="token_id")
        return Answer(200, {"id": token_id, "revoked": True})

    return await run_command(db, ctx, "token.revoke", {"id": token_id}, handler)


_LIST = (
    "select t.id, p.name as person, t.name, t.scopes, t.created_at, t.expires_at,"
    " t.revoked_at, s.key as source from warroom.api_token t"
    " join warroom.principal p on p.id = t.principal_id"
    " left join warroom.source s on s.id = t.source_id"
    " where t.id > :after order by t.id limit :limit"
)


async def list_all(
    db: Database, ctx: CommandContext, *, after: UUID | None = None, limit: int = 100
) -> list[Json]:
    """Return the tokens made after the one named, without their hashes, for administrators."""
    return await listing(db, ctx, _LIST, after=after or UUID(int=0), limit=limit, scope=Scope.ADMIN)
