"""Every migration goes up and down, waits for no lock for long, and never runs twice at once."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest

from tests.pgfixtures import TestServer
from warroom.db import migrate
from warroom.errors import SchemaOutOfDate

REVISIONS = migrate.revisions()


def _shape(conninfo: str) -> list[tuple[object, ...]]:
    """Return everything that the migrations make, in a form that can be compared."""
    with psycopg.connect(conninfo) as conn:
        return conn.execute(
            "select 'r', n.nspname, c.relname, c.relkind::text, c.relrowsecurity::text"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname in ('warroom', 'warroom_parts', 'read_v1', 'stats_v1')"
            " and c.relname not like 'alembic%'"
            " union all select 'f', n.nspname, p.proname, pg_get_userbyid(p.proowner)::text,"
            " p.prosecdef::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
            " where n.nspname in ('warroom', 'read_v1')"
            " union all select 't', g.tgrelid::regclass::text, g.tgname, g.tgenabled::text, ''"
            " from pg_trigger g where not g.tgisinternal"
            " union all select 'p', p.polrelid::regclass::text, p.polname, p.polcmd::text, ''"
            " from pg_policy p order by 1, 2, 3, 4, 5"
        ).fetchall()


def test_each_step_goes_up_and_down(server: TestServer) -> None:
    name = server.empty_database()
    conninfo = server.conninfo(dbname=name)
    shapes = []
    for revision in REVISIONS:
        migrate.upgrade(conninfo, revision)
        shapes.append(_shape(conninfo))
    for index in range(len(REVISIONS) - 1, 0, -1):
        assert _shape(conninfo) == shapes[index]
        migrate.downgrade(conninfo, REVISIONS[index - 1])
    assert _shape(conninfo) == shapes[0]
    migrate.downgrade(conninfo, "base")
    assert _shape(conninfo) == []
    migrate.upgrade(conninfo)
    assert _shape(conninfo) == shapes[-1]
    server.drop(name)


def test_the_record_of_rows_from_before_a_column_still_proves_them(server: TestServer) -> None:
    name = server.empty_database()
    conninfo = server.conninfo(dbname=name)
    migrate.upgrade(conninfo, "0008")
    with psycopg.connect(conninfo) as conn:
        conn.execute(
            "insert into warroom.field_definition (noun, key, label, type) values"
            " ('incident', 'old', 'Old', 'text')"
        )

    def problems() -> int:
        with psycopg.connect(conninfo) as conn:
            row = conn.execute("select count(problem) from read_v1.audit_verify()").fetchone()
        assert row is not None
        return int(row[0])

    migrate.upgrade(conninfo)
    assert problems() == 0
    with psycopg.connect(conninfo) as conn:
        conn.execute("update warroom.field_definition set max_length = 5, version = version + 1")
    assert problems() == 0
    with psycopg.connect(conninfo) as conn:
        conn.execute("alter table warroom.field_definition disable trigger user")
        conn.execute("update warroom.field_definition set pattern = 'x'")
    assert problems() == 1
    server.drop(name)


def test_two_upgrades_at_once_both_succeed(server: TestServer) -> None:
    name = server.empty_database()
    conninfo = server.conninfo(dbname=name)
    migrate.prepare(conninfo)
    code = "import sys; from warroom.db import migrate; migrate.upgrade(sys.argv[1])"
    both = [
        subprocess.Popen([sys.executable, "-c", code, conninfo], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [process.communicate()[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert migrate.current_revision(conninfo) == migrate.HEAD
    server.drop(name)


def test_a_held_lock_makes_a_migration_fail_and_change_nothing(server: TestServer) -> None:
    name = server.empty_database()
    conninfo = server.conninfo(dbname=name)
    migrate.upgrade(conninfo, "0004")
    before = _shape(conninfo)
    with psycopg.connect(conninfo) as holder:
        holder.execute("lock table warroom.incident in access share mode")
        with pytest.raises(Exception, match="lock timeout"):
            migrate.upgrade(conninfo)
    assert _shape(conninfo) == before
    assert migrate.current_revision(conninfo) == "0004"
    server.drop(name)


def test_a_newer_schema_is_refused(server: TestServer) -> None:
    name = server.empty_database()
    conninfo = server.conninfo(dbname=name)
    migrate.upgrade(conninfo)
    with psycopg.connect(conninfo) as conn:
        conn.execute("update warroom.alembic_version set version_num = '9999'")
    with pytest.raises(SchemaOutOfDate, match="9999"):
        migrate.upgrade(conninfo)
    server.drop(name)


def test_check_finds_all_in_order(server: TestServer) -> None:
    name = server.fresh_database()
    checks = migrate.check(server.conninfo(dbname=name))
    assert [check["check"] for check in checks if not check["ok"]] == []
    server.drop(name)
