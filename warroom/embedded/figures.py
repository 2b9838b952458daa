"""What a run came to, counted from the database; nothing is written down beforehand."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

COUNTS = """
select
  (select count(*) from warroom.alert) as alerts,
  (select coalesce(sum(count), 0)::bigint from warroom.alert) as alert_messages,
  (select count(*) from warroom.incident) as incidents_opened,
  (select count(*) from warroom.incident where acknowledged_at is not null) as acknowledged,
  (select count(*) from warroom.incident where resolved_at is not null) as resolved,
  (select count(*) from warroom.timer where kind = 'escalate' and state = 'fired') as escalated,
  (select count(*) from warroom.outbox where state = 'sent') as messages_sent,
  (select count(*) from warroom.timeline) as timeline_entries,
  (select count(*) from warroom.audit) as audit_entries
"""


STANDBY = """
select coalesce(max(state), 'gone') as standby_state,
  extract(epoch from max(replay_lag))::float8 as standby_lag_s
from pg_stat_replication where application_name = 'standby'
"""


def standby(conninfo: str) -> dict[str, Any]:
    """Return what the primary says of its standby: ``standby_state``, ``standby_lag_s``.

    The lag is 0 when everything was replayed and nothing has been written since.
    """
    with psycopg.connect(
        conninfo, autocommit=True, row_factory=dict_row, connect_timeout=3
    ) as conn:
        found = dict(conn.execute(STANDBY).fetchone() or {})
    if found["standby_state"] == "streaming" and found["standby_lag_s"] is None:
        found["standby_lag_s"] = 0.0
    return found


def count(conninfo: str) -> dict[str, Any]:
    """Return the figures of a running instance, and whether its record verifies."""
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as conn:
        found = conn.execute(COUNTS).fetchone()
        verdict = conn.execute("select * from read_v1.audit_verify()").fetchall()
    problems = [r for r in verdict if r["problem"] is not None]
    return {**(found or {}), "audit_verified": not problems}
