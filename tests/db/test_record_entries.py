"""What an audit entry says, and what verification makes of it when the world around it changes."""

from __future__ import annotations

import json
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from tests.db.conftest import Seeded
from tests.db.record import as_superuser, one, verify
from tests.pgfixtures import TestDatabase


def test_before_holds_what_changed_and_with_after_it_is_all_of_the_old_row(seeded: Seeded) -> None:
    incident = seeded.incidents["normal"]
    whole: LiteralString = "select to_jsonb(i) from warroom.incident i where id = %s"
    with seeded.db.connect() as conn:
        conn.execute("set timezone = 'UTC'")
        old = one(conn, whole, incident)
        # A text, a null that gets a value, a value in the default, and one that stays the same.
        conn.execute(
            "update warroom.incident set title = 'new', owner_id = opened_by,"
            " custom = '{\"a\": 1}', severity = severity where id = %s",
            (incident,),
        )
        new = one(conn, whole, incident)
        payload = json.loads(
            one(conn, "select payload from warroom.audit where row_id = %s order by n desc limit 1",
                incident)
        )  # fmt: skip
        # And back to null.
        conn.execute("update warroom.incident set owner_id = null where id = %s", (incident,))
        again = json.loads(
            one(conn, "select payload from warroom.audit where row_id = %s order by n desc limit 1",
                incident)
        )  # fmt: skip
        kept = one(
            conn,
            "select content from warroom.history where row_id = %s order by lower(valid) desc"
            " offset 1 limit 1",
            incident,
        )
    assert payload["after"] == new
    assert set(payload["before"]) == {"title", "owner_id", "custom", "sys_from"}
    assert payload["before"]["owner_id"] is None
    assert payload["after"] | payload["before"] == old == kept
    assert set(again["before"]) == {"owner_id", "sys_from"}
    assert again["after"] | again["before"] == new


def test_an_update_that_changes_nothing_says_so(seeded: Seeded) -> None:
    incident = seeded.incidents["normal"]
    with seeded.db.connect() as conn:
        conn.execute("update warroom.incident set title = title where id = %s", (incident,))
        payload = json.loads(
            one(conn, "select payload from warroom.audit where row_id = %s order by n desc limit 1",
                incident)
        )  # fmt: skip
    assert set(payload["before"]) == {"sys_from"}


def test_a_statement_over_many_incidents_writes_an_entry_for_each(pg: TestDatabase) -> None:
    with pg.connect() as conn:
        conn.execute("set timezone = 'UTC'")
        made = [
            one(conn, "insert into warroom.incident (title, severity, opened_by) select 't' || %s,"
                " 3, id from warroom.principal limit 1 returning id", n)
            for n in range(3)
        ]  # fmt: skip
        conn.execute("update warroom.incident set severity = 2, version = version + 1")
        found = conn.execute(
            "select row_id, op, row_count, command, incident_id, n, payload from warroom.audit"
            " where table_name = 'incident' and op = 'UPDATE' order by n"
        ).fetchall()
        assert {row[0] for row in found} == set(made)
        assert len({row[5] for row in found}) == len(found) == 3
        for identifier, op, count, command, incident, _, payload in found:
            assert (op, count, command, incident) == ("UPDATE", 1, "direct sql", identifier)
            content = json.loads(payload)
            assert set(content["before"]) == {"severity", "version", "sys_from"}
            assert (content["before"]["severity"], content["after"]["severity"]) == (3, 2)
            whole = one(
                conn, "select to_jsonb(i) from warroom.incident i where id = %s", identifier
            )
            assert content["after"] == whole
        conn.execute("update warroom.incident set severity = 1 where false")
        verdict = conn.execute("select * from read_v1.audit_verify()").fetchall()
    assert [row[2] for row in verdict] == [None]


def test_an_insert_has_no_before_and_a_delete_has_no_after(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        conn.execute("set timezone = 'UTC'")
        timer = one(conn, "select id from warroom.timer limit 1")
        whole = one(conn, "select to_jsonb(t) from warroom.timer t where id = %s", timer)
        conn.execute("delete from warroom.timer where id = %s", (timer,))
        entries = conn.execute(
            "select op, payload from warroom.audit where row_id = %s order by n", (timer,)
        ).fetchall()
    assert [(op, json.loads(payload)) for op, payload in entries] == [
        ("INSERT", {"before": None, "after": whole}),
        ("DELETE", {"before": whole, "after": None}),
    ]


def test_only_four_functions_make_an_envelope(pg: TestDatabase) -> None:
    """They set time zone and date style; one that forgot would find forgeries everywhere."""
    with pg.connect() as conn:
        found = conn.execute(
            "select p.proname, array_to_string(p.proconfig, ',') from pg_proc p"
            " join pg_namespace n on n.oid = p.pronamespace where p.prosrc like '%audit_envelope(%'"
            " and n.nspname in ('warroom', 'read_v1') order by 1"
        ).fetchall()
        assert [name for name, _ in found] == [
            "audit_added", "audit_append", "audit_changed", "audit_verify"
        ]  # fmt: skip
        for _, config in found:
            assert "TimeZone=UTC" in config
            assert "DateStyle=ISO, YMD" in config
        conn.execute("set session authorization warroom_api")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select warroom.audit_envelope(null)")


# Columns that come later ----------------------------------------------------------------------

RECORDED: tuple[LiteralString, ...] = ("incident", "timer", "alert", "timeline")


@pytest.mark.parametrize("table", RECORDED)
def test_a_column_that_comes_later_disturbs_no_proof(seeded: Seeded, table: LiteralString) -> None:
    """Rows that are recorded one by one, and those recorded by statement, streams included."""
    name = sql.Identifier(table)
    with seeded.db.connect() as conn:
        for column in ("later", "even_later"):
            conn.execute(
                sql.SQL("alter table warroom.{} add column {} text").format(
                    name, sql.Identifier(column)
                )
            )
    assert verify(seeded.db)[0] == set()
    which = "id" if table == "incident" else "incident_id"
    if table != "timeline":  # append-only
        with seeded.db.connect() as conn:
            conn.execute(
                sql.SQL("update warroom.{} set even_later = 'said' where {} = %s").format(
                    name, sql.Identifier(which)
                ),
                (seeded.incidents["normal"],),
            )
        assert verify(seeded.db)[0] == set()


FORGERIES: dict[str, tuple[LiteralString, LiteralString]] = {
    "an old column": (
        "incident",
        "update warroom.incident set title = 'forged' where id = %s",
    ),
    "an old column made null": (
        "incident",
        "update warroom.incident set summary = '', acknowledged_at = now() where id = %s",
    ),
    "the new column": (
        "incident",
        "update warroom.incident set later = 'forged' where id = %s",
    ),
    "an old column of a batch": (
        "alert",
        "update warroom.alert set name = 'forged' where incident_id = %s",
    ),
    "the new column of a batch": (
        "alert",
        "update warroom.alert set later = 'forged' where incident_id = %s",
    ),
    "an old column of a stream": (
        "timeline",
        "update warroom.timeline set body = 'forged' where incident_id = %s",
    ),
    "the new column of a stream": (
        "timeline",
        "update warroom.timeline set later = 'forged' where incident_id = %s",
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_an_altered_value_is_found_beside_a_column_that_came_later(
    seeded: Seeded, what: str
) -> None:
    table, forgery = FORGERIES[what]
    with seeded.db.connect() as conn:
        conn.execute(
            sql.SQL("alter table warroom.{} add column later text").format(sql.Identifier(table))
        )
        row = conn.execute(
            sql.SQL("select id::text from warroom.{} where {} = %s").format(
                sql.Identifier(table),
                sql.Identifier("id" if table == "incident" else "incident_id"),
            ),
            (seeded.incidents["normal"],),
        ).fetchone()
    assert row is not None
    assert as_superuser(seeded.db, table, forgery, seeded.incidents["normal"]) == 1
    assert verify(seeded.db)[0] == {("row differs from its last audit entry", table, row[0])}


# Who looks ------------------------------------------------------------------------------------

SETTINGS: tuple[LiteralString, ...] = (
    "set timezone = 'Asia/Kathmandu'",
    "set timezone = 'America/St_Johns'",
    "set datestyle = 'German, DMY'",
    "set datestyle = 'SQL, MDY'",
    "set intervalstyle = 'iso_8601'",
    "set bytea_output = 'escape'",
    "set extra_float_digits = 0",
    "set standard_conforming_strings = off",
)


def write_some(conn: psycopg.Connection, incident: UUID) -> None:
    """Write moments, bytes and a real number into tables of both kinds of record."""
    conn.execute(
        "update warroom.incident set acknowledged_at = now(), version = version + 1 where id = %s",
        (incident,),
    )
    conn.execute(
        "insert into warroom.delivery (source_id, dialect, body, state)"
        " select id, 'alertmanager', decode('00ff5c27', 'hex'), 'accepted' from warroom.source"
    )
    conn.execute(
        "insert into warroom.timeline (incident_id, kind, body, author_id, author_kind,"
        " confidence, unit, visibility) select id, 'fact', 'x', opened_by, 'person', 1 / 3.0,"
        " unit, visibility from warroom.incident where id = %s",
        (incident,),
    )


def test_the_answer_is_the_same_whoever_looks(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        write_some(conn, seeded.incidents["normal"])
    assert verify(seeded.db)[0] == set()
    as_superuser(
        seeded.db, "incident",
        "update warroom.incident set opened_at = opened_at + interval '1 us' where id = %s",
        seeded.incidents["foreign"],
    )  # fmt: skip
    answer = verify(seeded.db)
    assert len(answer[0]) == 1
    for setting in SETTINGS:
        assert verify(seeded.db, setting) == answer, setting
    assert verify(seeded.db, *SETTINGS[::2]) == answer


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_answer_is_the_same_whoever_wrote(seeded: Seeded, setting: LiteralString) -> None:
    with seeded.db.connect() as conn:
        conn.execute(setting)
        write_some(conn, seeded.incidents["normal"])
    assert verify(seeded.db)[:2] == (set(), set())


# Erased by law ----------------------------------------------------------------------------------
