"""Alerts that were taken and are not stored yet: the engine's own role sees them, and says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database
from warroom.db.reads import read_health
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
    url = f"postgresql://warroom_engine@/{pg.name}?host={pg.server.cluster.socket_dir}"
    db = Database.open(url, role="engine")
    yield Health(db, CTX, Limits())
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


async def shown(pg: TestDatabase) -> Reading:
    """Return the reading as the console reads it."""
    conninfo = pg.server.conninfo(dbname=pg.name)
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
        picture = await read_health(conn)
    return next(r for r in picture.readings if r.name == "alerts waiting")


def own_alerts(pg: TestDatabase) -> list[tuple[str, str, int, str]]:
    """Return war room's alerts about its alerts: name, state, severity, summary."""
    with pg.connect() as conn:
        return conn.execute(
            "select name, state, severity, summary from warroom.alert"
            " where labels ->> 'reading' = 'intake'"
        ).fetchall()


async def test_the_engine_counts_what_waits_and_since_when(
    pg: TestDatabase, engine: Health
) -> None:
    await engine.run_once()
    nothing = await shown(pg)
    assert (nothing.text, nothing.verdict) == ("none", Verdict.OK)
    assert nothing.sentence == "every alert that was taken is on the board"

    take(pg, 1200, 0)
    take(pg, 40, 3600)
    await engine.run_once()
    waiting = await shown(pg)
    assert (waiting.text, waiting.verdict) == ("1,240 for 60 min", Verdict.BAD)
    assert waiting.sentence.startswith(
        "1,240 alerts are taken and not on the board yet; the oldest waits for 60 min: over 15 s"
    )
    assert own_alerts(pg) == []  # not for a moment

    store(pg)
    await engine.run_once()
    assert (await shown(pg)).text == "none"


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
