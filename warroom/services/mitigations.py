"""Who is at which service: taken, joined and given up, with everybody concerned told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work
from warroom.domain import mitigation as rules
from warroom.domain.ids import format_ref
from warroom.domain.incident import Command, Decision, IncidentState, Party
from warroom.domain.mitigation import Holder
from warroom.domain.principal import CommandContext
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.errors import InvalidInput
from warroom.services import freezes
from warroom.services.eyes import all_eyes
from warroom.services.incident_commands import run_on, write_entry

# One waits for the other here: two who take a service at once see each other.
_SERVICE = "select id, key, unit from warroom.service where key = :key for no key update"
# Over is what has run out, and whatever was held on an incident that has ended.
_EXPIRE = (
    "update warroom.mitigation_lock m set released_at = least(now(), expires_at),"
    " version = m.version + 1 from warroom.incident i where i.id = m.incident_id"
    " and m.service_id = :id and m.released_at is null"
    " and (m.expires_at <= now() or i.ended_at is not null)"
)
_AT_IT = """
select m.id, m.incident_id, m.what, m.since, m.joined, m.unit, m.visibility, i.number,
  p.id as who_id, p.name as who from warroom.mitigation_lock m
join warroom.principal p on p.id = m.holder_id join warroom.incident i on i.id = m.incident_id
where m.service_id = :id and m.released_at is null order by m.joined, m.since, m.id
"""
_TAKE = (
    "insert into warroom.mitigation_lock (incident_id, service_id, what, holder_id, joined,"
    " expires_at, unit, visibility) values (:incident, :service, :what, :who, :joined, :ends,"
    " :unit, :seen) returning id"
)
# Whoever joined first holds it from now on.
_NEXT = (
    "update warroom.mitigation_lock set joined = false, version = version + 1 where id = ("
    "select id from warroom.mitigation_lock where service_id = :id and released_at is null"
    " and not exists (select from warroom.mitigation_lock h where h.service_id = :id"
    " and h.released_at is null and not h.joined) order by since, id limit 1)"
)


async def begin(
    db: Database,
    ctx: CommandContext,
    ref: str,
    *,
    service: str,
    what: object,
    join: bool = False,
    for_s: float = rules.DEFAULT.total_seconds(),
) -> Answer:
    """Say that one is at a service now, to roll it back, restart it and so on.

    Raises:
        Refused: somebody else is at it (``join`` stands beside them), or one is at it already.
    """
    act = rules.check_act(what)
    span = rules.check_span(for_s)

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        found = await _service(work, service)
        async with all_eyes(work):
            await work.execute(_EXPIRE, {"id": found["id"]})
            await work.execute(_NEXT, {"id": found["id"]})
            others = await work.rows(_AT_IT, {"id": found["id"]})
        seen = {
            r["id"]
            for r in await work.rows(
                "select id from warroom.incident where id = any(cast(:ids as uuid[]))",
                {"ids": [o["incident_id"] for o in others]},
            )
        }
        at_it = tuple(
            Holder(Party(o["who_id"], o["who"]), o["what"], o["since"],
                   format_ref(o["number"]) if o["incident_id"] in seen else "")
            for o in others
        )  # fmt: skip
        decision = rules.begin(
            state, ctx.principal, now, service=found["key"], what=act, ends=now + span,
            at_it=at_it, join=join,
        )  # fmt: skip
        await work.execute(
            _TAKE,
            {"incident": row["id"], "service": found["id"], "what": act, "who": ctx.principal.id,
             "joined": bool(others), "ends": now + span, "unit": row["unit"],
             "seen": row["visibility"]},
        )  # fmt: skip
        elsewhere = [o for o in others if o["incident_id"] != row["id"]]
        if elsewhere:
            async with all_eyes(work):
                await _tell_others(work, elsewhere, found["key"], act, now)
        return decision

    body = {"service": service, "what": act, "join": join, "for_s": for_s}
    return await run_on(db, ctx, ref, Command.MITIGATE, body, work_on)


async def end(db: Database, ctx: CommandContext, ref: str, *, service: str) -> Answer:
    """Say that one is done with a service; whoever joined first holds it from then on.

    Raises:
        Refused: one is not at it.
    """

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        found = await _service(work, service)
        gone = await work.row(
            "update warroom.mitigation_lock set released_at = least(now(), expires_at),"
            " version = version + 1 where service_id = :id and holder_id = :who"
            " and incident_id = :incident and released_at is null returning what, since",
            {"id": found["id"], "who": ctx.principal.id, "incident": row["id"]},
        )
        held = None
        if gone is not None:
            who = Party(ctx.principal.id, ctx.principal.name)
            held = Holder(who, gone["what"], gone["since"], state.ref)
        decision = rules.end(state, ctx.principal, now, service=found["key"], held=held)
        async with all_eyes(work):
            await work.execute(_NEXT, {"id": found["id"]})
        return decision

    return await run_on(db, ctx, ref, Command.MITIGATED, {"service": service}, work_on)


async def _service(work: Work, key: str) -> RowMapping:
    row = await work.row(_SERVICE, {"key": key})
    if row is None:
        raise InvalidInput(
            f"There is no service {key[:80]!r}; nothing was changed.",
            field="service",
            remedy="`warroom service list` shows them.",
        )
    return row


async def _tell_others(
    work: Work, others: list[RowMapping], service: str, what: str, now: datetime
) -> None:
    """Tell those who are at it on other incidents: on their timeline, and through the channels."""
    messages: list[dict[str, Any]] = []
    for other in others:
        text = rules.joined(
            work.ctx.principal, service=service, what=what,
            other=Party(other["who_id"], other["who"]),
        )  # fmt: skip
        entry = await write_entry(
            work, other["incident_id"], EntryDraft(EntryKind.STATUS, text, now),
            unit=other["unit"], visibility=other["visibility"],
        )  # fmt: skip
        messages.append(
            {"dedup": f"{entry}:mitigation.joined", "incident_id": other["incident_id"],
             "payload": {"type": "mitigation.joined", "incident": format_ref(other["number"]),
                         "text": f"{format_ref(other['number'])}: {text}"},
             "unit": other["unit"], "visibility": other["visibility"]}
        )  # fmt: skip
    await freezes.tell(work, messages)
