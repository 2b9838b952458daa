"""What the tests of the record's entries share."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from tests.pgfixtures import TestDatabase

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
