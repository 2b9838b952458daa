"""Alerts that were taken and are not stored yet: the engine's own role sees them, and says so."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database
from warroom.db.reads import read_board, read_health
from warroom.domain.health import Limits
from warroom.domain.panes import Reading, Verdict
from warroom.domain.principal import CommandContext
from warroom.engine.cycles.health import Health
from warroom.services import health
from warroom.services.alerts import ENGINE

CTX = CommandContext(ENGINE, "r", "test")


@pytest.fixture
async def engine(pg: TestDatabase) -> AsyncIterator[Health]:
    """The sampling cycle with the login of a real engine: row security holds for it."""
    db = Database.open(pg.conninfo("warroom_engine"), role="engine")
    yield Health(db, CTX, Limits(intake_s=1000.0))
    await db.close()


def take(pg: TestDatabase, alerts: int, seconds_ago: float) -> None:
    """Put a body where the API puts those whose alerts wait."""
    with pg.connect() as conn:
        conn.execute(
            "insert into warroom.intake (source_id, dialect, body, alerts, read_at, received_at)"
            " select id, dialect, 'x', %(n)s, now() - %(ago)s, now() - %(ago)s"
            " from warroom.source where key = 'war-room'",
            {"n": alerts, "ago": timedelta(seconds=seconds_ago)},
        )


def store(pg: TestDatabase) -> None:
    """Take away what waits, as when its alerts are stored."""
    with pg.connect() as conn:
        conn.execute("delete from warroom.intake")


async def look(pg: TestDatabase, engine: Health) -> tuple[Reading, float | None]:
    """Sample, and return the reading as the console reads it, and how far its board is behind."""
    for _ in range(10):  # on a slow machine a sample may be old before it is read
        await engine.run_once()
        async with await psycopg.AsyncConnection.connect(pg.conninfo(), autocommit=True) as conn:
            board, picture = await read_board(conn), await read_health(conn)
            then = await read_board(conn, as_of=board.read_at)
        assert then.behind_s is None  # what was stored since stands in the past as well
        reading = next(r for r in picture.readings if r.name == "alerts waiting")
        if reading.verdict is not Verdict.UNKNOWN:
            return reading, board.behind_s
    raise AssertionError("every sample was old when it was read")


def own_alerts(pg: TestDatabase) -> list[tuple[str, str, int, str]]:
    """Return war room's alerts about its alerts: name, state, severity, summary."""
    with pg.connect() as conn:
        return conn.execute(
            "select name, state, severity, summary from warroom.alert"
            " where labels ->> 'reading' = 'intake'"
        ).fetchall()


async def test_the_engine_counts_what_waits_and_since_when(
    pg: TestDatabase, engine: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "HELD_FOR", timedelta(hours=1))
    nothing, behind = await look(pg, engine)
    assert (nothing.text, nothing.verdict, behind) == ("none", Verdict.OK, None)
    assert nothing.sentence == "every alert that was taken is on the board"

    take(pg, 1200, 0)
    take(pg, 40, 3600)
    waiting, behind = await look(pg, engine)
    assert (waiting.text, waiting.verdict) == ("1,240 for 60 min", Verdict.BAD)
    assert waiting.sentence.startswith(
        "1,240 alerts are taken and not on the board yet; the oldest waits for 60 min: over 1000 s"
    )
    assert behind is not None
    assert behind >= 3600
    assert own_alerts(pg) == []  # not for a moment

    store(pg)
    nothing, behind = await look(pg, engine)
    assert (nothing.text, behind) == ("none", None)


async def test_a_board_is_not_called_behind_for_what_is_normal_in_a_storm(
    pg: TestDatabase, engine: Health
) -> None:
    take(pg, 50, 700)
    waiting, behind = await look(pg, engine)
    assert (waiting.verdict, behind) == (Verdict.WARN, None)


async def test_an_old_sample_says_nothing_of_the_board_of_now(pg: TestDatabase) -> None:
    bad = {"intake": {"age_s": 99.0}, "standing": {"intake": {"verdict": "bad"}}}
    said = []
    for seconds in (3600, -3600):  # the second one is new, however slow the machine is
        with pg.connect() as conn:
            conn.execute(
                "insert into warroom.replication_sample (id, sampled_at, node, role, detail)"
                " select warroom.uuid7_floor(m.at), m.at, 'primary', 'primary', %(bad)s"
                " from (select now() - make_interval(secs => %(ago)s) as at) m",
                {"ago": seconds, "bad": json.dumps(bad)},
            )
        async with await psycopg.AsyncConnection.connect(pg.conninfo(), autocommit=True) as conn:
            said.append((await read_board(conn)).behind_s)
    assert said == [None, 99.0]


async def test_alerts_that_go_on_waiting_are_an_alert_until_they_are_stored(
    pg: TestDatabase, engine: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "HELD_FOR", timedelta())
    take(pg, 7, 3600)
    await engine.run_once()
    ((name, state, severity, summary),) = own_alerts(pg)
    assert (name, state, severity) == ("AlertsWaiting", "firing", 2)
    assert summary.startswith("7 alerts are taken and not on the board yet")

    store(pg)
    await engine.run_once()
    ((_, state, _, summary),) = own_alerts(pg)
    assert (state, summary) == ("resolved", "every alert that was taken is on the board")
