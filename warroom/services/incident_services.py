"""Services on an incident with their states, its links, and its custom fields."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work
from warroom.domain import incident_services as rules
from warroom.domain.incident import Command, Decision, IncidentState
from warroom.domain.principal import CommandContext
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.errors import AlreadyExists, InvalidInput, NotFound
from warroom.services import custom_fields, impact
from warroom.services.incident_commands import change, check_version, run_on


async def _service(work: Work, key: str) -> RowMapping:
    row = await work.row("select id, key from warroom.service where key = :key", {"key": key})
    if row is None:
        raise InvalidInput(
            f"There is no service {key[:80]!r}; nothing was changed.",
            field="service",
            remedy="`warroom service list` shows them, `warroom service add` makes one.",
        )
    return row


async def set_service(
    db: Database, ctx: CommandContext, ref: str, *, version: int, service: str, state: object
) -> Answer:
    """Say how a service is on this incident; attaches it when it is new."""

    async def work_on(
        work: Work, row: RowMapping, incident: IncidentState, now: datetime
    ) -> Decision:
        check_version(row, version)
        found = await _service(work, service)
        decision = rules.set_service(incident, ctx.principal, now, service=found["key"], to=state)
        await work.execute(
            "insert into warroom.incident_service (incident_id, service_id, state, unit,"
            " visibility) values (:id, :service, :state, :unit, :seen)"
            " on conflict (incident_id, service_id) do update set state = :state,"
            " version = incident_service.version + 1",
            {"id": row["id"], "service": found["id"], "state": state, "unit": row["unit"],
             "seen": row["visibility"]},
        )  # fmt: skip
        await impact.refresh(work, [row["id"]])
        return decision

    body = {"version": version, "service": service, "state": state}
    return await run_on(db, ctx, ref, Command.SERVICE, body, work_on, version=version)


async def detach_service(
    db: Database, ctx: CommandContext, ref: str, *, version: int, service: str
) -> Answer:
    """Take a service off the incident; that it was there stays on record."""

    async def besides(work: Work, row: RowMapping, _decision: Decision, _now: datetime) -> None:
        found = await _service(work, service)
        await work.execute(
            "delete from warroom.incident_service where incident_id = :id"
            " and service_id = :service",
            {"id": row["id"], "service": found["id"]},
        )
        await impact.refresh(work, [row["id"]])

    return await change(
        db, ctx, ref, Command.SERVICE_DETACH, {"version": version, "service": service},
        lambda state, now: rules.detach_service(state, ctx.principal, now, service=service),
        version=version, besides=besides,
    )  # fmt: skip


async def add_link(
    db: Database, ctx: CommandContext, ref: str, *, kind: object, url: object, label: object
) -> Answer:
    """Add a link: bridge, channel, dashboard, ticket or document.

    Raises:
        AlreadyExists: that address is there already.
    """
    checked = rules.check_link(kind, url, label)

    async def besides(work: Work, row: RowMapping, _decision: Decision, _now: datetime) -> None:
        made = await work.row(
            "insert into warroom.incident_link (incident_id, kind, url, label, added_by, unit,"
            " visibility) values (:id, :kind, :url, :label, :by, :unit, :seen)"
            " on conflict (incident_id, url) do nothing returning id",
            {"id": row["id"], "kind": checked[0], "url": checked[1], "label": checked[2],
             "by": ctx.principal.id, "unit": row["unit"], "seen": row["visibility"]},
        )  # fmt: skip
        if made is None:
            raise AlreadyExists("That address is on this incident already.", field="url")

    return await change(
        db, ctx, ref, Command.LINK, {"kind": kind, "url": url, "label": label},
        lambda state, now: rules.link(
            state, ctx.principal, now, kind=checked[0], label=checked[2], gone=False
        ),
        version=None, besides=besides, status=201,
    )  # fmt: skip


async def remove_link(db: Database, ctx: CommandContext, ref: str, *, url: str) -> Answer:
    """Take a link off the incident.

    Raises:
        NotFound: there is none with that address.
    """

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        gone = await work.row(
            "delete from warroom.incident_link where incident_id = :id and url = :url"
            " returning kind, label",
            {"id": row["id"], "url": url},
        )
        if gone is None:
            raise NotFound("There is no link with that address on this incident.", field="url")
        return rules.link(
            state, ctx.principal, now, kind=gone["kind"], label=gone["label"], gone=True
        )

    return await run_on(db, ctx, ref, Command.UNLINK, {"url": url}, work_on)


async def set_field(
    db: Database, ctx: CommandContext, ref: str, *, version: int, field: str, value: object
) -> Answer:
    """Set a custom field that the registry knows; null takes it away.

    Raises:
        InvalidInput: no such field, or no value of its type.
    """

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        check_version(row, version)
        definition, checked = await custom_fields.check(work, field, value)
        await work.execute(
            "update warroom.incident set custom = case when cast(:value as jsonb) = 'null'"
            " then custom - :key else custom || jsonb_build_object(cast(:key as text),"
            " cast(:value as jsonb)) end where id = :id",
            {"id": row["id"], "key": definition.key, "value": json.dumps(checked)},
        )
        shown = "taken away" if checked is None else f"= {checked}"
        text = f"{definition.label} {shown} by {ctx.principal.name}"
        return Decision(
            Command.FIELD, state.status, {}, (EntryDraft(EntryKind.STATUS, text, now),),
            f"{state.ref}: {definition.label} {shown}.",
        )  # fmt: skip

    body = {"version": version, "field": field, "value": value}
    return await run_on(db, ctx, ref, Command.FIELD, body, work_on, version=version)
