"""What is erased by law: told apart from tampering, and hiding nothing else."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

import pytest
from psycopg import sql

from tests.db.conftest import Seeded
from tests.db.record import as_superuser, erase, last_entry, one, verify
from warroom.db import migrate


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
