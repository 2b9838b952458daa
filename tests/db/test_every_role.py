"""Every role against every table, partition, view and function, as that role, from the catalogue.

A relation or function that is new and that nobody thought of here fails a test: the sets below
are compared with the catalogue, not merely asked of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from tests.db.conftest import Seeded
from tests.db.test_catalogue import API, ENGINE, STREAMS

FILLED = {"audit", "history", "timeline", "alert_event"}
NOLOGIN = ("warroom_owner", "warroom_minter", "warroom_reaper", "warroom_search", "warroom_stats")
SESSIONS = ("warroom_api", "warroom_engine", "ana", "stat", "aud", "nobody")
PUBLIC = {
    "warroom.uuid7", "warroom.uuid7_floor", "warroom.viewer_id", "warroom.viewer_units",
    "warroom.viewer_security", "warroom.viewer_all", "warroom.viewer_named",
    "warroom.refuse_change",
}  # fmt: skip
OWN = {
    "warroom.authenticate": {"warroom_api"},
    "warroom.mint_login": {"warroom_api"},
    "warroom.last_command": {"warroom_api"},
    "warroom.reap_logins": {"warroom_engine"},
    "warroom.ensure_partitions": {"warroom_engine"},
    "warroom.health_nodes": {"warroom_engine"},
    "warroom.health_activity": {"warroom_engine"},
    "warroom.health_storage": {"warroom_engine"},
    "warroom.services_in_use": {"warroom_api", "warroom_engine"},
    "read_v1.audit_entries": {"warroom_api", "warroom_auditor"},
    "read_v1.audit_verify": {"warroom_api", "warroom_auditor"},
    "warroom.row_digest": {"warroom_search"},
    "warroom.same_row": {"warroom_search"},
    "warroom.same_digest": {"warroom_search"},
    "warroom.audit_envelope": {"warroom_search"},
}
ROLES = ("warroom_api", "warroom_engine", "warroom_reader", "warroom_analyst", "warroom_auditor",
         *NOLOGIN)  # fmt: skip


@pytest.fixture
def everyone(seeded: Seeded) -> Seeded:
    """The seeded people, an analyst, and a login that is nobody's."""
    with seeded.db.connect() as conn:
        for name, groups in (("stat", "warroom_analyst"), ("nobody", "warroom_reader")):
            role = f"wr_{name}_{seeded.db.name}"
            conn.execute(
                sql.SQL("create role {} login in role " + groups).format(sql.Identifier(role))
            )
            if name == "stat":
                conn.execute(
                    "insert into warroom.principal (name, kind, db_role)"
                    " values ('stat', 'person', %s)",
                    (role,),
                )
    return seeded


@contextmanager
def session(everyone: Seeded, who: str) -> Iterator[psycopg.Connection]:
    """Connect as a role; our two services act for ana."""
    role = who if who.startswith("warroom_") else f"wr_{who}_{everyone.db.name}"
    with everyone.db.connect() as conn:
        conn.execute(sql.SQL("set session authorization {}").format(sql.Identifier(role)))
        if who in ("warroom_api", "warroom_engine"):
            person = str(everyone.people["ana"])
            conn.execute("select set_config('warroom.person', %s, false)", (person,))
        yield conn


def relations(everyone: Seeded) -> list[tuple[str, str, set[str]]]:
    """Return (schema, name, columns) of every table, partition and view of ours."""
    with everyone.db.connect() as conn:
        found = conn.execute(
            "select n.nspname, c.relname, array_agg(a.attname::text) from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace"
            " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
            " where n.nspname in ('warroom', 'warroom_parts', 'read_v1', 'stats_v1')"
            " and c.relkind in ('r', 'p', 'v') and c.relname <> 'alembic_version'"
            " group by 1, 2 order by 1, 2"
        ).fetchall()
    return [(schema, name, set(columns)) for schema, name, columns in found]


def may_select(who: str, schema: str, name: str) -> bool:
    """Say what the design says."""
    if schema == "warroom_parts":
        return False
    if schema == "warroom":
        return name in {"warroom_api": API, "warroom_engine": ENGINE}.get(who, {})
    if schema == "stats_v1":
        return who == "stat"
    return who in ("warroom_api", "ana", "aud", "nobody")


@pytest.mark.parametrize("who", SESSIONS)
def test_select_on_everything(everyone: Seeded, who: str) -> None:
    """What may be read is read, without a foreign row; everything else is refused aloud."""
    own = {everyone.incidents["normal"]}
    with session(everyone, who) as conn:
        for schema, name, columns in relations(everyone):
            table = sql.Identifier(schema, name)
            if not may_select(who, schema, name):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(sql.SQL("select count(*) from {}").format(table))
                continue
            key = "id" if name == "incident" else "incident_id"
            if key in columns and (key == "incident_id" or name == "incident"):
                rows = conn.execute(
                    sql.SQL("select {} from {}").format(sql.Identifier(key), table)
                ).fetchall()
                seen = {row[0] for row in rows} - {None}
                assert seen <= (set() if who == "nobody" else own), (who, schema, name)
                if who != "nobody" and name in ("incident", "timeline", "timer"):
                    assert seen == own, (who, schema, name)
            for column, foreign in (("unit", "other"), ("visibility", "restricted")):
                if column in columns and name not in ("principal", "team"):
                    row = conn.execute(
                        sql.SQL("select count(*) from {} where {} = %s").format(
                            table, sql.Identifier(column)
                        ),
                        (foreign,),
                    ).fetchone()
                    assert row == (0,), (who, schema, name, column)
            if who == "nobody":
                assert conn.execute(
                    sql.SQL("select count(*) from {}").format(table)
                ).fetchone() == (0,), (schema, name)


def test_an_analyst_sees_sums_of_what_they_may_see(everyone: Seeded) -> None:
    with session(everyone, "stat") as conn:
        row = conn.execute("select sum(opened) from stats_v1.incidents_by_day").fetchone()
    assert row == (1,)


@pytest.mark.parametrize("who", [*SESSIONS, *NOLOGIN])
def test_nobody_changes_the_record(everyone: Seeded, who: str) -> None:
    """UPDATE, DELETE and TRUNCATE on every stream and every partition of it."""
    streams = [
        (schema, name)
        for schema, name, _ in relations(everyone)
        if (schema == "warroom" and name in STREAMS) or schema == "warroom_parts"
    ]
    with session(everyone, who) as conn:
        for schema, name in streams:
            table = sql.Identifier(schema, name)
            verbs = ["truncate {}"]
            # Refused row by row, so there has to be a row that the owner sees; samples are no
            # record, their retention is the owner's own.
            has_rows = schema == "warroom" and name in FILLED
            if who != "warroom_owner" or has_rows:
                verbs += ["update {} set id = warroom.uuid7()", "delete from {}"]
            for verb in verbs:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(sql.SQL(verb).format(table))


def test_functions_are_open_to_whom_the_design_says(everyone: Seeded) -> None:
    with everyone.db.connect() as conn:
        found = conn.execute(
            "select n.nspname || '.' || p.proname, r.rolname,"
            " has_function_privilege(r.oid, p.oid, 'execute'), pg_get_userbyid(p.proowner)"
            " from pg_proc p join pg_namespace n on n.oid = p.pronamespace,"
            " pg_roles r where n.nspname in ('warroom', 'read_v1', 'stats_v1')"
            " and r.rolname = any(%s)",
            (list(ROLES),),
        ).fetchall()
    wrong = []
    for function, role, may, owner in found:
        wanted = OWN.get(function, set())
        if function in PUBLIC:
            wanted = set(ROLES)
        elif function.startswith("read_v1.") and function.endswith("_at"):
            wanted = {"warroom_api", "warroom_reader"}
        if wanted & {"warroom_reader", "warroom_auditor"}:
            # It gives these two roles away, so it is in them; nobody can log in as it.
            wanted = wanted | {"warroom_minter"}
        # An owner may, whoever it is; warroom_owner is the migrations' own.
        if may != (role in wanted or role == owner):
            wrong.append((function, role, may))
    assert wrong == []


@pytest.mark.parametrize("who", ["ana", "nobody", "stat", "aud"])
def test_functions_that_are_closed_refuse(everyone: Seeded, who: str) -> None:
    closed = ["warroom.reap_logins()", "warroom.ensure_partitions(1)",
              "warroom.mint_login('x', 1)", "warroom.authenticate('x')",
              "warroom.last_command(warroom.uuid7())"]  # fmt: skip
    if who != "aud":
        closed += ["read_v1.audit_verify()", "read_v1.audit_entries()"]
    with session(everyone, who) as conn:
        for call in closed:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(f"select * from {call}")


@pytest.mark.parametrize("who", ["warroom_api", "warroom_engine", "ana", "nobody"])
def test_the_past_is_as_closed_as_the_present(everyone: Seeded, who: str) -> None:
    with everyone.db.connect() as conn:
        functions = conn.execute(
            "select p.proname from pg_proc p where p.pronamespace = 'read_v1'::regnamespace"
            " and p.proname like '%\\_at'"
        ).fetchall()
    assert len(functions) >= 7
    own = set() if who == "nobody" else {everyone.incidents["normal"]}
    with session(everyone, who) as conn:
        for (name,) in functions:
            call = sql.SQL("select * from {}(clock_timestamp())").format(
                sql.Identifier("read_v1", name)
            )
            if who == "warroom_engine":
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(call)
                continue
            cursor = conn.execute(call)
            columns = [column.name for column in cursor.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
            if name == "incident_at":
                assert {row["id"] for row in rows} == own
            elif "incident_id" in columns:
                assert {row["incident_id"] for row in rows} <= own, name
            if who == "nobody":
                assert rows == [], name
