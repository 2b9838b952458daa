"""Emergency changes: asked for with a reason, let through by somebody else, told to everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.freeze import DEFAULT, RESTRICTED, check_ask, told_as
from warroom.domain.ids import format_ref
from warroom.domain.principal import CommandContext, Principal, PrincipalKind, Scope
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.validate import check_text, say_time
from warroom.errors import Forbidden, InvalidInput, NotFound, Refused
from warroom.services import freezes
from warroom.services.access import require
from warroom.services.eyes import all_eyes
from warroom.services.freeze_questions import freezing_at, stand
from warroom.services.incident_commands import write_entry
from warroom.services.incident_state import iso

Json = dict[str, Any]
_ONE = """
select e.id, e.service, e.change_ref, e.reason, e.asked_by as asker_id, a.name as asked_by,
  e.asked_at, e.approver_id, b.name as approver, e.state, e.decided_at, e.until
from warroom.freeze_exception e join warroom.principal a on a.id = e.asked_by
join warroom.principal b on b.id = e.approver_id
"""


async def ask(
    db: Database,
    ctx: CommandContext,
    *,
    service: object,
    reason: object,
    approver: str,
    change: object = "",
    for_s: float = DEFAULT.total_seconds(),
) -> Answer:
    """Ask that changes of a frozen service may pass for a while; the approver decides.

    Raises:
        InvalidInput: no reason, or an approver who cannot be one (oneself first of all).
        Refused: nothing freezes the service.
    """
    require(ctx, Scope.RESPOND)
    key = check_text(service, "service", longest=200, shortest=1)
    ref = check_text(change, "change", longest=500)
    body = {"service": key, "reason": reason, "approver": approver, "change": ref, "for_s": for_s}

    async def handler(work: Work) -> Answer:
        who = await _approver(work, approver)
        text, span = check_ask(ctx.principal, who, reason=reason, for_s=for_s)
        standing = await stand(work, key, ref)
        if not standing.frozen:
            raise Refused(f"Nothing freezes {key}: no exception is needed.", rule="freeze-holds")
        until = standing.now + span
        row = await work.row(
            "insert into warroom.freeze_exception (service, change_ref, reason, asked_by,"
            " approver_id, until, unit) values (:service, :ref, :reason, :by, :approver, :until,"
            " :unit) returning id",
            {"service": key, "ref": ref, "reason": text, "by": ctx.principal.id,
             "approver": who.id, "until": until, "unit": standing.unit},
        )  # fmt: skip
        assert row is not None
        said = (
            f"{ctx.principal.name} asks {who.name} to let an emergency change of {key} through"
            f" until {say_time(until, standing.now).removeprefix('at ')}: {text}"
        )
        await _say(work, row["id"], "asked", said, standing.rows, standing.now)
        found = await work.row(f"{_ONE} where e.id = :id", {"id": row["id"]})
        assert found is not None
        return Answer(201, _json(found))

    return await run_command(db, ctx, "freeze.exception.ask", body, handler)


async def decide(db: Database, ctx: CommandContext, exception: UUID, *, approve: bool) -> Answer:
    """Let an emergency change through, or not; only the approver who was named may.

    Raises:
        NotFound: there is no such exception.
        Forbidden: somebody else is asked.
        Refused: it was decided already, its time is over, or no incident freezes the service
            any more for which it was asked.
    """
    require(ctx, Scope.RESPOND)
    body = {"exception": str(exception), "approve": approve}

    async def handler(work: Work) -> Answer:
        row = await work.row(f"{_ONE} where e.id = :id for no key update of e", {"id": exception})
        if row is None:
            raise NotFound(f"There is no exception {exception}; nothing was changed.", field="id")
        if row["approver_id"] != ctx.principal.id:
            raise Forbidden(
                f"{row['approver']} is asked, not you; nothing was changed.", field="Authorization"
            )
        now: datetime = await work.scalar("select now()")
        if row["state"] != "asked":
            raise Refused(f"It is {row['state']} already.", rule="exception-open")
        if row["until"] <= now:
            raise Refused("Its time is over; ask anew.", rule="exception-open")
        standing = await stand(work, row["service"], row["change_ref"])
        if approve and not await freezing_at(work, standing.rows, row["asked_at"]):
            raise Refused("What it was asked for freezes no more; ask anew.", rule="exception-open")
        state = "approved" if approve else "declined"
        await work.execute(
            "update warroom.freeze_exception set state = :state, decided_at = now(),"
            " version = version + 1 where id = :id",
            {"id": exception, "state": state},
        )
        done = "lets" if approve else "does not let"
        said = (
            f"{ctx.principal.name} {done} the emergency change of {row['service']} through that"
            f" {row['asked_by']} asked for: {row['reason']}"
        )
        await _say(work, exception, state, said, standing.rows, now)
        found = await work.row(f"{_ONE} where e.id = :id", {"id": exception})
        assert found is not None
        return Answer(200, _json(found))

    return await run_command(db, ctx, "freeze.exception.decide", body, handler)


async def list_page(
    db: Database, ctx: CommandContext, *, after: UUID | None, limit: int
) -> list[Json]:
    """Return the exceptions, the newest first."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Json]:
        rows = await work.rows(
            f"{_ONE} where cast(:after as uuid) is null or e.id < :after"
            " order by e.id desc limit :limit",
            {"after": after, "limit": limit},
        )
        return [_json(r) for r in rows]

    return await read(db, ctx, handler)


async def _approver(work: Work, name: str) -> Principal:
    row = await work.row(
        "select id, name, kind from warroom.principal where lower(name) = lower(:name)"
        " and disabled_at is null",
        {"name": name},
    )
    if row is None:
        raise InvalidInput(
            f"There is no person {name[:80]!r}; nothing was changed.",
            field="approver",
            remedy="`warroom user list` shows who there is.",
        )
    return Principal(row["id"], row["name"], PrincipalKind(row["kind"]))


async def _say(
    work: Work, exception: UUID, state: str, text: str, covering: tuple[Json, ...], now: datetime
) -> None:
    """Tell every incident that freezes the service, also those that whoever acts does not see."""
    incidents = {row["incident_id"]: row for row in covering}
    async with all_eyes(work):
        for row in incidents.values():
            await write_entry(
                work, row["incident_id"], EntryDraft(EntryKind.DECISION, text[:10_000], now),
                unit=row["unit"], visibility=row["visibility"],
            )  # fmt: skip
        await freezes.tell(work, [
            {"dedup": f"{exception}:{state}:{row['incident_id']}",
             "incident_id": row["incident_id"],
             "payload": {"type": f"freeze.exception.{state}", "incident": ref,
                         "text": f"{ref or RESTRICTED}: {text}"},
             "unit": row["unit"], "visibility": row["visibility"]}
            for row in incidents.values()
            for ref in (told_as(format_ref(row["number"]), row["visibility"]),)
        ])  # fmt: skip


def _json(row: RowMapping) -> Json:
    return {
        "id": str(row["id"]), "service": row["service"], "change": row["change_ref"],
        "reason": row["reason"], "asked_by": row["asked_by"], "asked_at": iso(row["asked_at"]),
        "approver": row["approver"], "state": row["state"], "decided_at": iso(row["decided_at"]),
        "until": iso(row["until"]),
    }  # fmt: skip
