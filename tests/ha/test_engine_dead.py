"""The only engine is killed and stays dead for a minute: its clocks wait loudly, then fire once."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from pathlib import Path

import psycopg
from textual.pilot import Pilot

from tests.console.live import LiveRoom, free_port
from tests.console.pilot import running, war_room
from tests.ha.test_engine_kills import Engine
from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.console.app import WarRoomApp
from warroom.db import migrate
from widgets.timers_list import TimersList, countdown

DEAD_S = 60
LATE = re.compile(r" ([0-9]+) (s|min) late")


def seed(conn: psycopg.Connection) -> None:
    """Make a policy with two steps for whoever is declared, far from each other."""
    conn.execute(
        "insert into warroom.escalation_step (policy_id, step, delay_s, target_kind, target)"
        " select p.id, n, 20, 'team', 'unassigned' from warroom.escalation_policy p,"
        " generate_series(1, 2) n where p.key = 'slow'"
    )


async def test_after_a_minute_without_an_engine_each_clock_fires_once_and_says_how_late(
    pg: TestDatabase, tmp_path: Path
) -> None:
    live = LiveRoom(
        pg, migrate.bootstrap_admin(pg.conninfo(), "ana"), free_port(), tmp_path / "api.log"
    )
    engine = await asyncio.to_thread(Engine, pg, tmp_path / "first.log")
    try:
        live.start_api()
        engine.kill()
        with pg.connect() as conn:
            conn.execute("insert into warroom.escalation_policy (key, name) values ('slow', 's')")
            seed(conn)
        made = [live.declare(title, 2)["ref"] for title in ("Escalates", "Owes news", "Sleeps")]
        with pg.connect() as conn:
            # As the policy's first step does when an incident of its own is opened.
            conn.execute("delete from warroom.timer")
            conn.execute(
                "update warroom.incident set policy_id = (select id from warroom.escalation_policy"
                " where key = 'slow')"
            )
            conn.execute(
                "insert into warroom.timer (kind, incident_id, step, due_at, target, policy_id,"
                " unit, visibility) select 'escalate', id, 1, now() + interval '2 s',"
                " 'team unassigned', policy_id, unit, visibility from warroom.incident"
                " where number = 1"
            )
        path = "/v1/incidents/{}/{}"
        live.call("POST", path.format(made[1], "update-due"), {"version": 1, "in_s": 2})
        snooze = {"version": 1, "for_s": 60, "reason": "vendor works"}
        live.call("POST", path.format(made[2], "snooze"), snooze)
        due = "select kind, due_at from warroom.timer where state = 'armed' order by kind"
        assert [kind for kind, _ in live.fetch(due)] == ["escalate", "snooze", "update-due"]
        async with running(live.door, (160, 45)) as pilot:
            timers = war_room(pilot).query_one(TimersList)

            def all_overdue() -> bool:
                now = app_now(pilot)
                words = [countdown(row, now)[0] for row in timers._rows]
                return len(words) == 3 and all(w.startswith("OVERDUE") for w in words)

            await wait_until(all_overdue, timeout_s=120, every_s=0.5, what="three overdue clocks")
            # Nobody has fired them. The snooze was the last to run out.
            gone = (
                "select min(now() - due_at) > interval '6 s' and max(now() - due_at) >"
                f" interval '{DEAD_S} s' from warroom.timer where state = 'armed'"
            )
            await wait_until(
                lambda: live.fetch(gone)[0][0], timeout_s=60, every_s=0.5, what="a minute without"
            )
            assert len(live.fetch(due)) == 3
            engine = await asyncio.to_thread(Engine, pg, tmp_path / "second.log")
            fired = "select count(*) from warroom.timer where state = 'fired'"
            await wait_until(lambda: live.fetch(fired) == [(3,)], timeout_s=60, what="all fired")
            await wait_until(
                lambda: sum(countdown(r, app_now(pilot))[0].startswith("OVER")
                            for r in timers._rows) == 1,
                timeout_s=60, what="the update that is owed, and no other clock overdue",
            )  # fmt: skip
        each_fired_once_and_said_how_late(live)
    finally:
        engine.end()
        if live.process is not None:
            live.kill_api()


def app_now(pilot: Pilot[int]) -> datetime | None:
    assert isinstance(pilot.app, WarRoomApp)
    return pilot.app.database_now()


def each_fired_once_and_said_how_late(live: LiveRoom) -> None:
    """Hold timeline and audit against the three clocks."""
    told = live.fetch(
        "select i.number, t.body from warroom.timeline t join warroom.incident i"
        " on i.id = t.incident_id where t.kind = 'automation' order by i.number"
    )
    assert [number for number, _ in told] == [1, 2, 3], told
    for (_, body), least in zip(told, (DEAD_S - 5, DEAD_S - 5, 5), strict=True):
        found = LATE.search(body)
        assert found is not None, body
        assert int(found[1]) * (60 if found[2] == "min" else 1) >= least, body
    times = live.fetch(
        "select count(*) from warroom.audit where table_name = 'timer'"
        " and payload::jsonb #>> '{after,state}' = 'fired' group by row_id"
    )
    assert times == [(1,)] * 3
    # The next step of the ladder has its full time: lateness makes no burst.
    step = live.fetch(
        "select step, state, due_at > now() - interval '20 s' from warroom.timer"
        " where state = 'armed'"
    )
    assert step == [(2, "armed", True)], step
    assert live.call("GET", "/v1/audit/verify")["verified"]
