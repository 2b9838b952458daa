"""Statements straight to the driver: parameters, rows, errors, and several in one round trip."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError, ProgrammingError

from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.principal import (
    INGEST_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
    Scope,
)

WHO = Principal(INGEST_PRINCIPAL, "ingest", PrincipalKind.AUTOMATION, frozenset({Scope.ADMIN}))
CTX = CommandContext(WHO, "request-1", "test")
OPEN = "insert into warroom.incident (title, severity, opened_by) values (:title, 1, :by)"


@pytest_asyncio.fixture
async def db(pg: TestDatabase) -> AsyncIterator[Database]:
    """Return the API's way to the test's database."""
    made = Database.open(
        f"postgresql://warroom_api@/{pg.name}?host={pg.server.cluster.socket_dir}", role="api"
    )
    yield made
    await made.close()


def titles(pg: TestDatabase) -> list[str]:
    with pg.connect() as conn:
        return [r[0] for r in conn.execute("select title from warroom.incident order by title")]


async def test_only_what_is_named_is_a_parameter(db: Database) -> None:
    async def handler(work: Work) -> RowMapping | None:
        return await work.row(
            "select cast(:a as int) + 1 as a, ':opened:' as b, '10:30'::text as c, 50 % 7 as d,"
            " '%s' as e, cast(:f as text) as f",
            {"a": 1, "f": "100 % :a"},
        )

    found = await read(db, CTX, handler)
    assert found is not None
    assert dict(found) == {
        "a": 2, "b": ":opened:", "c": "10:30", "d": 1, "e": "%s", "f": "100 % :a"
    }  # fmt: skip


async def test_statements_together_keep_their_order_and_their_rows(db: Database) -> None:
    async def handler(work: Work) -> Answer:
        made, none, seen = await work.together(
            (OPEN + " returning title", {"title": "one", "by": INGEST_PRINCIPAL}),
            ("update warroom.incident set title = 'x' where title = 'nobody'", {}),
            ("select title from warroom.incident", {}),
        )
        assert ([r["title"] for r in made.rows], made.count) == (["one"], 1)
        assert (none.rows, none.count) == ([], 0)
        return Answer(200, {"seen": [r["title"] for r in seen.rows]})

    assert (await run_command(db, CTX, "test", {}, handler)).body == {"seen": ["one"]}


async def test_what_goes_in_front_is_sent_with_the_next_statement_or_at_the_end(
    db: Database, pg: TestDatabase
) -> None:
    async def handler(work: Work) -> Answer:
        work.begin_with((OPEN, {"title": "in front", "by": INGEST_PRINCIPAL}))
        seen = await work.scalar("select title from warroom.incident")
        work.begin_with((OPEN, {"title": "at the end", "by": INGEST_PRINCIPAL}))
        return Answer(200, {"seen": seen})

    assert (await run_command(db, CTX, "test", {}, handler)).body == {"seen": "in front"}
    assert titles(pg) == ["at the end", "in front"]


async def test_an_error_among_several_is_told_as_its_own_and_changes_nothing(
    db: Database, pg: TestDatabase
) -> None:
    same = uuid.UUID("01920000-0000-7000-8000-000000000001")
    by_id = (
        "insert into warroom.incident (id, title, severity, opened_by)"
        " values (:id, 'twice', 1, :by)"
    )

    async def handler(work: Work) -> Answer:
        await work.together(
            (OPEN, {"title": "before", "by": INGEST_PRINCIPAL}),
            (by_id, {"id": same, "by": INGEST_PRINCIPAL}),
            (by_id, {"id": same, "by": INGEST_PRINCIPAL}),
            ("select 1", {}),
        )
        raise AssertionError("not reached")

    with pytest.raises(IntegrityError) as told:
        await run_command(db, CTX, "test", {}, handler)
    assert getattr(told.value.orig, "sqlstate", "") == "23505"
    assert "twice" in str(told.value)  # the statement at fault, and not its neighbours
    assert titles(pg) == []

    async def again(work: Work) -> object:
        return await work.scalar("select count(*) from warroom.incident")

    assert await read(db, CTX, again) == 0  # the connection is as good as before


async def test_a_parameter_that_is_missing_is_an_error(db: Database) -> None:
    async def handler(work: Work) -> object:
        return await work.scalar("select :nobody")

    with pytest.raises(ProgrammingError, match="nobody"):
        await read(db, CTX, handler)


async def test_a_read_only_transaction_writes_nothing(db: Database, pg: TestDatabase) -> None:
    async def handler(work: Work) -> object:
        return await work.execute(OPEN, {"title": "x", "by": INGEST_PRINCIPAL})

    with pytest.raises(Exception, match="standby and takes no writes"):
        await read(db, CTX, handler)
    assert titles(pg) == []


async def test_what_is_prepared_stays_prepared_behind_a_read(db: Database) -> None:
    async def handler(work: Work) -> int:
        await work.scalar("select 'read again and again'")
        return int(await work.scalar("select count(*) from pg_prepared_statements"))

    counts = [await read(db, CTX, handler) for _ in range(12)]
    assert counts[-1] > 0
    assert counts == sorted(counts)
