"""How the board is read while the planner's statistics have not heard of what is open."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from tests.db.conftest import Seeded
from warroom.db.reads import board

_CLOSED = """
insert into warroom.incident (title, severity, status, opened_by, opened_at, resolved_at, ended_at)
select 'x', 3, 'closed', id, now() - interval '2 days', now() - interval '1 day',
  now() - interval '1 day' from warroom.principal, generate_series(1, 3000) where name = 'system'
"""
_OPEN = """
with i as (
  insert into warroom.incident (title, severity, opened_by)
  select 'x', 3, id from warroom.principal, generate_series(1, 300) where name = 'system'
  returning id, unit, visibility),
  s as (insert into warroom.incident_service (incident_id, service_id, state, unit, visibility)
  select i.id, s.id, 'down', i.unit, i.visibility from i,
    (select id from warroom.service limit 1) s)
insert into warroom.timer (kind, incident_id, due_at, unit, visibility)
select 'escalate', i.id, now() + interval '1 hour', i.unit, i.visibility from i
"""
_FIRED = """
insert into warroom.timer (kind, incident_id, step, due_at, state, unit, visibility)
select 'escalate', i.id, n, i.opened_at, 'fired', i.unit, i.visibility
from warroom.incident i, generate_series(1, 3) n where i.status = 'closed'
"""


def _loops(plan: Any) -> dict[str, float]:
    """Return how often each table of a plan was read at the most."""
    if isinstance(plan, list):
        plan = {str(n): p for n, p in enumerate(plan)}
    if not isinstance(plan, dict):
        return {}
    found: dict[str, float] = {}
    for child in plan.values():
        for name, loops in _loops(child).items():
            found[name] = max(loops, found.get(name, 0))
    if "Relation Name" in plan:
        name, loops = str(plan["Relation Name"]), float(plan.get("Actual Loops", 0))
        found[name] = max(loops, found.get(name, 0))
    return found


async def test_a_page_is_gathered_once_though_nothing_was_expected_to_be_open(
    seeded: Seeded,
) -> None:
    with seeded.db.connect() as conn:
        for table in ("incident", "incident_service", "timer"):
            conn.execute(f"alter table warroom.{table} set (autovacuum_enabled = off)")
        conn.execute(
            "update warroom.incident set status = 'closed',"
            " ended_at = clock_timestamp(), resolved_at = clock_timestamp()"
        )
        conn.execute(_CLOSED)
        conn.execute(_FIRED)
        conn.execute("analyze warroom.incident")
        conn.execute(_OPEN)
        conn.execute("analyze warroom.incident_service, warroom.timer")
        role = conn.execute(
            "select db_role::text from warroom.principal where id = %s", (seeded.people["ana"],)
        ).fetchone()
    assert role is not None
    async with await psycopg.AsyncConnection.connect(seeded.db.conninfo(), autocommit=True) as conn:
        await conn.execute(f'set session authorization "{role[0]}"')
        picture = await board.read_board(conn)
        query = "explain (analyze, format json) " + board._NOW + board._OPEN + board._ROWS
        found = await (await conn.execute(query, {"as_of": None, "limit": 500})).fetchone()
    assert found is not None
    plan = found[0] if not isinstance(found[0], str) else json.loads(found[0])
    loops = _loops(plan)
    # Not once an incident: the page has 300.
    assert loops["timer"] <= 1, loops
    assert loops["incident_service"] <= 10, loops
    assert len(picture.rows) == 300
    assert {row.service_count for row in picture.rows} == {1}
    assert all(row.next_timer is not None for row in picture.rows)
