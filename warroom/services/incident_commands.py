"""How a command on an incident is carried out: one transaction from the row to the messages."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import RowMapping

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.ids import format_ref
from warroom.domain.incident import Command, Decision, IncidentState, Status
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.timeline import EntryDraft
from warroom.domain.timer import TimerDraft
from warroom.errors import Refused, VersionConflict
from warroom.services import freezes
from warroom.services.access import require
from warroom.services.incident_state import Json, as_json, load, state_of
from warroom.services.snoozes import arm_sleepers

Decide = Callable[[IncidentState, datetime], Decision]
WorkOn = Callable[[Work, RowMapping, IncidentState, datetime], Awaitable[Decision]]
Besides = Callable[[Work, RowMapping, Decision, datetime], Awaitable[None]]
CHANGEABLE = frozenset(
    {"status", "acknowledged_at", "acknowledged_by", "owner_id", "resolved_at", "resolved_by",
     "severity", "drill", "visibility", "resolution", "grouping_key"}
)  # fmt: skip
QUIET = frozenset({Command.LOG, Command.PIN, Command.UNPIN, Command.CORRECT, Command.LINK,
                   Command.UNLINK, Command.JUDGE, Command.FIELD, Command.RESTART,
                   Command.PAGE})  # fmt: skip
# After these an incident may freeze changes that it did not freeze, or the other way round.
FREEZING = frozenset({Command.SEVERITY, Command.STATUS, Command.RESOLVE, Command.FALSE_ALARM,
                      Command.MERGE, Command.DRILL, Command.SERVICE, Command.SERVICE_DETACH,
                      Command.UNDO})  # fmt: skip
# Arming what was armed before (a snooze, the next update) sets the same clock anew.
ARM = """
insert into warroom.timer (kind, incident_id, step, cycle, due_at, target, policy_id, reason, unit,
  visibility) values (:kind, :incident, :step, :cycle, :due, :target, :policy, :why, :unit, :seen)
on conflict (incident_id, kind, step, cycle) do update set state = 'armed', due_at = :due,
  target = :target, paused_at = null, fired_at = null, reason = :why, version = timer.version + 1
  where timer.kind <> 'escalate'
"""


async def change(
    db: Database,
    ctx: CommandContext,
    ref: str,
    command: Command,
    body: Json,
    decide: Decide,
    *,
    version: int | None,
    status: int = 200,
    besides: Besides | None = None,
) -> Answer:
    """Run one command on one incident whose rules need nothing but its state.

    Args:
        db: the database.
        ctx: who asks.
        ref: which incident.
        command: its name on the record.
        body: what was asked, for the idempotency key.
        decide: the domain's function.
        version: what the caller saw, None for commands that never conflict (entries).
        status: the HTTP status of success.
        besides: writes what the decision does not hold (roles, links), in the same transaction.

    Raises:
        Refused: a rule does not hold; carries the present state.
        VersionConflict: somebody else was faster; carries the present state.
    """

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        decision = decide(state, now)
        check_version(row, version)
        if besides is not None:
            await besides(work, row, decision, now)
        return decision

    return await run_on(db, ctx, ref, command, body, work_on, version=version, status=status)


async def run_on(
    db: Database,
    ctx: CommandContext,
    ref: str,
    command: Command,
    body: Json,
    work_on: WorkOn,
    *,
    version: int | None = None,
    status: int = 200,
) -> Answer:
    """Run one command on one incident: load, decide, compare and set, and what follows.

    ``work_on`` decides with the database at hand and writes what a decision does not hold; see
    ``change`` for the rest.
    """
    require(ctx, Scope.RESPOND)

    async def handler(work: Work) -> Answer:
        row = await load(work, ref)
        now: datetime = await work.scalar("select now()")
        try:
            decision = await work_on(work, row, state_of(row), now)
        except Refused as refusal:
            raise Refused(refusal.message, rule=refusal.rule, current=as_json(row)) from refusal
        check_version(row, version)
        if decision.changes or version is not None:
            await apply(work, row, decision)
        await follow(work, row, decision, row["policy_id"], decision.arm)
        if command in FREEZING:
            await freezes.refresh(work, [row["id"]])
        return Answer(status, as_json(await load(work, str(row["id"]))))

    return await run_command(db, ctx, command.value, {"ref": ref, **body}, handler)


def check_version(row: RowMapping, version: int | None) -> None:
    """Refuse a caller who saw another version than the present one.

    Raises:
        VersionConflict: carries the present state.
    """
    if version is not None and row["version"] != version:
        raise conflict(row, version)


def conflict(row: RowMapping, version: int) -> VersionConflict:
    """Return the error of a caller who saw an older version; it carries the present state."""
    return VersionConflict(
        f"{format_ref(row['number'])} changed meanwhile: you saw version {version}, it is"
        f" {row['version']} ({row['status']}); nothing was changed.",
        field="version",
        remedy="Look at it again and repeat the command.",
        current=as_json(row),
    )


async def hold(work: Work, row: RowMapping) -> None:
    """Lock the incident before what hangs on it, and refuse when it has changed since it was read.

    The engine leaves the clocks of a locked incident alone: without it one that is armed meanwhile
    would be missed. Whoever acts on roles, services or the last command at the same time waits
    here, and is told of the conflict instead of meeting the other's rows.

    Raises:
        VersionConflict: somebody else was faster; carries the present state.
    """
    now = await work.scalar(
        "select i.version from warroom.incident i where i.id = :id for no key update",
        {"id": row["id"]},
    )
    if now != row["version"]:
        raise conflict(await load(work, str(row["id"])), row["version"])


async def apply(work: Work, row: RowMapping, decision: Decision) -> None:
    """Compare and set: the row is changed only if nobody else did since it was read.

    Raises:
        VersionConflict: somebody else did.
    """
    columns: dict[str, Any] = {k: v for k, v in decision.changes.items() if k in CHANGEABLE}
    if "status" in columns:
        ended = decision.status in (Status.RESOLVED, Status.CLOSED)
        was = row["status"] in (Status.RESOLVED, Status.CLOSED)
        if ended != was:
            columns["ended_at"] = sa.func.now() if ended else None
    table = tables.incident
    changed = await work.row(
        sa.update(table)
        .where(table.c.id == row["id"], table.c.version == row["version"])
        .values(
            **columns,
            version=table.c.version + 1,
            updated_at=sa.func.now(),
            last_activity_at=sa.func.now(),
        )
        .returning(table.c.version)
    )
    if changed is None:
        raise conflict(await load(work, str(row["id"])), row["version"])


async def follow(
    work: Work,
    row: RowMapping,
    decision: Decision,
    policy: UUID | None,
    arm: Sequence[TimerDraft],
) -> None:
    """Write what follows from the decision: entries, timers cancelled, timers armed, messages."""
    seen = decision.changes.get("visibility", row["visibility"])
    common = {"incident": row["id"], "unit": row["unit"], "seen": seen}
    for entry in decision.entries:
        await write_entry(work, row["id"], entry, unit=row["unit"], visibility=str(seen))
    if decision.cancel:
        await work.execute(
            "update warroom.timer set state = 'cancelled', reason = :why, version = version + 1"
            " where incident_id = :incident and kind = any(:kinds)"
            # An update that is owed has fired; "none is due" ends that, too.
            " and (state in ('armed', 'paused') or (state = 'fired' and kind = 'update-due'))",
            {"incident": row["id"], "why": decision.cancel[0].why,
             "kinds": [c.kind.value for c in decision.cancel]},
        )  # fmt: skip
    if decision.wake:
        await arm_sleepers(work, [row["id"]])
    for timer in arm:
        await work.execute(ARM, common | {
            "kind": timer.kind.value, "step": timer.step, "cycle": timer.cycle,
            "due": timer.due_at, "target": timer.target, "policy": policy, "why": timer.why,
        })  # fmt: skip
    await announce(work, row, decision, str(seen))


async def write_entry(
    work: Work, incident: UUID, entry: EntryDraft, *, unit: str, visibility: str
) -> UUID:
    """Append one entry in the name of whoever acts; return its id."""
    principal = work.ctx.principal
    written: UUID = await work.scalar(
        "insert into warroom.timeline (incident_id, kind, body, happened_at, source,"
        " confidence, corrects, author_id, author_kind, on_behalf_of, unit, visibility)"
        " values (:incident, :kind, :body, :happened, :source, :confidence, :corrects,"
        " :author, :author_kind, :behalf, :unit, :seen) returning id",
        {
            "incident": incident, "kind": entry.kind.value, "body": entry.text,
            "happened": entry.happened_at, "source": entry.source,
            "confidence": entry.confidence, "corrects": entry.corrects, "author": principal.id,
            "author_kind": principal.kind.value, "behalf": work.ctx.on_behalf_of, "unit": unit,
            "seen": visibility,
        },
    )  # fmt: skip
    return written


async def announce(work: Work, row: RowMapping, decision: Decision, seen: str) -> None:
    """Tell the channels what happened, once, whatever happens to this process afterwards."""
    if decision.command in QUIET:
        return
    payload = {"type": decision.command.value, "text": decision.sentence}
    await work.execute(
        "insert into warroom.outbox (channel, dedup_key, incident_id, payload, unit, visibility)"
        " select c.key, cast(:id as text) || ':' || :name || ':' || warroom.uuid7() || ':' ||"
        " c.key, :id, cast(:payload as jsonb), :unit, :seen"
        " from warroom.channel c where c.disabled_at is null order by c.key",
        {"id": row["id"], "name": decision.command.value, "payload": json.dumps(payload),
         "unit": row["unit"], "seen": seen},
    )  # fmt: skip
