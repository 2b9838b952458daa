"""The map of the estate is what open incidents say and expect, with a reader's own rights."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

from tests.db.conftest import Seeded
from tests.db.test_pane_reads import reader
from warroom.db.reads import read_estate
from warroom.domain.reasoned import EstatePicture, EstateService


def run(seeded: Seeded, statement: str, *args: object) -> UUID:
    with seeded.db.connect() as conn:
        row = conn.execute(statement.encode(), args).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def service(seeded: Seeded, key: str, tier: int, kind: str = "service", **share: float) -> UUID:
    return run(
        seeded,
        "insert into warroom.service (key, name, team_id, tier, kind, region, user_share)"
        " select %s, upper(%s), id, %s, %s, 'eu', %s from warroom.team where key = 'unassigned'"
        " returning id",
        key, key, tier, kind, share.get("share"),
    )  # fmt: skip


def incident(seeded: Seeded, severity: int, *, drill: bool = False, **states: str) -> UUID:
    found = run(
        seeded,
        "insert into warroom.incident (title, severity, drill, opened_by) values ('x', %s, %s, %s)"
        " returning id",
        severity, drill, seeded.people["ana"],
    )  # fmt: skip
    for key, state in states.items():
        run(
            seeded,
            "insert into warroom.incident_service (incident_id, service_id, state, unit,"
            " visibility) select %s, id, %s, 'main', 'normal' from warroom.service where key = %s"
            " returning id",
            found, state, key,
        )  # fmt: skip
    return found


def reason(seeded: Seeded, incident_id: UUID, headline: str = "", **states: str) -> None:
    nodes = [{"key": key, "state": state} for key, state in states.items()]
    run(
        seeded,
        "insert into warroom.incident_impact (incident_id, nodes, totals, unit, visibility)"
        " values (%s, %s, %s, 'main', 'normal') returning incident_id",
        incident_id, json.dumps(nodes), json.dumps({"headline": headline} if headline else {}),
    )  # fmt: skip


def by_key(picture: EstatePicture) -> dict[str, EstateService]:
    return {s.key: s for s in picture.services}


async def picture_of(seeded: Seeded, as_of: datetime | None = None) -> EstatePicture:
    async with reader(seeded) as conn:
        return await read_estate(conn, as_of=as_of)


async def test_the_worst_that_is_said_or_expected_counts(seeded: Seeded) -> None:
    service(seeded, "db", 0, "datastore", share=40.0)
    service(seeded, "shop", 1, share=62.5)
    service(seeded, "mail", 3)
    service(seeded, "quiet", 2)
    one = incident(seeded, 3, db="degraded", mail="recovered")
    two = incident(seeded, 2, db="down")
    reason(seeded, one, db="degraded", shop="expected-degraded")
    reason(seeded, two, "shop down", db="down", shop="expected-down")
    found = await picture_of(seeded)
    services = by_key(found)
    numbers = [s.incidents for s in (services["db"], services["shop"])]
    assert services["db"].state == "down"
    assert services["shop"].state == "expected-down"
    assert services["mail"].state == "recovered"
    assert (services["quiet"].state, services["quiet"].incidents) == ("well", ())
    assert (services["db"].severity, services["mail"].severity) == (2, 3)
    assert numbers[0] == numbers[1], "both incidents, the worse one first"
    assert numbers[0][0] > numbers[0][1]
    assert found.headline.startswith("shop down: 2 tier 0–1 services, ~62 % of users, region eu")
    keys = [(s.tier, s.key) for s in found.services]
    assert keys == sorted(keys)
    assert services["db"].kind == "datastore"
    assert services["shop"].name == "SHOP"


async def test_a_drill_and_what_has_ended_paint_nothing(seeded: Seeded) -> None:
    service(seeded, "db", 0)
    incident(seeded, 1, drill=True, db="down")
    over = incident(seeded, 1, db="down")
    run(
        seeded,
        "update warroom.incident set status = 'resolved', resolved_at = now(), ended_at = now(),"
        " resolution = 'fixed' where id = %s returning id",
        over,
    )
    found = await picture_of(seeded)
    assert by_key(found)["db"].state == "well"


async def test_a_reader_sees_only_their_own_units_and_incidents(seeded: Seeded) -> None:
    found = await picture_of(seeded)
    services = by_key(found)
    assert "foreign" not in services
    assert services["normal"].state != "well"
    assert services["restricted"].state == "well", "its incident is not for ana to see"
    assert services["security"].state == "well"
    assert found.open_count == 1


async def test_the_map_of_a_moment_is_the_map_that_was_read(seeded: Seeded) -> None:
    service(seeded, "db", 0, share=10.0)
    first = incident(seeded, 2, db="degraded")
    reason(seeded, first, "db slow", db="degraded")
    before = await picture_of(seeded)
    run(
        seeded,
        "update warroom.incident_service set state = 'down', version = version + 1"
        " where incident_id = %s returning id",
        first,
    )
    run(seeded, "update warroom.service set name = 'new' where key = 'db' returning id")
    service(seeded, "later", 0)
    after = await picture_of(seeded)
    assert by_key(after)["db"].state == "down"
    then = await picture_of(seeded, before.read_at)
    assert then.services == before.services
    assert (then.headline, then.open_count) == (before.headline, before.open_count)
    assert then.as_of == before.read_at


async def test_what_is_too_much_is_said(seeded: Seeded) -> None:
    async with reader(seeded) as conn:
        found = await read_estate(conn, limit=1)
    assert found.truncated
    assert len(found.services) == 1
