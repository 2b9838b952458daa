"""Nobody sees a foreign row or column, whichever way they come."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from tests.db.conftest import Seeded

OF_INCIDENT = ("incident_service", "role_held", "timer", "alert", "alert_event", "timeline")
TABLES_WITH_VIEW = (*OF_INCIDENT, "incident")
EXPECTED = {
    "ana": {"normal"},
    "sam": {"normal", "security"},
    "ola": {"foreign"},
    "aud": {"normal"},
}


def seen(conn: psycopg.Connection, seeded: Seeded, source: str, column: str) -> set[str]:
    names = {identifier: name for name, identifier in seeded.incidents.items()}
    rows = conn.execute(f"select {column} from {source}").fetchall()
    return {names[row[0]] for row in rows}


@pytest.mark.parametrize("person", EXPECTED)
def test_a_reader_sees_exactly_their_own(seeded: Seeded, person: str) -> None:
    with seeded.as_person(person) as conn:
        for table in TABLES_WITH_VIEW:
            column = "id" if table == "incident" else "incident_id"
            assert seen(conn, seeded, f"read_v1.{table}", column) == EXPECTED[person], table
        for table in ("incident", "incident_service", "role_held", "timer"):
            column = "id" if table == "incident" else "incident_id"
            source = f"read_v1.{table}_at(clock_timestamp())"
            assert seen(conn, seeded, source, column) == EXPECTED[person], source


def test_named_people_see_a_restricted_incident(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        conn.execute(
            "insert into warroom.incident_access (incident_id, principal_id) values (%s, %s)",
            (seeded.incidents["restricted"], seeded.people["ana"]),
        )
    with seeded.as_person("ana") as conn:
        assert seen(conn, seeded, "read_v1.timeline", "incident_id") == {"normal", "restricted"}


def test_children_follow_when_an_incident_becomes_restricted(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        conn.execute(
            "update warroom.incident set visibility = 'restricted' where id = %s",
            (seeded.incidents["normal"],),
        )
        rows = conn.execute("select problem from read_v1.audit_verify()").fetchall()
        assert [row[0] for row in rows] == [None]
    with seeded.as_person("ana") as conn:
        for table in TABLES_WITH_VIEW:
            column = "id" if table == "incident" else "incident_id"
            assert seen(conn, seeded, f"read_v1.{table}", column) == set(), table
        # Also not as it was before: the past follows the present.
        assert seen(conn, seeded, "read_v1.incident_at(clock_timestamp())", "id") == set()


def test_contact_details_are_masked(seeded: Seeded) -> None:
    with seeded.as_person("ana") as conn:
        for source in ("read_v1.person", "read_v1.person_at(clock_timestamp())"):
            found = conn.execute(f"select name, email from {source}").fetchall()
            rows: dict[str, str | None] = dict(found)
            assert rows["ana"] == "ana@example.org"
            assert {email for name, email in rows.items() if name != "ana"} == {None}


@pytest.mark.parametrize("role", ["warroom_api", "warroom_engine"])
@pytest.mark.parametrize(
    "person",
    [None, "", "nonsense", "00000000-0000-0000-0000-000000000000", "' or true --"],
)
def test_an_unset_or_forged_context_reads_nothing(
    seeded: Seeded, role: str, person: str | None
) -> None:
    with seeded.db.connect() as conn:
        conn.execute(sql.SQL("set session authorization {}").format(sql.Identifier(role)))
        if person is not None:
            conn.execute("select set_config('warroom.person', %s, false)", (person,))
        for table in ("incident", "timeline", "alert", "principal", "service", "timer"):
            if role == "warroom_engine" and table == "alert_event":
                continue
            row = conn.execute(
                sql.SQL("select count(*) from warroom.{}").format(sql.Identifier(table))
            ).fetchone()
            assert row == (0,), table


def test_a_disabled_person_reads_nothing(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        conn.execute("update warroom.principal set disabled_at = now() where name = 'ana'")
    with seeded.as_person("ana") as conn:
        assert conn.execute("select count(*) from read_v1.incident").fetchone() == (0,)
        assert conn.execute("select count(*) from read_v1.person").fetchone() == (0,)


def test_a_reader_cannot_borrow_other_eyes(seeded: Seeded) -> None:
    with seeded.as_person("ana") as conn:
        conn.execute("select set_config('warroom.person', %s, false)", (str(seeded.people["ola"]),))
        assert seen(conn, seeded, "read_v1.incident", "id") == {"normal"}


@pytest.mark.parametrize("person", EXPECTED)
def test_tables_and_partitions_are_closed_to_people(seeded: Seeded, person: str) -> None:
    with seeded.db.connect() as conn:
        relations = conn.execute(
            "select n.nspname, c.relname from pg_class c join pg_namespace n"
            " on n.oid = c.relnamespace where n.nspname in ('warroom', 'warroom_parts')"
            " and c.relkind in ('r', 'p')"
        ).fetchall()
    assert len(relations) > 40
    with seeded.as_person(person) as conn:
        for schema, table in relations:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(
                    sql.SQL("select * from {}.{} limit 1").format(
                        sql.Identifier(schema), sql.Identifier(table)
                    )
                )


@pytest.mark.parametrize("role", ["warroom_api", "warroom_engine"])
def test_services_cannot_reach_partitions(seeded: Seeded, role: str) -> None:
    with seeded.db.connect() as conn:
        parts = conn.execute(
            "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = 'warroom_parts' and c.relkind = 'r'"
        ).fetchall()
        conn.execute(sql.SQL("set session authorization {}").format(sql.Identifier(role)))
        for (part,) in parts:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(sql.SQL("select 1 from warroom_parts.{}").format(sql.Identifier(part)))


def test_the_auditor_sees_the_trail_and_others_do_not(seeded: Seeded) -> None:
    with seeded.as_person("aud") as conn:
        rows = conn.execute("select incident_id from read_v1.audit_entries()").fetchall()
        told = {row[0] for row in rows} - {None}
        assert told == {seeded.incidents["normal"]}
    with seeded.as_person("ana") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select * from read_v1.audit_entries()")
