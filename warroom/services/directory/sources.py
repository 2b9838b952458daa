"""Alert sources: an own principal and an ingest token come with each."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.severity import check_table, stored_table
from warroom.domain.source import check_wishes
from warroom.domain.validate import check_text
from warroom.errors import InvalidInput, NotFound, Refused
from warroom.services.access import require
from warroom.services.directory.common import (
    Json,
    as_text,
    check_key,
    ends_at,
    id_of,
    insert,
    listing,
    new_token,
    with_token,
)

DIALECTS: Final = (
    "alertmanager", "pagerduty", "opsgenie", "nagios", "cloudevents", "generic",
    "github", "gitlab", "argocd", "change",
)  # fmt: skip
"""What a source may speak; the doors take any source's token, GitHub's own needs its secret."""


async def add(
    db: Database,
    ctx: CommandContext,
    *,
    key: object,
    name: str | None = None,
    team: str | None = None,
    service_label: str | None = None,
    dialect: str = "alertmanager",
    **wishes: object,
) -> Answer:
    """Make a source with its own principal and an ingest token, which is told once.

    One of GitHub's also gets the secret that its webhook signs with, told once with the token.
    ``wishes`` are those of ``warroom.domain.source.check_wishes``.
    """
    require(ctx, Scope.ADMIN)
    if dialect not in DIALECTS:
        raise InvalidInput(
            "dialect is not known.", field="dialect", remedy=f"Choose one of {', '.join(DIALECTS)}."
        )
    secret = secrets.token_urlsafe(32) if dialect == "github" else None
    checked = check_key(key)
    called = check_text(name or checked, "name", longest=200, shortest=1)
    wanted = check_wishes(wishes)
    token, hashed = new_token("source", dialect)
    body = {"key": checked, "name": called, "team": team, "service_label": service_label, **wanted}
    if dialect != "alertmanager":
        body["dialect"] = dialect

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
             "service_label": service_label, "dialect": dialect, "secret": secret,
             "team_id": await id_of(work, tables.team, team, "team") if team else None, **wanted},
            f"The source {checked!r}",
        )  # fmt: skip
        await insert(
            work, tables.api_token,
            {"principal_id": principal, "source_id": source, "name": "ingest",
             "token_hash": hashed, "scopes": ["ingest"]},
            "The token",
        )  # fmt: skip
        return Answer(201, {"id": str(source), **body})

    answer = with_token(await run_command(db, ctx, "source.add", body, handler), made)
    if secret is not None:
        answer.body["secret"] = secret if made else None
    return answer


async def set_severities(
    db: Database, ctx: CommandContext, key: str, severities: Mapping[str, object]
) -> Answer:
    """Give a source its own table of severities in place of the one it had; an empty one is none.

    The words of the table win over the built-in one, from the next message on; what it does not
    name is judged as before.
    """
    require(ctx, Scope.ADMIN)
    checked = dict(check_table(severities))

    async def handler(work: Work) -> Answer:
        table = tables.source
        found = await work.scalar(
            sa.update(table)
            .where(table.c.id == await id_of(work, table, key, "key"))
            .values(severity_map=checked, version=table.c.version + 1)
            .returning(table.c.id)
        )
        return Answer(200, {"id": str(found), "key": key, "severities": checked})

    body = {"key": key, "severities": checked}
    return await run_command(db, ctx, "source.severities", body, handler)


async def add_token(
    db: Database, ctx: CommandContext, key: str, *, expires_in_s: int | None = None
) -> Answer:
    """Make another ingest token of a source, which is told once; those before it go on."""
    require(ctx, Scope.ADMIN)
    made: list[str] = []

    async def handler(work: Work) -> Answer:
        source = await work.row(
            "select id, principal_id, dialect from warroom.source where key = :key", {"key": key}
        )
        if source is None:
            raise NotFound(f"There is no source {key!r}; nothing was changed.", field="key")
        if source["dialect"] == "internal":
            raise Refused(
                f"{key} is war room's own source: nobody else speaks for it.", rule="own-source"
            )
        token, hashed = new_token("source", source["dialect"])
        made[:] = [token]
        ends = await ends_at(work, expires_in_s)
        found = await insert(
            work, tables.api_token,
            {"principal_id": source["principal_id"], "source_id": source["id"], "name": "ingest",
             "token_hash": hashed, "scopes": ["ingest"], "expires_at": ends},
            "The token",
        )  # fmt: skip
        return Answer(201, {"id": str(found), "source": key, "expires_at": as_text(ends)})

    body = {"key": key, "expires_in_s": expires_in_s}
    return with_token(await run_command(db, ctx, "source.token", body, handler), made)


_COLUMNS = (
    "select s.id, s.key, s.name, s.dialect, s.severity_map, s.paused_at, s.last_seen_at,"
    " t.key as team, s.service_label, coalesce(s.lane, 'ordinary') as lane, s.rate_per_s,"
    " s.burst, s.quiet_after_s, s.quiet_since, s.environment, s.resumed_at, s.created_at,"
    " coalesce((select jsonb_object_agg(r.why, r.refused) from warroom.source_tally r"
    " where r.source_id = s.id), '{}') as refused"
    " from warroom.source s left join warroom.team t on t.id = s.team_id"
)
_LIST = f"{_COLUMNS} where s.key > :after order by s.key limit :limit"
_ONE = f"{_COLUMNS} where s.key = :key"
_TOKENS = (
    "select t.id, t.created_at, t.expires_at, t.revoked_at from warroom.api_token t"
    " where t.source_id = :source and t.revoked_at is null"
    " and (t.expires_at is null or t.expires_at > now()) order by t.id"
)


async def list_all(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the sources behind the key ``after``, each with its own table of severities."""
    found = await listing(db, ctx, _LIST, after=after, limit=limit)
    return [row | {"severities": dict(stored_table(row["severity_map"]))} for row in found]


async def show(db: Database, ctx: CommandContext, key: str) -> Json:
    """Return one source: its settings, how it is, what it was refused, its tokens in use."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Json:
        row = await work.row(_ONE, {"key": key})
        if row is None:
            raise NotFound(f"There is no source {key!r}.", field="key")
        tokens = await work.rows(_TOKENS, {"source": row["id"]})
        return dict(row) | {
            "severities": dict(stored_table(row["severity_map"])),
            "tokens": [dict(token) for token in tokens],
        }

    return await read(db, ctx, handler)
