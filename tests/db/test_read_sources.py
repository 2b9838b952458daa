"""The health pane says which alert sources have gone quiet, read with a reader's own rights."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.db.conftest import Seeded
from tests.db.test_pane_reads import reader
from warroom.db.reads import read_health
from warroom.domain.panes import Reading, Verdict


def prepare(seeded: Seeded, quiet: str | None) -> None:
    with seeded.db.connect() as conn:
        conn.execute(
            "update warroom.source set quiet_after_s = 300, quiet_since ="
            " now() - cast(%s as interval) where key = 's'",
            (quiet,),
        )
        conn.execute(
            "insert into warroom.replication_sample (node, role, state, detail)"
            " values ('primary', 'primary', 'running', '{}')"
        )


async def sources(seeded: Seeded, as_of: datetime | None = None) -> Reading | None:
    async with reader(seeded) as conn:
        picture = await read_health(conn, as_of=as_of)
    return next((r for r in picture.readings if r.name == "alert sources"), None)


async def test_a_quiet_source_stands_in_the_pane(seeded: Seeded) -> None:
    assert await sources(seeded) is None  # nobody asked to be told of any
    prepare(seeded, None)
    found = await sources(seeded)
    assert found is not None
    assert (found.verdict, found.text) == (Verdict.OK, "1 speak")
    prepare(seeded, "12 minutes")
    found = await sources(seeded)
    assert found is not None
    assert (found.verdict, found.text) == (Verdict.BAD, "1 of 1 quiet")
    assert found.sentence.startswith("the alert source s has said nothing for 12")
    assert found.since is not None
    # The past has no such table: what is not known is not shown.
    assert await sources(seeded, datetime.now(UTC)) is None
