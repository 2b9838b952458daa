"""History has no gap and no overlap, and the past reads as the present did then."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import datetime

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.conftest import Seeded
from warroom.db.reads import read_board
from warroom.domain.picture import BoardPicture


def test_transactions_that_overlap_in_the_bad_order_leave_no_gap(seeded: Seeded) -> None:
    """The older transaction updates later: its clock must not run backwards over the row."""
    incident = seeded.incidents["normal"]
    with (
        seeded.db.connect(autocommit=False) as older,
        seeded.db.connect(autocommit=False) as newer,
    ):
        older.execute("select now()")  # its transaction begins first
        newer.execute("update warroom.incident set severity = 2 where id = %s", (incident,))
        newer.commit()
        older.execute("update warroom.incident set severity = 3 where id = %s", (incident,))
        older.commit()
    with seeded.db.connect() as conn:
        rows = conn.execute(
            "select lower(valid), upper(valid) from warroom.history where row_id = %s"
            " order by lower(valid)",
            (incident,),
        ).fetchall()
        current = conn.execute(
            "select sys_from from warroom.incident where id = %s", (incident,)
        ).fetchone()
    assert current is not None
    edges = [*rows, (current[0], None)]
    assert len(edges) == 4
    for (_, ended), (begun, _) in itertools.pairwise(edges):
        assert ended == begun
    assert all(low < high for low, high in rows)


COMMANDS = st.lists(
    st.sampled_from(
        ["open", "ack", "resolve", "severity", "title", "role", "release", "link", "unlink",
         "timer", "cancel", "rename", "drill", "delete"]
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip

STATEMENTS = {
    "open": "insert into warroom.incident (title, severity, opened_by) select 'i' || n, 1 + n % 5,"
    " id from warroom.principal, (select count(*) n from warroom.incident) c where name = 'ana'",
    "ack": "update warroom.incident set status = 'acknowledged', ended_at = null, "
    " version = version + 1, owner_id ="
    " (select id from warroom.principal where name = 'ana') where id = ({pick})",
    "resolve": "update warroom.incident set status = 'resolved', ended_at = now(), version ="
    " version + 1 where id = ({pick})",
    "severity": "update warroom.incident set severity = 1 + severity % 5 where id = ({pick})",
    "title": "update warroom.incident set title = left(title || '+', 200) where id = ({pick})",
    "drill": "update warroom.incident set drill = not drill where id = ({pick})",
    "role": "insert into warroom.role_held (incident_id, role, principal_id, unit, visibility)"
    " select i.id, 'commander', p.id, i.unit, i.visibility from warroom.incident i,"
    " warroom.principal p where p.name = 'sam' and i.id = ({pick}) on conflict do nothing",
    "release": "update warroom.role_held set released_at = now() where incident_id = ({pick})",
    "link": "insert into warroom.incident_service (incident_id, service_id, unit, visibility)"
    " select i.id, s.id, i.unit, i.visibility from warroom.incident i, warroom.service s"
    " where s.key = 'normal' and i.id = ({pick}) on conflict do nothing",
    "unlink": "delete from warroom.incident_service where incident_id = ({pick})",
    # One above the highest step, not their count: a deleted one would leave a step taken twice.
    "timer": "insert into warroom.timer (kind, incident_id, step, due_at, unit, visibility)"
    " select 'escalate', i.id, (select coalesce(max(step), 0) + 1 from warroom.timer),"
    " now() + interval '1 hour', i.unit, i.visibility from warroom.incident i"
    " where i.id = ({pick})",
    "cancel": "update warroom.timer set state = 'cancelled' where incident_id = ({pick})",
    "rename": "update warroom.principal set name = left(name || 'a', 90) where name like 'sam%'",
    "delete": "delete from warroom.timer where incident_id = ({pick})",
}
PICK = "select id from warroom.incident where unit = 'main' order by md5(id::text || '{n}') limit 1"


async def _boards(seeded: Seeded, commands: list[str]) -> list[tuple[BoardPicture, BoardPicture]]:
    """Run commands, read the board after each, and then every one of them again as of then."""
    then: list[tuple[datetime, BoardPicture]] = []
    conninfo = seeded.db.conninfo()
    with seeded.db.connect() as found:
        role = found.execute(
            "select db_role::text from warroom.principal where id = %s", (seeded.people["ana"],)
        ).fetchone()
    assert role is not None
    async with (
        await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as writer,
        await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as reader,
    ):
        await reader.execute(f'set session authorization "{role[0]}"')
        for number, command in enumerate(commands):
            pick = PICK.replace("{n}", str(number))
            await writer.execute(STATEMENTS[command].replace("{pick}", pick))
            moment = await (await writer.execute("select clock_timestamp()")).fetchone()
            assert moment is not None
            then.append((moment[0], await read_board(reader)))
        again = [await read_board(reader, as_of=moment) for moment, _ in then]
    return [(picture, past) for (_, picture), past in zip(then, again, strict=True)]


def _comparable(picture: BoardPicture) -> BoardPicture:
    return replace(picture, read_at=datetime.min, as_of=None)  # noqa: DTZ901 - only to compare


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(commands=COMMANDS)
def test_a_board_of_the_past_is_the_board_that_was_read(
    seeded: Seeded, commands: list[str]
) -> None:
    for picture, past in asyncio.run(_boards(seeded, commands)):
        assert _comparable(past) == _comparable(picture)


def test_deleted_rows_are_still_there_then(seeded: Seeded) -> None:
    incident = seeded.incidents["normal"]
    with seeded.db.connect() as conn:
        before = conn.execute("select clock_timestamp()").fetchone()
        assert before is not None
        conn.execute("delete from warroom.timer where incident_id = %s", (incident,))
        now = conn.execute(
            "select count(*) from read_v1.timer_at(clock_timestamp()) where incident_id = %s",
            (incident,),
        ).fetchone()
        then = conn.execute(
            "select count(*) from read_v1.timer_at(%s) where incident_id = %s",
            (before[0], incident),
        ).fetchone()
    assert (now, then) == ((0,), (1,))
