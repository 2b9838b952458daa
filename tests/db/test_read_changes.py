"""The changes beside an incident: near in time and place, linked, as of a moment, as a reader."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from tests.db.conftest import Seeded
from warroom.db.reads import read_changes, read_linkable
from warroom.domain.change import ChangeRow, ChangesPicture

CHANGE = (
    "with i as (select opened_at from warroom.incident where id = %(i)s), c as ("
    "insert into warroom.change_event (dedup_key, kind, status, title, production, at, status_at,"
    " unit, visibility, approved_by) select %(t)s, 'deploy', 'succeeded', %(t)s, %(p)s,"
    " i.opened_at - %(m)s * interval '1 minute', now(), %(u)s, %(v)s, '' from i"
    " returning id, at, unit, visibility)"
    " insert into warroom.change_service (change_id, service, at, unit, visibility)"
    " select c.id, s, c.at, c.unit, c.visibility from c, unnest(%(s)s::text[]) s"
    " returning change_id"
)


def read(seeded: Seeded, who: str, incident: UUID, **more: Any) -> tuple[ChangeRow, ...]:
    async def ask() -> tuple[ChangeRow, ...]:
        conn = await psycopg.AsyncConnection.connect(seeded.db.conninfo(), autocommit=True)
        async with conn:
            role = sql.Identifier(f"wr_{who}_{seeded.db.name}")
            await conn.execute(sql.SQL("set session authorization {}").format(role))
            return await read_changes(conn, incident, **more)

    return asyncio.run(ask())


def change(
    conn: psycopg.Connection,
    incident: UUID,
    title: str,
    services: list[str],
    minutes: int = 10,
    *,
    unit: str = "main",
    visibility: str = "normal",
    production: bool = True,
) -> UUID:
    row = conn.execute(
        CHANGE,
        {"i": incident, "t": title, "s": services, "m": minutes, "u": unit, "v": visibility,
         "p": production},
    ).fetchone()  # fmt: skip
    assert row is not None
    found: UUID = row[0]
    return found


def chain(conn: psycopg.Connection, *keys: str) -> None:
    """Let the normal incident's service depend on the first, that on the second, and so on."""
    for key in keys:
        conn.execute(
            "insert into warroom.service (key, name, team_id) select %s, %s, id from warroom.team"
            " where key = 'unassigned'",
            (key, key),
        )
    for one, other in zip(("normal", *keys), keys, strict=False):
        conn.execute(
            "insert into warroom.dependency (service_id, depends_on_id) select a.id, b.id"
            " from warroom.service a, warroom.service b where a.key = %s and b.key = %s",
            (one, other),
        )


def test_near_are_those_on_what_it_depends_on_within_the_look_back(seeded: Seeded) -> None:
    incident = seeded.incidents["normal"]
    with seeded.db.connect() as conn:
        chain(conn, "a", "b", "c", "d", "e")
        conn.execute(
            "insert into warroom.dependency (service_id, depends_on_id) select a.id, b.id from"
            " warroom.service a, warroom.service b where a.key = 'b' and b.key = 'normal'"
        )
        change(conn, incident, "own", ["elsewhere", "normal"], 5)
        change(conn, incident, "direct", ["a"], 30)
        change(conn, incident, "four away", ["d"], 60)
        change(conn, incident, "five away", ["e"], 20)
        change(conn, incident, "long ago", ["normal"], 241)
        change(conn, incident, "the rollback", ["normal"], -7)
        change(conn, incident, "staging", ["normal"], 5, production=False)
        change(conn, incident, "elsewhere", ["elsewhere"], 5)
    rows = read(seeded, "ana", incident)
    assert [(r.title, r.service, r.minutes_before, r.verdict) for r in rows] == [
        ("the rollback", "normal", -7, ""), ("own", "normal", 5, ""), ("direct", "a", 30, ""),
        ("four away", "d", 60, ""),
    ]  # fmt: skip
    wider = read(seeded, "ana", incident, look_back=timedelta(hours=5))
    assert "long ago" in {r.title for r in wider}
    assert len(read(seeded, "ana", incident, limit=2)) == 2


def test_what_is_linked_comes_first_wherever_it_was_and_the_past_is_as_it_was(
    seeded: Seeded,
) -> None:
    incident = seeded.incidents["normal"]

    def moment(conn: psycopg.Connection) -> datetime:
        row = conn.execute("select clock_timestamp()").fetchone()
        assert row is not None
        found: datetime = row[0]
        return found

    with seeded.db.connect() as conn:
        near = change(conn, incident, "near", ["normal"], 5)
        far = change(conn, incident, "far", ["elsewhere"], 9000, production=False)
        first = moment(conn)
        conn.execute(
            "insert into warroom.incident_change (incident_id, change_id, verdict, judged_by, unit,"
            " visibility) values (%s, %s, 'suspected', %s, 'main', 'normal')",
            (incident, far, seeded.people["ana"]),
        )
        second = moment(conn)
        conn.execute("update warroom.incident_change set verdict = 'cause'")
        conn.execute(
            "update warroom.change_event set status = 'rolled-back' where id = %s", (near,)
        )
    now = read(seeded, "ana", incident)
    assert [(r.title, r.verdict, r.status) for r in now] == [
        ("far", "cause", "succeeded"), ("near", "", "rolled-back"),
    ]  # fmt: skip
    assert [(r.title, r.verdict) for r in read(seeded, "ana", incident, as_of=first)] == [
        ("near", "")
    ]  # fmt: skip
    then = read(seeded, "ana", incident, as_of=second)
    assert [(r.verdict, r.status) for r in then] == [("suspected", "succeeded"), ("", "succeeded")]


def test_nobody_sees_a_change_of_another_unit_or_visibility_or_of_a_hidden_incident(
    seeded: Seeded,
) -> None:
    incident = seeded.incidents["normal"]
    with seeded.db.connect() as conn:
        change(conn, incident, "secret", ["normal"], visibility="security")
        change(conn, incident, "theirs", ["normal"], unit="other")
        for name in ("restricted", "foreign"):
            change(conn, seeded.incidents[name], f"on {name}", [name])
    assert [r.title for r in read(seeded, "ana", incident)] == []
    assert [r.title for r in read(seeded, "sam", incident)] == ["secret"]
    assert read(seeded, "ana", seeded.incidents["restricted"]) == ()
    assert read(seeded, "ana", seeded.incidents["foreign"]) == ()


def test_the_range_is_read_by_its_index_as_a_reader(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        conn.execute("alter table warroom.change_event disable trigger all")
        conn.execute("alter table warroom.change_service disable trigger all")
        conn.execute(
            "with c as (insert into warroom.change_event (dedup_key, kind, status, title, at,"
            " status_at, unit, visibility) select n::text, 'deploy', 'succeeded', 'c' || n, now() -"
            " n * interval '1 minute', now(), 'main', 'normal' from generate_series(1, 20000) n"
            " returning id, at, title) insert into warroom.change_service (change_id, service, at,"
            " unit, visibility) select id, 's' || (hashtext(title) & 1023), at, 'main', 'normal'"
            " from c"
        )
        conn.execute("analyze warroom.change_service")
        conn.execute(f'set session authorization "wr_ana_{seeded.db.name}"')
        plan = conn.execute(
            "explain (format json) select * from read_v1.change_service where service = 's7'"
            " and at >= now() - interval '4 hours' and at <= now()"
        ).fetchone()
    assert "change_service_near" in str(plan)


def test_what_is_hit_and_alerts_is_near_and_any_other_can_be_linked(seeded: Seeded) -> None:
    incident = seeded.incidents["normal"]
    with seeded.db.connect() as conn:
        for key in ("above", "quiet"):
            conn.execute(
                "insert into warroom.service (key, name, team_id) select %s, %s, id"
                " from warroom.team where key = 'unassigned'",
                (key, key),
            )
        conn.execute(
            "insert into warroom.incident_impact (incident_id, nodes, totals, unit, visibility)"
            " values (%s, %s, '{}', 'main', 'normal')"
            " on conflict (incident_id) do update set nodes = excluded.nodes",
            (incident, '[{"key": "above"}, {"key": "quiet"}]'),
        )
        conn.execute(
            "insert into warroom.alert (source_id, fingerprint, name, severity, state, service_id,"
            " starts_at, unit, visibility) select (select min(o.id::text)::uuid from"
            " warroom.source o), 'above', 'Slow', 2, 'firing', s.id, now(), 'main', 'normal'"
            " from warroom.service s where s.key = 'above'"
        )
        change(conn, incident, "on what alerts", ["above"], 5)
        change(conn, incident, "on what is only expected", ["quiet"], 5)
        change(conn, incident, "staging", ["normal"], 5, production=False)
    assert [r.title for r in read(seeded, "ana", incident)] == ["on what alerts"]

    async def ask() -> ChangesPicture:
        conn = await psycopg.AsyncConnection.connect(seeded.db.conninfo(), autocommit=True)
        async with conn:
            role = sql.Identifier(f"wr_ana_{seeded.db.name}")
            await conn.execute(sql.SQL("set session authorization {}").format(role))
            return await read_linkable(conn, incident)

    found = asyncio.run(ask())
    assert [r.title for r in found.near] == ["on what alerts"]
    assert [r.title for r in found.others] == ["staging", "on what is only expected"]
