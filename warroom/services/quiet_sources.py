"""A source that has gone quiet is an alert of war room itself, and ends when it speaks again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import ENGINE_PRINCIPAL, CommandContext
from warroom.domain.source import Lane, quiet_since
from warroom.domain.validate import say_duration, say_since
from warroom.services import own_alerts
from warroom.services.alerts import ENGINE
from warroom.services.own_alerts import Own

SERVICE: Final = "war-room-sources"
_SEVERITY: Final = {Lane.CRITICAL.value: 2, Lane.ORDINARY.value: 3}
_WATCHED = (
    "select id, key, coalesce(lane, 'ordinary') as lane, last_seen_at, quiet_after_s, quiet_since,"
    " paused_at, greatest(created_at, resumed_at) as begun_at, clock_timestamp() as now"
    " from warroom.source"
    " where (quiet_after_s is not null or quiet_since is not null)"
)


async def follow(db: Database, ctx: CommandContext) -> str:
    """Say of every source that went quiet or came back that it did; return the sentence."""
    said: list[str] = []

    async def handler(work: Work) -> Answer:
        said.clear()
        turned = [row["id"] for row in await work.rows(_WATCHED) if _turned(row)]
        if not turned:
            return Answer(200, {})
        rows = await work.rows(
            f"{_WATCHED} and id = any(:ids) order by id for no key update skip locked",
            {"ids": turned},
        )
        told: list[Own] = []
        for row in rows:
            if not _turned(row):
                continue
            since = _quiet(row)
            told.append(_own(row, since))
            said.append(f"{row['key']} {'is quiet' if since else 'speaks again'}")
            await work.execute(
                "update warroom.source set quiet_since = :since, version = version + 1"
                " where id = :id",
                {"since": since, "id": row["id"]},
            )
        await own_alerts.tell(work, told)
        return Answer(200, {})

    inner = replace(ctx, principal=ENGINE, idempotency_key=None)
    await run_command(db, inner, "sources.quiet", {}, handler, eyes=ENGINE_PRINCIPAL)
    return ", ".join(said) or "every source that is waited for has spoken"


def _quiet(row: RowMapping) -> datetime | None:
    limit: Any = None if row["paused_at"] is not None else row["quiet_after_s"]
    return quiet_since(row["last_seen_at"], row["begun_at"], limit, row["now"])


def _turned(row: RowMapping) -> bool:
    return (_quiet(row) is None) != (row["quiet_since"] is None)


def _own(row: RowMapping, since: datetime | None) -> Own:
    key, now = row["key"], row["now"]
    if since is not None:
        silent = say_duration(now - since)
        heard = "said nothing" if row["last_seen_at"] is not None else "never spoken"
        text = (
            f"The source {key} has {heard} for {silent} ({say_since(since, now)}): what it"
            " watches may be down unseen"
        )
    elif row["paused_at"] is not None:
        text = f"The source {key} is paused: nobody waits for it"
    elif row["quiet_after_s"] is None:
        text = f"The source {key} is no longer waited for"
    else:
        text = f"The source {key} speaks again"
    return Own(
        "SourceQuiet", SERVICE, {"source": key}, text, _SEVERITY[row["lane"]], since is not None,
        now,
    )  # fmt: skip
