"""Incidents: declare, acknowledge, resolve, log.  One command, one transaction, one answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import RowMapping

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain import incident as rules
from warroom.domain.escalation import arm_first
from warroom.domain.ids import format_ref, parse_ref
from warroom.domain.incident import Decision, IncidentState, Party, Status
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.timer import TimerDraft
from warroom.errors import InvalidInput, NotFound, Refused, VersionConflict
from warroom.services import impact
from warroom.services.access import require
from warroom.services.alert_incidents import load_policy

Json = dict[str, Any]

_SELECT = """
select i.id, i.number, i.title, i.summary, i.severity, i.status, i.version, i.unit,
  i.visibility, i.drill, i.opened_at, i.acknowledged_at, i.resolved_at, i.updated_at,
  i.alert_count, i.firing_count, i.custom, i.policy_id,
  o.id as owner_id, o.name as owner_name, a.id as acked_id, a.name as acked_name,
  r.id as resolved_id, r.name as resolved_name,
  (select jsonb_build_object('id', p.id, 'name', p.name) from warroom.role_held h
     join warroom.principal p on p.id = h.principal_id
     where h.incident_id = i.id and h.role = 'commander' and h.released_at is null limit 1)
    as commander,
  coalesce((select jsonb_agg(jsonb_build_object('id', s.id, 'key', s.key, 'name', s.name,
      'state', l.state, 'tier', s.tier) order by s.tier, s.key)
    from warroom.incident_service l join warroom.service s on s.id = l.service_id
    where l.incident_id = i.id), '[]') as services,
  (select jsonb_build_object('kind', t.kind, 'due_at', t.due_at, 'target', t.target)
    from warroom.timer t where t.incident_id = i.id and t.state = 'armed'
    order by t.due_at limit 1) as next_timer
from warroom.incident i
left join warroom.principal o on o.id = i.owner_id
left join warroom.principal a on a.id = i.acknowledged_by
left join warroom.principal r on r.id = i.resolved_by
"""


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _json(row: RowMapping) -> Json:
    owner = {"id": str(row["owner_id"]), "name": row["owner_name"]} if row["owner_id"] else None
    return {
        "id": str(row["id"]),
        "ref": format_ref(row["number"]),
        "number": row["number"],
        "title": row["title"],
        "summary": row["summary"],
        "severity": row["severity"],
        "status": row["status"],
        "version": row["version"],
        "unit": row["unit"],
        "visibility": row["visibility"],
        "drill": row["drill"],
        "opened_at": _time(row["opened_at"]),
        "acknowledged_at": _time(row["acknowledged_at"]),
        "resolved_at": _time(row["resolved_at"]),
        "updated_at": _time(row["updated_at"]),
        "owner": owner,
        "commander": row["commander"],
        "services": row["services"],
        "alert_count": row["alert_count"],
        "firing_count": row["firing_count"],
        "next_timer": row["next_timer"],
        "custom": row["custom"],
    }


def _party(identifier: UUID | None, name: str | None) -> Party | None:
    return Party(identifier, name) if identifier is not None and name is not None else None


def _state(row: RowMapping) -> IncidentState:
    return IncidentState(
        id=row["id"],
        number=row["number"],
        title=row["title"],
        severity=row["severity"],
        status=Status(row["status"]),
        version=row["version"],
        opened_at=row["opened_at"],
        acknowledged_at=row["acknowledged_at"],
        resolved_at=row["resolved_at"],
        owner=_party(row["owner_id"], row["owner_name"]),
        acknowledged_by=_party(row["acked_id"], row["acked_name"]),
        resolved_by=_party(row["resolved_id"], row["resolved_name"]),
        firing_count=row["firing_count"],
    )


async def load(work: Work, ref: str) -> RowMapping:
    """Return the incident that ``ref`` names.

    Raises:
        InvalidInput: ``ref`` is neither INC-12, 12 nor an id.
        NotFound: there is none, or the principal may not know of it.
    """
    found = parse_ref(ref)
    column = "id" if isinstance(found, UUID) else "number"
    # A number beyond bigint is no incident's.
    if isinstance(found, int) and found >= 2**63:
        raise NotFound(f"There is no incident {ref[:80]}.", field="ref")
    row = await work.row(f"{_SELECT} where i.{column} = :ref", {"ref": found})
    if row is None:
        raise NotFound(
            f"There is no incident {ref[:80]}.", field="ref", remedy="`warroom incident list`"
        )
    return row


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
        now: datetime = await work.scalar("select now()")
        decision = rules.declare(new, ctx.principal, now)
        found = await work.rows(
            "select id, key, unit, policy_id from warroom.service where key = any(:keys)"
            " order by tier, key",
            {"keys": keys},
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
            "insert into warroom.incident (title, summary, severity, drill, unit, opened_by,"
            " on_behalf_of, policy_id, opened_at, last_activity_at) values (:title, :summary,"
            " :severity, :drill, :unit, :by, :behalf, :policy, :now, :now)"
            " returning id, unit, visibility",
            {
                "title": new.title, "summary": new.summary, "severity": new.severity,
                "drill": new.drill, "unit": found[0]["unit"] if found else "main",
                "by": ctx.principal.id, "behalf": ctx.on_behalf_of, "policy": policy, "now": now,
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
        if found:
            await impact.refresh(work, [row["id"]])
        first = arm_first(await load_policy(work, policy), now)
        await _follow(work, row, decision, policy, (first,) if first else ())
        return Answer(201, _json(await load(work, str(row["id"]))))

    return await run_command(db, ctx, decision_name(rules.Command.DECLARE), body, handler)


def decision_name(command: rules.Command) -> str:
    """Return the command's name on the record."""
    return command.value


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
    return await _change(
        db, ctx, ref, rules.Command.ACKNOWLEDGE, {"version": version},
        lambda state, now: rules.acknowledge(state, ctx.principal, now), version,
    )  # fmt: skip


async def resolve(
    db: Database, ctx: CommandContext, ref: str, *, version: int, note: str | None = None
) -> Answer:
    """Resolve the incident that the caller saw at ``version``; its clocks stop."""
    return await _change(
        db, ctx, ref, rules.Command.RESOLVE, {"version": version, "note": note},
        lambda state, now: rules.resolve(state, ctx.principal, now, note=note), version,
    )  # fmt: skip


async def log_entry(
    db: Database,
    ctx: CommandContext,
    ref: str,
    *,
    kind: object,
    text: object,
    happened_at: datetime | None = None,
    confidence: object = None,
) -> Answer:
    """Add an entry to the log; in every status, and without a version: entries never conflict."""
    body = {"kind": kind, "text": text, "happened_at": happened_at, "confidence": confidence}
    return await _change(
        db, ctx, ref, rules.Command.LOG, body,
        lambda state, now: rules.log_entry(
            state, ctx.principal, now, kind=kind, text=text, happened_at=happened_at,
            confidence=confidence,
        ),
        None, status=201,
    )  # fmt: skip


async def _change(
    db: Database,
    ctx: CommandContext,
    ref: str,
    command: rules.Command,
    body: Json,
    decide: Callable[[IncidentState, datetime], Decision],
    version: int | None,
    status: int = 200,
) -> Answer:
    require(ctx, Scope.RESPOND)

    async def handler(work: Work) -> Answer:
        row = await load(work, ref)
        now: datetime = await work.scalar("select now()")
        try:
            decision = decide(_state(row), now)
        except Refused as refusal:
            raise Refused(refusal.message, rule=refusal.rule, current=_json(row)) from refusal
        if version is not None and row["version"] != version:
            raise _conflict(row, version)
        if decision.changes:
            await _apply(work, row, decision)
        await _follow(work, row, decision, row["policy_id"], decision.arm)
        return Answer(status, _json(await load(work, str(row["id"]))))

    return await run_command(db, ctx, decision_name(command), {"ref": ref, **body}, handler)


def _conflict(row: RowMapping, version: int) -> VersionConflict:
    return VersionConflict(
        f"{format_ref(row['number'])} changed meanwhile: you saw version {version}, it is"
        f" {row['version']} ({row['status']}); nothing was changed.",
        field="version",
        remedy="Look at it again and repeat the command.",
        current=_json(row),
    )


async def _apply(work: Work, row: RowMapping, decision: Decision) -> None:
    """Compare and set: the row is changed only if nobody else did since it was read."""
    ended = decision.status in (Status.RESOLVED, Status.CLOSED)
    columns = {
        name: value
        for name, value in decision.changes.items()
        if name in {"status", "acknowledged_at", "acknowledged_by", "owner_id", "resolved_at",
                    "resolved_by"}
    }  # fmt: skip
    table = tables.incident
    changed = await work.row(
        sa.update(table)
        .where(table.c.id == row["id"], table.c.version == row["version"])
        .values(
            **columns,
            version=table.c.version + 1,
            updated_at=sa.func.now(),
            last_activity_at=sa.func.now(),
            ended_at=sa.func.now() if ended else None,
        )
        .returning(table.c.version)
    )
    if changed is None:
        raise _conflict(await load(work, str(row["id"])), row["version"])


async def _follow(
    work: Work,
    row: RowMapping,
    decision: Decision,
    policy: UUID | None,
    arm: Sequence[TimerDraft],
) -> None:
    """Write what follows from the decision: entries, timers cancelled, timers armed, messages."""
    common = {"incident": row["id"], "unit": row["unit"], "seen": row["visibility"]}
    principal = work.ctx.principal
    for entry in decision.entries:
        await work.execute(
            "insert into warroom.timeline (incident_id, kind, body, happened_at, source,"
            " confidence, corrects, author_id, author_kind, on_behalf_of, unit, visibility)"
            " values (:incident, :kind, :body, :happened, :source, :confidence, :corrects,"
            " :author, :author_kind, :behalf, :unit, :seen)",
            common
            | {
                "kind": entry.kind.value, "body": entry.text, "happened": entry.happened_at,
                "source": entry.source, "confidence": entry.confidence,
                "corrects": entry.corrects, "author": principal.id,
                "author_kind": principal.kind.value, "behalf": work.ctx.on_behalf_of,
            },
        )  # fmt: skip
    if decision.cancel:
        await work.execute(
            "update warroom.timer set state = 'cancelled', reason = :why, version = version + 1"
            " where incident_id = :incident and kind = any(:kinds)"
            " and state in ('armed', 'paused')",
            {"incident": row["id"], "why": decision.cancel[0].why,
             "kinds": [c.kind.value for c in decision.cancel]},
        )  # fmt: skip
    for timer in arm:
        await work.execute(
            "insert into warroom.timer (kind, incident_id, step, cycle, due_at, target,"
            " policy_id, unit, visibility) values (:kind, :incident, :step, :cycle, :due,"
            " :target, :policy, :unit, :seen)"
            " on conflict (incident_id, kind, step, cycle) do nothing",
            common
            | {"kind": timer.kind.value, "step": timer.step, "cycle": timer.cycle,
               "due": timer.due_at, "target": timer.target, "policy": policy},
        )  # fmt: skip
    await _announce(work, row, decision)


async def _announce(work: Work, row: RowMapping, decision: Decision) -> None:
    """Tell the channels what happened, once, whatever happens to this process afterwards."""
    if decision.command is rules.Command.LOG:
        return
    payload = {"type": decision.command.value, "text": decision.sentence}
    await work.execute(
        "insert into warroom.outbox (channel, dedup_key, incident_id, payload, unit, visibility)"
        " select c.key, cast(:id as text) || ':' || :name || ':' || warroom.uuid7() || ':' ||"
        " c.key, :id, cast(:payload as jsonb), :unit, :seen"
        " from warroom.channel c where c.disabled_at is null order by c.key",
        {"id": row["id"], "name": decision.command.value, "payload": json.dumps(payload),
         "unit": row["unit"], "seen": row["visibility"]},
    )  # fmt: skip


async def show(db: Database, ctx: CommandContext, ref: str) -> Json:
    """Return one incident."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Json:
        return _json(await load(work, ref))

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
            f"{_SELECT} where (cast(:after as bigint) is null or i.number < :after){where}"
            " order by i.number desc limit :limit",
            {"after": after, "limit": limit},
        )
        return [_json(r) for r in rows]

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
            " t.author_kind, t.source, t.confidence, t.corrects"
            " from warroom.timeline t left join warroom.principal p on p.id = t.author_id"
            " where t.incident_id = :id and t.id >= :id"
            " and (cast(:after as uuid) is null or t.id < :after)"
            " order by t.id desc limit :limit",
            {"id": row["id"], "after": after, "limit": limit},
        )
        return [
            {
                "id": str(r["id"]), "kind": r["kind"], "text": r["body"],
                "happened_at": _time(r["happened_at"]), "recorded_at": _time(r["recorded_at"]),
                "author": r["author"], "author_kind": r["author_kind"], "source": r["source"],
                "confidence": r["confidence"],
                "corrects": str(r["corrects"]) if r["corrects"] else None,
            }
            for r in rows
        ]  # fmt: skip

    return await read(db, ctx, handler)
