"""Heartbeats: something speaks up by itself, and its absence is an alert.

The key stands in the address that is called, so it is a secret: only its hash is stored, it is
told once, and no log has it.  It is waited for from when it is made: a job that never calls must
be noticed too.  A beat writes one working row and no history; the database's clock says when it
came.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final
from uuid import UUID

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.source import YEAR_S
from warroom.domain.validate import check_severity, check_text
from warroom.errors import InvalidInput, NotFound
from warroom.services.access import require
from warroom.services.directory.common import (
    Json,
    as_text,
    check_key,
    insert,
    listing,
    new_token,
    with_token,
)

_TOKEN = re.compile(r"wr_h_[A-Za-z0-9_-]{43}")
WINDOW_MIN_S: Final = 10
# While `beats` is 0, `last_beat_at` is since when the first one is waited for.
_ARM: Final = (
    "insert into warroom.heartbeat_state (heartbeat_id, last_beat_at, beats)"
    " values (:id, clock_timestamp(), 0) on conflict do nothing"
)


async def add(
    db: Database,
    ctx: CommandContext,
    *,
    key: object,
    service: object,
    severity: object = 2,
    window_s: int = 300,
    grace_s: int = 60,
) -> Answer:
    """Make a heartbeat; the token that its address ends in is told once.

    Args:
        db: the database of the API.
        ctx: an administrator's.
        key: what it is called in lists.
        service: the key of the service that its absence is about.
        severity: of its absence, 1 (worst) to 5.
        window_s: a beat is due within this many seconds of the one before.
        grace_s: how much later it may be.
    """
    require(ctx, Scope.ADMIN)
    checked = check_key(key)
    about = check_text(service, "service", longest=200, shortest=1)
    level = check_severity(severity)
    for name, value, least in (("window_s", window_s, WINDOW_MIN_S), ("grace_s", grace_s, 0)):
        if not least <= value <= YEAR_S:
            raise InvalidInput(f"{name} must be from {least} to {YEAR_S} seconds.", field=name)
    token, hashed = new_token("heartbeat")
    body: Json = {"key": checked, "service": about, "severity": level, "window_s": window_s,
                  "grace_s": grace_s}  # fmt: skip
    made: list[str] = []

    async def handler(work: Work) -> Answer:
        made[:] = [token]
        unit = await work.scalar(
            "select unit from warroom.service where key = :key", {"key": about}
        )
        found = await insert(
            work, tables.heartbeat,
            {"key": checked, "token_hash": hashed, "service_key": about, "severity": level,
             "window_s": window_s, "grace_s": grace_s, "unit": unit or "main"},
            f"The heartbeat {checked!r}",
        )  # fmt: skip
        await work.execute(_ARM, {"id": found})
        return Answer(201, {"id": str(found), **body})

    return with_token(await run_command(db, ctx, "heartbeat.add", body, handler), made)


async def switch(db: Database, ctx: CommandContext, key: str, verb: str) -> Answer:
    """Pause, resume or remove a heartbeat (``verb``); resumed, it has a whole window from then on.

    An alert of its absence ends within seconds of a pause or removal.
    """
    require(ctx, Scope.ADMIN)
    change = {
        "pause": "paused_at = coalesce(paused_at, now())",
        "resume": "paused_at = null, resumed_at = case when paused_at is null then resumed_at"
                  " else now() end",
        "remove": "removed_at = now()",
    }[verb]  # fmt: skip

    async def handler(work: Work) -> Answer:
        row = await work.row(
            f"update warroom.heartbeat set {change}, version = version + 1"  # noqa: S608 - ours
            " where key = :key and removed_at is null returning id, paused_at, removed_at",
            {"key": key},
        )
        if row is None:
            raise NotFound(f"There is no heartbeat {key!r}; nothing was changed.", field="key")
        if verb == "resume":
            await work.execute(_ARM, {"id": row["id"]})
        return Answer(200, {
            "id": str(row["id"]), "key": key, "paused_at": as_text(row["paused_at"]),
            "removed_at": as_text(row["removed_at"]),
        })  # fmt: skip

    return await run_command(db, ctx, f"heartbeat.{verb}", {"key": key}, handler)


_LIST = (
    "select h.id, h.key, h.service_key as service, h.severity, h.window_s, h.grace_s,"
    " h.paused_at, case when s.beats > 0 then s.last_beat_at end as last_beat_at,"
    " coalesce(s.beats, 0) as beats, s.alerted_at as missing_since,"
    " case when h.paused_at is not null then 'paused' when s.alerted_at is not null then 'missing'"
    " when s.beats > 0 then 'beating' else 'new' end as state"
    " from warroom.heartbeat h left join warroom.heartbeat_state s on s.heartbeat_id = h.id"
    " where h.removed_at is null and h.key > :after order by h.key limit :limit"
)


async def list_all(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the heartbeats behind the key ``after``; ``new`` waits for its first beat."""
    return await listing(db, ctx, _LIST, after=after, limit=limit)


# Under the row's lock, so that a beat and the watch that misses it have an order.  More than one a
# second changes nothing that anybody could see.
_BEAT = """
with h as (
  select id, key, window_s, paused_at from warroom.heartbeat
  where token_hash = :hash and removed_at is null),
s as (
  insert into warroom.heartbeat_state as st (heartbeat_id, last_beat_at)
  select h.id, clock_timestamp() from h
  on conflict (heartbeat_id) do update set last_beat_at = clock_timestamp(), beats = st.beats + 1
  where st.beats = 0 or st.last_beat_at < clock_timestamp() - interval '1 second')
select key, window_s, paused_at from h
"""


async def beat(db: Database, ctx: CommandContext, token: str, *, eyes: UUID) -> Json:
    """Note that something has spoken up.

    Args:
        db: the database of the API.
        ctx: a stranger's: the token is all that is known of who calls.
        token: the last step of the address.
        eyes: who sees heartbeats of every unit.

    Raises:
        NotFound: no heartbeat has this token.
        DatabaseUnavailable: it was not noted; it may be sent again.
    """
    digest = hashlib.sha256(token.encode()).digest()
    found: list[Any] = []

    async def handler(work: Work) -> Answer:
        found[:] = [await work.row(_BEAT, {"hash": digest})]
        return Answer(200, {})

    if _TOKEN.fullmatch(token):
        await run_command(db, ctx, "heartbeat.beat", {}, handler, eyes=eyes)
    if not found or found[0] is None:
        # The same for a name as for anything else: strangers do not learn which names there are.
        raise NotFound(
            "No heartbeat has this address; nothing was noted.",
            remedy="It ends in the token that `warroom heartbeat add` tells once, not in the"
            " heartbeat's name; if the token is lost, remove the heartbeat and add it again.",
        )
    row = found[0]
    return {"status": "ok", "heartbeat": row["key"], "next_within_s": row["window_s"],
            "paused": row["paused_at"] is not None}  # fmt: skip
