"""Impact in the database: reasoned with the change, stored when it differs, read as of then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio

from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database
from warroom.db.reads import read_impact
from warroom.db.uow import Answer, Work, run_automation
from warroom.domain.principal import (
    ENGINE_PRINCIPAL,
    SYSTEM_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
)
from warroom.services import impact, impact_catalogue

CTX = CommandContext(
    Principal(SYSTEM_PRINCIPAL, "system", PrincipalKind.AUTOMATION), "test", "test"
)


ENGINE = CommandContext(
    Principal(ENGINE_PRINCIPAL, "engine", PrincipalKind.AUTOMATION), "test", "test"
)


class Estate:
    """A small catalogue and its incidents, written by SQL; refreshed through the service."""

    def __init__(self, pg: TestDatabase, db: Database) -> None:
        self.pg = pg
        self.db = db

    def sql(self, query: str, *args: object) -> list[tuple[Any, ...]]:
        with self.pg.connect() as conn:
            cursor = conn.execute(query, args or None)
            return cursor.fetchall() if cursor.description else []

    def service(self, key: str, tier: int = 2, unit: str = "main") -> None:
        self.sql(
            "insert into warroom.service (key, name, team_id, tier, unit, user_share)"
            " select %s, %s, id, %s, %s, 12.5 from warroom.team where key = 'unassigned'",
            key, key, tier, unit,
        )  # fmt: skip

    def edge(self, service: str, needs: str, hardness: str = "hard", origin: str = "declared",
             group: str | None = None) -> None:  # fmt: skip
        self.sql(
            "insert into warroom.dependency (service_id, depends_on_id, hardness, origin,"
            " redundancy_group) select a.id, b.id, %s, %s, %s from warroom.service a,"
            " warroom.service b where a.key = %s and b.key = %s",
            hardness, origin, group, service, needs,
        )  # fmt: skip

    def incident(self, **states: str) -> UUID:
        rows = self.sql(
            "insert into warroom.incident (title, severity, opened_by) select 'x', 1, id"
            " from warroom.principal where name = 'ana' returning id"
        )
        incident: UUID = rows[0][0]
        for key, state in states.items():
            self.attach(incident, key, state)
        return incident

    def attach(self, incident: UUID, key: str, state: str) -> None:
        self.sql(
            "insert into warroom.incident_service (incident_id, service_id, state, unit,"
            " visibility) select i.id, s.id, %s, i.unit, i.visibility from warroom.incident i,"
            " warroom.service s where i.id = %s and s.key = %s on conflict (incident_id,"
            " service_id) do update set state = excluded.state, version ="
            " warroom.incident_service.version + 1",
            state, incident, key,
        )  # fmt: skip

    async def refresh(self, *incidents: UUID, at_most: int | None = None) -> None:
        async def handler(work: Work) -> Answer:
            await impact.refresh(work, incidents, at_most=at_most)
            return Answer(200, {})

        await run_automation(self.db, CTX, "test.refresh", handler)

    async def tree(self, incident: UUID, as_of: datetime | None = None) -> list[str]:
        """Read as a person does; one line a node."""
        async with await psycopg.AsyncConnection.connect(
            self.pg.conninfo(), autocommit=True
        ) as conn:
            await conn.execute(f'set session authorization "wr_ana_{self.pg.name}"')
            picture = await read_impact(conn, incident, as_of=as_of)
        assert picture is not None
        return [f"{'  ' * n.depth}{n.key} {n.state}" for n in picture.nodes]

    def now(self) -> datetime:
        moment: datetime = self.sql("select clock_timestamp()")[0][0]
        return moment


@pytest_asyncio.fixture
async def estate(pg: TestDatabase) -> AsyncIterator[Estate]:
    """pg-main, orders hard on it, reports soft on it, checkout hard on orders; Ana reads."""
    url = f"postgresql://warroom_api@/{pg.name}?host={pg.server.cluster.socket_dir}"
    db = Database.open(url, role="api", pool_size=4)
    made = Estate(pg, db)
    role = f"wr_ana_{pg.name}"
    made.sql("insert into warroom.principal (name, kind, db_role) values ('ana', 'person', %s)",
             role)  # fmt: skip
    made.sql(f'create role "{role}" login in role warroom_reader')
    for key, tier in (("pg-main", 0), ("orders", 1), ("checkout", 1), ("reports", 3)):
        made.service(key, tier)
    made.edge("orders", "pg-main")
    made.edge("checkout", "orders")
    made.edge("reports", "pg-main", "soft")
    yield made
    await db.close()


TREE = ["pg-main down", "  orders expected-down", "    checkout expected-down",
        "  reports expected-degraded"]  # fmt: skip


async def test_what_is_reasoned_is_stored_and_read_by_people(estate: Estate) -> None:
    incident = estate.incident(**{"pg-main": "down"})
    await estate.refresh(incident)
    assert await estate.tree(incident) == TREE
    totals = estate.sql("select totals from warroom.incident_impact")[0][0]
    assert (totals["services"], totals["tier_one"], totals["user_share"]) == (4, 3, 12.5)
    verdict = estate.sql("select problem from read_v1.audit_verify()")
    assert verdict == [(None,)]


async def test_nothing_is_written_when_nothing_differs(estate: Estate) -> None:
    incident = estate.incident(**{"pg-main": "down"})
    await estate.refresh(incident)
    await estate.refresh(incident)
    assert estate.sql("select version from warroom.incident_impact") == [(1,)]
    estate.attach(incident, "pg-main", "degraded")
    await estate.refresh(incident)
    assert estate.sql("select version from warroom.incident_impact") == [(2,)]


async def test_an_incident_without_services_keeps_no_row_until_it_had_some(
    estate: Estate,
) -> None:
    bare = estate.incident()
    await estate.refresh(bare)
    assert estate.sql("select count(*) from warroom.incident_impact") == [(0,)]
    assert await estate.tree(bare) == []
    estate.attach(bare, "orders", "down")
    await estate.refresh(bare)
    assert await estate.tree(bare) == ["orders down", "  checkout expected-down"]
    estate.sql("delete from warroom.incident_service where incident_id = %s", bare)
    await estate.refresh(bare)
    assert await estate.tree(bare) == []


async def test_the_past_impact_is_still_there_after_the_service_recovers(estate: Estate) -> None:
    incident = estate.incident(**{"pg-main": "down"})
    before = estate.now()
    await estate.refresh(incident)
    down = estate.now()
    estate.attach(incident, "pg-main", "recovered")
    await estate.refresh(incident)
    assert await estate.tree(incident) == ["pg-main recovered"]
    assert await estate.tree(incident, down) == TREE
    assert await estate.tree(incident, before) == []


async def test_many_incidents_at_once_and_each_its_own(estate: Estate) -> None:
    states: Sequence[str] = ("down", "degraded", "suspected", "recovered")
    incidents = [estate.incident(orders=s) for s in states]
    await estate.refresh(*incidents)
    assert [await estate.tree(i) for i in incidents] == [
        ["orders down", "  checkout expected-down"],
        ["orders degraded", "  checkout expected-degraded"],
        ["orders suspected", "  checkout expected-degraded"],
        ["orders recovered"],
    ]


async def test_another_units_services_are_neither_named_nor_passed_through(
    estate: Estate,
) -> None:
    estate.service("secret", unit="other")
    estate.service("behind")
    estate.edge("secret", "pg-main")
    estate.edge("behind", "secret")
    incident = estate.incident(**{"pg-main": "down"})
    estate.attach(incident, "secret", "down")
    await estate.refresh(incident)
    assert await estate.tree(incident) == TREE
    stored = estate.sql("select nodes::text from warroom.incident_impact")[0][0]
    assert "secret" not in stored


async def test_a_cycle_in_the_catalogue_ends(estate: Estate) -> None:
    estate.edge("pg-main", "checkout")
    incident = estate.incident(orders="down")
    await estate.refresh(incident)
    assert (await estate.tree(incident))[0] == "orders down"


async def test_declared_counts_before_observed(estate: Estate) -> None:
    estate.edge("reports", "pg-main", "hard", "observed")
    incident = estate.incident(**{"pg-main": "down"})
    await estate.refresh(incident)
    assert "  reports expected-degraded" in await estate.tree(incident)


async def test_a_group_member_that_is_not_hit_still_counts_as_up(estate: Estate) -> None:
    estate.service("pg-b")
    estate.service("shop")
    estate.edge("shop", "pg-main", group="dbs")
    estate.edge("shop", "pg-b", group="dbs")
    incident = estate.incident(**{"pg-main": "down"})
    await estate.refresh(incident)
    assert await estate.tree(incident) == TREE
    estate.attach(incident, "pg-b", "down")
    await estate.refresh(incident)
    assert "  shop expected-down" in await estate.tree(incident)


async def test_two_who_change_one_incidents_services_at_once_both_count(estate: Estate) -> None:
    incident = estate.incident(**{"pg-main": "recovered", "reports": "recovered"})
    both = asyncio.Barrier(2)

    async def change(key: str) -> None:
        async def handler(work: Work) -> Answer:
            await work.execute(
                "update warroom.incident_service l set state = 'down', version = l.version + 1"
                " from warroom.service s where s.id = l.service_id and s.key = :key",
                {"key": key},
            )
            await both.wait()
            await impact.refresh(work, [incident])
            return Answer(200, {})

        await run_automation(estate.db, CTX, "test.change", handler)

    await asyncio.gather(change("pg-main"), change("reports"))
    assert "pg-main down" in await estate.tree(incident)
    assert "reports down" in await estate.tree(incident)


async def test_who_reasons_for_the_engine_holds_nothing_that_others_wait_for(
    estate: Estate,
) -> None:
    incident, other = (estate.incident(**{"pg-main": "down"}) for _ in range(2))
    with estate.pg.connect(autocommit=False) as person:
        # Somebody who is at the first incident keeps it; the other is done and free meanwhile.
        person.execute("select from warroom.incident where id = %s for no key update", (incident,))
        reasoning = asyncio.create_task(impact.refresh_all(estate.db, CTX, [incident, other]))
        waits = (
            "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database()"
        )
        await wait_until(lambda: estate.sql(waits) != [], what="the reasoning to wait")
        assert await estate.tree(other) == TREE
        estate.sql("select 1 from warroom.incident where id = %s for no key update nowait", other)
        person.execute(
            "insert into warroom.incident_service (incident_id, service_id, state, unit,"
            " visibility) select %s, s.id, 'down', 'main', 'normal' from warroom.service s"
            " where s.key = 'reports'",
            (incident,),
        )
        person.commit()
    assert await reasoning == []
    assert "reports down" in await estate.tree(incident)  # what changed meanwhile is seen


async def test_what_stays_held_is_told_to_the_engine(estate: Estate) -> None:
    incident = estate.incident(**{"pg-main": "down"})
    with estate.pg.connect(autocommit=False) as person:
        person.execute("select from warroom.incident for no key update")
        assert await impact.refresh_all(estate.db, CTX, [incident]) == [incident]
    assert await impact.refresh_all(estate.db, CTX, [incident]) == []
    assert await estate.tree(incident) == TREE


async def test_more_than_was_asked_for_is_left_to_the_engine(estate: Estate) -> None:
    incident = estate.incident(**{"pg-main": "down"})
    await estate.refresh(incident, at_most=3)
    assert await estate.tree(incident) == []
    db = Database.open(
        f"postgresql://warroom_engine@/{estate.pg.name}?host={estate.pg.server.cluster.socket_dir}",
        role="engine", pool_size=2,
    )  # fmt: skip
    try:
        first, said = await impact_catalogue.follow(db, ENGINE, None)
        assert said == "after the start: reasoned again about 1 open incident"
        assert await estate.tree(incident) == TREE
        later = estate.incident(orders="down")
        _, said = await impact_catalogue.follow(db, ENGINE, first)
    finally:
        await db.close()
    assert said == "alerts opened what much depends on: reasoned again about 1 open incident"
    assert await estate.tree(later) == ["orders down", "  checkout expected-down"]
    await estate.refresh(incident, at_most=4)
    assert await estate.tree(incident) == TREE


async def test_an_incident_that_is_not_seen_reads_as_none(estate: Estate) -> None:
    incident = estate.incident(**{"pg-main": "down"})
    await estate.refresh(incident)
    estate.sql("update warroom.incident set visibility = 'restricted' where id = %s", incident)
    async with await psycopg.AsyncConnection.connect(estate.pg.conninfo(), autocommit=True) as conn:
        await conn.execute(f'set session authorization "wr_ana_{estate.pg.name}"')
        assert await read_impact(conn, incident) is None
        assert await read_impact(conn, incident, as_of=estate.now()) is None
        found = await (await conn.execute("select count(*) from read_v1.incident_impact")
                       ).fetchone()  # fmt: skip
    assert found == (0,)


async def test_the_stored_impact_is_found_by_its_index(estate: Estate) -> None:
    incident = estate.incident(**{"pg-main": "down"})
    async with await psycopg.AsyncConnection.connect(estate.pg.conninfo(), autocommit=True) as conn:
        await conn.execute(f'set session authorization "wr_ana_{estate.pg.name}"')
        await conn.execute("set enable_seqscan = off")
        rows = await (
            await conn.execute(
                "explain select m.nodes from read_v1.incident_impact m where m.incident_id = %s",
                (incident,),
            )
        ).fetchall()
    assert "incident_impact_incident_id_key" in "\n".join(r[0] for r in rows)


@pytest.mark.parametrize("field", ["key", "name"])
async def test_hostile_names_are_kept_as_they_are(estate: Estate, field: str) -> None:
    hostile = "[red]\x1b[31m\u202e" + '"}]\u0007'
    estate.service("plain")
    estate.sql(f"update warroom.service set {field} = %s where key = 'plain'", hostile)
    incident = estate.incident()
    key = hostile if field == "key" else "plain"
    estate.attach(incident, key, "down")
    await estate.refresh(incident)
    stored = estate.sql("select nodes from warroom.incident_impact")[0][0]
    assert stored[0][field] == hostile
