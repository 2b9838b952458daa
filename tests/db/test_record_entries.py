"""What an audit entry says, and what verification makes of it when the world around it changes."""

from __future__ import annotations

import json
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from tests.db.conftest import Seeded
from tests.pgfixtures import TestDatabase
from warroom.db import migrate

Verdict = tuple[set[tuple[str, str, str]], set[tuple[str, str, str]], tuple[int, int, int]]
ERASE: LiteralString = (
    "update warroom.audit set payload = null, salt = decode(repeat('00', 16), 'hex') where id = %s"
)


def one(conn: psycopg.Connection, query: LiteralString, *args: object) -> Any:
    row = conn.execute(query, args).fetchone()
    assert row is not None
    return row[0]


def verify(db: TestDatabase, *settings: LiteralString) -> Verdict:
    """Return the problems, the notes (text, table, row each) and entries, rows checked, erased."""
    with db.connect() as conn:
        for setting in settings:
            conn.execute(setting)
        rows = conn.execute(
            "select problem, note, table_name, row_id, entries, rows_checked, erased"
            " from read_v1.audit_verify()"
        ).fetchall()
    problems = {(r[0], r[2], r[3]) for r in rows if r[0] is not None}
    notes = {(r[1], r[2], r[3]) for r in rows if r[1] is not None}
    return problems, notes, rows[-1][4:]


def as_superuser(
    db: TestDatabase, table: LiteralString, query: LiteralString, *args: object
) -> int:
    """Change a table behind its triggers, as only a superuser can; return the rows changed."""
    with db.connect(autocommit=False) as conn:
        name = sql.Identifier(table)
        conn.execute(sql.SQL("alter table warroom.{} disable trigger all").format(name))
        changed = conn.execute(query, args).rowcount
        conn.execute(sql.SQL("alter table warroom.{} enable trigger all").format(name))
    return changed


def last_entry(db: TestDatabase, table: str, row: UUID | None = None) -> UUID:
    """Return the id of the newest entry that speaks of a row, or of a statement on a table."""
    with db.connect() as conn:
        found = one(
            conn,
            "select id from warroom.audit where table_name = %s and row_id is not distinct from %s"
            " order by n desc limit 1",
            table, row,
        )  # fmt: skip
    assert isinstance(found, UUID)
    return found


def erase(db: TestDatabase, entry: UUID) -> None:
    assert as_superuser(db, "audit", ERASE, entry) == 1


# What an entry says --------------------------------------------------------------------------


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


def test_only_two_functions_make_an_envelope(pg: TestDatabase) -> None:
    """They set time zone and date style; a third that forgot would find forgeries everywhere."""
    with pg.connect() as conn:
        found = conn.execute(
            "select p.proname, array_to_string(p.proconfig, ',') from pg_proc p"
            " join pg_namespace n on n.oid = p.pronamespace where p.prosrc like '%audit_envelope(%'"
            " and n.nspname in ('warroom', 'read_v1') order by 1"
        ).fetchall()
        assert [name for name, _ in found] == ["audit_append", "audit_verify"]
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


def test_an_erased_payload_is_a_note_and_hides_nothing_else(seeded: Seeded) -> None:
    person = seeded.people["ola"]
    entry = last_entry(seeded.db, "principal", person)
    entries, rows_checked, erased = verify(seeded.db)[2]
    assert erased == 0
    erase(seeded.db, entry)
    notes = {
        ("payload erased", "audit", str(entry)),
        ("its last audit entry is erased", "principal", str(person)),
    }
    assert verify(seeded.db) == (set(), notes, (entries, rows_checked, 1))
    checks = {check["check"]: check for check in migrate.check(seeded.db.conninfo())}
    assert checks["record"]["ok"]
    assert "1 erased by law, 0 problems" in checks["record"]["sentence"]
    # Another row of the same table is still held against its entry.
    as_superuser(
        seeded.db, "principal",
        "update warroom.principal set sees_all = true where id = %s", seeded.people["sam"],
    )  # fmt: skip
    assert verify(seeded.db)[:2] == (
        {("row differs from its last audit entry", "principal", str(seeded.people["sam"]))},
        notes,
    )


def test_the_next_entry_proves_the_row_again(seeded: Seeded) -> None:
    person = seeded.people["ola"]
    entry = last_entry(seeded.db, "principal", person)
    erase(seeded.db, entry)
    with seeded.db.connect() as conn:
        conn.execute("update warroom.principal set email = null where id = %s", (person,))
    assert verify(seeded.db)[:2] == (set(), {("payload erased", "audit", str(entry))})
    as_superuser(
        seeded.db, "principal",
        "update warroom.principal set sees_all = true where id = %s", person,
    )  # fmt: skip
    assert verify(seeded.db)[0] == {
        ("row differs from its last audit entry", "principal", str(person))
    }


HALF_ERASED: dict[str, tuple[LiteralString, str]] = {
    "payload only": (
        "update warroom.audit set payload = null where id = %s",
        "payload removed, salt kept",
    ),
    "salt only": (
        "update warroom.audit set salt = decode(repeat('00', 16), 'hex') where id = %s",
        "payload altered",
    ),
    "more than the payload": (
        "update warroom.audit set payload = null, salt = '', actor_kind = 'person' where id = %s",
        "envelope altered",
    ),
    "another payload": (
        "update warroom.audit set payload = '{}', salt = '' where id = %s",
        "payload altered",
    ),
}


@pytest.mark.parametrize("what", HALF_ERASED)
def test_what_only_looks_erased_is_a_problem(seeded: Seeded, what: str) -> None:
    statement, problem = HALF_ERASED[what]
    entry = last_entry(seeded.db, "principal", seeded.people["ola"])
    assert as_superuser(seeded.db, "audit", statement, entry) == 1
    assert (problem, "audit", str(entry)) in verify(seeded.db)[0]


def test_a_row_that_is_gone_is_gone_whatever_was_erased(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        timer = one(conn, "select id from warroom.timer limit 1")
    erase(seeded.db, last_entry(seeded.db, "timer", timer))
    as_superuser(seeded.db, "timer", "delete from warroom.timer where id = %s", timer)
    assert verify(seeded.db)[0] == {("row is gone", "timer", str(timer))}


@pytest.mark.parametrize("table", ["alert", "timeline"])
def test_an_erased_statement_speaks_for_as_many_rows_as_it_wrote(
    seeded: Seeded, table: LiteralString
) -> None:
    entry = last_entry(seeded.db, table)
    with seeded.db.connect() as conn:
        incident = one(conn, "select incident_id from warroom.audit where id = %s", entry)
        rows: dict[UUID, UUID] = dict(
            conn.execute(
                sql.SQL("select incident_id, id from warroom.{}").format(sql.Identifier(table))
            ).fetchall()
        )
    erase(seeded.db, entry)
    note = ("its last audit entry is erased", table, str(rows[incident]))
    notes = {("payload erased", "audit", str(entry)), note}
    assert verify(seeded.db)[:2] == (set(), notes)
    # A row of another incident cannot hide behind it.
    other = next(found for found in rows if found != incident)
    column = "name" if table == "alert" else "body"
    forge = sql.SQL("update warroom.{} set {} = 'forged' where id = %s").format(
        sql.Identifier(table), sql.Identifier(column)
    )
    with seeded.db.connect() as conn:
        conn.execute(
            sql.SQL("alter table warroom.{} disable trigger all").format(sql.Identifier(table))
        )
        conn.execute(forge, (rows[other],))
    assert verify(seeded.db)[0] == {
        ("row differs from its last audit entry", table, str(rows[other]))
    }


def test_rows_slipped_in_behind_an_erased_statement_are_found(seeded: Seeded) -> None:
    entry = last_entry(seeded.db, "timeline")
    with seeded.db.connect() as conn:
        incident = one(conn, "select incident_id from warroom.audit where id = %s", entry)
    erase(seeded.db, entry)
    with seeded.db.connect() as conn:
        parts = conn.execute(
            "select c.relname from pg_class c join pg_inherits h on h.inhrelid = c.oid"
            " where h.inhparent = 'warroom.timeline'::regclass"
        ).fetchall()
        conn.execute("alter table warroom.timeline disable trigger all")
        for (part,) in parts:
            conn.execute(
                sql.SQL("alter table warroom_parts.{} disable trigger all").format(
                    sql.Identifier(part)
                )
            )
        conn.execute(
            "insert into warroom.timeline (incident_id, kind, body, author_id, author_kind, unit,"
            " visibility) select id, 'fact', 'slipped in', opened_by, 'person', unit, visibility"
            " from warroom.incident where id = %s",
            (incident,),
        )
        suspects = {
            str(row[0])
            for row in conn.execute(
                "select id from warroom.timeline where incident_id = %s", (incident,)
            ).fetchall()
        }
    # One of the two is not what the entry spoke of; which one, nobody can tell any more.
    assert len(suspects) == 2
    assert verify(seeded.db)[0] == {
        ("row has no audit entry", "timeline", suspect) for suspect in suspects
    }
