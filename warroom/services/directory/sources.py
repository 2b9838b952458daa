"""Alert sources: an own principal and an ingest token come with each."""

from __future__ import annotations

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.services.access import require
from warroom.services.directory.common import (
    Json,
    check_key,
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
    key: object,
    name: str | None = None,
    team: str | None = None,
    service_label: str | None = None,
) -> Answer:
    """Make an alert source with its own principal and an ingest token, which is told once."""
    require(ctx, Scope.ADMIN)
    checked = check_key(key)
    called = check_text(name or checked, "name", longest=200, shortest=1)
    token, hashed = new_token("source")
    body = {"key": checked, "name": called, "team": team, "service_label": service_label}

    made: list[str] = []

    async def handler(work: Work) -> Answer:
        made[:] = [token]
        principal = await insert(
            work, tables.principal, {"name": f"source {checked}", "kind": "service"},
            f"A principal for the source {checked!r}",
        )  # fmt: skip
        source = await insert(
            work, tables.source,
            {"key": checked, "name": called, "principal_id": principal,
             "service_label": service_label,
             "team_id": await id_of(work, tables.team, team, "team") if team else None},
            f"The source {checked!r}",
        )  # fmt: skip
        await insert(
            work, tables.api_token,
            {"principal_id": principal, "source_id": source, "name": "ingest",
             "token_hash": hashed, "scopes": ["ingest"]},
            "The token",
        )  # fmt: skip
        return Answer(201, {"id": str(source), **body})

    answer = await run_command(db, ctx, "source.add", body, handler)
    return with_token(answer, made)


_LIST = (
    "select id, key, name, dialect, paused_at, last_seen_at from warroom.source"
    " where key > :after order by key limit :limit"
)


async def list_all(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the sources behind the key ``after``."""
    return await listing(db, ctx, _LIST, after=after, limit=limit)
