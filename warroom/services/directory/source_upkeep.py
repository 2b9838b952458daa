"""What is done to a source that is there: other settings, rotation, a pause."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.source import check_wishes
from warroom.domain.validate import check_text
from warroom.errors import InvalidInput, NotFound, Refused
from warroom.services.access import require
from warroom.services.directory.common import as_text, ends_at, id_of, insert, new_token

GRACE_MAX_S: Final = 30 * 86_400


async def change(
    db: Database, ctx: CommandContext, key: str, wishes: Mapping[str, object]
) -> Answer:
    """Change the settings that are named, and no others.

    Args:
        db: the database of the API.
        ctx: an administrator's.
        key: whose.
        wishes: those of ``warroom.domain.source.check_wishes``, name, team and service_label.
    """
    require(ctx, Scope.ADMIN)
    wanted = check_wishes(wishes)
    if "name" in wishes:
        wanted["name"] = check_text(wishes["name"], "name", longest=200, shortest=1)
    if "service_label" in wishes:
        label = wishes["service_label"]
        wanted["service_label"] = (
            None if label is None else check_text(label, "service_label", longest=200, shortest=1)
        )
    team = wishes.get("team")
    if not wanted and "team" not in wishes:
        raise InvalidInput("Nothing was asked for; nothing was changed.", field="body")

    async def handler(work: Work) -> Answer:
        values = dict(wanted)
        if "team" in wishes:
            values["team_id"] = await id_of(work, tables.team, str(team), "team") if team else None
        table = tables.source
        found = await work.scalar(
            sa.update(table)
            .where(table.c.key == key, table.c.dialect != "internal")
            .values(**values, version=table.c.version + 1)
            .returning(table.c.id)
        )
        if found is None:
            raise await _missing(work, key)
        asked = wanted | ({"team": team} if "team" in wishes else {})
        return Answer(200, {"id": str(found), "key": key, "changed": asked})

    body = {"key": key, "wishes": dict(wishes)}
    return await run_command(db, ctx, "source.set", body, handler)


async def pause(db: Database, ctx: CommandContext, key: str, *, paused: bool) -> Answer:
    """Take nothing more from a source, or let it go on; asked twice it stays as it is."""
    require(ctx, Scope.ADMIN)
    moment = (
        "paused_at = coalesce(paused_at, now())"
        if paused
        else "paused_at = null, resumed_at = case when paused_at is null then resumed_at"
        " else now() end"
    )

    async def handler(work: Work) -> Answer:
        row = await work.row(
            f"update warroom.source set {moment}, version = version + 1"  # noqa: S608 - ours
            " where key = :key and dialect <> 'internal' returning id, paused_at",
            {"key": key},
        )
        if row is None:
            raise await _missing(work, key)
        return Answer(
            200, {"id": str(row["id"]), "key": key, "paused_at": as_text(row["paused_at"])}
        )

    verb = "source.pause" if paused else "source.resume"
    return await run_command(db, ctx, verb, {"key": key}, handler)


async def rotate(db: Database, ctx: CommandContext, key: str, *, grace_s: int = 3600) -> Answer:
    """Make a new token, and where the source signs a new secret; both are told once.

    Those before them go on for ``grace_s`` seconds and then end; with 0 they end at once.
    """
    require(ctx, Scope.ADMIN)
    if not 0 <= grace_s <= GRACE_MAX_S:
        raise InvalidInput(
            "grace_s must be from 0 to 30 days.", field="grace_s", remedy="For example 3600."
        )
    token, hashed = new_token("source")
    fresh = secrets.token_urlsafe(32)
    told: dict[str, Any] = {}

    async def handler(work: Work) -> Answer:
        source = await work.row(
            "select id, principal_id, secret from warroom.source"
            " where key = :key and dialect <> 'internal' for update",
            {"key": key},
        )
        if source is None:
            raise await _missing(work, key)
        ends = await ends_at(work, grace_s)
        over = {"source": source["id"], "ends": ends}
        ended = await work.execute(
            "update warroom.api_token set version = version + 1,"
            " revoked_at = case when :ends <= now() then now() end, expires_at = :ends"
            " where source_id = :source and revoked_at is null"
            " and (expires_at is null or expires_at > :ends)",
            over,
        )
        await insert(
            work, tables.api_token,
            {"principal_id": source["principal_id"], "source_id": source["id"], "name": "ingest",
             "token_hash": hashed, "scopes": ["ingest"]},
            "The token",
        )  # fmt: skip
        told.update(token=token)
        if source["secret"] is not None:
            await work.execute(
                "insert into warroom.source_secret (source_id, secret, expires_at)"
                " select id, secret, :ends from warroom.source where id = :source",
                over,
            )
            await work.execute(
                "update warroom.source set secret = :secret, version = version + 1"
                " where id = :source",
                {"secret": fresh, "source": source["id"]},
            )
            told.update(secret=fresh)
        return Answer(200, {
            "id": str(source["id"]), "key": key, "old_ends_at": as_text(ends),
            "old_tokens": ended, "signs": source["secret"] is not None,
        })  # fmt: skip

    body = {"key": key, "grace_s": grace_s}
    answer = await run_command(db, ctx, "source.rotate", body, handler)
    once = {"token": told.get("token")}
    if answer.body["signs"]:
        once["secret"] = told.get("secret")
    return Answer(answer.status, answer.body | once)


async def _missing(work: Work, key: str) -> NotFound | Refused:
    dialect = await work.scalar("select dialect from warroom.source where key = :key", {"key": key})
    if dialect == "internal":
        return Refused(
            f"{key} is war room's own source: it is not yours to change.", rule="own-source"
        )
    return NotFound(f"There is no source {key!r}; nothing was changed.", field="key")
