"""Severity, status, owner, drill, false alarm, visibility."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work
from warroom.domain import incident_moves as rules
from warroom.domain.incident import Command, Decision, IncidentState, Party
from warroom.domain.principal import CommandContext
from warroom.errors import InvalidInput
from warroom.services.incident_commands import change, check_version, run_on


async def person(work: Work, name: str, field: str) -> Party:
    """Return a person by name, in any case of letters.

    Raises:
        InvalidInput: there is none of that name.
    """
    row = await work.row(
        "select id, name from warroom.principal where lower(name) = lower(:name)"
        " and kind = 'person' and disabled_at is null",
        {"name": name},
    )
    if row is None:
        raise InvalidInput(
            f"There is no person {name[:80]!r}; nothing was changed.",
            field=field,
            remedy="`warroom user list` shows who there is.",
        )
    return Party(row["id"], row["name"])


async def assign(
    db: Database, ctx: CommandContext, ref: str, *, version: int, owner: str | None
) -> Answer:
    """Give the incident to a person, or to nobody."""

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        check_version(row, version)
        to = await person(work, owner, "owner") if owner is not None else None
        return rules.assign(state, ctx.principal, now, owner=to)

    body = {"version": version, "owner": owner}
    return await run_on(db, ctx, ref, Command.ASSIGN, body, work_on, version=version)


async def set_severity(
    db: Database, ctx: CommandContext, ref: str, *, version: int, severity: object,
    reason: str | None = None,
) -> Answer:  # fmt: skip
    """Rate the harm anew."""
    return await change(
        db, ctx, ref, Command.SEVERITY,
        {"version": version, "severity": severity, "reason": reason},
        lambda state, now: rules.set_severity(
            state, ctx.principal, now, severity=severity, reason=reason
        ),
        version=version,
    )  # fmt: skip


async def set_status(
    db: Database, ctx: CommandContext, ref: str, *, version: int, status: object,
    note: str | None = None,
) -> Answer:  # fmt: skip
    """Move through the state machine; back from the end reopens."""
    return await change(
        db, ctx, ref, Command.STATUS, {"version": version, "status": status, "note": note},
        lambda state, now: rules.set_status(state, ctx.principal, now, status=status, note=note),
        version=version,
    )  # fmt: skip


async def set_drill(
    db: Database, ctx: CommandContext, ref: str, *, version: int, drill: bool
) -> Answer:
    """Mark as an exercise, or as real."""
    return await change(
        db, ctx, ref, Command.DRILL, {"version": version, "drill": drill},
        lambda state, now: rules.set_drill(state, ctx.principal, now, drill=drill),
        version=version,
    )  # fmt: skip


async def false_alarm(
    db: Database, ctx: CommandContext, ref: str, *, version: int, note: str | None = None
) -> Answer:
    """Resolve as something that never was."""
    return await change(
        db, ctx, ref, Command.FALSE_ALARM, {"version": version, "note": note},
        lambda state, now: rules.false_alarm(state, ctx.principal, now, note=note),
        version=version,
    )  # fmt: skip


async def restrict(
    db: Database, ctx: CommandContext, ref: str, *, version: int, visibility: object,
    people: Sequence[str] = (),
) -> Answer:  # fmt: skip
    """Say who may see it: its whole unit, named people, or security and named people."""

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        check_version(row, version)
        named = [await person(work, name, "people") for name in people]
        decision = rules.restrict(state, ctx.principal, now, visibility=visibility, people=named)
        await work.execute(
            "delete from warroom.incident_access where incident_id = :id"
            " and not principal_id = any(cast(:people as uuid[]))",
            {"id": row["id"], "people": [ctx.principal.id, *(p.id for p in named)]},
        )
        if visibility != "normal":
            # Before the change: whoever makes it must still see what they made.
            await work.execute(
                "insert into warroom.incident_access (incident_id, principal_id)"
                " select :id, p from unnest(cast(:people as uuid[])) p order by p"
                " on conflict (principal_id, incident_id) do nothing",
                {"id": row["id"], "people": [ctx.principal.id, *(p.id for p in named)]},
            )
        return decision

    body = {"version": version, "visibility": visibility, "people": sorted(people)}
    return await run_on(db, ctx, ref, Command.RESTRICT, body, work_on, version=version)
