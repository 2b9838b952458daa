"""The record: append-only for everybody, audited whoever writes, verified or found out."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from tests.db.conftest import Seeded
from tests.pgfixtures import TestDatabase

STREAMS = ("audit", "timeline", "alert_event", "delivery", "history")
ROLES = ("warroom_api", "warroom_engine")


def problems(db: TestDatabase) -> list[tuple[str, str, str]]:
    with db.connect() as conn:
        rows = conn.execute(
            "select problem, table_name, row_id from read_v1.audit_verify()"
            " where problem is not null"
        ).fetchall()
    return [(str(a), str(b), str(c)) for a, b, c in rows]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("stream", STREAMS)
def test_no_service_changes_deletes_or_truncates_a_stream(
    seeded: Seeded, role: str, stream: str
) -> None:
    for statement in (
        f"update warroom.{stream} set id = id",
        f"delete from warroom.{stream}",
        f"truncate warroom.{stream}",
    ):
        with seeded.db.connect() as conn:
            conn.execute(sql.SQL("set session authorization {}").format(sql.Identifier(role)))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)


@pytest.mark.parametrize("stream", ["audit", "timeline", "alert_event", "delivery"])
def test_also_the_owner_cannot(seeded: Seeded, stream: str) -> None:
    with seeded.db.connect() as conn:
        conn.execute("set role warroom_owner")
        for statement in (
            f"update warroom.{stream} set id = warroom.uuid7()",
            f"delete from warroom.{stream}",
            f"truncate warroom.{stream}",
        ):
            if stream == "delivery" and "truncate" not in statement:
                continue  # empty here: row triggers have nothing to refuse
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)


def test_truncate_of_every_partition_is_refused(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        parts = conn.execute(
            "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = 'warroom_parts' and c.relkind = 'r'"
        ).fetchall()
        assert len(parts) >= 24
        for (part,) in parts:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(sql.SQL("truncate warroom_parts.{}").format(sql.Identifier(part)))


@pytest.mark.parametrize("replica", [False, True])
def test_an_update_typed_by_the_owner_is_audited(seeded: Seeded, replica: bool) -> None:
    incident = seeded.incidents["normal"]
    with seeded.db.connect() as conn:
        if replica:  # the usual way to switch triggers off does not switch ours off
            conn.execute("set session_replication_role = replica")
        conn.execute("set role warroom_owner")
        conn.execute("update warroom.incident set title = 'typed' where id = %s", (incident,))
    with seeded.db.connect() as conn:
        row = conn.execute(
            "select command, actor_kind, session_role, payload::jsonb #>> '{before,title}',"
            " payload::jsonb #>> '{after,title}' from warroom.audit where row_id = %s"
            " order by n desc limit 1",
            (incident,),
        ).fetchone()
    assert row == ("direct sql", "sql", "warroom_super", "normal", "typed")
    assert problems(seeded.db) == []


def test_a_mixed_load_verifies(seeded: Seeded) -> None:
    assert problems(seeded.db) == []


TAMPERINGS = {
    "payload": "update warroom.audit set payload = payload || ' ' where id = %(a)s",
    "command": "update warroom.audit set command = 'x' where id = %(a)s",
    "actor": "update warroom.audit set actor_id = %(p)s where id = %(a)s",
    "time": "update warroom.audit set recorded_at = recorded_at + '1 us' where id = %(a)s",
    "row": "update warroom.audit set row_id = %(p)s where id = %(a)s",
    "origin": "update warroom.audit set origin = 'elsewhere' where id = %(a)s",
    "salt": "update warroom.audit set salt = sha256(salt) where id = %(a)s",
    "hash": "update warroom.audit set hash = sha256(hash) where id = %(a)s",
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_byte_altered_by_a_superuser_is_found_and_named(seeded: Seeded, what: str) -> None:
    with seeded.db.connect() as conn:
        row = conn.execute(
            "select id from warroom.audit where table_name = 'incident' order by n limit 1"
        ).fetchone()
        assert row is not None
        # A superuser can: it must be found out.
        conn.execute("alter table warroom.audit disable trigger refuse_change")
        conn.execute(
            TAMPERINGS[what],
            {"a": row[0], "p": seeded.people["ola"]},
        )
    found = problems(seeded.db)
    assert ("audit", str(row[0])) in {(table, identifier) for _, table, identifier in found}


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("incident", "update warroom.incident set title = 'forged' where id = %s returning id"),
        ("timer", "delete from warroom.timer where incident_id = %s returning id"),
        ("timeline", "update warroom.timeline set body = 'x' where incident_id = %s returning id"),
        ("timeline", "delete from warroom.timeline where incident_id = %s returning id"),
        ("alert", "update warroom.alert set severity = 5 where incident_id = %s returning id"),
    ],
)
def test_a_row_changed_behind_the_triggers_is_found_and_named(
    seeded: Seeded, table: str, statement: str
) -> None:
    with seeded.db.connect() as conn:
        conn.execute(
            sql.SQL("alter table warroom.{} disable trigger all").format(sql.Identifier(table))
        )
        row = conn.execute(
            statement,
            (seeded.incidents["normal"],),
        ).fetchone()
        assert row is not None
    assert (table, str(row[0])) in {(where, which) for _, where, which in problems(seeded.db)}


def test_a_payload_can_be_erased_by_law(seeded: Seeded) -> None:
    """Without payload and salt the entry still stands in its place, and its hash still holds."""
    with seeded.db.connect() as conn:
        row = conn.execute(
            "select id, row_id from warroom.audit where table_name = 'principal'"
            " and payload like '%%ola@example.org%%'"
        ).fetchone()
        assert row is not None
        conn.execute("alter table warroom.audit disable trigger refuse_change")
        conn.execute("update warroom.audit set payload = null, salt = '' where id = %s", (row[0],))
    assert ("audit", str(row[0])) not in {(t, i) for _, t, i in problems(seeded.db)}


def test_a_context_full_of_separators_forges_no_other_envelope(pg: TestDatabase) -> None:
    hostile = "x'|'y\x1f|%L\n"
    with pg.connect() as conn:
        conn.execute("set session authorization warroom_api")
        conn.execute(
            "select set_config('warroom.person', '00000000-0000-7000-8000-000000000001', false),"
            " set_config('warroom.command', %s, false), set_config('warroom.origin', %s, false)",
            (hostile, hostile),
        )
        conn.execute("insert into warroom.team (key, name) values ('t', 'T')")
    assert problems(pg) == []
    with pg.connect() as conn:
        row = conn.execute(
            "select command, origin from warroom.audit order by n desc limit 1"
        ).fetchone()
    assert row == (hostile, hostile)


def test_ids_are_version_seven_and_carry_time(pg: TestDatabase) -> None:
    with pg.connect() as conn:
        rows = conn.execute(
            "select warroom.uuid7(), warroom.uuid7_floor(clock_timestamp())"
            " from generate_series(1, 200)"
        ).fetchall()
    for made, floor in rows:
        assert isinstance(made, UUID)
        assert made.version == 7
        assert made.variant == "specified in RFC 4122"
        assert abs((made.int >> 80) - (floor.int >> 80)) < 2000


def test_partitions_are_made_ahead_and_only_once(pg: TestDatabase) -> None:
    with pg.connect() as conn:
        conn.execute("set session authorization warroom_engine")
        row = conn.execute("select warroom.ensure_partitions(4)").fetchone()
        assert row is not None
        assert len(row[0]) == 12  # two more months of six streams
        assert conn.execute("select warroom.ensure_partitions(4)").fetchone() == ([],)
