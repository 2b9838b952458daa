"""Putting what asks for a person into the triage queue, with the batch that asks."""

from __future__ import annotations

from collections.abc import Sequence

from warroom.db.uow import Asked
from warroom.services.alert_rows import Outcome, as_json

# An alert waits once, however often it is repeated.
_ASK = """
insert into warroom.triage_item (kind, alert_id, title, body, service_id, severity, priority, why,
  unit, visibility)
select 'alert', a.id, left(r.title, 500), left(a.description, 10000), a.service_id, a.severity,
  a.priority, left(r.why, 1000), a.unit, a.visibility
from jsonb_to_recordset(cast(:rows as jsonb)) as r(source_id uuid, fingerprint text, title text,
  why text)
join warroom.alert a on a.source_id = r.source_id and a.fingerprint = r.fingerprint
order by a.id
on conflict (alert_id) where state = 'waiting' do nothing
"""


def questions(outcomes: Sequence[Outcome]) -> list[Asked]:
    """Return what puts the alerts that a rule asks about into the queue."""
    rows = [
        {
            "source_id": o.target.source_id,
            "fingerprint": o.target.fingerprint,
            "title": o.target.incoming.summary or o.target.incoming.name or "an alert",
            "why": o.asks,
        }
        for o in outcomes
        if o.asks and o.target.incoming is not None
    ]
    return [(_ASK, {"rows": as_json(rows)})] if rows else []
