"""Roles of an incident: take, release, offer with a brief, answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work
from warroom.domain import incident_roles as rules
from warroom.domain.incident import Command, Decision, IncidentState
from warroom.domain.principal import CommandContext
from warroom.services.incident_commands import change, check_version, hold, run_on
from warroom.services.incident_moves import person

_TAKE = (
    "insert into warroom.role_held (incident_id, role, principal_id, brief, unit, visibility)"
    " values (:id, :role, :who, :brief, :unit, :seen)"
)
_RELEASE = (
    "update warroom.role_held set released_at = now(), version = version + 1"
    " where incident_id = :id and role = :role and released_at is null"
)
_ANSWERED = (
    "update warroom.handover set state = :state, answered_at = now(), version = version + 1"
    " where incident_id = :id and role = :role and state = 'offered'"
)


def _common(row: RowMapping, role: object) -> dict[str, Any]:
    return {"id": row["id"], "role": role, "unit": row["unit"], "seen": row["visibility"]}


async def take(
    db: Database, ctx: CommandContext, ref: str, *, version: int, role: object
) -> Answer:
    """Take a role that nobody holds."""

    async def besides(work: Work, row: RowMapping, _decision: Decision, _now: datetime) -> None:
        await hold(work, row)
        await work.execute(_TAKE, _common(row, role) | {"who": ctx.principal.id, "brief": None})

    return await change(
        db, ctx, ref, Command.ROLE_TAKE, {"version": version, "role": role},
        lambda state, now: rules.take(state, ctx.principal, now, role=role),
        version=version, besides=besides,
    )  # fmt: skip


async def release(
    db: Database, ctx: CommandContext, ref: str, *, version: int, role: object
) -> Answer:
    """Give a role up, or take it from somebody who is gone; an offer of it lapses."""

    async def besides(work: Work, row: RowMapping, _decision: Decision, _now: datetime) -> None:
        await hold(work, row)
        await work.execute(_RELEASE, _common(row, role))
        await work.execute(_ANSWERED, _common(row, role) | {"state": "withdrawn"})

    return await change(
        db, ctx, ref, Command.ROLE_RELEASE, {"version": version, "role": role},
        lambda state, now: rules.release(state, ctx.principal, now, role=role),
        version=version, besides=besides,
    )  # fmt: skip


async def offer(
    db: Database, ctx: CommandContext, ref: str, *, version: int, role: object, to: str,
    brief: object,
) -> Answer:  # fmt: skip
    """Offer one's role to somebody, with a brief; a former offer of it is withdrawn."""

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        check_version(row, version)
        await hold(work, row)
        asked = await person(work, to, "to")
        decision = rules.offer(state, ctx.principal, now, role=role, to=asked, brief=brief)
        common = _common(row, role)
        await work.execute(_ANSWERED, common | {"state": "withdrawn"})
        await work.execute(
            "insert into warroom.handover (incident_id, role, from_id, to_id, brief, unit,"
            " visibility) values (:id, :role, :by, :to, :brief, :unit, :seen)",
            common | {"by": ctx.principal.id, "to": asked.id, "brief": decision.entries[-1].text},
        )
        return decision

    body = {"version": version, "role": role, "to": to, "brief": brief}
    return await run_on(db, ctx, ref, Command.ROLE_OFFER, body, work_on, version=version)


async def answer(
    db: Database, ctx: CommandContext, ref: str, *, version: int, role: object, accept: bool
) -> Answer:
    """Accept a role that one was offered (it moves at once), or decline it."""

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        check_version(row, version)
        await hold(work, row)
        decision = rules.answer(state, ctx.principal, now, role=role, accept=accept)
        common = _common(row, role)
        await work.execute(_ANSWERED, common | {"state": "accepted" if accept else "declined"})
        if accept:
            brief = state.offers[str(role)].brief
            await work.execute(_RELEASE, common)
            await work.execute(_TAKE, common | {"who": ctx.principal.id, "brief": brief})
        return decision

    body = {"version": version, "role": role, "accept": accept}
    return await run_on(db, ctx, ref, Command.ROLE_ANSWER, body, work_on, version=version)
