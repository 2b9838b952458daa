"""Merging an incident into another, and splitting a part of one off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain import incident as rules
from warroom.domain import incident_merge
from warroom.domain.escalation import arm_first
from warroom.domain.ids import format_ref
from warroom.domain.incident import Command, Decision, IncidentState
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.errors import Refused
from warroom.services import freezes, impact
from warroom.services.access import require
from warroom.services.escalation_policies import policy_of
from warroom.services.incident_commands import (
    apply,
    check_version,
    follow,
    run_on,
    write_entry,
)
from warroom.services.incident_state import as_json, load, state_of

_RELATE = (
    "insert into warroom.incident_relation (incident_id, other_id, kind, made_by, unit,"
    " visibility) values (:id, :other, :kind, :by, :unit, :seen)"
)
_LOCK = (
    "select i.id from warroom.incident i where i.id = any(cast(:ids as uuid[]))"
    " order by i.id for no key update"
)
# Whoever takes alerts in locks them before their incidents.
_LOCK_ALERTS = (
    "select a.id from warroom.alert a where a.incident_id = :id"
    " order by a.source_id, a.fingerprint for no key update"
)
# What follows from a cause is its impact; a person's word on a service is more than that.
_MOVE_SERVICES = (
    "insert into warroom.incident_service (incident_id, service_id, state, unit,"
    " visibility) select :to, l.service_id, l.state, :unit, :seen"
    " from warroom.incident_service l where l.incident_id = :id"
    " and not (:follows and l.state = 'suspected') order by l.service_id"
    " on conflict (incident_id, service_id) do nothing"
)
# Set-based, and of the alerts themselves: what was counted before may have moved.
_COUNT = (
    "update warroom.incident i set alert_count = n.alerts, firing_count = n.firing,"
    " updated_at = now(), version = i.version + n.bump from (select t.id, t.bump,"
    " count(a.id) as alerts, count(a.id) filter (where a.state = 'firing') as firing"
    " from (values (cast(:one as uuid), 1), (cast(:other as uuid), 0)) as t(id, bump)"
    " left join warroom.alert a on a.incident_id = t.id group by t.id, t.bump) n"
    " where i.id = n.id"
)


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


async def merge(
    db: Database, ctx: CommandContext, ref: str, *, version: int, into: str, why: str = ""
) -> Answer:
    """Merge an incident into an open one: its services and alerts go there, and it ends.

    Args:
        db: the database.
        ctx: who asks.
        ref: the one that ends.
        version: what the caller saw of it.
        into: the one that goes on.
        why: what an automation found out to be the cause of all of this one's services; it is
            said on both and kept on every alert that moves, and the other becomes as severe as
            the worse of the two. Services that nobody has rated are left to its impact.
    """

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        check_version(row, version)
        target = await load(work, into)
        await work.rows(_LOCK_ALERTS, {"id": row["id"]})
        await work.rows(_LOCK, {"ids": [row["id"], target["id"]]})
        decision = incident_merge.merge(state, state_of(target), ctx.principal, now)
        moved = {"id": row["id"], "to": target["id"], "unit": target["unit"],
                 "seen": target["visibility"]}  # fmt: skip
        await work.execute(_MOVE_SERVICES, moved | {"follows": bool(why)})
        said = f"moved to {format_ref(target['number'])} with {state.ref}: {why}" if why else ""
        alerts = await work.execute(
            "update warroom.alert set incident_id = :to, unit = :unit, visibility = :seen,"
            " decision = case when :said = '' then decision else :said end,"
            " version = version + 1 where incident_id = :id",
            moved | {"said": said},
        )
        if why and row["severity"] < target["severity"]:
            await work.execute(
                "update warroom.incident set severity = :severity, version = version + 1"
                " where id = :to",
                moved | {"severity": row["severity"]},
            )
        await work.execute(
            _RELATE,
            moved | {"other": target["id"], "kind": "merged-into", "by": ctx.principal.id,
                     "unit": row["unit"], "seen": row["visibility"]},
        )  # fmt: skip
        await work.execute(_COUNT, {"one": target["id"], "other": row["id"]})
        many = f"{_many(len(state.services), 'service')}, {_many(alerts, 'alert')}"
        text = f"{state.ref} ({state.title}) merged into this by {ctx.principal.name}: {many}"
        if why:
            text = f"{text}; {why}"
            worse = row["severity"] < target["severity"]
            text += f"; this is SEV{row['severity']} now" if worse else ""
            decision = replace(decision, sentence=f"{decision.sentence} {why}")
        await write_entry(
            work, target["id"], EntryDraft(EntryKind.STATUS, text, now), unit=target["unit"],
            visibility=target["visibility"],
        )  # fmt: skip
        await impact.refresh(work, [target["id"]])
        await freezes.refresh(work, [target["id"]])
        return decision

    body = {"version": version, "into": into} | ({"why": why} if why else {})
    return await run_on(db, ctx, ref, Command.MERGE, body, work_on, version=version)


async def split(
    db: Database,
    ctx: CommandContext,
    ref: str,
    *,
    version: int,
    title: str,
    severity: int | None = None,
    services: Sequence[str] = (),
    alerts: Sequence[UUID] = (),
) -> Answer:
    """Make a new incident of some services and alerts of this one; answers the new one."""
    require(ctx, Scope.RESPOND)
    body = {"ref": ref, "version": version, "title": title, "severity": severity,
            "services": sorted(services), "alerts": sorted(map(str, alerts))}  # fmt: skip

    async def handler(work: Work) -> Answer:
        row = await load(work, ref)
        now: datetime = await work.scalar("select now()")
        check_version(row, version)
        state = state_of(row)
        new = rules.check_declaration(title, "", severity or state.severity, drill=state.drill)
        made = await work.row(
            "insert into warroom.incident (title, severity, drill, unit, visibility, opened_by,"
            " on_behalf_of, policy_id, opened_at, last_activity_at) values (:title, :severity,"
            " :drill, :unit, :seen, :by, :behalf, :policy, :now, :now)"
            " returning id, number, unit, visibility",
            {"title": new.title, "severity": new.severity, "drill": new.drill,
             "unit": row["unit"], "seen": "normal", "by": ctx.principal.id,
             "behalf": ctx.on_behalf_of, "policy": row["policy_id"], "now": now},
        )  # fmt: skip
        if row["visibility"] != "normal":
            made = await _hide(work, row, made)
        assert made is not None
        try:
            parted = await _part(work, row, made, services, alerts)
            decision = incident_merge.split(
                state, ctx.principal, now, new_ref=format_ref(made["number"]),
                services=services, alerts=parted,
            )  # fmt: skip
        except Refused as refusal:
            raise Refused(refusal.message, rule=refusal.rule, current=as_json(row)) from refusal
        await work.execute(
            _RELATE,
            {"id": made["id"], "other": row["id"], "kind": "split-from", "by": ctx.principal.id,
             "unit": row["unit"], "seen": row["visibility"]},
        )  # fmt: skip
        await apply(work, row, decision)
        await work.execute(_COUNT.replace("version = i.version + n.bump", "version = i.version"),
                           {"one": row["id"], "other": made["id"]})  # fmt: skip
        await follow(work, row, decision, row["policy_id"], ())
        first = arm_first(await policy_of(work, made["id"], row["policy_id"]), now)
        opening = rules.declare(new, ctx.principal, now)
        await follow(work, made, opening, row["policy_id"], (first,) if first else ())
        await impact.refresh(work, [row["id"], made["id"]])
        await freezes.refresh(work, [row["id"], made["id"]])
        return Answer(201, as_json(await load(work, str(made["id"]))))

    return await run_command(db, ctx, Command.SPLIT.value, body, handler)


async def _hide(work: Work, row: RowMapping, made: RowMapping | None) -> RowMapping | None:
    """Let those see the new incident who see the old one, and then nobody else.

    In this order: nobody can make what they may not see.
    """
    assert made is not None
    moved = {"id": row["id"], "to": made["id"], "seen": row["visibility"]}
    await work.execute(
        "insert into warroom.incident_access (incident_id, principal_id)"
        " select :to, a.principal_id from warroom.incident_access a where a.incident_id = :id"
        " order by a.principal_id",
        moved,
    )
    return await work.row(
        "update warroom.incident set visibility = :seen where id = :to"
        " returning id, number, unit, visibility",
        moved,
    )


async def _part(
    work: Work, row: RowMapping, made: RowMapping, services: Sequence[str], alerts: Sequence[UUID]
) -> int:
    """Move the chosen services with their alerts, and the chosen alerts; return how many moved."""
    chosen = {"id": row["id"], "to": made["id"], "keys": list(services),
              "alerts": [str(a) for a in alerts], "unit": made["unit"],
              "seen": made["visibility"]}  # fmt: skip
    await work.execute(
        "insert into warroom.incident_service (incident_id, service_id, state, unit, visibility)"
        " select :to, l.service_id, l.state, :unit, :seen from warroom.incident_service l"
        " join warroom.service s on s.id = l.service_id"
        " where l.incident_id = :id and s.key = any(:keys) order by l.service_id",
        chosen,
    )
    await work.execute(
        "delete from warroom.incident_service l using warroom.service s"
        " where s.id = l.service_id and l.incident_id = :id and s.key = any(:keys)",
        chosen,
    )
    return await work.execute(
        "update warroom.alert a set incident_id = :to, version = a.version + 1"
        " where a.incident_id = :id and (a.id = any(cast(:alerts as uuid[])) or a.service_id in"
        " (select s.id from warroom.service s where s.key = any(:keys)))",
        chosen,
    )
