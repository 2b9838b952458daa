"""Bodies that are taken before their alerts are worked out: kept, claimed, found again, refused.

Where a crowd waits a sender is not kept waiting for its turn: its body is
committed whole, with the proof of its token and an audit row, and that is what its 2xx says.  What
follows from it is stored in a transaction of its own, which takes the body out of here and puts it
into the stream under the same id: so it is worked out once, however often somebody begins.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from warroom.db.engine import Database
from warroom.db.uow import Answer, Asked, Work, read, run_command
from warroom.domain.principal import INGEST_PRINCIPAL, CommandContext
from warroom.errors import WarRoomError
from warroom.services import token_proof
from warroom.services.delivery import Delivery

BYTES_AT_ONCE: Final = 8_000_000
"""Bytes of bodies that are read at once by whoever looks for what was left behind."""


@dataclass(frozen=True, slots=True)
class Left:
    """A body that somebody took and did not work out, and how its source is read by now."""

    id: UUID
    source_id: UUID
    source_principal_id: UUID
    dialect: str
    content_type: str
    body: bytes
    request_id: str
    read_at: datetime
    service_label: str | None
    severity_map: Any
    lane: str | None


class Gone(Exception):
    """Bodies that are no longer here: somebody else works them out; ``places`` in the batch."""

    def __init__(self, places: frozenset[int]) -> None:
        super().__init__(places)
        self.places = places


# The ids before the rows: what comes back is matched by its place, whatever order rows return in.
_KEEP = """
with g as materialized (
  select warroom.uuid7() as id, g.* from unnest(cast(:sources as uuid[]), cast(:dialects as text[]),
    cast(:types as text[]), cast(:bodies as bytea[]), cast(:requests as text[]),
    cast(:alerts as integer[]), cast(:read as timestamptz[])) with ordinality
    as g(source_id, dialect, content_type, body, request_id, alerts, read_at, n)),
put as (
  insert into warroom.intake (id, source_id, dialect, content_type, body, request_id, alerts,
    read_at)
  select g.id, g.source_id, g.dialect, g.content_type, g.body, g.request_id, g.alerts, g.read_at
  from g order by g.n)
select g.id from g order by g.n
"""


async def keep(db: Database, ctx: CommandContext, deliveries: Sequence[Delivery]) -> list[UUID]:
    """Commit bodies as they came, in one transaction.

    Args:
        db: the database of the API.
        ctx: the batcher's own context.
        deliveries: in the order in which they arrived.

    Returns:
        The id of each, which it will have in the stream, too; in the same order.

    Raises:
        Unproven: some were brought by a token that is not what it was; nothing was kept.
        DatabaseUnavailable: nothing was kept.
        OutcomeUnknown: they may be kept, and are then worked out; sending again is safe.
    """
    kept: list[UUID] = []
    proofs = {n: d.proof for n, d in enumerate(deliveries) if d.proof is not None}

    async def handler(work: Work) -> Answer:
        asked: list[Asked] = [_rows_of(deliveries)]
        if proofs:
            asked.append(token_proof.whose({p.token for p in proofs.values()}))
        put, *whose = await work.together(*asked)
        if whose:
            token_proof.check(proofs, whose[0].rows)
        kept[:] = [r["id"] for r in put.rows]
        return Answer(200, {})

    await run_command(db, ctx, "alerts.keep", {}, handler, eyes=INGEST_PRINCIPAL)
    return kept


def _rows_of(deliveries: Sequence[Delivery]) -> Asked:
    return _KEEP, {
        "sources": [d.source_id for d in deliveries],
        "dialects": [d.dialect for d in deliveries],
        "types": [d.content_type[:200] for d in deliveries],
        "bodies": [d.body for d in deliveries],
        "requests": [d.request_id[:200] for d in deliveries],
        "alerts": [len(d.alerts) for d in deliveries],
        "read": [d.read_at for d in deliveries],
    }


# Who works one out holds its row: whoever else wants it does not wait, and lets it be.
_CLAIMED = (
    "delete from warroom.intake where id in (select i.id from warroom.intake i"
    " where i.id = any(:ids) order by i.id for update skip locked) returning id, received_at"
)


def claimed(ids: Collection[UUID]) -> Asked:
    """Take bodies out; one that somebody else works out just now, or has, is not among them."""
    return _CLAIMED, {"ids": list(ids)}


_LEFT = """
select x.*, s.principal_id, s.service_label, s.severity_map, s.lane from (
  select i.id, i.source_id, i.dialect, i.content_type, i.body, i.request_id, i.read_at,
    sum(octet_length(i.body)) over (order by i.id) - octet_length(i.body) as before
  from warroom.intake i
  where i.received_at < now() - cast(:older as interval) and not i.id = any(:mine)
  order by i.id limit :most) x
join warroom.source s on s.id = x.source_id where x.before < :bytes order by x.id
"""


async def left_behind(
    db: Database, ctx: CommandContext, *, older: timedelta, mine: Collection[UUID], most: int
) -> list[Left]:
    """Return bodies that nobody has worked out, the oldest first.

    Args:
        db: the database of the API.
        ctx: the batcher's own context.
        older: only those that are here for so long.
        mine: the ids of those that the caller works out itself.
        most: how many at once; never more than some megabytes.
    """

    async def handler(work: Work) -> list[Left]:
        asked = {"older": older, "mine": list(mine), "most": most, "bytes": BYTES_AT_ONCE}
        return [
            Left(
                r["id"], r["source_id"], r["principal_id"], r["dialect"], r["content_type"],
                bytes(r["body"]), r["request_id"], r["read_at"], r["service_label"],
                r["severity_map"], r["lane"],
            )
            for r in await work.rows(_LEFT, asked)
        ]  # fmt: skip

    return await read(db, ctx, handler)


# Taken out first: who is not the one that takes it out writes nothing.
_REFUSE = """
with gone as (
  delete from warroom.intake where id in (
    select i.id from warroom.intake i where i.id = :id for update skip locked) returning *)
insert into warroom.delivery (id, source_id, dialect, content_type, body, state, error, field,
  request_id, received_at, unit, visibility)
select i.id, i.source_id, i.dialect, i.content_type, i.body, 'quarantined', :error, :field,
  i.request_id, i.received_at, s.unit, s.visibility
from gone i join warroom.source s on s.id = i.source_id
"""


async def refuse(db: Database, ctx: CommandContext, kept: UUID, error: WarRoomError) -> None:
    """Put a body that cannot be worked out into quarantine, where people see and replay it.

    Its sender has its 2xx and repeats nothing: what is wrong is for the people here.  Where
    somebody else is at it nothing is changed.
    """

    async def handler(work: Work) -> Answer:
        await work.execute(
            _REFUSE,
            {
                "id": kept,
                "error": error.message[:2000],
                "field": error.field[:500] if error.field else None,
            },
        )
        return Answer(200, {})

    await run_command(db, ctx, "alerts.quarantine", {}, handler, eyes=INGEST_PRINCIPAL)
