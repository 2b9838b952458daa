"""People, units and incidents of every visibility, for the proofs of the record."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from tests.pgfixtures import TestDatabase


@dataclass(frozen=True)
class Seeded:
    """What ``seeded`` made: ids of people and incidents by name."""

    db: TestDatabase
    people: dict[str, UUID]
    incidents: dict[str, UUID]

    def as_person(self, name: str) -> psycopg.Connection:
        """Connect with the rights of a person's own database role."""
        conn = self.db.connect()
        row = conn.execute(
            "select db_role::text from warroom.principal where name = %s", (name,)
        ).fetchone()
        assert row is not None
        conn.execute(sql.SQL("set session authorization {}").format(sql.Identifier(str(row[0]))))
        return conn


PEOPLE = {
    # name: units, sees security, auditor
    "ana": (["main"], False, False),
    "sam": (["main"], True, False),
    "ola": (["other"], False, False),
    "aud": (["main"], False, True),
}
INCIDENTS = {
    # name: unit, visibility
    "normal": ("main", "normal"),
    "restricted": ("main", "restricted"),
    "security": ("main", "security"),
    "foreign": ("other", "normal"),
}


@pytest.fixture
def seeded(pg: TestDatabase) -> Seeded:
    """Two units and incidents of every visibility, each with children of every kind."""
    people: dict[str, UUID] = {}
    incidents: dict[str, UUID] = {}
    with pg.connect() as conn:
        for name, (units, security, auditor) in PEOPLE.items():
            role = f"wr_{name}_{pg.name}"
            row = conn.execute(
                "insert into warroom.principal (name, kind, email, units, sees_security, auditor,"
                " db_role) values (%s, 'person', %s, %s, %s, %s, %s) returning id",
                (name, f"{name}@example.org", units, security, auditor, role),
            ).fetchone()
            assert row is not None
            people[name] = row[0]
            group = "warroom_reader, warroom_auditor" if auditor else "warroom_reader"
            conn.execute(
                sql.SQL("create role {} login in role " + group).format(sql.Identifier(role))
            )
        row = conn.execute(
            "insert into warroom.source (key, name, principal_id) values ('s', 's', %s)"
            " returning id",
            (people["ana"],),
        ).fetchone()
        assert row is not None
        source = row[0]
        for name, (unit, visibility) in INCIDENTS.items():
            row = conn.execute(
                "insert into warroom.incident (title, severity, unit, visibility, opened_by)"
                " values (%s, 1, %s, %s, %s) returning id",
                (name, unit, visibility, people["ana"]),
            ).fetchone()
            assert row is not None
            incident = incidents[name] = row[0]
            service = conn.execute(
                "insert into warroom.service (key, name, team_id, unit) select %s, %s, id, %s"
                " from warroom.team where key = 'unassigned' returning id",
                (name, name, unit),
            ).fetchone()
            assert service is not None
            args = {"i": incident, "u": unit, "v": visibility, "s": service[0], "p": people["ana"],
                    "src": source, "n": name}  # fmt: skip
            for statement in (
                (
                    "insert into warroom.incident_service (incident_id, service_id, unit,"
                    " visibility) values (%(i)s, %(s)s, %(u)s, %(v)s)"
                ),
                (
                    "insert into warroom.role_held (incident_id, role, principal_id, unit,"
                    " visibility) values (%(i)s, 'commander', %(p)s, %(u)s, %(v)s)"
                ),
                (
                    "insert into warroom.timer (kind, incident_id, due_at, unit, visibility)"
                    " values ('escalate', %(i)s, now() + interval '1 hour', %(u)s, %(v)s)"
                ),
                (
                    "insert into warroom.alert (source_id, fingerprint, name, severity, state,"
                    " service_id, incident_id, starts_at, unit, visibility) values (%(src)s, %(n)s,"
                    " %(n)s, 1, 'firing', %(s)s, %(i)s, now(), %(u)s, %(v)s)"
                ),
                (
                    "insert into warroom.alert_event (alert_id, incident_id, change, severity,"
                    " starts_at, unit, visibility) select id, %(i)s, 'new', 1, now(), %(u)s, %(v)s"
                    " from warroom.alert where fingerprint = %(n)s"
                ),
                (
                    "insert into warroom.timeline (incident_id, kind, body, author_id, author_kind,"
                    " unit, visibility) values (%(i)s, 'fact', %(n)s, %(p)s, 'person', %(u)s,"
                    " %(v)s)"
                ),
                # A change, so that history has a row of it.
                "update warroom.incident set summary = 'changed' where id = %(i)s",
            ):
                conn.execute(statement, args)
    return Seeded(pg, people, incidents)
