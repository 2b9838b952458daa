"""The silences as a console reads them: its own units', now and as of a moment, with what fires."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from tests.db.conftest import Seeded
from warroom.db.reads import read_board, read_silences
from warroom.domain.silence import Matcher, digest_of
from warroom.domain.silence_picture import SilencesPicture


def read(seeded: Seeded, who: str, **more: Any) -> tuple[SilencesPicture, int]:
    """Return the silences and how many the board counts, as a person."""

    async def ask() -> tuple[SilencesPicture, int]:
        conn = await psycopg.AsyncConnection.connect(seeded.db.conninfo(), autocommit=True)
        async with conn:
            role = sql.Identifier(f"wr_{who}_{seeded.db.name}")
            await conn.execute(sql.SQL("set session authorization {}").format(role))
            board = await read_board(conn, **more)
            return await read_silences(conn, **more), board.silences

    return asyncio.run(ask())


def silence(
    conn: psycopg.Connection, by: UUID, value: str, begins: str, ends: str, unit: str = "main"
) -> None:
    matcher = Matcher("service", value)
    conn.execute(
        "insert into warroom.silence (matchers, comment, starts_at, ends_at, created_by, units,"
        " digest) values (%s, 'why', now() + %s::interval, now() + %s::interval, %s, %s, %s)",
        (json.dumps([matcher.as_json()]), begins, ends, by, [unit],
         digest_of([matcher], datetime.now().astimezone(), "why")),
    )  # fmt: skip


def values(picture: SilencesPicture) -> list[str]:
    return [row.matchers[0].value for row in picture.rows]


def test_each_sees_the_silences_of_their_units(seeded: Seeded) -> None:
    ana = seeded.people["ana"]
    with seeded.db.connect() as conn:
        silence(conn, ana, "soon", "-1 min", "5 min")
        silence(conn, ana, "later", "1 hour", "2 hours")
        silence(conn, ana, "over", "-2 hours", "-1 hour")
        silence(conn, ana, "foreign", "-1 min", "1 hour", "other")
        silence(conn, ana, "ended", "-1 min", "1 hour")
        conn.execute(
            "update warroom.silence set expired_at = now(), expired_by = created_by"
            " where matchers->0->>'value' = 'ended'"
        )
    picture, count = read(seeded, "ana")
    assert values(picture) == ["soon", "later", "ended"]
    assert count == 1
    assert picture.rows[0].by == "ana"
    assert (picture.rows[2].ended_by, picture.rows[2].expired_at is not None) == ("ana", True)


def test_the_past_shows_what_was_in_force_then(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        silence(conn, seeded.people["ana"], "pay", "-1 min", "1 hour")
        moment = conn.execute("select clock_timestamp()").fetchone()
        assert moment is not None
        conn.execute("update warroom.silence set comment = 'other', expired_at = now(),"
                     " expired_by = created_by")  # fmt: skip
    now, count = read(seeded, "ana")
    assert (now.rows[0].comment, count) == ("other", 0)
    then, count = read(seeded, "ana", as_of=moment[0])
    assert (then.rows[0].comment, then.rows[0].expired_at, count) == ("why", None, 1)
    assert then.as_of == moment[0]


def test_what_is_held_back_is_what_fires_on_nothing(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        conn.execute(
            "insert into warroom.alert (source_id, fingerprint, name, severity, state, service_id,"
            " incident_id, decision, disposition, decide_at, starts_at, unit, visibility)"
            " select (select id from warroom.source order by key limit 1), n.name, n.name, n.sev,"
            " n.state, (select id from warroom.service where key = 'normal'), n.incident,"
            " n.decision, case when n.decision like 'silenced%%' then 'suppressed' end,"
            " now() + n.more, now(), n.unit, 'normal' from (values"
            " ('held', 3, 'firing', null::uuid, 'silenced by ana', 'main', interval '1 h'),"
            " ('worse', 1, 'firing', null, 'silenced by ana', 'main', interval '1 h'),"
            " ('over', 1, 'resolved', null, 'silenced by ana', 'main', interval '1 h'),"
            " ('elsewhere', 1, 'firing', null, 'silenced by ana', 'other', interval '1 h'),"
            " ('was held', 1, 'firing', null, 'silenced by ana', 'main',"
            "  interval '-1 s'),"
            " ('alone', 1, 'firing', null, 'recorded only', 'main', interval '1 h'),"
            " ('on', 1, 'firing', %s, 'silenced by ana', 'main', interval '1 h'))"
            " as n(name, sev, state, incident, decision, unit, more)",
            (seeded.incidents["normal"],),
        )
    picture, _ = read(seeded, "ana")
    assert [alert.name for alert in picture.held] == ["worse", "held"]
    assert picture.held_count == 2
    assert picture.held[0].service == "normal"
