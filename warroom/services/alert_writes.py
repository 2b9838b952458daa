"""What a batch writes of alerts: their rows and their events, one statement for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from warroom.db.uow import Asked
from warroom.services.alert_rows import Outcome, Standing, as_json

_RECORDSET = (
    "jsonb_to_recordset(cast(:rows as jsonb)) as r(id uuid, source_id uuid, fingerprint text,"
    " name text,"
    " summary text, description text, severity smallint, severity_word text, state text,"
    " service_id uuid, incident_id uuid, labels jsonb, annotations jsonb, generator_url text,"
    " decision text, starts_at timestamptz, ends_at timestamptz, expires_at timestamptz,"
    " last_seen_at timestamptz, changed_at timestamptz, count bigint, unit text,"
    " visibility text, version integer, priority smallint, priority_reason text,"
    " flapping boolean, flips timestamptz[], disposition text, decide_at timestamptz)"
)


_INSERT = (
    "insert into warroom.alert (id, source_id, fingerprint, name, summary, description,"
    " severity, severity_word, state, service_id, incident_id, labels, annotations,"
    " generator_url, decision, starts_at, ends_at, expires_at, first_seen_at,"
    " last_seen_at, changed_at, count, unit, visibility, priority, priority_reason, flapping,"
    " flips, disposition, decide_at)"
    " select r.id, r.source_id, r.fingerprint, r.name, r.summary, r.description, r.severity,"
    " r.severity_word, r.state, r.service_id, r.incident_id, r.labels, r.annotations,"
    " r.generator_url, r.decision, r.starts_at, r.ends_at, r.expires_at, r.last_seen_at,"
    " r.last_seen_at, r.changed_at, r.count, r.unit, r.visibility, r.priority,"
    " r.priority_reason, r.flapping, r.flips, r.disposition, r.decide_at"
    " from {rows} order by r.source_id, r.fingerprint"
    " on conflict (source_id, fingerprint) do nothing"
).replace("{rows}", _RECORDSET)


# Locked in the order of the key, like everywhere: the join alone could come in any order.
_UPDATE = """
with mine as materialized (
  select a.id, r.state, r.severity, r.starts_at, r.ends_at, r.expires_at, r.last_seen_at,
    r.changed_at, r.count, r.incident_id, r.decision, r.summary, r.description, r.annotations,
    r.severity_word, r.visibility, r.priority, r.priority_reason, r.flapping, r.flips,
    r.disposition, r.decide_at
  from {rows} join warroom.alert a on a.id = r.id and a.version = r.version
  order by a.source_id, a.fingerprint for no key update of a)
update warroom.alert a set state = r.state, severity = r.severity, starts_at = r.starts_at,
  ends_at = r.ends_at, expires_at = r.expires_at, last_seen_at = r.last_seen_at,
  changed_at = r.changed_at, count = r.count, incident_id = r.incident_id,
  version = a.version + 1, visibility = r.visibility, priority = r.priority,
  priority_reason = r.priority_reason, flapping = r.flapping, flips = r.flips,
  disposition = r.disposition, decide_at = r.decide_at,
  decision = case when r.decision = '' then a.decision else r.decision end,
  summary = coalesce(r.summary, a.summary),
  description = coalesce(r.description, a.description),
  annotations = coalesce(r.annotations, a.annotations),
  severity_word = coalesce(r.severity_word, a.severity_word)
from mine r where a.id = r.id
""".replace("{rows}", _RECORDSET)


def last_of_each(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return what each alert is in the end; a batch may bring several messages of one."""
    last: dict[tuple[UUID, str], Outcome] = {}
    for outcome in outcomes:
        key = (outcome.target.source_id, outcome.target.fingerprint)
        before = last.get(key)
        # A message that changes nothing leaves the sentence of the one before it.
        if before is not None and not outcome.decision and before.decision:
            outcome = replace(outcome, decision=before.decision)
        last[key] = outcome
    return list(last.values())


def alerts(outcomes: Sequence[Outcome]) -> list[tuple[Asked, int]]:
    """Return what inserts the new alerts and updates the others, each with how many it writes.

    Fewer: another process was first.  One of the new is there already, or one of the others is
    not as it was read.  The transaction must not be committed then.
    """
    last = last_of_each(outcomes)
    asked: list[tuple[Asked, int]] = []
    for stmt, rows in (
        (_INSERT, [_alert_row(o) | _words(o) for o in last if o.target.fresh]),
        (_UPDATE, [_alert_row(o) | _changed_words(o) for o in last if not o.target.fresh]),
    ):
        if rows:
            asked.append(((stmt, {"rows": as_json(rows)}), len(rows)))
    return asked


def _alert_row(outcome: Outcome) -> dict[str, Any]:
    t, after = outcome.target, outcome.change.after
    row = {
        "id": t.id,
        "state": after.state,
        "severity": after.severity,
        "incident_id": outcome.incident_id,
        "decision": outcome.decision,
        "starts_at": after.starts_at,
        "ends_at": after.ends_at,
        "expires_at": after.expires_at,
        "last_seen_at": after.last_seen_at,
        "changed_at": after.changed_at,
        "count": after.count,
        "visibility": t.visibility,
        "version": t.version,
    }
    _add_standing(row, outcome.standing)
    return row


def _words(outcome: Outcome) -> dict[str, Any]:
    """Return what only a new row needs, and all that may change."""
    t = outcome.target
    found: dict[str, Any] = {
        "source_id": t.source_id,
        "fingerprint": t.fingerprint,
        "service_id": t.service_id,
        "unit": t.own_unit,
    }
    if t.incoming is not None:
        found["name"] = t.incoming.name
        found["labels"] = dict(t.incoming.labels)
        found["generator_url"] = t.incoming.generator_url
    return found | _changed_words(outcome)


def _changed_words(outcome: Outcome) -> dict[str, Any]:
    """Return the texts of the last message; an update leaves what never changes as it is."""
    incoming = outcome.target.incoming
    if incoming is None:
        return {}
    return {
        "summary": incoming.summary,
        "description": incoming.description,
        "severity_word": incoming.severity_word,
        "annotations": dict(incoming.annotations),
    }


def _add_standing(row: dict[str, Any], standing: Standing) -> None:
    """Add what is kept of a decision; nothing where nothing is to be kept."""
    if standing.priority is not None:
        row["priority"] = standing.priority
    if standing.priority_reason is not None:
        row["priority_reason"] = standing.priority_reason
    if standing.flapping:
        row["flapping"] = True
    if standing.flips:
        row["flips"] = standing.flips
    if standing.disposition is not None:
        row["disposition"] = standing.disposition
    if standing.decide_at is not None:
        row["decide_at"] = standing.decide_at


_EVENTS = """
insert into warroom.alert_event (alert_id, incident_id, delivery_id, position, change, severity,
  starts_at, ends_at, unit, visibility)
select r.alert_id, r.incident_id, r.delivery_id, r.position, r.change, r.severity, r.starts_at,
  r.ends_at, r.unit, r.visibility
from jsonb_to_recordset(cast(:rows as jsonb)) as r(alert_id uuid, incident_id uuid,
  delivery_id uuid, position integer, change text, severity smallint, starts_at timestamptz,
  ends_at timestamptz, unit text, visibility text)
"""


def events(outcomes: Sequence[Outcome]) -> list[Asked]:
    """Return what appends what was received, one event a message, for whoever sees its alert."""
    seen_by = {o.target.id: o.target.visibility for o in outcomes}
    rows = [
        {
            "alert_id": o.target.id,
            "incident_id": o.incident_id,
            "delivery_id": o.delivery_id,
            "position": o.position,
            "change": o.change.kind,
            "severity": o.change.after.severity,
            "starts_at": o.change.after.starts_at,
            "ends_at": o.change.after.ends_at,
            "unit": o.target.own_unit,
            "visibility": seen_by[o.target.id],
        }
        for o in outcomes
        if o.heard
    ]
    return [(_EVENTS, {"rows": as_json(rows)})] if rows else []
