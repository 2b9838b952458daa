"""What is reasoned beyond the tree: suspects and waves as stored, and which alerts count."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest_asyncio

from tests.db.test_impact import CTX, Estate
from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database
from warroom.db.reads import read_impact
from warroom.db.uow import Work, read
from warroom.domain.panes import ImpactPicture
from warroom.services.impact_graph import Catalogue, catalogue


class Shop(Estate):
    """Checkout hard on orders hard on pg-main; cart hard on cache, apart from them."""

    def alert(
        self,
        service: str,
        at: str,
        *,
        incident: UUID | None = None,
        name: str = "Slow",
        visibility: str = "normal",
        drill: bool = False,
    ) -> None:
        """Write a firing alert that began ``at`` ago."""
        self.sql(
            "insert into warroom.alert (source_id, fingerprint, name, severity, state, service_id,"
            " incident_id, starts_at, unit, visibility, drill) select o.id,"
            " gen_random_uuid()::text, %s, 2, 'firing', s.id, %s, now() - %s::interval, 'main',"
            " %s, %s from warroom.service s, warroom.source o where s.key = %s"
            " order by o.key limit 1",
            name, incident, at, visibility, drill, service,
        )  # fmt: skip

    async def picture(self, incident: UUID) -> ImpactPicture:
        async with await psycopg.AsyncConnection.connect(
            self.pg.conninfo(), autocommit=True
        ) as conn:
            await conn.execute(f'set session authorization "wr_ana_{self.pg.name}"')
            found = await read_impact(conn, incident)
        assert found is not None
        return found

    def change(
        self, service: str, ago: str, title: str, visibility: str = "normal", release: str = "4.18"
    ) -> UUID:
        """Write a deploy of production that began ``ago`` ago."""
        rows = self.sql(
            "with c as (insert into warroom.change_event (dedup_key, kind, status, title, release,"
            " at, status_at, unit, visibility) values (%s, 'deploy', 'succeeded', %s, %s,"
            " now() - %s::interval, now(), 'main', %s) returning id, at, unit, visibility)"
            " insert into warroom.change_service (change_id, service, at, unit, visibility)"
            " select id, %s, at, unit, visibility from c returning change_id",
            title, title, release, ago, visibility, service,
        )  # fmt: skip
        found: UUID = rows[0][0]
        return found

    def judge(self, incident: UUID, change: UUID, verdict: str) -> None:
        """Write what a person says of a change."""
        self.sql(
            "insert into warroom.incident_change (incident_id, change_id, verdict, judged_by, unit,"
            " visibility) select %s, %s, %s, id, 'main', 'normal' from warroom.principal"
            " where name = 'ana'",
            incident, change, verdict,
        )  # fmt: skip

    async def suspects(self, incident: UUID) -> list[str]:
        return [s.key for s in (await self.picture(incident)).suspects]

    async def known(self, at_most: int | None = None) -> Catalogue | None:
        async def look(work: Work) -> Catalogue | None:
            return await catalogue(work, "main", at_most=at_most)

        return await read(self.db, CTX, look)


@pytest_asyncio.fixture
async def shop(pg: TestDatabase) -> AsyncIterator[Shop]:
    """The estate; Ana reads."""
    url = f"postgresql://warroom_api@/{pg.name}?host={pg.server.cluster.socket_dir}"
    db = Database.open(url, role="api", pool_size=4)
    made = Shop(pg, db)
    role = f"wr_ana_{pg.name}"
    made.sql("insert into warroom.principal (name, kind, db_role) values ('ana', 'person', %s)",
             role)  # fmt: skip
    made.sql(f'create role "{role}" login in role warroom_reader')
    for key, tier in (("pg-main", 0), ("orders", 1), ("checkout", 1), ("cart", 2), ("cache", 2)):
        made.service(key, tier)
    for service, needs in (("orders", "pg-main"), ("checkout", "orders"), ("cart", "cache")):
        made.edge(service, needs)
    made.sql("update warroom.service set user_share = case key when 'checkout' then 62 end")
    try:
        yield made
    finally:
        await db.close()
        made.sql(f'drop role "{role}"')


async def test_what_another_incident_knows_of_a_dependency_makes_it_the_first_suspect(
    shop: Shop,
) -> None:
    incident = shop.incident(checkout="down", orders="down")
    shop.sql("update warroom.incident set severity = 4")
    shop.alert("checkout", "3 minutes", incident=incident)
    shop.alert("orders", "4 minutes", incident=incident)
    shop.alert("pg-main", "5 minutes", incident=shop.incident(**{"pg-main": "down"}))
    await shop.refresh(incident)
    picture = await shop.picture(incident)
    first = picture.suspects[0]
    assert (first.key, first.kind, first.tier) == ("pg-main", "service", 0)
    assert first.reasons
    assert first.since is not None
    assert first.path == ("pg-main", "orders", "checkout")
    assert [[s.key for s in wave.steps] for wave in picture.waves] == [["orders"], ["checkout"]]
    assert picture.suggestion is not None
    assert "checkout" in picture.totals.headline


async def test_a_storm_on_what_is_hit_does_not_drown_the_cause_that_comes_last(shop: Shop) -> None:
    incident = shop.incident(checkout="suspected")
    shop.sql(
        "insert into warroom.alert (source_id, fingerprint, name, severity, state, service_id,"
        " incident_id, starts_at, unit, visibility) select (select min(o.id::text)::uuid from"
        " warroom.source o), 'n' || n, 'Slow', 2, 'firing', s.id, %s, now() - interval '9 minutes'"
        " + n * interval '1 ms', 'main', 'normal' from warroom.service s,"
        " generate_series(1, 2500) n where s.key = 'checkout'",
        incident,
    )
    shop.alert("pg-main", "1 minute")
    await shop.refresh(incident)
    picture = await shop.picture(incident)
    cause = next(s for s in picture.suspects if s.key == "pg-main")
    assert cause.since is not None


async def test_alerts_that_this_reader_may_not_see_or_that_are_a_drill_say_nothing(
    shop: Shop,
) -> None:
    incident = shop.incident(checkout="down")
    await shop.refresh(incident)
    before = (await shop.picture(incident)).suspects
    hidden = shop.incident(**{"pg-main": "down"})
    shop.alert("pg-main", "5 minutes", incident=hidden, visibility="restricted", name="secret")
    shop.alert("orders", "5 minutes", drill=True, name="exercise")
    shop.alert("cache", "5 minutes", name="elsewhere")
    await shop.refresh(incident)
    assert (await shop.picture(incident)).suspects == before


async def test_a_tick_stands_beside_its_step_and_in_the_past(shop: Shop) -> None:
    incident = shop.incident(orders="down")
    await shop.refresh(incident)
    earlier = shop.now()
    shop.sql(
        "insert into warroom.restart_tick (incident_id, service_id, done_by, unit, visibility)"
        " select %s, s.id, p.id, 'main', 'normal' from warroom.service s, warroom.principal p"
        " where s.key = 'orders' and p.name = 'ana'",
        incident,
    )
    step = (await shop.picture(incident)).waves[0].steps[0]
    assert (step.key, step.done_by) == ("orders", "ana")
    assert step.done_at is not None
    async with await psycopg.AsyncConnection.connect(shop.pg.conninfo(), autocommit=True) as conn:
        await conn.execute(f'set session authorization "wr_ana_{shop.pg.name}"')
        past = await read_impact(conn, incident, as_of=earlier)
    assert past is not None
    assert past.waves[0].steps[0].done_by == ""


async def test_the_suggested_severity_is_silent_when_it_is_that(shop: Shop) -> None:
    incident = shop.incident(checkout="down", orders="down")
    shop.sql("update warroom.incident set severity = 4 where id = %s", incident)
    await shop.refresh(incident)
    suggestion = (await shop.picture(incident)).suggestion
    assert suggestion is not None
    shop.sql("update warroom.incident set severity = %s where id = %s", suggestion.severity,
             incident)  # fmt: skip
    assert (await shop.picture(incident)).suggestion is None


async def test_the_graph_is_kept_and_follows_every_kind_of_change(shop: Shop) -> None:
    first = await shop.known()
    assert first is not None
    shop.sql("update warroom.service set health = 'down' where key = 'orders'")
    again = await shop.known()
    assert again is not None
    assert again.graph is first.graph

    def needs(found: Catalogue | None, key: str) -> set[str]:
        assert found is not None
        graph = found.graph
        return {graph.services[at].key for at in graph.needs_hard[graph.index[key]]}

    shop.edge("cart", "orders")
    assert needs(await shop.known(), "cart") == {"cache", "orders"}
    shop.edge("cart", "checkout", origin="observed")
    assert needs(await shop.known(), "cart") == {"cache", "orders"}
    shop.sql(
        "update warroom.dependency set confirmed_at = now(), confirmed_by = p.id"
        " from warroom.principal p where p.name = 'ana' and origin = 'observed'"
    )
    assert needs(await shop.known(), "cart") == {"cache", "orders", "checkout"}
    shop.sql("delete from warroom.dependency d using warroom.service s where s.id = d.service_id"
             " and s.key = 'cart'")  # fmt: skip
    assert needs(await shop.known(), "cart") == set()
    shop.sql("update warroom.service set tier = 5 where key = 'orders'")
    found = await shop.known()
    assert found is not None
    assert found.graph.services[found.graph.index["orders"]].tier == 5
    assert await shop.known(at_most=4) is None


async def test_a_change_before_the_first_alert_is_suspected_and_a_hidden_one_is_not(
    shop: Shop,
) -> None:
    incident = shop.incident(checkout="down", orders="down")
    shop.alert("checkout", "3 minutes", incident=incident)
    shop.alert("orders", "4 minutes", incident=incident)
    shop.change("orders", "5 minutes", "orders 4.18")
    shop.change("pg-main", "5 minutes", "secret patch", "security")
    await shop.refresh(incident)
    suspects = (await shop.picture(incident)).suspects
    assert (suspects[0].kind, suspects[0].key) == ("change", "orders")
    assert suspects[0].change is not None
    assert "orders 4.18" in " ".join((suspects[0].name, *suspects[0].reasons))
    assert "secret" not in repr(suspects)
    found = await shop.known()
    assert found is not None
    versions = {s.key: s.version for s in found.graph.services}
    assert versions["orders"] == "4.18"
    assert versions["pg-main"] is None


async def test_what_was_the_cause_before_counts_and_says_which_incident(shop: Shop) -> None:
    earlier = shop.incident(checkout="down", orders="down")
    shop.sql(
        "with c as (insert into warroom.change_event (dedup_key, kind, status, title, at,"
        " status_at, unit, visibility) values ('old', 'config', 'succeeded', 'pool size',"
        " now() - interval '9 days', now(), 'main', 'normal') returning id, at),"
        " s as (insert into warroom.change_service (change_id, service, at, unit, visibility)"
        " select id, 'pg-main', at, 'main', 'normal' from c)"
        " insert into warroom.incident_change (incident_id, change_id, verdict, judged_by, unit,"
        " visibility) select %s, c.id, 'cause', p.id, 'main', 'normal' from c,"
        " warroom.principal p where p.name = 'ana'",
        earlier,
    )
    shop.sql("update warroom.incident set status = 'resolved', resolved_at = clock_timestamp(),"
             " ended_at = clock_timestamp()")  # fmt: skip
    incident = shop.incident(checkout="down", orders="down")
    await shop.refresh(incident)
    reasons = {s.key: s.reasons for s in (await shop.picture(incident)).suspects}
    assert any("INC-1" in reason for reason in reasons["pg-main"])


async def test_a_change_on_what_is_hit_and_alerts_is_ranked(
    shop: Shop,
) -> None:
    incident = shop.incident(**{"pg-main": "down"})
    shop.alert("orders", "5 minutes", incident=incident)
    shop.alert("checkout", "4 minutes", incident=incident)
    shop.alert("pg-main", "3 minutes", incident=incident)
    blamed = shop.change("orders", "7 minutes", "orders 4.19", release="4.19")
    shop.change("cart", "7 minutes", "cart 4.19")
    await shop.refresh(incident)
    found = (await shop.picture(incident)).suspects
    assert blamed in {s.change for s in found}
    assert "cart" not in {s.key for s in found}
    shop.judge(incident, blamed, "cause")
    await shop.refresh(incident)
    first = (await shop.picture(incident)).suspects[0]
    assert (first.kind, first.key, first.change) == ("change", "orders", blamed)


async def test_a_change_that_a_person_named_leads_wherever_it_was(shop: Shop) -> None:
    incident = shop.incident(checkout="down")
    shop.alert("checkout", "3 minutes", incident=incident)
    elsewhere = shop.change("cart", "3 days", "cart 4.18")
    shop.judge(incident, elsewhere, "cause")
    await shop.refresh(incident)
    first = (await shop.picture(incident)).suspects[0]
    assert (first.kind, first.key, first.change) == ("change", "cart", elsewhere)
    unknown = shop.change("feature-flags", "3 days", "new basket")
    shop.judge(incident, unknown, "cause")
    shop.sql("update warroom.incident_change set verdict = 'cleared', version = version + 1"
             " where change_id = %s", elsewhere)  # fmt: skip
    await shop.refresh(incident)
    first = (await shop.picture(incident)).suspects[0]
    assert (first.kind, first.key, first.change) == ("change", "feature-flags", unknown)


async def test_the_cause_stays_when_all_has_recovered_and_can_be_judged_then(shop: Shop) -> None:
    incident = shop.incident(**{"pg-main": "down"})
    shop.alert("orders", "5 minutes", incident=incident)
    shop.alert("pg-main", "3 minutes", incident=incident)
    blamed = shop.change("orders", "7 minutes", "orders 4.19", release="4.19")
    await shop.refresh(incident)
    before = await shop.suspects(incident)
    shop.attach(incident, "pg-main", "recovered")
    shop.sql("update warroom.alert set state = 'resolved', ends_at = clock_timestamp()")
    await shop.refresh(incident)
    picture = await shop.picture(incident)
    assert picture.totals.services == 0
    assert picture.waves == ()
    assert {s.key for s in picture.suspects} == set(before)
    assert blamed in {s.change for s in picture.suspects}
    shop.judge(incident, blamed, "cause")
    await shop.refresh(incident)
    assert (await shop.picture(incident)).suspects[0].change == blamed
