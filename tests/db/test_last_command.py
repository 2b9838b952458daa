"""``warroom.last_command`` as the API calls it: what undoing a command has to put back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.db.conftest import Seeded

Row = dict[str, Any]


def act(conn: psycopg.Connection, seeded: Seeded, command: str) -> None:
    """Begin a command of ana's, as the unit of work does; the transaction is the caller's."""
    conn.execute(
        "select set_config('warroom.person', %(p)s, true),"
        " set_config('warroom.actor', %(p)s, true),"
        " set_config('warroom.actor_kind', 'person', true),"
        " set_config('warroom.command', %(c)s, true)",
        {"p": str(seeded.people["ana"]), "c": command},
    )


def last_command(seeded: Seeded, incident: UUID) -> list[Row]:
    with seeded.db.connect("warroom_api", autocommit=False) as conn:
        act(conn, seeded, "incident.undo")
        cursor = conn.cursor(row_factory=dict_row)
        return cursor.execute("select * from warroom.last_command(%s)", (incident,)).fetchall()


@pytest.fixture
def changed(seeded: Seeded) -> tuple[Seeded, UUID, dict[str, Row]]:
    """One command of the API that updates, inserts and deletes; the rows as they were before."""
    incident = seeded.incidents["normal"]
    link = (
        "insert into warroom.incident_link (incident_id, kind, url, label, added_by, unit,"
        " visibility) values (%s, 'ticket', %s, 'label', %s, 'main', 'normal')"
    )
    old: dict[str, Row] = {}
    with seeded.db.connect("warroom_api", autocommit=False) as conn:
        conn.execute("set timezone = 'UTC'")
        act(conn, seeded, "incident.link")
        conn.execute(link, (incident, "https://old.example", seeded.people["ana"]))
        conn.commit()
        act(conn, seeded, "incident.rename")
        for table, which in (("incident", "id"), ("incident_link", "incident_id")):
            row = conn.execute(
                f"select to_jsonb(t) from warroom.{table} t where {which} = %s",
                (incident,),
            ).fetchone()
            assert row is not None
            old[table] = row[0]
        conn.execute(
            "update warroom.incident set title = 'new', owner_id = %s, version = version + 1"
            " where id = %s",
            (seeded.people["ana"], incident),
        )
        conn.execute("delete from warroom.incident_link where incident_id = %s", (incident,))
        conn.execute(link, (incident, "https://new.example", seeded.people["ana"]))
        conn.commit()
    return seeded, incident, old


def test_before_is_the_whole_old_row(changed: tuple[Seeded, UUID, dict[str, Row]]) -> None:
    seeded, incident, old = changed
    update, delete, insert = last_command(seeded, incident)
    assert [(r["op"], r["table_name"]) for r in (update, delete, insert)] == [
        ("UPDATE", "incident"), ("DELETE", "incident_link"), ("INSERT", "incident_link"),
    ]  # fmt: skip
    assert {r["command"] for r in (update, delete, insert)} == {"incident.rename"}
    assert {r["actor_id"] for r in (update, delete, insert)} == {seeded.people["ana"]}
    assert update["before"] == old["incident"]
    assert update["before"]["owner_id"] is None
    assert (update["after"]["title"], update["after"]["owner_id"]) == (
        "new", str(seeded.people["ana"]),
    )  # fmt: skip
    assert update["after"]["version"] == old["incident"]["version"] + 1


def test_what_was_not_there_is_null_and_not_a_json_null(
    changed: tuple[Seeded, UUID, dict[str, Row]],
) -> None:
    seeded, incident, old = changed
    with seeded.db.connect("warroom_api", autocommit=False) as conn:
        act(conn, seeded, "incident.undo")
        rows = conn.execute(
            "select op, before is null, after is null, before, after ->> 'url'"
            " from warroom.last_command(%s) where table_name = 'incident_link'",
            (incident,),
        ).fetchall()
    assert rows == [
        ("DELETE", False, True, old["incident_link"], None),
        ("INSERT", True, False, None, "https://new.example"),
    ]


def test_a_command_that_was_erased_in_part_is_not_undone_in_part(
    changed: tuple[Seeded, UUID, dict[str, Row]],
) -> None:
    seeded, incident, _ = changed
    with seeded.db.connect() as conn:
        conn.execute("alter table warroom.audit disable trigger refuse_change")
        erased = conn.execute(
            "update warroom.audit set payload = null, salt = '' where command = 'incident.rename'"
            " and op = 'DELETE' and incident_id = %s",
            (incident,),
        ).rowcount
    assert erased == 1
    assert last_command(seeded, incident) == []


def test_nobody_s_session_reads_nothing(changed: tuple[Seeded, UUID, dict[str, Row]]) -> None:
    seeded, incident, _ = changed
    with seeded.db.connect("warroom_api") as conn:
        assert conn.execute("select * from warroom.last_command(%s)", (incident,)).fetchall() == []
