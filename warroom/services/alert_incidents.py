"""What alerts do to incidents: open, join, count, raise, and say so on the timeline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from warroom.db.uow import Work
from warroom.domain.alert import ChangeKind
from warroom.domain.escalation import arm_first
from warroom.domain.grouping import Candidate, Opening
from warroom.domain.ids import format_ref
from warroom.domain.incident import Status
from warroom.domain.principal import INGEST_PRINCIPAL
from warroom.services import snoozes
from warroom.services.alert_rows import Candidates, Entry, OpenedIncident, Outcome, as_json
from warroom.services.escalation_policies import policy_of

REHEARSED = 2_000_000_000
"""Incidents of rehearsals have numbers from here on; none of them is ever committed."""


async def candidates(
    work: Work, service_ids: Sequence[UUID], attached: Sequence[UUID]
) -> Candidates:
    """Return the open incidents of these services, and those that alerts are attached to."""
    rows = await work.rows(
        "select i.id, i.number, i.status, i.severity, i.last_activity_at, i.resolved_at,"
        " i.visibility, i.drill, (select array_agg(l.service_id) from warroom.incident_service l"
        "   where l.incident_id = i.id) as service_ids"
        " from warroom.incident i where i.id = any(cast(:attached as uuid[]))"
        " or (i.ended_at is null and i.id in (select l.incident_id"
        "   from warroom.incident_service l where l.service_id = any(cast(:services as uuid[]))))"
        " order by i.id for no key update",
        {"attached": list(attached), "services": list(service_ids)},
    )
    result = Candidates()
    for r in rows:
        incident = Candidate(
            r["id"], r["number"], Status(r["status"]), r["severity"], r["last_activity_at"],
            r["resolved_at"],
        )  # fmt: skip
        result.replace(incident)
        # A real alert never disappears into an exercise.
        if not r["drill"]:
            for service_id in r["service_ids"] or ():
                result.add(service_id, r["visibility"], incident)
    return result


async def next_incident(work: Work, severity: int, now: datetime) -> Candidate:
    """Reserve id and number of an incident that is about to be opened."""
    # A rehearsal is rolled back, and a sequence is not: it must leave no gap in the numbers.
    number = (
        f"{REHEARSED} + floor(random() * 100000000)::integer"
        if work.rehearsal
        else "nextval('warroom.incident_number')"
    )
    row = await work.row(f"select warroom.uuid7() as id, {number} as n")
    if row is None:
        raise RuntimeError("a sequence without a next value")
    return Candidate(row["id"], row["n"], Status.TRIGGERED, severity, now)


async def insert_incident(
    work: Work, opened: OpenedIncident, opening: Opening, now: datetime
) -> None:
    """Open an incident: its row, its service, its first entry, its first timer, its message."""
    common = {"incident": opened.id, "unit": opened.service.unit, "seen": opened.visibility}
    await work.execute(
        "insert into warroom.incident (id, number, title, summary, severity, unit, visibility,"
        " opened_by, policy_id, grouping_key, opened_at, last_activity_at)"
        " values (:incident, :number, :title, :summary, :severity, :unit, :seen, :by, :policy,"
        " :key, :now, :now)",
        common
        | {
            "number": opened.number,
            "title": opening.title,
            "summary": opening.summary[:10000],
            "severity": opening.severity,
            "by": opened.opened_by,
            "policy": opened.service.policy_id,
            "key": opened.service.key,
            "now": now,
        },
    )
    await work.execute(
        "insert into warroom.incident_service (incident_id, service_id, unit, visibility)"
        " values (:incident, :service, :unit, :seen)",
        common | {"service": opened.service.id},
    )
    await insert_entries(
        work,
        [entry(opened.id, opened.service.unit, opened.visibility, "status", opened.why, now)],
    )
    timer = arm_first(await policy_of(work, opened.id, opened.service.policy_id), now)
    if timer is not None:
        await work.execute(
            "insert into warroom.timer (kind, incident_id, step, cycle, due_at, target,"
            " policy_id, unit, visibility) values (:kind, :incident, :step, :cycle, :due,"
            " :target, :policy, :unit, :seen)"
            " on conflict (incident_id, kind, step, cycle) do nothing",
            common
            | {
                "kind": timer.kind.value,
                "step": timer.step,
                "cycle": timer.cycle,
                "due": timer.due_at,
                "target": timer.target,
                "policy": opened.service.policy_id,
            },
        )
    await work.execute(
        "insert into warroom.outbox (channel, dedup_key, incident_id, payload, unit, visibility)"
        " select c.key, cast(:incident as text) || ':opened:' || c.key, :incident,"
        " cast(:payload as jsonb), :unit, :seen from warroom.channel c"
        " where c.disabled_at is null order by c.key on conflict (dedup_key) do nothing",
        common
        | {
            "payload": json.dumps(
                {
                    "type": "incident.opened",
                    "incident": format_ref(opened.number),
                    "severity": opening.severity,
                    "text": f"{format_ref(opened.number)} SEV{opening.severity} {opening.title}",
                }
            )
        },
    )


_ENDS = (ChangeKind.RESOLVED, ChangeKind.EXPIRED)


async def write_counts(
    work: Work,
    outcomes: Sequence[Outcome],
    opened: Sequence[OpenedIncident],
    raised: dict[UUID, int],
    now: datetime,
) -> list[Entry]:
    """Bring the counts and severities of the touched incidents up; return entries to write.

    Repeats touch no incident: its history would otherwise grow with every heartbeat.
    """
    touched = {
        i
        for o in outcomes
        if o.change.kind not in (ChangeKind.REPEAT, ChangeKind.IGNORED) or o.incident_id != o.was_on
        for i in (o.incident_id, o.was_on)
        if i is not None
    } | set(raised)
    if not touched:
        return []
    rows = await work.rows(
        "update warroom.incident i set alert_count = n.alerts, firing_count = n.firing,"
        " severity = least(i.severity, n.severity), last_activity_at = :now, updated_at = :now"
        " from (select t.id, count(a.id) as alerts,"
        "   count(a.id) filter (where a.state = 'firing') as firing,"
        "   coalesce(t.severity, 5) as severity"
        "   from jsonb_to_recordset(cast(:rows as jsonb)) as t(id uuid, severity smallint)"
        "   left join warroom.alert a on a.incident_id = t.id group by t.id, t.severity) n"
        " where i.id = n.id returning i.id, i.number, i.unit, i.visibility, i.firing_count,"
        " i.alert_count, i.severity, i.ended_at",
        {"rows": as_json([{"id": i, "severity": raised.get(i)} for i in sorted(touched, key=str)]),
         "now": now},
    )  # fmt: skip
    fresh = {incident.id for incident in opened}
    ended = {o.incident_id for o in outcomes if o.change.kind in _ENDS}
    entries: list[Entry] = []
    for r in rows:
        said = (r["id"], r["unit"], r["visibility"])
        if r["id"] in raised and r["id"] not in fresh:
            entries.append(
                entry(*said, "automation", f"a worse alert raised it to SEV{r['severity']}",
                      now)
            )  # fmt: skip
        if r["id"] in ended and r["firing_count"] == 0 and r["ended_at"] is None:
            many = f"all {r['alert_count']} alerts" if r["alert_count"] > 1 else "its only alert"
            entries.append(
                entry(*said, "automation", f"{many} ended; resolve it when users are well", now)
            )
    return entries


async def wake_raised(work: Work, raised: Mapping[UUID, int], now: datetime) -> list[Entry]:
    """Wake what sleeps and got worse: whoever snoozed it did not know. Return entries to write."""
    woken = await snoozes.wake(work, list(raised), "a worse alert raised it")
    if not woken:
        return []
    rows = await work.rows(
        "select i.id, i.unit, i.visibility from warroom.incident i"
        " where i.id = any(cast(:ids as uuid[])) order by i.id",
        {"ids": woken},
    )
    text = "woke: a worse alert raised it"
    return [entry(r["id"], r["unit"], r["visibility"], "automation", text, now) for r in rows]


def entry(
    incident_id: UUID | None,
    unit: str,
    visibility: str,
    kind: str,
    text: str,
    happened_at: datetime,
    source: str = "warroom",
) -> Entry:
    """Return a timeline entry of the automation, to be written by ``insert_entries``."""
    return {
        "incident_id": incident_id,
        "kind": kind,
        "body": text[:10000],
        "happened_at": happened_at,
        "source": source,
        "unit": unit,
        "visibility": visibility,
    }


async def insert_entries(
    work: Work, entries: Sequence[Entry], *, author: UUID = INGEST_PRINCIPAL
) -> None:
    """Append entries in the order given, in the name of one of our automations."""
    if entries:
        await work.execute(
            "insert into warroom.timeline (incident_id, kind, body, happened_at, source,"
            " author_id, author_kind, unit, visibility)"
            " select r.incident_id, r.kind, r.body, r.happened_at, r.source, :author,"
            " 'automation', r.unit, r.visibility"
            " from rows from (jsonb_to_recordset(cast(:rows as jsonb)) as (incident_id uuid,"
            " kind text, body text, happened_at timestamptz, source text, unit text,"
            " visibility text)) with ordinality as r(incident_id, kind, body, happened_at,"
            " source, unit, visibility, n) order by r.n",
            {"rows": as_json(entries), "author": author},
        )
