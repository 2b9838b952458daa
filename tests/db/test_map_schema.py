"""What the schema itself holds of the map: the past, who may see what, what is never removed."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
import pytest

from tests.db.conftest import Seeded
from tests.db.record import verify
from tests.pgfixtures import TestDatabase, TestServer
from warroom.db import migrate


def one(conn: psycopg.Connection, query: LiteralString, *args: object) -> Any:
    row = conn.execute(query, args).fetchone()
    assert row is not None
    return row[0]


def make(conn: psycopg.Connection, key: str) -> Any:
    return one(
        conn,
        "insert into warroom.service (key, name, team_id) select %s, %s, id from warroom.team"
        " where key = 'unassigned' returning id",
        key, key,
    )  # fmt: skip


def test_the_past_knows_where_a_service_ran(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        make(conn, "a")
        before = one(conn, "select clock_timestamp()")
        conn.execute("update warroom.service set zone = 'z1', slo = 99.95 where key = 'a'")
        between = one(conn, "select clock_timestamp()")
        conn.execute("update warroom.service set zone = 'z2' where key = 'a'")
    with seeded.as_person("ana") as conn:

        def zone(moment: Any) -> Any:
            return one(conn, "select zone from read_v1.service_at(%s) where key = 'a'", moment)

        assert (zone(before), zone(between)) == (None, "z1")
        assert one(conn, "select zone from read_v1.service where key = 'a'") == "z2"


def test_what_names_a_service_counts_also_when_the_asker_may_not_see_it(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        ids: dict[str, Any] = dict(conn.execute("select key, id from warroom.service").fetchall())
        free = make(conn, "free")
    with psycopg.connect(seeded.db.conninfo("warroom_api"), autocommit=True) as conn:
        conn.execute("select set_config('warroom.person', %s, false)",
                     (str(seeded.people["ana"]),))  # fmt: skip
        named = {
            r[0] for r in conn.execute(
                "select * from warroom.services_in_use(%s)",
                ([free, ids["normal"], ids["restricted"], ids["security"]],),
            ).fetchall()
        }  # fmt: skip
    assert named == {ids["normal"], ids["restricted"], ids["security"]}


def test_a_proposal_is_as_visible_as_its_incident(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        for name in ("normal", "security", "restricted"):
            conn.execute(
                "insert into warroom.catalog_proposal (incident_id, action, service, change,"
                " proposed_by, unit, visibility) select id, 'change-service', %s, '{}', %s, unit,"
                " visibility from warroom.incident where id = %s",
                (name, seeded.people["ana"], seeded.incidents[name]),
            )

    def seen(person: str) -> set[str]:
        with psycopg.connect(seeded.db.conninfo("warroom_api"), autocommit=True) as conn:
            conn.execute("select set_config('warroom.person', %s, false)",
                         (str(seeded.people[person]),))  # fmt: skip
            rows = conn.execute("select service from warroom.catalog_proposal").fetchall()
        return {r[0] for r in rows}

    assert seen("ana") == {"normal"}
    assert seen("sam") == {"normal", "security"}
    assert seen("ola") == set()
    with seeded.db.connect() as conn:
        conn.execute(
            "update warroom.incident set visibility = 'restricted' where id = %s",
            (seeded.incidents["normal"],),
        )
    assert seen("ana") == set()


def test_what_is_added_together_is_recorded_one_by_one(seeded: Seeded) -> None:
    """The entries of one statement hold, whatever the session's zone and date style are."""
    with psycopg.connect(seeded.db.conninfo("warroom_api"), autocommit=True) as conn:
        for setting, value in (
            ("warroom.person", str(seeded.people["ana"])), ("warroom.actor_kind", "person"),
            ("warroom.command", "x.y"), ("warroom.request_id", "r|'1"), ("warroom.origin", "::1"),
            ("timezone", "Asia/Tokyo"), ("datestyle", "German"),
        ):  # fmt: skip
            conn.execute("select set_config(%s, %s, false)", (setting, value))
        conn.execute(
            "insert into warroom.service (key, name, team_id, expires_at)"
            " select 'k' || n, %s, t.id, now() from generate_series(1, 3) n, warroom.team t"
            " where t.key = 'unassigned'",
            ("[red]\u202e'|",),
        )
    with seeded.db.connect() as conn:
        conn.execute("set timezone = 'UTC'")
        rows = conn.execute(
            "select to_jsonb(s), a.payload::jsonb, a.command, a.actor_id, a.actor_kind,"
            " a.request_id, a.origin, a.session_role, a.op, a.row_count, a.unit"
            " from warroom.service s join warroom.audit a on a.row_id = s.id"
            " where s.key like 'k_' order by a.n"
        ).fetchall()
        numbers = conn.execute("select count(distinct n), count(distinct id), count(distinct salt)"
                               " from warroom.audit where command = 'x.y'").fetchone()  # fmt: skip
    assert [r[1] for r in rows] == [{"before": None, "after": r[0]} for r in rows]
    assert {r[2:] for r in rows} == {
        ("x.y", seeded.people["ana"], "person", "r|'1", "::1", "warroom_api", "INSERT", 1, "main")
    }
    assert (len(rows), numbers) == (3, (3, 3, 3))
    assert verify(seeded.db)[0] == set()


def test_an_edge_has_one_verdict(pg: TestDatabase) -> None:
    with pg.connect() as conn:
        a, b = make(conn, "a"), make(conn, "b")
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute(
                "insert into warroom.dependency (service_id, depends_on_id, origin, confirmed_at,"
                " rejected_at) values (%s, %s, 'observed', now(), now())",
                (a, b),
            )


def test_going_back_takes_along_what_the_old_schema_cannot_hold(server: TestServer) -> None:
    name = server.empty_database()
    conninfo = server.conninfo(dbname=name)
    migrate.upgrade(conninfo)
    with psycopg.connect(conninfo) as conn:
        a, b = make(conn, "a"), make(conn, "b")
        conn.execute("update warroom.service set kind = 'zone', zone = 'z' where key = 'a'")
        conn.execute(
            "insert into warroom.dependency (service_id, depends_on_id, origin, catalog_source)"
            " values (%s, %s, 'observed', 'otel')",
            (a, b),
        )
    migrate.downgrade(conninfo, "0009")
    with psycopg.connect(conninfo) as conn:
        assert one(conn, "select kind from warroom.service where key = 'a'") == "system"
        assert one(conn, "select count(*) from warroom.dependency") == 0
    migrate.upgrade(conninfo)
    server.drop(name)
