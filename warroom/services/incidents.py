"""Incidents: declare, acknowledge, resolve, list and show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain import incident as rules
from warroom.domain.escalation import arm_first
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import InvalidInput
from warroom.services import freezes, impact
from warroom.services.access import require
from warroom.services.escalation_policies import policy_of
from warroom.services.incident_commands import change, follow, write_entry
from warroom.services.incident_state import SELECT, Json, as_json, iso, load


async def declare(
    db: Database,
    ctx: CommandContext,
    *,
    title: object,
    severity: object,
    services: Sequence[str] = (),
    summary: object = "",
    drill: bool = False,
) -> Answer:
    """Declare an incident on services that exist.

    Raises:
        InvalidInput: a field cannot be used, or a service is unknown; names it.
    """
    require(ctx, Scope.RESPOND)
    new = rules.check_declaration(title, summary, severity, drill=drill)
    keys = sorted(set(services))
    body = {
        "title": new.title, "summary": new.summary, "severity": new.severity,
        "services": keys, "drill": drill,
    }  # fmt: skip

    async def handler(work: Work) -> Answer:
        row = await declare_in(work, new, keys)
        return Answer(201, as_json(await load(work, str(row["id"]))))

    return await run_command(db, ctx, rules.Command.DECLARE.value, body, handler)


async def declare_in(
    work: Work,
    new: rules.NewIncident,
    keys: Sequence[str],
    *,
    visibility: str = "normal",
    unit: str | None = None,
) -> RowMapping:
    """Declare an incident in the name of whoever acts, with all that follows.

    Args:
        work: the transaction.
        new: what is declared.
        keys: of its services.
        visibility: who may know of it; other than normal wakes nobody and is told to no channel.
        unit: whose it is; that of its first service, if not given.

    Raises:
        InvalidInput: a service is unknown.
    """
    now: datetime = await work.scalar("select now()")
    decision = rules.declare(new, work.ctx.principal, now)
    found = await work.rows(
        "select id, key, unit, policy_id from warroom.service where key = any(:keys)"
        " order by tier, key",
        {"keys": list(keys)},
    )
    unknown = sorted(set(keys) - {r["key"] for r in found})
    if unknown:
        raise InvalidInput(
            f"There is no service {unknown[0]!r}; nothing was declared.",
            field="services",
            remedy="`warroom service add` makes one, or declare without.",
        )
    policy = await _policy(work, found)
    row = await work.row(
        "insert into warroom.incident (title, summary, severity, drill, unit, visibility,"
        " opened_by, on_behalf_of, policy_id, opened_at, last_activity_at) values (:title,"
        " :summary, :severity, :drill, :unit, :seen, :by, :behalf, :policy, :now, :now)"
        " returning id, number, unit, visibility",
        {
            "title": new.title, "summary": new.summary, "severity": new.severity,
            "drill": new.drill, "unit": unit or (found[0]["unit"] if found else "main"),
            "seen": visibility, "by": work.ctx.principal.id, "behalf": work.ctx.on_behalf_of,
            "policy": policy, "now": now,
        },
    )  # fmt: skip
    if row is None:
        raise RuntimeError("an insert that returned nothing")
    await work.execute(
        "insert into warroom.incident_service (incident_id, service_id, unit, visibility)"
        " select :id, s, :unit, :seen from unnest(cast(:services as uuid[])) s order by s",
        {"id": row["id"], "unit": row["unit"], "seen": row["visibility"],
         "services": [r["id"] for r in found]},
    )  # fmt: skip
    await impact.refresh(work, [row["id"]])
    if visibility == "normal":
        first = arm_first(await policy_of(work, row["id"], policy), now)
        await follow(work, row, decision, policy, (first,) if first else ())
    else:
        for entry in decision.entries:
            await write_entry(
                work, row["id"], entry, unit=row["unit"], visibility=row["visibility"]
            )
    await freezes.refresh(work, [row["id"]])
    return row


async def _policy(work: Work, services: Sequence[RowMapping]) -> UUID:
    for service in services:
        if service["policy_id"] is not None:
            own: UUID = service["policy_id"]
            return own
    default: UUID = await work.scalar(
        "select id from warroom.escalation_policy where key = 'default'"
    )
    return default


async def acknowledge(db: Database, ctx: CommandContext, ref: str, *, version: int) -> Answer:
    """Acknowledge the incident that the caller saw at ``version``; escalation ends."""
    return await change(
        db, ctx, ref, rules.Command.ACKNOWLEDGE, {"version": version},
        lambda state, now: rules.acknowledge(state, ctx.principal, now),
        version=version,
    )  # fmt: skip


async def resolve(
    db: Database, ctx: CommandContext, ref: str, *, version: int, note: str | None = None
) -> Answer:
    """Resolve the incident that the caller saw at ``version``; its clocks stop."""
    return await change(
        db, ctx, ref, rules.Command.RESOLVE, {"version": version, "note": note},
        lambda state, now: rules.resolve(state, ctx.principal, now, note=note), version=version,
    )  # fmt: skip


async def show(db: Database, ctx: CommandContext, ref: str) -> Json:
    """Return one incident."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Json:
        return as_json(await load(work, ref))

    return await read(db, ctx, handler)


async def list_page(
    db: Database, ctx: CommandContext, *, status: str, after: int | None, limit: int
) -> list[Json]:
    """Return incidents, newest first.

    Args:
        db: the database.
        ctx: who reads.
        status: ``open`` or ``all``.
        after: only numbers below this one (the cursor).
        limit: rows at the most.
    """
    require(ctx, Scope.READ)
    where = "" if status == "all" else " and i.ended_at is null"

    async def handler(work: Work) -> list[Json]:
        rows = await work.rows(
            f"{SELECT} where (cast(:after as bigint) is null or i.number < :after){where}"
            " order by i.number desc limit :limit",
            {"after": after, "limit": limit},
        )
        return [as_json(r) for r in rows]

    return await read(db, ctx, handler)


async def timeline_page(
    db: Database, ctx: CommandContext, ref: str, *, after: UUID | None, limit: int
) -> list[Json]:
    """Return entries of an incident, newest first; ``after`` is the cursor."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Json]:
        row = await load(work, ref)
        rows = await work.rows(
            "select t.id, t.kind, t.body, t.happened_at, t.recorded_at, p.name as author,"
            " t.author_kind, t.source, t.confidence, t.corrects,"
            " exists (select from warroom.timeline c where c.incident_id = t.incident_id"
            " and c.corrects = t.id and c.id > t.id) as corrected,"
            " exists (select from warroom.pin k where k.entry_id = t.id) as pinned"
            " from warroom.timeline t left join warroom.principal p on p.id = t.author_id"
            " where t.incident_id = :id and t.id >= :id"
            " and (cast(:after as uuid) is null or t.id < :after)"
            " order by t.id desc limit :limit",
            {"id": row["id"], "after": after, "limit": limit},
        )
        return [
            {
                "id": str(r["id"]), "kind": r["kind"], "text": r["body"],
                "happened_at": iso(r["happened_at"]), "recorded_at": iso(r["recorded_at"]),
                "author": r["author"], "author_kind": r["author_kind"], "source": r["source"],
                "confidence": r["confidence"],
                "corrects": str(r["corrects"]) if r["corrects"] else None,
                "corrected": r["corrected"], "pinned": r["pinned"],
            }
            for r in rows
        ]  # fmt: skip

    return await read(db, ctx, handler)
