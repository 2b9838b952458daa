"""What a room has stored before the storm: alerts of the weeks before, with all that came of them.

Written straight into the tables, without triggers, because filling is not what is measured: each
alert with two events, a hundred to an incident (with its service, a timer, an entry for every
alert, two rows of history), fifty to a kept body.  All but twenty incidents are closed, and their
alerts over.  The record's own entries are not made: nothing here reads them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg

OPEN = 20
A_INCIDENT = 100
A_BODY = 50
DAYS = 30

# An id that carries a moment of the last weeks, of this month's partition, and is known by number.
_ID = (
    "cast(lpad(to_hex(cast(extract(epoch from greatest(date_trunc('month', now()),"
    " now() - interval '{days} days') + (now() - greatest(date_trunc('month', now()),"
    " now() - interval '{days} days')) * (cast({n} as float8) / ({of} + 1))) * 1000 as bigint)),"
    " 12, '0') || '7' || substr(md5('{salt}' || {n}), 1, 3) || '8'"
    " || substr(md5('{salt}' || {n}), 4, 15) as uuid)"
)


def _id(salt: str, n: str, of: str) -> str:
    return _ID.format(days=DAYS, salt=salt, n=n, of=of)


_OF_ALERTS = "%(count)s"
_OF_INCIDENTS = f"(%(count)s / {A_INCIDENT})"
_ALERT = _id("alert", "n", _OF_ALERTS)
_INCIDENT = _id("incident", "n", _OF_INCIDENTS)
_ITS_INCIDENT = _id("incident", f"((n - 1) / {A_INCIDENT} + 1)", _OF_INCIDENTS)
_ITS_BODY = _id("body", f"((n - 1) / {A_BODY} + 1)", f"(%(count)s / {A_BODY})")
# The last ones are open, from before grouping's window; what fires on them is theirs.
_IS_OPEN = f"n > {_OF_INCIDENTS} - {OPEN}"
_FIRES = f"mod(n, 10) = 0 and n > %(count)s - {OPEN * A_INCIDENT}"
_SERVICE = "(cast(%(services)s as uuid[]))[1 + mod({n}, %(many)s)]"
_ITS_SERVICE = _SERVICE.format(n=f"((n - 1) / {A_INCIDENT} + 1)")
_WHEN = "now() - interval '2 hours' - ({of} - n) * interval '1 second' * (86400.0 * 29 / {of})"
_ALERTED = _WHEN.format(of=_OF_ALERTS)
_OPENED = _WHEN.format(of=_OF_INCIDENTS)
_LABELS = (
    "jsonb_build_object('alertname', 'Past' || mod(n, 40), 'instance', 'i' || n, 'job', 'node',"
    " 'severity', 'error', 'env', 'prod')"
)

TABLES: dict[str, Sequence[str]] = {
    "incident": [
        f"""
insert into warroom.incident (id, title, severity, status, opened_at, opened_by, policy_id,
  acknowledged_at, resolved_at, ended_at, updated_at, last_activity_at, grouping_key, alert_count,
  firing_count, resolution, version, sys_from)
select {_INCIDENT}, 'Incident number ' || n, 1 + mod(n, 5),
  case when {_IS_OPEN} then 'acknowledged' else 'closed' end, t.at, %(by)s, p.id,
  t.at + interval '4 minutes', case when not {_IS_OPEN} then t.at + interval '1 hour' end,
  case when not {_IS_OPEN} then t.at + interval '1 hour' end, t.at + interval '1 hour',
  t.at + interval '1 hour', 's' || n, {A_INCIDENT}, case when {_IS_OPEN} then 10 else 0 end,
  case when not {_IS_OPEN} then 'fixed' end, 3, t.at + interval '1 hour'
from generate_series(1, {_OF_INCIDENTS}) n
cross join (select id from warroom.escalation_policy where key = 'default') p
cross join lateral (select {_OPENED} as at) t
"""
    ],
    "incident_service": [
        f"""
insert into warroom.incident_service (incident_id, service_id, state, unit, visibility, attached_at,
  version)
select {_INCIDENT}, {_SERVICE.format(n="n")},
  case when {_IS_OPEN} then 'degraded' else 'recovered' end, 'main', 'normal', {_OPENED}, 2
from generate_series(1, {_OF_INCIDENTS}) n
"""
    ],
    "timer": [
        f"""
insert into warroom.timer (kind, incident_id, due_at, state, unit, visibility)
select 'escalate', {_INCIDENT}, {_OPENED} + interval '5 minutes', 'cancelled', 'main', 'normal'
from generate_series(1, {_OF_INCIDENTS}) n
"""
    ],
    "history": [
        f"""
insert into warroom.history (id, table_name, row_id, valid, content, incident_id, unit, visibility)
select {_id("history", "n", f"(2 * {_OF_INCIDENTS})")}, 'incident', x.id,
  tstzrange(x.at, x.at + interval '30 minutes'), jsonb_build_object('id', x.id, 'version',
  1 + mod(n, 2), 'status', 'triggered', 'title', 'Incident number ' || n), x.id, 'main', 'normal'
from generate_series(1, 2 * {_OF_INCIDENTS}) n cross join lateral (select
  {_id("incident", "((n + 1) / 2)", _OF_INCIDENTS)} as id,
  {_WHEN.format(of=f"(2 * {_OF_INCIDENTS})")} + mod(n, 2) * interval '30 minutes' as at) x
"""
    ],
    "alert": [
        f"""
insert into warroom.alert (id, source_id, fingerprint, name, summary, description, severity,
  severity_word, state, service_id, incident_id, labels, annotations, generator_url, decision,
  starts_at, ends_at, first_seen_at, last_seen_at, changed_at, count, unit, visibility, version,
  priority, flapping, flips, disposition)
select {_ALERT}, (cast(%(sources)s as uuid[]))[1 + mod(n, cardinality(%(sources)s::uuid[]))],
  md5('past' || n), 'Past' || mod(n, 40), 'requests fail on i' || n,
  'The share of errors of the last five minutes is over its objective.', 2 + mod(n, 3), 'error',
  case when {_FIRES} then 'firing' else 'resolved' end, {_ITS_SERVICE}, {_ITS_INCIDENT}, {_LABELS},
  jsonb_build_object('summary', 'requests fail on i' || n), 'http://prometheus.example:9090/graph',
  'joined INC-' || n / {A_INCIDENT} || ': within 10 min', t.at,
  case when not ({_FIRES}) then t.at + interval '20 minutes' end, t.at,
  t.at + interval '20 minutes', t.at + interval '20 minutes', 2 + mod(n, 9), 'main',
  'normal', 2, 1 + mod(n, 5), false,
  array[t.at, t.at + interval '20 minutes'], 'declared'
from generate_series(1, %(count)s) n cross join lateral (select {_ALERTED} as at) t
"""
    ],
    "alert_event": [
        f"""
insert into warroom.alert_event (id, alert_id, incident_id, delivery_id, position, change, severity,
  starts_at, ends_at, recorded_at, unit, visibility)
select {_id("event", "(2 * n + k)", f"(2 * {_OF_ALERTS} + 1)")}, {_ALERT}, {_ITS_INCIDENT},
  {_ITS_BODY}, mod(n, {A_BODY}), case k when 0 then 'new' else 'resolved' end, 2 + mod(n, 3), t.at,
  null, t.at + k * interval '20 minutes', 'main', 'normal'
from generate_series(1, %(count)s) n cross join generate_series(0, 1) k
cross join lateral (select {_ALERTED} as at) t
"""
    ],
    "timeline": [
        f"""
insert into warroom.timeline (id, incident_id, kind, body, happened_at, recorded_at, author_id,
  author_kind, source, unit, visibility)
select {_id("entry", "n", _OF_ALERTS)}, {_ITS_INCIDENT}, 'fact', 'requests fail on i' || n, t.at,
  t.at, %(by)s, 'automation', 'prometheus', 'main', 'normal'
from generate_series(1, %(count)s) n cross join lateral (select {_ALERTED} as at) t
"""
    ],
    "delivery": [
        f"""
insert into warroom.delivery (id, source_id, dialect, content_type, body, state, received_at)
select {_id("body", "n", f"(%(count)s / {A_BODY})")},
  (cast(%(sources)s as uuid[]))[1 + mod(n, cardinality(%(sources)s::uuid[]))], 'alertmanager-v2',
  'application/json', convert_to(repeat('{{"labels": {{"alertname": "Past' || n || '"}}}}', 400),
  'UTF8'), 'accepted', now()
from generate_series(1, %(count)s / {A_BODY}) n
"""
    ],
}


def fill(conninfo: str, count: int, services: Sequence[UUID], sources: Sequence[UUID]) -> float:
    """Store so many alerts of the past; return the seconds that it took.

    Args:
        conninfo: the superuser's connection string.
        count: alerts, at least ``OPEN * A_INCIDENT``.
        services: whose they are.
        sources: who sent them.
    """
    begun = time.perf_counter()
    if count:
        args = {"count": count, "services": list(services), "many": len(services),
                "sources": list(sources), "by": "00000000-0000-7000-8000-000000000003"}  # fmt: skip
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(_table, conninfo, table, args) for table in TABLES]:
                done.result()
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("vacuum analyze" if count else "analyze")
        conn.execute("checkpoint")
    return time.perf_counter() - begun


def _table(conninfo: str, table: str, args: dict[str, object]) -> None:
    with psycopg.connect(conninfo) as conn:
        # Neither the record nor foreign keys are measured; both stand again before the storm.
        conn.execute("set synchronous_commit = off")
        conn.execute("set maintenance_work_mem = '512MB'")
        conn.execute(f"alter table warroom.{table} disable trigger all")
        for statement in TABLES[table]:
            conn.execute(statement, args)
        conn.execute(f"alter table warroom.{table} enable trigger all")
