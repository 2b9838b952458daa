"""The clocks that people set, in the engine: each fires once, and late ones say how late.

People act through the services as the API does; only time is moved by SQL, because nobody wants
to wait for it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import pytest_asyncio

from tests.api.conftest import serving
from tests.e2e.test_engine import an_engine, incident, rows, run
from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database
from warroom.db.reads import read_board, read_incident, read_timers
from warroom.domain.panes import TimersPicture
from warroom.domain.picture import BoardPicture, IncidentDetail
from warroom.domain.principal import CommandContext, Principal, PrincipalKind, Scope
from warroom.engine.runner import Engine
from warroom.services import (
    clocks,
    incident_merge,
    incident_moves,
    incident_roles,
    incidents,
    undo,
)

# A busy machine adds to the minute.
LATE = re.compile(r" (6[0-9]|[78][0-9]|1[01][0-9]) s late|[0-9]+ min late")
STATES = "select kind, step, cycle, state from warroom.timer order by kind, step, cycle"
BODIES = "select body from warroom.timeline order by id desc"


@dataclass
class Room:
    """A database with one incident, an engine whose cycles the test runs, and people who act."""

    pg: TestDatabase
    db: Database
    engine: Engine
    ana: CommandContext
    luc: CommandContext

    def sql(self, query: str) -> None:
        with self.pg.connect() as conn:
            conn.execute(query)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return rows(self.pg, query)

    def version(self) -> int:
        found: int = self.rows("select version from warroom.incident where number = 1")[0][0]
        return found

    def pass_by(self, kind: str, seconds: int = 0) -> None:
        """Let the clock have run out so many seconds ago: nobody fired it meanwhile."""
        self.sql(
            f"update warroom.timer set due_at = now() - interval '{seconds} s'"
            f" where kind = '{kind}' and state = 'armed'"
        )

    async def tick(self) -> str:
        return await run(self.engine, "timers")

    async def pictures(
        self, as_of: datetime | None = None
    ) -> tuple[BoardPicture, TimersPicture, IncidentDetail]:
        """Return what the console shows, now or then."""
        async with await psycopg.AsyncConnection.connect(
            self.pg.conninfo(), autocommit=True
        ) as conn:
            detail = await read_incident(conn, 1, as_of=as_of)
            assert detail is not None
            return await read_board(conn, as_of=as_of), await read_timers(conn, as_of=as_of), detail

    def newest(self) -> str:
        return str(self.rows(BODIES)[0][0])


def context(pg: TestDatabase, name: str) -> CommandContext:
    with pg.connect() as conn:
        row = conn.execute(
            "insert into warroom.principal (name, kind) values (%s, 'person') returning id", (name,)
        ).fetchone()
    assert row is not None
    scopes = frozenset({Scope.READ, Scope.RESPOND})
    return CommandContext(
        Principal(UUID(str(row[0])), name, PrincipalKind.PERSON, scopes), "t", "t"
    )


@pytest_asyncio.fixture
async def room(pg: TestDatabase) -> AsyncIterator[Room]:
    url = f"postgresql://warroom_api@/{pg.name}?host={pg.server.cluster.socket_dir}"
    db = Database.open(url, role="api", pool_size=4)
    engine = an_engine(pg)
    incident(pg, steps=3)
    yield Room(pg, db, engine, context(pg, "ana"), context(pg, "luc"))
    await db.close()
    await engine._db.close()


async def test_an_update_that_is_due_is_said_once_by_two_engines_and_how_late(room: Room) -> None:
    await incidents.acknowledge(room.db, room.ana, "1", version=1)
    await clocks.set_update_due(room.db, room.ana, "1", version=2, in_s=1800)
    room.sql("delete from warroom.outbox")
    room.pass_by("update-due", 60)
    other = an_engine(room.pg)
    said = await asyncio.gather(room.tick(), run(other, "timers"))
    await other._db.close()
    assert sum(LATE.search(s) is not None for s in said) == 1
    assert "update on INC-1 was due " in room.newest()
    assert room.newest().endswith("; person ana owes it")
    ((payload,),) = room.rows("select payload from warroom.outbox")
    assert (payload["type"], payload["target"]) == ("incident.update-overdue", "person ana")
    assert "update on INC-1 was due" in payload["text"]
    # It stops there: only a person knows when the next one can be given.
    assert await room.tick() == "no timer is due"
    assert ("update-due", 0, 0, "fired") in room.rows(STATES)


async def test_the_same_clock_set_anew_is_said_anew(room: Room) -> None:
    for turn in (1, 2):
        version = room.version()
        await clocks.set_update_due(room.db, room.ana, "1", version=version, in_s=60)
        room.pass_by("update-due")
        await room.tick()
        told = "select count(*) from warroom.outbox where payload ->> 'type' like '%overdue'"
        assert room.rows(told) == [(turn,)]


async def test_whoever_speaks_for_the_incident_owes_its_update(room: Room) -> None:
    """Communications before the commander, the commander before the owner, else the team."""
    owes = {"nobody": "team owner", "ana": "person ana", "luc": "person luc"}
    for who, target in owes.items():
        if who == "ana":
            await incident_moves.assign(room.db, room.ana, "1", version=room.version(), owner="ana")
        elif who == "luc":
            await incident_roles.take(
                room.db, room.luc, "1", version=room.version(), role="commander"
            )
        await clocks.set_update_due(room.db, room.ana, "1", version=room.version(), in_s=60)
        room.pass_by("update-due")
        await room.tick()
        assert f"; {target} owes it" in room.newest()


async def test_a_stopped_or_undone_clock_says_nothing(room: Room) -> None:
    await clocks.set_update_due(room.db, room.ana, "1", version=1, in_s=60)
    await clocks.set_update_due(room.db, room.ana, "1", version=2, in_s=None)
    room.pass_by("update-due")
    await clocks.set_update_due(room.db, room.ana, "1", version=3, in_s=60)
    await undo.undo(room.db, room.ana, "1", version=4)
    room.pass_by("escalate", -3600)
    assert await room.tick() == "no timer is due"
    assert ("update-due", 0, 0, "cancelled") in room.rows(STATES)


async def test_the_end_of_a_snooze_wakes_it_and_says_who_had_snoozed_and_why(room: Room) -> None:
    room.sql("update warroom.timer set due_at = now() + interval '5 min'")
    await clocks.snooze(room.db, room.ana, "1", version=1, for_s=600, reason="the vendor works")
    # Ten minutes go by: it fell asleep with five minutes left.
    room.sql("update warroom.timer set paused_at = paused_at - interval '600 s',"
             " due_at = due_at - interval '600 s' where kind = 'escalate'")  # fmt: skip
    room.pass_by("snooze")
    assert (await room.tick()).startswith("INC-1 woke: the snooze is over")
    assert room.newest() == (
        "woke: the snooze is over; it was snoozed by ana: the vendor works"
    )  # fmt: skip
    assert room.rows(STATES) == [("escalate", 1, 0, "armed"), ("snooze", 0, 0, "fired")]
    ((left,),) = room.rows(
        "select extract(epoch from e.due_at - s.fired_at)::float8 from warroom.timer e,"
        " warroom.timer s where e.kind = 'escalate' and s.kind = 'snooze'"
    )
    assert 290 <= left <= 310, "it has the time that it had left"
    assert await room.tick() == "no timer is due"
    room.pass_by("escalate")
    assert "escalated to team team1" in await room.tick(), "and then somebody is told"


async def test_what_sleeps_or_is_paused_does_not_fire(room: Room) -> None:
    await clocks.snooze(room.db, room.ana, "1", version=1, for_s=600, reason="x")
    room.sql("update warroom.timer set due_at = now() - interval '1 h' where kind = 'escalate'")
    assert await room.tick() == "no timer is due"
    await clocks.snooze(room.db, room.ana, "1", version=2, for_s=0, reason="")
    await clocks.escalation(room.db, room.ana, "1", version=3, do="pause")
    assert await room.tick() == "no timer is due"
    await clocks.escalation(room.db, room.ana, "1", version=4, do="resume")
    assert "escalated to team team1" in await room.tick()


async def test_a_snooze_that_ends_leaves_paused_what_a_person_paused(room: Room) -> None:
    await clocks.escalation(room.db, room.luc, "1", version=1, do="pause")
    await clocks.snooze(room.db, room.ana, "1", version=2, for_s=600, reason="x")
    room.pass_by("snooze")
    await room.tick()
    assert ("escalate", 1, 0, "paused") in room.rows(STATES)
    await clocks.snooze(room.db, room.ana, "1", version=3, for_s=600, reason="x")
    await incident_moves.set_severity(room.db, room.ana, "1", version=4, severity=2)
    await clocks.snooze(room.db, room.ana, "1", version=5, for_s=0, reason="")
    assert ("escalate", 1, 0, "paused") in room.rows(STATES)
    await clocks.escalation(room.db, room.ana, "1", version=6, do="resume")
    assert ("escalate", 1, 0, "armed") in room.rows(STATES)


@pytest.mark.parametrize("doing", ["snooze", "pause", "undo"])
async def test_a_step_that_the_engine_arms_meanwhile_is_held_as_well(
    room: Room, doing: str
) -> None:
    """The engine is between firing step 1 and its commit when somebody acts."""
    room.sql("update warroom.timer set due_at = now() + interval '1 h'")
    version = 1
    if doing == "undo":
        await incident_moves.set_severity(room.db, room.ana, "1", version=1, severity=2)
        version = 2
    with room.pg.connect(autocommit=False) as engine:
        engine.execute("select from warroom.timer where kind = 'escalate' for update")
        engine.execute("select from warroom.incident for no key update")
        engine.execute("update warroom.timer set state = 'fired', fired_at = now(),"
                       " version = version + 1")  # fmt: skip
        engine.execute(
            "insert into warroom.timer (kind, incident_id, step, due_at, policy_id, unit,"
            " visibility) select 'escalate', id, 2, now(), policy_id, unit, visibility"
            " from warroom.incident"
        )
        acting = asyncio.create_task(
            clocks.snooze(room.db, room.ana, "1", version=version, for_s=600, reason="x")
            if doing == "snooze"
            else clocks.escalation(room.db, room.ana, "1", version=version, do="pause")
            if doing == "pause"
            else undo.undo(room.db, room.ana, "1", version=version)
        )
        waiting = (
            "select from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database()"
        )
        await wait_until(lambda: room.rows(waiting) != [], what="it to wait for the engine")
        engine.commit()
        await acting
    held = "armed" if doing == "undo" else "paused"
    assert ("escalate", 1, 0, "fired") in room.rows(STATES)
    assert ("escalate", 2, 0, held) in room.rows(STATES)


async def test_a_skipped_step_is_told_and_the_ladder_goes_on_behind_it(room: Room) -> None:
    await clocks.escalation(room.db, room.ana, "1", version=1, do="skip", step=2)
    assert "escalated to team team2" in await room.tick()
    assert ("escalate", 1, 0, "cancelled") in room.rows(STATES)
    assert ("escalate", 3, 0, "armed") in room.rows(STATES)


async def test_who_skips_too_far_and_goes_back_loses_no_step(room: Room) -> None:
    await clocks.escalation(room.db, room.ana, "1", version=1, do="skip", step=3)
    await clocks.escalation(room.db, room.ana, "1", version=2, do="skip", step=2)
    for team in ("team2", "team3"):
        room.pass_by("escalate")
        assert f"escalated to team {team}" in await room.tick()
    assert await room.tick() == "no timer is due"


async def test_after_a_minute_without_an_engine_each_clock_catches_up_once_and_says_how_late(
    room: Room,
) -> None:
    await clocks.set_update_due(room.db, room.ana, "1", version=1, in_s=60)
    for kind in ("escalate", "update-due"):
        room.pass_by(kind, 60)
    before = len(room.rows(BODIES))
    await room.tick()
    bodies = [str(r[0]) for r in room.rows(BODIES)]
    assert len(bodies) == before + 2
    assert all(LATE.search(body) for body in bodies[:2]), bodies
    # The next step has its full time: lateness never makes a burst.
    assert await room.tick() == "no timer is due"


async def test_an_incident_that_ended_meanwhile_wakes_nobody_and_owes_nothing(room: Room) -> None:
    await clocks.set_update_due(room.db, room.ana, "1", version=1, in_s=60)
    await clocks.snooze(room.db, room.ana, "1", version=2, for_s=60, reason="x")
    # As if it ended behind the back of its clocks; commands stop them themselves.
    room.sql(
        "update warroom.incident set status = 'resolved', resolved_at = now(), ended_at = now()"
    )
    room.sql("delete from warroom.outbox")
    for kind in ("update-due", "snooze"):
        room.pass_by(kind)
    await room.tick()
    assert {r[3] for r in room.rows(STATES)} == {"cancelled", "paused"}
    assert room.rows("select count(*) from warroom.outbox") == [(0,)]


@pytest.mark.parametrize("verb", ["resolve", "false-alarm", "merge"])
async def test_the_end_of_an_incident_stops_its_clocks(room: Room, verb: str) -> None:
    await clocks.set_update_due(room.db, room.ana, "1", version=1, in_s=60)
    await clocks.snooze(room.db, room.ana, "1", version=2, for_s=60, reason="x")
    if verb == "resolve":
        await incidents.resolve(room.db, room.ana, "1", version=3)
    elif verb == "false-alarm":
        await incident_moves.false_alarm(room.db, room.ana, "1", version=3)
    else:
        made = await incidents.declare(room.db, room.ana, title="other", severity=3)
        await incident_merge.merge(room.db, room.ana, "1", version=3, into=made.body["ref"])
    states = room.rows(
        "select t.state from warroom.timer t join warroom.incident i on i.id = t.incident_id"
        " where i.number = 1"
    )
    assert set(states) == {("cancelled",)}


async def test_what_a_worse_alert_raises_wakes(pg: TestDatabase) -> None:
    async with serving(pg) as api, httpx.AsyncClient(base_url=api.url) as http:
        client = api.client()
        await client.add("services", {"key": "pg"})
        source = await client.add("sources", {"key": "prom"})
        await client.declare("slow", 4, services=["pg"])
        await client.snooze("INC-1", 1, 600, "it is known")
        for name, severity, sleeps in (("Mild", "info", True), ("Worse", "critical", False)):
            answer = await http.post(
                "/api/v2/alerts",
                json=[{"labels": {"alertname": name, "service": "pg", "severity": severity}}],
                headers={"Authorization": f"Bearer {source['token']}"},
            )
            assert answer.status_code < 300, answer.text
            found = await client.incident("INC-1")
            assert (found["snoozed_until"] is not None) is sleeps
            assert found["escalation"]["state"] == ("paused" if sleeps else "armed")
        said = [e["text"] for e in (await client.timeline("INC-1"))["items"]]
        assert "woke: a worse alert raised it" in said
        assert (await client.verify_audit())["verified"] is True


async def test_an_incident_that_alerts_keep_locked_is_waited_for(room: Room) -> None:
    room.pass_by("escalate", 5)
    waiting = (
        "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
        " and datname = current_database()"
    )
    with room.pg.connect(autocommit=False) as batch:
        batch.execute("select from warroom.incident for no key update")
        # Not for ever: other incidents' clocks run, too.
        assert await room.tick() == "no timer is due"
        assert ("escalate", 1, 0, "armed") in room.rows(STATES)
        firing = asyncio.create_task(room.tick())
        await wait_until(lambda: room.rows(waiting) != [], what="the engine to wait")
        batch.commit()
    assert "escalated to team" in await firing
    assert ("escalate", 1, 0, "fired") in room.rows(STATES)
    assert ("escalate", 2, 0, "armed") in room.rows(STATES)
