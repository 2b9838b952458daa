"""The triage queue: a person accepts, merges or dismisses what waits, on the record.

Each is a command with its version and idempotency key.  Accepting declares an incident in the
name of whoever accepts; what is classified security stays so and wakes nobody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain import incident as rules
from warroom.domain.ids import format_ref
from warroom.domain.incident import Status, is_open
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.priority import begins_with
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.validate import check_severity, check_text, shorten
from warroom.errors import NotFound, Refused, VersionConflict
from warroom.services import freezes, impact, incidents
from warroom.services.access import require
from warroom.services.alert_incidents import attach_services
from warroom.services.directory.common import Json, listing
from warroom.services.incident_commands import write_entry
from warroom.services.incident_state import load

NOWHERE: Final = UUID(int=0)
_COLUMNS = """
select t.id, t.kind, t.title, t.body, s.key as service, t.severity, t.priority, t.reported_by,
  t.why, t.state, t.reason, t.created_at, t.decided_at, p.name as decided_by,
  case when i.number is null then null else 'INC-' || i.number end as incident,
  a.state as alert_state, a.name as alert, o.key as source, t.version
from warroom.triage_item t
left join warroom.service s on s.id = t.service_id
left join warroom.principal p on p.id = t.decided_by
left join warroom.incident i on i.id = t.incident_id
left join warroom.alert a on a.id = t.alert_id
left join warroom.source o on o.id = a.source_id
"""
_WAITING = f"{_COLUMNS} where t.state = 'waiting' and t.id > :after order by t.id limit :limit"
_ALL = f"{_COLUMNS} where t.id > :after order by t.id limit :limit"
# The alert before the item, as taking alerts in does it.
_LOCK_ALERT = (
    "select a.id from warroom.alert a join warroom.triage_item t on t.alert_id = a.id"
    " where t.id = :id for update of a"
)
_ITEM = (
    "select t.id, t.kind, t.alert_id, t.title, t.body, t.service_id, s.key as service, t.severity,"
    " t.priority, t.state, t.unit, t.visibility, t.version, t.reported_by,"
    " a.incident_id as alert_on, x.number as alert_on_number, x.ended_at as alert_on_ended"
    " from warroom.triage_item t left join warroom.service s on s.id = t.service_id"
    " left join warroom.alert a on a.id = t.alert_id"
    " left join warroom.incident x on x.id = a.incident_id"
    " where t.id = :id for update of t"
)
_DECIDE = (
    "update warroom.triage_item set state = :state, decided_by = :by, decided_at = now(),"
    " reason = :reason, incident_id = :incident, version = version + 1 where id = :id"
)
_COUNT = (
    "update warroom.incident i set alert_count = n.alerts, firing_count = n.firing,"
    " updated_at = now(), last_activity_at = now(), version = version + 1"
    " from (select count(*) as alerts, count(*) filter (where state = 'firing') as firing"
    " from warroom.alert where incident_id = :id) n where i.id = :id"
)
Decide = Callable[[Work, RowMapping], Awaitable[None]]


async def list_page(
    db: Database, ctx: CommandContext, *, every: bool, after: UUID | None, limit: int
) -> list[Json]:
    """Return what waits, or all that ever did, the oldest first."""
    query = _ALL if every else _WAITING
    return await listing(db, ctx, query, after=after or NOWHERE, limit=limit)


async def accept(
    db: Database,
    ctx: CommandContext,
    item: UUID,
    *,
    version: int,
    severity: int | None = None,
    title: str | None = None,
) -> Answer:
    """Declare an incident of what waits; answers the item with the incident's name.

    Raises:
        NotFound: there is no such item.
        Refused: it has been decided, or its alert is on an open incident already.
        VersionConflict: somebody else was faster.
    """
    body = {"item": str(item), "version": version, "severity": severity, "title": title}

    async def decide(work: Work, row: RowMapping) -> None:
        chosen = begins_with(row["severity"], row["priority"]) if severity is None else (
            check_severity(severity)
        )  # fmt: skip
        called = shorten(row["title"], rules.TITLE_MAX) if title is None else title
        new = rules.check_declaration(called, row["body"], chosen, drill=False)
        keys = [row["service"]] if row["service"] else []
        made = await incidents.declare_in(
            work, new, keys, visibility=row["visibility"], unit=row["unit"]
        )
        await _move(work, row, made, "declared")
        await _end(work, row, "accepted", "", made["id"])
        await impact.refresh(work, [made["id"]])

    return await _command(db, ctx, "triage.accept", item, version, body, decide)


async def merge(
    db: Database, ctx: CommandContext, item: UUID, *, version: int, into: str
) -> Answer:
    """Let what waits become part of an open incident.

    Raises:
        NotFound: there is no such item, or no such incident.
        Refused: it has been decided; the incident has ended, or others may see it.
        VersionConflict: somebody else was faster.
    """
    body = {"item": str(item), "version": version, "into": into}

    async def decide(work: Work, row: RowMapping) -> None:
        target = await load(work, into)
        ref = format_ref(target["number"])
        if not is_open(Status(target["status"])):
            raise Refused(f"{ref} is {target['status']}; merge into an open incident.",
                          rule="triage-open")  # fmt: skip
        if target["drill"]:
            raise Refused(f"{ref} is a drill; what waits is real.", rule="triage-drill")
        if target["visibility"] != row["visibility"]:
            raise Refused(
                f"What waits is {row['visibility']} and {ref} {target['visibility']}; nobody may"
                " see what is not for them.",
                rule="triage-visibility",
            )
        await work.rows(
            "select id from warroom.incident where id = :id for no key update",
            {"id": target["id"]},
        )
        await _move(work, row, target, "joined")
        who = f", reported by {row['reported_by']}" if row["reported_by"] else ""
        now: datetime = await work.scalar("select now()")
        text = f"from triage{who}: {row['title']}"
        await write_entry(
            work, target["id"], EntryDraft(EntryKind.FACT, text, now), unit=target["unit"],
            visibility=target["visibility"],
        )  # fmt: skip
        await _end(work, row, "merged", "", target["id"])
        await impact.refresh(work, [target["id"]])
        await freezes.refresh(work, [target["id"]])

    return await _command(db, ctx, "triage.merge", item, version, body, decide)


async def dismiss(
    db: Database, ctx: CommandContext, item: UUID, *, version: int, reason: str
) -> Answer:
    """Let what waits be; its alert stays on the record and asks again when it begins anew.

    Raises:
        NotFound: there is no such item.
        InvalidInput: no reason is given.
        Refused: it has been decided.
        VersionConflict: somebody else was faster.
    """
    said = check_text(reason, "reason", longest=1000, shortest=1)
    body = {"item": str(item), "version": version, "reason": said}

    async def decide(work: Work, row: RowMapping) -> None:
        if row["alert_id"] is not None:
            await work.execute(
                "update warroom.alert set disposition = 'dismissed', decision = :said,"
                " version = version + 1 where id = :id",
                {"id": row["alert_id"], "said": f"dismissed by {ctx.principal.name}: {said}"},
            )
        await _end(work, row, "dismissed", said, None)

    return await _command(db, ctx, "triage.dismiss", item, version, body, decide)


async def _command(
    db: Database,
    ctx: CommandContext,
    command: str,
    item: UUID,
    version: int,
    body: Json,
    decide: Decide,
) -> Answer:
    require(ctx, Scope.RESPOND)

    async def handler(work: Work) -> Answer:
        await work.rows(_LOCK_ALERT, {"id": item})
        row = await work.row(_ITEM, {"id": item})
        if row is None:
            raise NotFound(
                f"Nothing in triage is called {item}; nothing was changed.", field="item",
                remedy="`warroom triage list`",
            )  # fmt: skip
        now = await _shown(work, item)
        if row["state"] != "waiting":
            raise Refused(
                f"It was {row['state']} by {now['decided_by']} already.", rule="triage-waiting",
                current=now,
            )  # fmt: skip
        if row["version"] != version:
            raise VersionConflict(
                f"It changed meanwhile: you saw version {version}, it is {row['version']}.",
                field="version", remedy="Look at it again.", current=now,
            )  # fmt: skip
        await decide(work, row)
        return Answer(200, await _shown(work, item))

    return await run_command(db, ctx, command, body, handler)


async def _move(work: Work, row: RowMapping, target: RowMapping, how: str) -> None:
    """Put the alert that waits on an incident, with its service."""
    ref = format_ref(target["number"])
    if row["alert_id"] is None:
        if row["service_id"] is not None:
            await attach_services(work, [(target["id"], row["service_id"])])
        return
    if row["alert_on"] is not None and row["alert_on_ended"] is None:
        raise Refused(
            f"Its alert is on {format_ref(row['alert_on_number'])} already; dismiss it here.",
            rule="triage-placed",
        )
    await attach_services(work, [(target["id"], row["service_id"])])
    await work.execute(
        "update warroom.alert set incident_id = :incident, disposition = 'declared',"
        " decision = :said, unit = :unit, visibility = :seen, version = version + 1"
        " where id = :id",
        {"id": row["alert_id"], "incident": target["id"], "unit": target["unit"],
         "seen": target["visibility"],
         "said": f"{how} {ref} by {work.ctx.principal.name} from triage"},
    )  # fmt: skip
    await work.execute(_COUNT, {"id": target["id"]})


async def _end(work: Work, row: RowMapping, state: str, reason: str, incident: UUID | None) -> None:
    await work.execute(
        _DECIDE,
        {"id": row["id"], "state": state, "by": work.ctx.principal.id, "reason": reason,
         "incident": incident},
    )  # fmt: skip


async def _shown(work: Work, item: UUID) -> Json:
    row = await work.row(f"{_COLUMNS} where t.id = :id", {"id": item})
    assert row is not None
    moments = {n: row[n].isoformat() for n in ("created_at", "decided_at") if row[n] is not None}
    return {**row, "id": str(row["id"]), **moments}
