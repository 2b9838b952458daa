"""The health pane says which alert sources have gone quiet, read with a reader's own rights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.db.conftest import Seeded
from tests.db.test_pane_reads import reader
from warroom.db.reads import read_board, read_health
from warroom.db.reads.health import source_readings
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
    assert (found.verdict, found.text) == (Verdict.WARN, "1 of 1 quiet")
    assert found.sentence.startswith("quiet: s 12")
    assert found.since is not None
    # The past has no such table: what is not known is not shown.
    assert await sources(seeded, datetime.now(UTC)) is None


async def test_the_board_counts_those_that_are_waited_for_and_quiet(seeded: Seeded) -> None:
    async def counted(as_of: datetime | None = None) -> int:
        async with reader(seeded) as conn:
            return (await read_board(conn, as_of=as_of)).quiet_sources

    prepare(seeded, None)
    assert await counted() == 0
    prepare(seeded, "12 minutes")
    assert await counted() == 1
    assert await counted(datetime.now(UTC)) == 0
    with seeded.db.connect() as conn:
        conn.execute("update warroom.source set paused_at = now() where key = 's'")
    assert await counted() == 0  # nobody waits for one that is paused


def test_the_sentence_names_the_longest_silent_and_counts_the_others() -> None:
    now = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    rows = [
        {"key": f"s{n}", "quiet_since": now - timedelta(minutes=20 - n), "lane": None}
        for n in range(7)
    ]
    found = source_readings([*rows, {"key": "fine", "quiet_since": None, "lane": None}], now)
    assert found[0].text == "7 of 8 quiet"
    assert found[0].sentence.startswith("quiet: s0 20")
    assert "s4 16" in found[0].sentence
    assert "s5" not in found[0].sentence
    assert ", 2 more; what they watch" in found[0].sentence
