"""Two engines, one of them killed again and again: every timer fires exactly once."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.helpers import wait_until_sync
from tests.pgfixtures import TestDatabase

TIMERS = 400
KILLS = 12


def seed(db: TestDatabase) -> None:
    """Make incidents whose only escalation step is due now."""
    with db.connect() as conn:
        conn.execute("alter table warroom.incident disable trigger all")
        conn.execute("insert into warroom.escalation_policy (key, name) values ('one', 'one step')")
        conn.execute(
            "insert into warroom.escalation_step (policy_id, step, delay_s, target_kind, target)"
            " select id, 1, 0, 'team', 'unassigned' from warroom.escalation_policy"
            " where key = 'one'"
        )
        conn.execute(
            "insert into warroom.incident (title, severity, opened_by, policy_id)"
            " select 'i' || n, 1, '00000000-0000-7000-8000-000000000001', p.id"
            f" from generate_series(1, {TIMERS}) n, warroom.escalation_policy p"
            " where p.key = 'one'"
        )
        conn.execute("alter table warroom.incident enable always trigger keep_history")
        conn.execute(
            "insert into warroom.timer (kind, incident_id, step, due_at, policy_id, unit,"
            " visibility) select 'escalate', id, 1, now(), policy_id, unit, visibility"
            " from warroom.incident"
        )


def engine(db: TestDatabase) -> subprocess.Popen[bytes]:
    """Start an engine that takes small bites, so that a kill falls between them."""
    environment = {
        **os.environ,
        "WARROOM_DATABASE_URL": f"postgresql://warroom_engine@/{db.name}"
        f"?host={db.server.cluster.socket_dir}",
        "WARROOM_ENGINE_BATCH": "7",
        "WARROOM_ENGINE_TICK_SECONDS": "0.05",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "warroom", "engine"], env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def test_each_timer_fires_once_whoever_is_killed(pg: TestDatabase) -> None:
    seed(pg)
    with pg.connect() as conn:

        def number(query: str) -> int:
            row = conn.execute(query).fetchone()
            assert row is not None
            return int(row[0])

        fired = "select count(*) from warroom.timer where state = 'fired'"
        steady, victim = engine(pg), engine(pg)
        try:
            for kill in range(KILLS):
                goal = (kill + 1) * TIMERS // (KILLS + 1)
                wait_until_sync(
                    lambda goal=goal: number(fired) >= goal,  # type: ignore[misc]
                    timeout_s=60,
                    what=f"{goal} timers",
                )
                victim.kill()
                victim.wait()
                victim = engine(pg)
            wait_until_sync(lambda: number(fired) == TIMERS, timeout_s=60, what="all timers")
            wait_until_sync(
                lambda: number("select count(*) from warroom.outbox where state <> 'sent'") == 0,
                timeout_s=90,
                what="the outbox to empty",
            )
        finally:
            for process in (steady, victim):
                process.terminate()
                process.wait(20)
        assert (
            number("select count(*) from warroom.timeline where body like 'escalated%'") == TIMERS
        )
        assert number("select count(*) from warroom.outbox") == TIMERS
        assert (
            number(
                "select count(*) from (select row_id from warroom.audit where table_name = 'timer'"
                " and payload::jsonb #>> '{after,state}' = 'fired' group by row_id"
                " having count(*) > 1) d"
            )
            == 0
        )
