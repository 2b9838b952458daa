"""What a batch writes of alerts: their rows and their events, one statement for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from warroom.db.uow import Work
from warroom.services.alert_rows import Outcome, Standing, as_json

_RECORDSET = (
    "jsonb_to_recordset(cast(:rows as jsonb)) as r(source_id uuid, fingerprint text, name text,"
    " summary text, description text, severity smallint, severity_word text, state text,"
    " service_id uuid, incident_id uuid, labels jsonb, annotations jsonb, generator_url text,"
    " decision text, starts_at timestamptz, ends_at timestamptz, expires_at timestamptz,"
    " last_seen_at timestamptz, changed_at timestamptz, count bigint, unit text,"
    " visibility text, version integer, priority smallint, priority_reason text,"
    " flapping boolean, flips timestamptz[], disposition text, decide_at timestamptz)"
)


_INSERT = (
    "insert into warroom.alert (source_id, fingerprint, name, summary, description,"
    " severity, severity_word, state, service_id, incident_id, labels, annotations,"
    " generator_url, decision, starts_at, ends_at, expires_at, first_seen_at,"
    " last_seen_at, changed_at, count, unit, visibility, priority, priority_reason, flapping,"
    " flips, disposition, decide_at)"
    " select r.source_id, r.fingerprint, r.name, r.summary, r.description, r.severity,"
    " r.severity_word, r.state, r.service_id, r.incident_id, r.labels, r.annotations,"
    " r.generator_url, r.decision, r.starts_at, r.ends_at, r.expires_at, r.last_seen_at,"
    " r.last_seen_at, r.changed_at, r.count, r.unit, r.visibility, r.priority,"
    " r.priority_reason, r.flapping, r.flips, r.disposition, r.decide_at"
    " from {rows} order by r.source_id, r.fingerprint"
    " on conflict (source_id, fingerprint) do nothing returning id"
).replace("{rows}", _RECORDSET)


_NEVER_CHANGED = frozenset({"name", "labels", "generator_url", "service_id", "unit"})
"""What an update leaves as it is, and need not travel."""
# Locked in the order of the key, like everywhere: the join alone could come in any order.
_UPDATE = """
with mine as materialized (
  select a.id, r.state, r.severity, r.starts_at, r.ends_at, r.expires_at, r.last_seen_at,
    r.changed_at, r.count, r.incident_id, r.decision, r.summary, r.description, r.annotations,
    r.severity_word, r.visibility, r.priority, r.priority_reason, r.flapping, r.flips,
    r.disposition, r.decide_at
  from {rows} join warroom.alert a on a.source_id = r.source_id and a.fingerprint = r.fingerprint
    and a.version = r.version
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


async def write_alerts(work: Work, outcomes: Sequence[Outcome]) -> bool:
    """Insert the new alerts and update the others.

    Returns:
        False when another process was first: one of the new is there already, or one of the
        others is not as it was read.  The transaction must not be committed then.
    """
    last: dict[tuple[UUID, str], Outcome] = {}
    for outcome in outcomes:
        key = (outcome.target.source_id, outcome.target.fingerprint)
        # A message that changes nothing leaves the sentence of the one before it.
        said = outcome.decision or (last[key].decision if key in last else "")
        last[key] = replace(outcome, decision=said)
    fresh = [_alert_row(o) for o in last.values() if o.target.fresh]
    stored = [
        {k: v for k, v in _alert_row(o).items() if k not in _NEVER_CHANGED}
        for o in last.values()
        if not o.target.fresh
    ]
    if fresh:
        inserted = await work.rows(
            _INSERT,
            {"rows": as_json(fresh)},
        )
        if len(inserted) != len(fresh):
            return False
    if stored:
        return await work.execute(_UPDATE, {"rows": as_json(stored)}) == len(stored)
    return True


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
        "version": t.version,
        **_standing(outcome.standing),
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


def _standing(standing: Standing) -> dict[str, Any]:
    """Return what is kept of a decision; nothing where nothing is to be kept."""
    found = {
        "priority": standing.priority,
        "priority_reason": standing.priority_reason,
        "flapping": standing.flapping or None,
        "flips": list(standing.flips) or None,
        "disposition": standing.disposition,
        "decide_at": standing.decide_at,
    }
    return {name: value for name, value in found.items() if value is not None}


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
            {"rows": as_json(rows)},
        )
