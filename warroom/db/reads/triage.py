"""The triage queue: what waits for a person, the oldest first."""

from __future__ import annotations

from typing import Final, LiteralString

from warroom.db.reads.fetch import Connection, fetch
from warroom.domain.triage import TriagePicture, TriageRow

LIMIT: Final = 500
_ROWS: LiteralString = """
select t.id, t.kind, t.title, left(t.body, 2000) as body, coalesce(s.key, '') as service,
  t.severity, t.priority, t.reported_by, t.why, coalesce(a.state, '') as alert_state,
  t.created_at, t.version
from read_v1.triage_item t
left join read_v1.service s on s.id = t.service_id
left join read_v1.alert a on a.id = t.alert_id
where t.state = 'waiting' order by t.id limit %(limit)s
"""
_META: LiteralString = """
select clock_timestamp() as read_at,
  (select count(*) from read_v1.triage_item where state = 'waiting') as total
"""


async def read_triage(conn: Connection, *, limit: int = LIMIT) -> TriagePicture:
    """Read what waits.

    Args:
        conn: an autocommit connection of a reader.
        limit: rows at the most; ``total`` counts all.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    meta = (await fetch(conn, _META, {}))[0]
    rows = await fetch(conn, _ROWS, {"limit": limit})
    return TriagePicture(tuple(TriageRow(**r) for r in rows), meta["total"], meta["read_at"])
