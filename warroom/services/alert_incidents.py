"""What alerts do to incidents: open, join, count, raise, and say so on the timeline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.uow import Asked, Work
from warroom.domain.alert import AlertState, ChangeKind
from warroom.domain.escalation import arm_first, name_owner
from warroom.domain.grouping import Candidate, Opening
from warroom.domain.ids import format_ref
from warroom.domain.incident import Status
from warroom.domain.principal import INGEST_PRINCIPAL
from warroom.services import snoozes
from warroom.services.alert_rows import (
    Candidates,
    Entry,
    Failing,
    OpenedIncident,
    Outcome,
    as_json,
)
from warroom.services.escalation_policies import load_policy, owner_teams

REHEARSED: Final = 2_000_000_000
"""Incidents of rehearsals have numbers from here on; none of them is ever committed."""
WEIGHTY: Final = 2
"""The mildest severity of an incident whose service counts as failed because alerts say so."""

# The ids first: an OR over two ways to an incident would read all incidents there are.
_CANDIDATES = """
select i.id, i.number, i.status, i.severity, i.last_activity_at, i.resolved_at, i.visibility,
  i.drill, i.ended_at, i.alert_count, i.firing_count, i.grouping_key, i.unit,
  (select jsonb_agg(jsonb_build_array(l.service_id, l.state,
            case when l.version = 1 then l.attached_at else l.sys_from end))
   from warroom.incident_service l where l.incident_id = i.id) as services
from warroom.incident i where i.id in (
  select unnest(cast(:attached as uuid[])) union
  select l.incident_id from warroom.incident_service l
  join warroom.incident o on o.id = l.incident_id and o.ended_at is null
  where l.service_id = any(cast(:services as uuid[])) union
  select o.id from warroom.incident o
  where o.ended_at is null and o.grouping_key = any(cast(:groups as text[])))
order by i.id
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open incidents alerts may join, and which they are attached to.

    ``services`` are the alerts' own, ``roots`` those that these depend on, ``attached`` the
    incidents that alerts belong to, ``groups`` the keys that rules group by.
    """

    services: frozenset[UUID] = frozenset()
    attached: frozenset[UUID] = frozenset()
    roots: frozenset[UUID] = frozenset()
    groups: frozenset[str] = frozenset()

    def asked(self, *, lock: bool) -> Asked:
        """Ask for them; locked if they may be changed."""
        return _CANDIDATES + ("for no key update" if lock else ""), {
            "attached": list(self.attached),
            "services": [*(self.services | self.roots)],
            "groups": list(self.groups),
        }


def candidates(rows: Sequence[RowMapping], groups: Collection[str]) -> Candidates:
    """Return the incidents that ``Wanted.asked`` found."""
    result = Candidates()
    for r in rows:
        incident = Candidate(
            r["id"], r["number"], Status(r["status"]), r["severity"], r["last_activity_at"],
            r["resolved_at"], r["visibility"],
        )  # fmt: skip
        result.replace(incident)
        linked = [(UUID(s), state, datetime.fromisoformat(at)) for s, state, at in
                  r["services"] or ()]  # fmt: skip
        result.services[incident.id] = {service for service, _, _ in linked}
        # A real alert never disappears into an exercise.
        if r["drill"] or r["ended_at"] is not None:
            continue
        if r["grouping_key"] in groups:
            result.add(f"{r['unit']} {r['grouping_key']}", r["visibility"], incident)
        for service_id, state, since in linked:
            result.add(service_id, r["visibility"], incident)
            if _fails(state, r):
                result.failing.setdefault(service_id, []).append(Failing(incident.id, state, since))
    return result


def _fails(state: str, r: Any) -> bool:
    """Say whether a service fails there: a person says so, or alerts of some weight fire."""
    if state in ("down", "degraded"):
        return True
    firing = r["firing_count"] > 0 or r["alert_count"] == 0
    return bool(state == "suspected" and firing and r["severity"] <= WEIGHTY)


async def attach_services(work: Work, pairs: Collection[tuple[UUID, UUID]]) -> None:
    """Add services to incidents that alerts of theirs have joined."""
    if pairs:
        rows = [{"i": i, "s": s} for i, s in sorted(pairs, key=str)]
        await work.execute(
            "insert into warroom.incident_service (incident_id, service_id, unit, visibility)"
            " select i.id, r.s, i.unit, i.visibility from jsonb_to_recordset(cast(:rows as jsonb))"
            " as r(i uuid, s uuid) join warroom.incident i on i.id = r.i order by i.id, r.s"
            " on conflict (incident_id, service_id) do nothing",
            {"rows": as_json(rows)},
        )


async def reserve(work: Work, count: int) -> list[tuple[UUID, int]]:
    """Reserve ids and numbers of incidents that are about to be opened."""
    if not count:
        return []
    # A rehearsal is rolled back, and a sequence is not: it must leave no gap in the numbers.
    rows = await work.rows(
        "select warroom.uuid7() as id, case when :rehearsal"
        " then :rehearsed + floor(random() * 100000000)::integer"
        " else nextval('warroom.incident_number') end as n from generate_series(1, :count)",
        {"count": count, "rehearsal": work.rehearsal, "rehearsed": REHEARSED},
    )
    return [(r["id"], r["n"]) for r in rows]


_INSERT = """
insert into warroom.incident (id, number, title, summary, severity, unit, visibility, opened_by,
  policy_id, grouping_key, opened_at, last_activity_at)
select r.id, r.number, r.title, r.summary, r.severity, r.unit, r.seen, r.by, r.policy, r.key, :now,
  :now
from jsonb_to_recordset(cast(:rows as jsonb)) as r(id uuid, number bigint, title text, summary text,
  severity smallint, unit text, seen text, by uuid, policy uuid, key text) order by r.number
"""
_INSERT_SERVICE = """
insert into warroom.incident_service (incident_id, service_id, unit, visibility)
select r.id, r.service, r.unit, r.seen from jsonb_to_recordset(cast(:rows as jsonb)) as r(id uuid,
  number bigint, service uuid, unit text, seen text) order by r.number
"""
_INSERT_TIMER = """
insert into warroom.timer (kind, incident_id, step, cycle, due_at, target, policy_id, unit,
  visibility)
select r.kind, r.id, r.step, r.cycle, r.due, r.target, r.policy, r.unit, r.seen
from jsonb_to_recordset(cast(:rows as jsonb)) as r(kind text, id uuid, number bigint, step integer,
  cycle integer, due timestamptz, target text, policy uuid, unit text, seen text) order by r.number
on conflict (incident_id, kind, step, cycle) do nothing
"""
_INSERT_OUTBOX = """
insert into warroom.outbox (channel, dedup_key, incident_id, payload, unit, visibility)
select c.key, cast(r.id as text) || ':opened:' || c.key, r.id, r.payload, r.unit, r.seen
from jsonb_to_recordset(cast(:rows as jsonb)) as r(id uuid, number bigint, payload jsonb, unit text,
  seen text), warroom.channel c
where c.disabled_at is null order by r.number, c.key on conflict (dedup_key) do nothing
"""


async def insert_incidents(
    work: Work, opened: Sequence[tuple[OpenedIncident, Opening]], now: datetime
) -> None:
    """Open incidents: rows, services, first entries, first timers, messages; each kind at once.

    A storm may open hundreds in one transaction: one after the other would take longer than the
    transaction may last.
    """
    if not opened:
        return
    rows: list[Entry] = [
        {
            "id": o.id, "number": o.number, "title": opening.title,
            "summary": opening.summary[:10000], "severity": opening.severity,
            "unit": o.service.unit, "seen": o.visibility, "by": o.opened_by,
            "policy": policy_of(o), "key": o.group_key or o.service.key, "service": o.service.id,
            "payload": {
                "type": "incident.opened",
                "incident": format_ref(o.number),
                "severity": opening.severity,
                "text": f"{format_ref(o.number)} SEV{opening.severity} {opening.title}",
            },
        }
        for o, opening in opened
    ]  # fmt: skip
    as_rows = {"rows": as_json(rows)}
    await work.execute(_INSERT, as_rows | {"now": now})
    await work.execute(_INSERT_SERVICE, as_rows)
    await insert_entries(
        work,
        [entry(o.id, o.service.unit, o.visibility, "status", o.why, now) for o, _ in opened],
    )
    # A silent one wakes nobody and is told to no channel.
    loud = [o for o, _ in opened if not o.silent]
    if loud:
        await _arm(work, loud, now)
        told = {o.id for o in loud}
        said = [row for row in rows if row["id"] in told]
        await work.execute(_INSERT_OUTBOX, {"rows": as_json(said)})


def policy_of(opened: OpenedIncident) -> UUID:
    """Return the escalation policy of an incident: a rule's own, or its service's."""
    return opened.policy_id or opened.service.policy_id


async def _arm(work: Work, opened: Sequence[OpenedIncident], now: datetime) -> None:
    """Arm the first timers of incidents whose services are there already."""
    owners = await owner_teams(work, [o.id for o in opened])
    policies = {i: await load_policy(work, i) for i in {policy_of(o) for o in opened}}
    rows: list[Entry] = []
    for o in opened:
        policy = name_owner(policies[policy_of(o)], owners.get(o.id))
        timer = arm_first(policy, now)
        if timer is not None:
            rows.append({
                "kind": timer.kind.value, "id": o.id, "number": o.number, "step": timer.step,
                "cycle": timer.cycle, "due": timer.due_at, "target": str(timer.target),
                "policy": policy_of(o), "unit": o.service.unit, "seen": o.visibility,
            })  # fmt: skip
    if rows:
        await work.execute(_INSERT_TIMER, {"rows": as_json(rows)})


_ENDS = (ChangeKind.RESOLVED, ChangeKind.EXPIRED)


def _moved(outcomes: Sequence[Outcome], raised: Mapping[UUID, int]) -> list[Entry]:
    """Return by how much the counts of each touched incident change, sorted by id.

    Counting all of an incident's alerts again would make a storm's cost grow with its square.
    """
    moved: dict[UUID, list[int]] = {incident: [0, 0] for incident in raised}
    for o in outcomes:
        if not o.touches:
            continue
        for incident, sign, fires in (
            (o.was_on, -1, o.fired_before),
            (o.incident_id, 1, o.change.after.state is AlertState.FIRING),
        ):
            if incident is not None:
                delta = moved.setdefault(incident, [0, 0])
                delta[0] += sign
                delta[1] += sign * fires
    return [
        {"id": i, "severity": raised.get(i), "alerts": alerts, "firing": firing}
        for i, (alerts, firing) in sorted(moved.items(), key=lambda pair: pair[0].bytes)
    ]


_COUNT = """
update warroom.incident i set alert_count = i.alert_count + n.alerts,
  firing_count = i.firing_count + n.firing, severity = least(i.severity, n.severity),
  last_activity_at = :now, updated_at = :now
from jsonb_to_recordset(cast(:rows as jsonb)) as n(id uuid, severity smallint, alerts integer,
  firing integer)
where i.id = n.id returning i.id, i.number, i.unit, i.visibility, i.firing_count, i.alert_count,
  i.severity, i.ended_at
"""


def counts(outcomes: Sequence[Outcome], raised: Mapping[UUID, int], now: datetime) -> list[Asked]:
    """Return what moves the counts and severities of the touched incidents.

    ``said_of`` reads the rows that it finds.  Repeats touch no incident: its history would
    otherwise grow with every heartbeat.
    """
    moved = _moved(outcomes, raised)
    return [(_COUNT, {"rows": as_json(moved), "now": now})] if moved else []


def may_say(outcomes: Sequence[Outcome], raised: Collection[UUID]) -> bool:
    """Say whether counting may find something to be said on a timeline."""
    return bool(raised) or any(o.change.kind in _ENDS for o in outcomes)


def said_of(
    rows: Sequence[RowMapping],
    outcomes: Sequence[Outcome],
    raised: Collection[UUID],
    now: datetime,
) -> list[Entry]:
    """Return the entries that follow from what was counted; ``raised``: those that got worse."""
    ended = {o.incident_id for o in outcomes if o.change.kind in _ENDS}
    entries: list[Entry] = []
    for r in rows:
        said = (r["id"], r["unit"], r["visibility"])
        if r["id"] in raised:
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


_ENTRIES = """
insert into warroom.timeline (incident_id, kind, body, happened_at, source, author_id, author_kind,
  unit, visibility)
select r.incident_id, r.kind, r.body, r.happened_at, r.source, :author, 'automation', r.unit,
  r.visibility
from rows from (jsonb_to_recordset(cast(:rows as jsonb)) as (incident_id uuid, kind text,
  body text, happened_at timestamptz, source text, unit text, visibility text)) with ordinality
  as r(incident_id, kind, body, happened_at, source, unit, visibility, n) order by r.n
"""


def entries_asked(entries: Sequence[Entry], *, author: UUID = INGEST_PRINCIPAL) -> list[Asked]:
    """Return what appends entries in the order given, in the name of one of our automations."""
    return [(_ENTRIES, {"rows": as_json(entries), "author": author})] if entries else []


async def insert_entries(
    work: Work, entries: Sequence[Entry], *, author: UUID = INGEST_PRINCIPAL
) -> None:
    """Append entries in the order given, in the name of one of our automations."""
    for asked in entries_asked(entries, author=author):
        await work.execute(*asked)
