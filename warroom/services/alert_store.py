"""The statements behind :mod:`warroom.services.alerts`: set-based, sorted, one round trip each."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from warroom.db.uow import Work
from warroom.domain.alert import AlertChange, AlertState, ChangeKind, IncomingAlert, StoredAlert
from warroom.domain.escalation import Policy, Step, Target, TargetKind, arm_first
from warroom.domain.grouping import Candidate, Opening
from warroom.domain.ids import format_ref
from warroom.domain.incident import Status
from warroom.domain.principal import INGEST_PRINCIPAL

if TYPE_CHECKING:
    from warroom.services.alerts import Delivery

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """An alert source as the rules need it."""

    id: UUID
    key: str
    principal_id: UUID
    visibility: str


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service as the rules need it; ``policy_id`` is its own or the default policy."""

    id: UUID
    key: str
    name: str
    unit: str
    policy_id: UUID


@dataclass(frozen=True, slots=True)
class AlertTarget:
    """Which alert row is written, and with what; ``incoming`` is None when it only expires."""

    id: UUID | None
    source_id: UUID
    source_key: str
    fingerprint: str
    service_id: UUID
    unit: str
    visibility: str
    incoming: IncomingAlert | None
    fresh: bool


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """An alert that is stored, or that this batch is about to store (``fresh``)."""

    id: UUID | None
    source_id: UUID
    fingerprint: str
    name: str
    service_id: UUID
    incident_id: UUID | None
    unit: str
    visibility: str
    stored: StoredAlert
    fresh: bool = False

    def as_target(self) -> AlertTarget:
        """Return the row to write when only its state changes."""
        return AlertTarget(
            self.id, self.source_id, "warroom", self.fingerprint, self.service_id, self.unit,
            self.visibility, None, False,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one message leads to. ``was_on`` is the incident that the alert belonged to before."""

    target: AlertTarget
    change: AlertChange
    incident_id: UUID | None
    decision: str
    delivery_id: UUID | None = None
    position: int = 0
    was_on: UUID | None = None


@dataclass(slots=True)
class OpenedIncident:
    """An incident that the batch opens, with the alerts it opens with."""

    id: UUID
    number: int
    service: ServiceRow
    visibility: str
    opened_by: UUID
    alerts: list[IncomingAlert]
    why: str


@dataclass(slots=True)
class Candidates:
    """The incidents that alerts of the batch may join, by service and visibility."""

    by_id: dict[UUID, Candidate] = field(default_factory=dict)
    keys: dict[tuple[UUID, str], list[UUID]] = field(default_factory=dict)

    def add(self, service_id: UUID, visibility: str, incident: Candidate) -> None:
        """Add one."""
        self.by_id[incident.id] = incident
        ids = self.keys.setdefault((service_id, visibility), [])
        if incident.id not in ids:
            ids.append(incident.id)

    def replace(self, incident: Candidate) -> None:
        """Put the changed state of one in place of the old."""
        self.by_id[incident.id] = incident

    def of(self, service_id: UUID, visibility: str) -> list[Candidate]:
        """Return those of a service that an alert of this visibility may join."""
        return [self.by_id[i] for i in self.keys.get((service_id, visibility), [])]


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(rows, default=str, ensure_ascii=False, separators=(",", ":"))


async def insert_delivery(
    work: Work,
    delivery: Delivery,
    *,
    state: str,
    error: str | None = None,
    field: str | None = None,
) -> UUID:
    """Keep one body as it came; return the id of its row."""
    row = await work.row(
        "insert into warroom.delivery (source_id, dialect, content_type, body, state, error,"
        " field, request_id, unit, visibility)"
        " select s.id, :dialect, :content_type, :body, :state, :error, :field, :request_id,"
        " s.unit, s.visibility from warroom.source s where s.id = :source returning id",
        {
            "source": delivery.source_id,
            "dialect": delivery.dialect,
            "content_type": delivery.content_type[:200],
            "body": delivery.body,
            "state": state,
            "error": error[:2000] if error else None,
            "field": field[:500] if field else None,
            "request_id": delivery.request_id or work.ctx.request_id,
        },
    )
    if row is None:
        raise RuntimeError("the source of an authenticated delivery is gone")
    found: UUID = row["id"]
    return found


async def sources(work: Work, ids: Collection[UUID]) -> dict[UUID, SourceRow]:
    """Return the sources of a batch, and note that they spoke (at most once in ten seconds)."""
    found = await work.rows(
        "select id, key, principal_id, visibility from warroom.source where id = any(:ids)",
        {"ids": list(ids)},
    )
    # The record of a source is its history: a row a second of "seen" would drown it.
    await work.execute(
        "update warroom.source set last_seen_at = now() where id in (select id from"
        " warroom.source where id = any(:ids) and (last_seen_at is null or"
        " last_seen_at < now() - interval '60 seconds') order by id"
        " for no key update skip locked)",
        {"ids": list(ids)},
    )
    return {
        r["id"]: SourceRow(r["id"], r["key"], r["principal_id"], r["visibility"]) for r in found
    }


_SERVICES = (
    "select s.id, s.key, s.name, s.unit, coalesce(s.policy_id, p.id) as policy_id"
    " from warroom.service s, warroom.escalation_policy p"
    " where s.key = any(:keys) and p.key = 'default'"
)


async def services(work: Work, keys: Collection[str]) -> dict[str, ServiceRow]:
    """Return the services by key; an unknown one becomes provisional, with the default policy."""
    wanted = sorted(keys)
    found = await work.rows(_SERVICES, {"keys": wanted})
    missing = sorted(set(wanted) - {r["key"] for r in found})
    if missing:
        await work.execute(
            "insert into warroom.service (key, name, team_id, policy_id, provisional)"
            " select k, k, t.id, p.id, true from unnest(cast(:keys as text[])) k,"
            " warroom.team t, warroom.escalation_policy p"
            " where t.key = 'unassigned' and p.key = 'default' order by k"
            " on conflict (key) do nothing",
            {"keys": missing},
        )
        found = await work.rows(_SERVICES, {"keys": wanted})
    return {
        r["key"]: ServiceRow(r["id"], r["key"], r["name"], r["unit"], r["policy_id"]) for r in found
    }


async def lock_services(work: Work, ids: Collection[UUID]) -> None:
    """Serialise the beginning of episodes of these services."""
    await work.rows(
        "select id from warroom.service where id = any(:ids) order by id for no key update",
        {"ids": list(ids)},
    )


_KNOWN = (
    "select a.id, a.source_id, a.fingerprint, a.name, a.service_id, a.incident_id, a.unit,"
    " a.visibility, a.state, a.starts_at, a.ends_at, a.expires_at, a.severity, a.count,"
    " a.changed_at, a.last_seen_at from warroom.alert a"
)


def _known(r: Any) -> KnownAlert:
    return KnownAlert(
        id=r["id"],
        source_id=r["source_id"],
        fingerprint=r["fingerprint"],
        name=r["name"],
        service_id=r["service_id"],
        incident_id=r["incident_id"],
        unit=r["unit"],
        visibility=r["visibility"],
        stored=StoredAlert(
            state=AlertState(r["state"]),
            starts_at=r["starts_at"],
            ends_at=r["ends_at"],
            expires_at=r["expires_at"],
            severity=r["severity"],
            count=r["count"],
            changed_at=r["changed_at"],
            last_seen_at=r["last_seen_at"],
        ),
    )


async def alerts(
    work: Work, keys: Sequence[tuple[UUID, str]], *, lock: bool
) -> dict[tuple[UUID, str], KnownAlert]:
    """Return the stored alerts of (source, fingerprint); locked in the order of the key."""
    rows = await work.rows(
        f"{_KNOWN} join unnest(cast(:sources as uuid[]), cast(:prints as text[])) as k(s, f)"
        " on a.source_id = k.s and a.fingerprint = k.f"
        f" order by a.source_id, a.fingerprint {'for update of a' if lock else ''}",
        {"sources": [k[0] for k in keys], "prints": [k[1] for k in keys]},
    )
    return {(r["source_id"], r["fingerprint"]): _known(r) for r in rows}


async def due_alerts(work: Work, now: datetime, limit: int) -> list[KnownAlert]:
    """Return firing alerts past their expiry that no other engine is at."""
    rows = await work.rows(
        f"{_KNOWN} where a.state = 'firing' and a.expires_at <= :now"
        " order by a.source_id, a.fingerprint limit :limit for update skip locked",
        {"now": now, "limit": limit},
    )
    return [_known(r) for r in rows]


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
    row = await work.row("select warroom.uuid7() as id, nextval('warroom.incident_number') as n")
    if row is None:
        raise RuntimeError("a sequence without a next value")
    return Candidate(row["id"], row["n"], Status.TRIGGERED, severity, now)


def target(
    key: tuple[UUID, str],
    incoming: IncomingAlert,
    service: ServiceRow,
    source: SourceRow,
    before: KnownAlert | None,
) -> AlertTarget:
    """Return the row that a message is written to."""
    return AlertTarget(
        id=before.id if before else None,
        source_id=key[0],
        source_key=source.key,
        fingerprint=key[1],
        service_id=service.id,
        unit=service.unit,
        visibility=source.visibility,
        incoming=incoming,
        fresh=before is None or before.fresh,
    )


async def load_policy(work: Work, policy_id: UUID) -> Policy:
    """Return a policy with its steps in order."""
    rows = await work.rows(
        "select p.key, p.name, p.repeat_count, s.step, s.delay_s, s.target_kind, s.target"
        " from warroom.escalation_policy p"
        " left join warroom.escalation_step s on s.policy_id = p.id"
        " where p.id = :id order by s.step",
        {"id": policy_id},
    )
    steps = tuple(
        Step(r["step"], r["delay_s"], Target(TargetKind(r["target_kind"]), r["target"]))
        for r in rows
        if r["step"] is not None
    )
    return Policy(rows[0]["key"], rows[0]["name"], steps, rows[0]["repeat_count"])


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
    timer = arm_first(await load_policy(work, opened.service.policy_id), now)
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


async def write_alerts(work: Work, outcomes: Sequence[Outcome]) -> bool:
    """Insert the new alerts and update the others; False when another process was first."""
    last: dict[tuple[UUID, str], Outcome] = {}
    for outcome in outcomes:
        last[(outcome.target.source_id, outcome.target.fingerprint)] = outcome
    fresh = [_alert_row(o) for o in last.values() if o.target.fresh]
    stored = [_alert_row(o) for o in last.values() if not o.target.fresh]
    if fresh:
        inserted = await work.rows(
            "insert into warroom.alert (source_id, fingerprint, name, summary, description,"
            " severity, severity_word, state, service_id, incident_id, labels, annotations,"
            " generator_url, decision, starts_at, ends_at, expires_at, first_seen_at,"
            " last_seen_at, changed_at, count, unit, visibility)"
            " select r.source_id, r.fingerprint, r.name, r.summary, r.description, r.severity,"
            " r.severity_word, r.state, r.service_id, r.incident_id, r.labels, r.annotations,"
            " r.generator_url, r.decision, r.starts_at, r.ends_at, r.expires_at, r.last_seen_at,"
            " r.last_seen_at, r.changed_at, r.count, r.unit, r.visibility"
            f" from {_RECORDSET} order by r.source_id, r.fingerprint"
            " on conflict (source_id, fingerprint) do nothing returning id",
            {"rows": _json(fresh)},
        )
        if len(inserted) != len(fresh):
            return False
    if stored:
        await work.execute(
            "update warroom.alert a set state = r.state, severity = r.severity,"
            " starts_at = r.starts_at, ends_at = r.ends_at, expires_at = r.expires_at,"
            " last_seen_at = r.last_seen_at, changed_at = r.changed_at, count = r.count,"
            " incident_id = r.incident_id, version = a.version + 1,"
            " decision = case when r.decision = '' then a.decision else r.decision end,"
            " summary = coalesce(r.summary, a.summary),"
            " description = coalesce(r.description, a.description),"
            " annotations = coalesce(r.annotations, a.annotations),"
            " severity_word = coalesce(r.severity_word, a.severity_word)"
            f" from {_RECORDSET} where a.source_id = r.source_id"
            " and a.fingerprint = r.fingerprint",
            {"rows": _json(stored)},
        )
    return True


_RECORDSET = (
    "jsonb_to_recordset(cast(:rows as jsonb)) as r(source_id uuid, fingerprint text, name text,"
    " summary text, description text, severity smallint, severity_word text, state text,"
    " service_id uuid, incident_id uuid, labels jsonb, annotations jsonb, generator_url text,"
    " decision text, starts_at timestamptz, ends_at timestamptz, expires_at timestamptz,"
    " last_seen_at timestamptz, changed_at timestamptz, count bigint, unit text,"
    " visibility text)"
)


def _alert_row(outcome: Outcome) -> dict[str, Any]:
    t, after = outcome.target, outcome.change.after
    row: dict[str, Any] = {
        "source_id": t.source_id,
        "fingerprint": t.fingerprint,
        "state": after.state.value,
        "severity": after.severity,
        "service_id": t.service_id,
        "incident_id": outcome.incident_id,
        "decision": outcome.decision,
        "starts_at": after.starts_at,
        "ends_at": after.ends_at,
        "expires_at": after.expires_at,
        "last_seen_at": after.last_seen_at,
        "changed_at": after.changed_at,
        "count": after.count,
        "unit": t.unit,
        "visibility": t.visibility,
    }
    if t.incoming is not None:
        row |= {
            "name": t.incoming.name,
            "summary": t.incoming.summary,
            "description": t.incoming.description,
            "severity_word": t.incoming.severity_word,
            "labels": dict(t.incoming.labels),
            "annotations": dict(t.incoming.annotations),
            "generator_url": t.incoming.generator_url,
        }
    return row


async def write_events(work: Work, outcomes: Sequence[Outcome]) -> None:
    """Append what was received, one event a message."""
    rows = [
        {
            "source_id": o.target.source_id,
            "fingerprint": o.target.fingerprint,
            "incident_id": o.incident_id,
            "delivery_id": o.delivery_id,
            "position": o.position,
            "change": o.change.kind.value,
            "severity": o.change.after.severity,
            "starts_at": o.change.after.starts_at,
            "ends_at": o.change.after.ends_at,
        }
        for o in outcomes
    ]
    if rows:
        await work.execute(
            "insert into warroom.alert_event (alert_id, incident_id, delivery_id, position,"
            " change, severity, starts_at, ends_at, unit, visibility)"
            " select a.id, r.incident_id, r.delivery_id, r.position, r.change, r.severity,"
            " r.starts_at, r.ends_at, a.unit, a.visibility"
            " from jsonb_to_recordset(cast(:rows as jsonb)) as r(source_id uuid,"
            " fingerprint text, incident_id uuid, delivery_id uuid, position integer,"
            " change text, severity smallint, starts_at timestamptz, ends_at timestamptz)"
            " join warroom.alert a on a.source_id = r.source_id"
            " and a.fingerprint = r.fingerprint",
            {"rows": _json(rows)},
        )


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
        {"rows": _json([{"id": i, "severity": raised.get(i)} for i in sorted(touched, key=str)]),
         "now": now},
    )  # fmt: skip
    fresh = {incident.id for incident in opened}
    ended = {o.incident_id for o in outcomes if o.change.kind in _ENDS}
    entries: list[Entry] = []
    for r in rows:
        said = (r["id"], r["unit"], r["visibility"])
        if r["id"] in raised and r["id"] not in fresh:
            entries.append(
                entry(*said, "automation", f"severity raised to SEV{r['severity']} by a worse alert",
                      now)
            )  # fmt: skip
        if r["id"] in ended and r["firing_count"] == 0 and r["ended_at"] is None:
            many = f"all {r['alert_count']} alerts" if r["alert_count"] > 1 else "its only alert"
            entries.append(
                entry(*said, "automation", f"{many} ended; resolve it when users are well", now)
            )
    return entries


_ENDS = (ChangeKind.RESOLVED, ChangeKind.EXPIRED)


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


async def insert_entries(work: Work, entries: Sequence[Entry]) -> None:
    """Append entries in the order given."""
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
            {"rows": _json(entries), "author": INGEST_PRINCIPAL},
        )
