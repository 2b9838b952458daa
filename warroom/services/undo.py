"""Undo: puts back, row by row, what one's own last command on an incident changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work
from warroom.domain.incident import Command, Decision, IncidentState, Status
from warroom.domain.principal import CommandContext
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.undo import PUT_BACK, LastCommand, Touched, check_undo
from warroom.errors import Refused
from warroom.services import impact
from warroom.services.incident_commands import check_version, hold, run_on

_ZERO = timedelta()
_MOMENTS = frozenset({"acknowledged_at", "resolved_at"})
_IDS = frozenset({"acknowledged_by", "resolved_by", "owner_id"})
_NOW = {
    "incident": "select version from warroom.incident where id = :id",
    "timer": "select version from warroom.timer where id = :id",
    "role_held": "select version from warroom.role_held where id = :id",
    "incident_service": "select version from warroom.incident_service where id = :id",
}


async def undo(db: Database, ctx: CommandContext, ref: str, *, version: int) -> Answer:
    """Undo one's own last command on the incident, where the rules allow it."""

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        check_version(row, version)
        await hold(work, row)
        last = await _last(work, row["id"])
        command = check_undo(state, ctx.principal, last)
        assert last is not None
        changes: dict[str, Any] = {}
        status = state.status
        for touched in reversed(last.rows):
            if touched.table == "incident":
                changes = await _incident(work, row, touched)
                status = Status(changes.get("status", state.status.value))
            else:
                await _row(work, touched, last.at, now)
        if command in (Command.SERVICE, Command.SERVICE_DETACH):
            await impact.refresh(work, [row["id"]])
        said = command.value.removeprefix("incident.")
        moved = [f"{state.status} → {status}"] if status != state.status else []
        again = "; ".join([*moved, *await _came_back(work, last, changes)])
        text = f"{ctx.principal.name} took back their {said}{again and ': ' + again}"
        return Decision(
            Command.UNDO, status, changes, (EntryDraft(EntryKind.STATUS, text, now),),
            f"{state.ref}: {said} undone.",
        )  # fmt: skip

    return await run_on(db, ctx, ref, Command.UNDO, {"version": version}, work_on, version=version)


async def _came_back(work: Work, last: LastCommand, changes: Mapping[str, Any]) -> list[str]:
    """Return in words what is as it was before; what only follows from it is left out."""
    said = [f"SEV{changes['severity']} again"] if "severity" in changes else []
    if "drill" in changes:
        said.append("a drill again" if changes["drill"] else "real again")
    if "owner_id" in changes:
        said.append(f"owner {await _name_of(work, changes['owner_id'])} again")
    for touched in last.rows:
        was = touched.after if touched.op == "INSERT" else touched.before
        if touched.table == "role_held":
            name = await _name_of(work, UUID(was["principal_id"]))
            holds = "no longer" if touched.op == "INSERT" else "again"
            said.append(f"{name} is {holds} {was['role']}")
        elif touched.table == "incident_service":
            key = await work.scalar(
                "select key from warroom.service where id = :id", {"id": UUID(was["service_id"])}
            )
            gone = touched.op == "INSERT"
            said.append(f"{key} is off it again" if gone else f"{key} {was['state']} again")
    return said


async def _name_of(work: Work, person: UUID | None) -> str:
    query = "select name from warroom.principal where id = :id"
    return str(await work.scalar(query, {"id": person})) if person is not None else "nobody"


async def _last(work: Work, incident: UUID) -> LastCommand | None:
    rows = await work.rows(
        "select command, actor_id, recorded_at, table_name, op, row_id, before, after"
        " from warroom.last_command(:id)",
        {"id": incident},
    )
    if not rows:
        return None
    touched = []
    for r in rows:
        if r["table_name"] in ("incident_impact", "freeze"):
            continue  # derived: they follow
        after: Mapping[str, Any] = r["after"] or {}
        query = _NOW.get(r["table_name"])
        found = await work.row(query, {"id": r["row_id"]}) if query else None
        gone = r["op"] == "DELETE" and found is None
        intact = gone or (found is not None and found["version"] == after.get("version"))
        # The old row is the new one overlaid with what was different.
        before = {**after, **(r["before"] or {})} if r["op"] == "UPDATE" else r["before"] or {}
        touched.append(Touched(r["table_name"], r["op"], r["row_id"], before, after, intact))
    first = rows[0]
    return LastCommand(first["command"], first["actor_id"], first["recorded_at"], touched)


async def _incident(work: Work, row: RowMapping, touched: Touched) -> dict[str, Any]:
    """Return the columns to put back; a custom field is put back here."""
    if touched.before.get("custom") != touched.after.get("custom"):
        await work.execute(
            "update warroom.incident set custom = cast(:custom as jsonb) where id = :id",
            {"custom": json.dumps(touched.before["custom"]), "id": row["id"]},
        )
    changes: dict[str, Any] = {}
    for column in PUT_BACK:
        value = touched.before.get(column)
        if value == touched.after.get(column):
            continue
        if value is not None and column in _MOMENTS:
            value = datetime.fromisoformat(value)
        elif value is not None and column in _IDS:
            value = UUID(value)
        changes[column] = value
    return changes


async def _row(work: Work, touched: Touched, at: datetime, now: datetime) -> None:
    """Put one row back; a clock that was stopped goes on with the time that it had left."""
    before, key = touched.before, {"id": touched.row_id}
    table, op = touched.table, touched.op
    if table == "timer" and op == "INSERT":
        await work.execute(
            "update warroom.timer set state = 'cancelled', reason = 'undone',"
            " version = version + 1 where id = :id", key,
        )  # fmt: skip
    elif table == "timer":
        due = datetime.fromisoformat(before["due_at"]).astimezone(UTC)
        paused = before.get("paused_at")
        await work.execute(
            "update warroom.timer set state = :state, due_at = :due, reason = :reason,"
            " paused_at = :paused, version = version + 1 where id = :id",
            key | {"state": before["state"], "reason": before["reason"],
                   "due": due if before["state"] != "armed" else now + max(due - at, _ZERO),
                   "paused": datetime.fromisoformat(paused) if paused else None},
        )  # fmt: skip
    elif table == "role_held" and op == "INSERT":
        await work.execute(
            "update warroom.role_held set released_at = now(), version = version + 1"
            " where id = :id", key,
        )  # fmt: skip
    elif table == "role_held":
        await work.execute(
            "update warroom.role_held set released_at = null, version = version + 1"
            " where id = :id", key,
        )  # fmt: skip
    elif table == "incident_service" and op == "INSERT":
        await work.execute("delete from warroom.incident_service where id = :id", key)
    elif table == "incident_service" and op == "UPDATE":
        await work.execute(
            "update warroom.incident_service set state = :state, version = version + 1"
            " where id = :id", key | {"state": before["state"]},
        )  # fmt: skip
    elif table == "incident_service":
        await work.execute(
            "insert into warroom.incident_service (incident_id, service_id, state, unit,"
            " visibility) values (:incident, :service, :state, :unit, :seen)",
            {"incident": before["incident_id"], "service": before["service_id"],
             "state": before["state"], "unit": before["unit"], "seen": before["visibility"]},
        )  # fmt: skip
    else:
        raise Refused(f"A change of {table} cannot be undone.", rule="undo-kind")
