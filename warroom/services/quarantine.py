"""Bodies that could not be understood: seen, corrected, taken in after all, or dropped.

The body as it came is never changed; a corrected one stands beside it.  A replay is one
transaction: what it brings, the mark that it happened, and the audit rows, or nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.change import IncomingChange
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text, say_time
from warroom.errors import InvalidInput, NotFound, PayloadTooLarge, Refused, VersionConflict
from warroom.services import alerts, changes
from warroom.services.access import require
from warroom.services.delivery import Delivery
from warroom.services.directory.common import Json
from warroom.services.eyes import all_eyes

SHOWN_BYTES: Final = 65_536
FIXED_BYTES: Final = 1 << 20
LAST: Final = UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class Held:
    """A body to be read again, and what its source says about reading.

    ``fixed_at`` is when it was corrected, None for the body as it came; ``now`` is the database's
    time.
    """

    id: UUID
    source_id: UUID
    source_principal_id: UUID
    dialect: str
    content_type: str
    body: bytes
    fixed_at: datetime | None
    service_label: str | None
    severity_map: Any
    now: datetime


_COLUMNS = (
    "select d.id, s.key as source, d.dialect, d.received_at, d.error, d.field,"
    " octet_length(d.body) as bytes, coalesce(q.state, 'open') as state,"
    " q.fixed_body is not null as fixed, coalesce(q.replays, 0) as replays, q.replayed_as,"
    " q.decided_at, p.name as decided_by, q.reason"
)
_FROM = (
    " from warroom.delivery d join warroom.source s on s.id = d.source_id"
    " left join warroom.quarantine q on q.delivery_id = d.id"
    " left join warroom.principal p on p.id = q.decided_by"
    " where d.state = 'quarantined'"
)
_LIST = (
    f"{_COLUMNS}{_FROM} and d.id < :before and (:every or coalesce(q.state, 'open') = 'open')"
    " order by d.id desc limit :limit"
)
_ONE = (
    f"{_COLUMNS}, d.content_type, substring(d.body from 1 for :most) as body, q.fixed_body"
    f"{_FROM} and d.id = :id"
)
_HELD = (
    "select d.id, d.source_id, d.dialect, d.content_type, d.body, d.unit, d.visibility,"
    " s.principal_id, s.service_label, s.severity_map, q.fixed_body, q.fixed_at, now() as now"
    f"{_FROM} and d.id = :id"
)


async def list_all(
    db: Database,
    ctx: CommandContext,
    *,
    every: bool = False,
    before: UUID | None = None,
    limit: int = 100,
) -> list[Json]:
    """Return what lies in quarantine, the latest first; ``every`` with what is settled."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Json]:
        asked = {"before": before or LAST, "every": every, "limit": limit}
        return [dict(row) for row in await work.rows(_LIST, asked)]

    return await read(db, ctx, handler)


async def show(db: Database, ctx: CommandContext, delivery_id: UUID) -> Json:
    """Return one with the beginning of its body; bytes that are no UTF-8 are written as escapes."""
    require(ctx, Scope.RESPOND)

    async def handler(work: Work) -> Json:
        row = await work.row(_ONE, {"id": delivery_id, "most": SHOWN_BYTES})
        if row is None:
            raise _unknown(delivery_id)
        return dict(row) | {
            "body": bytes(row["body"]).decode("utf-8", "backslashreplace").replace("\0", "\\x00"),
            "truncated": row["bytes"] > SHOWN_BYTES,
            "fixed_body": (row["fixed_body"] or "")[:SHOWN_BYTES] or None,
        }

    return await read(db, ctx, handler)


async def fix(db: Database, ctx: CommandContext, delivery_id: UUID, body: str) -> Answer:
    """Give a corrected body for the next replay; the one that came stays.

    Raises:
        PayloadTooLarge: it is over 1 MiB.
        Refused: it was replayed or dropped already.
    """
    require(ctx, Scope.ADMIN)
    text = check_text(body, "body", longest=FIXED_BYTES, shortest=1)
    if len(text.encode()) > FIXED_BYTES:
        raise PayloadTooLarge(f"A corrected body may have {FIXED_BYTES} bytes.", field="body")

    async def handler(work: Work) -> Answer:
        await _open(work, delivery_id, again=False)
        await work.execute(
            "update warroom.quarantine set fixed_body = :body, fixed_by = :who,"
            " fixed_at = clock_timestamp(), version = version + 1 where delivery_id = :id",
            {"body": text, "who": ctx.principal.id, "id": delivery_id},
        )
        return Answer(200, {"id": str(delivery_id), "state": "open", "fixed": True})

    return await run_command(
        db, ctx, "quarantine.fix", {"id": str(delivery_id), "body": text}, handler
    )


async def drop(db: Database, ctx: CommandContext, delivery_id: UUID, reason: str) -> Answer:
    """Settle that nothing is to be taken from it; the body stays on the record."""
    require(ctx, Scope.ADMIN)
    why = check_text(reason, "reason", longest=2000, shortest=1)

    async def handler(work: Work) -> Answer:
        await _open(work, delivery_id, again=False)
        await _settle(work, delivery_id, "dropped", reason=why)
        return Answer(200, {"id": str(delivery_id), "state": "dropped"})

    return await run_command(
        db, ctx, "quarantine.drop", {"id": str(delivery_id), "reason": why}, handler
    )


async def held(db: Database, ctx: CommandContext, delivery_id: UUID) -> Held:
    """Return what is to be read again: the corrected body if there is one.

    Raises:
        NotFound: there is none, or the caller may not see it.
    """
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Held:
        row = await work.row(_HELD, {"id": delivery_id})
        if row is None:
            raise _unknown(delivery_id)
        fixed = row["fixed_body"]
        return Held(
            row["id"], row["source_id"], row["principal_id"], row["dialect"],
            row["content_type"], bytes(row["body"]) if fixed is None else fixed.encode(),
            row["fixed_at"], row["service_label"], row["severity_map"],
            row["now"],
        )  # fmt: skip

    return await read(db, ctx, handler)


async def replay(
    db: Database,
    ctx: CommandContext,
    one: Held,
    delivery: Delivery,
    *,
    window: timedelta,
    again: bool = False,
) -> Answer:
    """Take a body in that could be read now, through what every alert goes through.

    Args:
        db: the database of the API.
        ctx: an administrator's command; its key makes asking again harmless.
        one: what was read again.
        delivery: what was understood.
        window: how long an untouched incident still takes in new alerts.
        again: also when it was replayed or dropped before.

    Raises:
        Refused: it is settled already.
        VersionConflict: somebody corrected it meanwhile.
    """

    async def take(work: Work) -> tuple[UUID, Json]:
        taken = (await alerts.take_within(work, [delivery], window=window))[0]
        incidents = [f"INC-{n}" for n in taken.incidents]
        return taken.delivery_id, {
            "alerts": taken.alerts, "new": taken.new, "incidents": incidents
        }  # fmt: skip

    return await _replay(db, ctx, one, take, again=again)


async def replay_changes(
    db: Database,
    ctx: CommandContext,
    one: Held,
    delivery: Delivery,
    told: Sequence[IncomingChange],
    *,
    again: bool = False,
) -> Answer:
    """Take in what could be read of changes now, as ``replay`` does of alerts."""

    async def take(work: Work) -> tuple[UUID, Json]:
        taken = await changes.take_within(work, delivery, told)
        return taken.delivery_id, {
            "alerts": 0, "new": sum(c.new for c in taken.changes), "incidents": [],
            "changes": [str(c.id) for c in taken.changes],
        }  # fmt: skip

    return await _replay(db, ctx, one, take, again=again)


async def _replay(
    db: Database,
    ctx: CommandContext,
    one: Held,
    take: Callable[[Work], Awaitable[tuple[UUID, Json]]],
    *,
    again: bool,
) -> Answer:
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Answer:
        row = await _open(work, one.id, again=again)
        if row["fixed_at"] != one.fixed_at:
            raise VersionConflict(
                "Somebody has corrected this body meanwhile; nothing was replayed.",
                remedy="Look at it, and replay it again.",
            )
        async with all_eyes(work):
            kept, brought = await take(work)
        await _settle(work, one.id, "replayed", replayed_as=kept)
        return Answer(
            200, {"id": str(one.id), "state": "replayed", "delivery": str(kept)} | brought
        )

    body = {"id": str(one.id), "again": again}
    return await run_command(db, ctx, "quarantine.replay", body, handler)


async def _open(work: Work, delivery_id: UUID, *, again: bool) -> RowMapping:
    """Lock the row of one in quarantine, made if it is the first thing done about it."""
    await work.execute(
        "insert into warroom.quarantine (delivery_id, unit, visibility)"
        " select id, unit, visibility from warroom.delivery"
        " where id = :id and state = 'quarantined' on conflict (delivery_id) do nothing",
        {"id": delivery_id},
    )
    row = await work.row(
        "select q.state, q.decided_at, q.fixed_at, p.name, now() as now from warroom.quarantine q"
        " left join warroom.principal p on p.id = q.decided_by"
        " where q.delivery_id = :id for update of q",
        {"id": delivery_id},
    )
    if row is None:
        raise _unknown(delivery_id)
    if row["state"] != "open" and not again:
        when = say_time(row["decided_at"], row["now"])
        raise Refused(
            f"It was {row['state']} {when} by {row['name']}; nothing was changed. Ask for it again"
            " explicitly if it is meant to happen twice.",
            rule="quarantine-open",
        )
    return row


async def _settle(
    work: Work,
    delivery_id: UUID,
    state: str,
    *,
    reason: str | None = None,
    replayed_as: UUID | None = None,
) -> None:
    await work.execute(
        "update warroom.quarantine set state = :state, reason = :reason,"
        " replayed_as = coalesce(:as, replayed_as),"
        " replays = replays + case when cast(:as as uuid) is null then 0 else 1 end,"
        " decided_by = :who, decided_at = now(), version = version + 1 where delivery_id = :id",
        {"state": state, "reason": reason, "as": replayed_as, "who": work.ctx.principal.id,
         "id": delivery_id},
    )  # fmt: skip


def _unknown(delivery_id: UUID) -> NotFound:
    return NotFound(f"There is nothing {delivery_id} in quarantine.", field="id")


def check_dialect(dialect: str, *, known: bool) -> None:
    """Refuse what no parser here reads.

    Raises:
        InvalidInput: the dialect is not one that can be replayed.
    """
    if not known:
        raise InvalidInput(
            f"Bodies of the dialect {dialect} cannot be replayed here; nothing was changed.",
            field="dialect",
            remedy="Let its sender send it again.",
        )
