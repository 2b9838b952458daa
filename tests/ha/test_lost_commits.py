"""The connection is lost during COMMIT; asked again with the same key: exactly one effect."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ha.lossy_door import Lose, LossyDoor
from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import (
    INGEST_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
    Scope,
)
from warroom.errors import OutcomeUnknown

WHO = Principal(INGEST_PRINCIPAL, "ingest", PrincipalKind.AUTOMATION, frozenset({Scope.ADMIN}))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a name that is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="wrld-") as name:
        yield Path(name)


async def declare(api: Database, key: str | None, deadline_s: float = 10.0) -> Answer:
    async def handler(work: Work) -> Answer:
        row = await work.row(
            "insert into warroom.incident (title, severity, opened_by) values ('once', 1, :by)"
            " returning number, pg_backend_pid() as pid",
            {"by": INGEST_PRINCIPAL},
        )
        assert row is not None
        return Answer(201, {"number": row["number"], "pid": row["pid"]})

    ctx = CommandContext(WHO, "test", "test", key)
    return await run_command(api, ctx, "test", {}, handler, deadline_s=deadline_s)


def effects(db: TestDatabase) -> int:
    with db.connect() as conn:
        row = conn.execute("select count(*) from warroom.incident where title = 'once'").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("where", [Lose.BEFORE, Lose.BEHIND])
async def test_a_connection_lost_in_commit(pg: TestDatabase, folder: Path, where: Lose) -> None:
    """Lost before COMMIT arrived nothing happened, behind it everything did: neither is known."""
    door = LossyDoor(folder, pg.server.cluster.socket_dir)
    url = f"postgresql://warroom_api@/{pg.name}?host={folder}"
    async with door.open():
        api = Database.open(url, role="api", pool_size=2)
        door.lose = where
        with pytest.raises(OutcomeUnknown) as caught:
            await declare(api, "k")
        assert "same idempotency key" in str(caught.value)
        assert door.lost == 1
        door.lose = Lose.NOTHING
        assert effects(pg) == (0 if where is Lose.BEFORE else 1)
        first = await declare(api, "k")
        assert await declare(api, "k") == first
        assert effects(pg) == 1
        await api.close()


async def test_a_cancelled_commit_is_answered_to_whoever_asks_again(
    pg: TestDatabase, folder: Path
) -> None:
    """The caller goes away while COMMIT is on its way; its connection never serves again."""
    door = LossyDoor(folder, pg.server.cluster.socket_dir)
    url = f"postgresql://warroom_api@/{pg.name}?host={folder}"
    async with door.open():
        api = Database.open(url, role="api", pool_size=1)
        await declare(api, None)
        door.lose = Lose.BEHIND
        asking = asyncio.create_task(declare(api, "k"))
        await wait_until(lambda: effects(pg) == 2, what="the commit under way")
        asking.cancel()
        with pytest.raises((asyncio.CancelledError, OutcomeUnknown)):
            await asking
        door.lose = Lose.NOTHING
        answer = await declare(api, "k")
        assert effects(pg) == 2
        # The stored answer names the backend of the cancelled commit.
        others = {(await declare(api, f"other-{n}")).body["pid"] for n in range(3)}
        assert answer.body["pid"] not in others
        await api.close()
