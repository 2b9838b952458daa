"""The panes of the past are the panes that were read: timers, timeline and impact."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.conftest import Seeded
from warroom.db.reads import read_impact, read_log, read_timers
from warroom.domain.panes import ImpactPicture, TimelinePicture, TimersPicture

Pictures = tuple[TimersPicture, TimelinePicture, TimelinePicture, ImpactPicture | None]
NEVER = datetime.min.replace(tzinfo=UTC)

ENTRY = (
    "insert into warroom.timeline (incident_id, kind, body, author_id, author_kind, unit,"
    " visibility, corrects) select i.id, {kind}, 'entry', {ana}, 'person', i.unit, i.visibility,"
    " {corrects} from warroom.incident i where i.id = %(i)s"
)
ANA = "(select id from warroom.principal where name like 'ana%%' order by id limit 1)"
SOME = (
    "(select id from warroom.timeline where incident_id = %(i)s and kind = {kind}"
    " order by md5(id::text || '{n}') limit 1)"
)
STATEMENTS = {
    "fact": ENTRY.replace("{kind}", "'fact'").replace("{corrects}", "null"),
    "hypothesis": "with e as ("
    + ENTRY.replace("{kind}", "'hypothesis'").replace("{corrects}", "null")
    + " returning id, incident_id, unit, visibility) insert into warroom.hypothesis (entry_id,"
    " incident_id, unit, visibility) select id, incident_id, unit, visibility from e",
    "evidence": "with e as ("
    + ENTRY.replace("{kind}", "'evidence'").replace("{corrects}", "null")
    + " returning id) insert into warroom.evidence (entry_id, hypothesis_entry_id, incident_id,"
    " stance, unit, visibility) select e.id, h.entry_id, h.incident_id, case when {n} % 2 = 0 then"
    " 'for' else 'against' end, h.unit, h.visibility from e, warroom.hypothesis h"
    " where h.entry_id = " + SOME.replace("{kind}", "'hypothesis'"),
    "correct": ENTRY.replace("{kind}", "'fact'").replace(
        "{corrects}", SOME.replace("{kind}", "'fact'")
    ),
    "say again": ENTRY.replace("{kind}", "'hypothesis'").replace(
        "{corrects}", SOME.replace("{kind}", "'hypothesis'")
    ),
    "judge": "update warroom.hypothesis set fate = case when {n} % 2 = 0 then 'confirmed' else"
    " 'refuted' end, decided_at = now(), version = version + 1 where entry_id = "
    + SOME.replace("{kind}", "'hypothesis'"),
    "reopen": "update warroom.hypothesis set fate = 'open', decided_at = null where entry_id = "
    + SOME.replace("{kind}", "'hypothesis'"),
    "pin": "insert into warroom.pin (entry_id, incident_id, pinned_by, unit, visibility)"
    " select t.id, t.incident_id, t.author_id, t.unit, t.visibility from warroom.timeline t"
    " where t.id = " + SOME.replace("{kind}", "'fact'") + " on conflict do nothing",
    "unpin": "delete from warroom.pin where incident_id = %(i)s",
    "arm": "insert into warroom.timer (kind, incident_id, step, due_at, unit, visibility)"
    " select 'update-due', i.id, (select count(*) from warroom.timer), now() + ({n} - 3) *"
    " interval '1 minute', i.unit, i.visibility from warroom.incident i where i.id = %(i)s",
    "pause": "update warroom.timer set state = 'paused', paused_at = now() where"
    " incident_id = %(i)s and state = 'armed' and step % 2 = {n} % 2",
    "resume": "update warroom.timer set state = 'armed', paused_at = null, due_at = due_at +"
    " interval '1 minute' where incident_id = %(i)s and state = 'paused'",
    "fire": "update warroom.timer set state = 'fired', fired_at = now() where incident_id = %(i)s"
    " and state = 'armed'",
    "own": "update warroom.incident set owner_id = {ana}, severity = 1 + severity % 5"
    " where id = %(i)s",
    "rename": "update warroom.principal set name = left(name || 'a', 90) where name like 'ana%%'",
    "impact": "insert into warroom.incident_impact as m (incident_id, nodes, totals, unit,"
    " visibility) select i.id, jsonb_build_array(jsonb_build_object('key', 's{n}', 'name',"
    " 's', 'state', 'down', 'tier', 1, 'team', 't', 'depth', 0, 'why', 'w')), '{\"services\": 1}',"
    " i.unit, i.visibility from warroom.incident i where i.id = %(i)s on conflict (incident_id)"
    " do update set nodes = excluded.nodes, computed_at = now(), version = m.version + 1",
}


async def _read(
    conn: psycopg.AsyncConnection[Any], incident: UUID, as_of: datetime | None = None
) -> Pictures:
    return (
        await read_timers(conn, as_of=as_of, limit=3),
        await read_log(conn, incident, as_of=as_of, limit=3),
        await read_log(conn, incident, as_of=as_of, kinds=("fact", "hypothesis")),
        await read_impact(conn, incident, as_of=as_of),
    )


async def _pictures(seeded: Seeded, commands: list[str]) -> list[tuple[Pictures, Pictures]]:
    """Run commands, read the panes after each, and then all of them again as of then."""
    incident = seeded.incidents["normal"]
    then: list[tuple[datetime, Pictures]] = []
    with seeded.db.connect() as found:
        role = found.execute(
            "select db_role::text from warroom.principal where id = %s", (seeded.people["ana"],)
        ).fetchone()
    assert role is not None
    conninfo = seeded.db.conninfo()
    async with (
        await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as writer,
        await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as reader,
    ):
        await reader.execute(f'set session authorization "{role[0]}"')
        for number, command in enumerate(commands):
            statement = STATEMENTS[command].replace("{ana}", ANA).replace("{n}", str(number))
            statement = statement.replace(" % ", " %% ")
            await writer.execute(statement.encode(), {"i": incident})
            moment = await (await writer.execute("select clock_timestamp()")).fetchone()
            assert moment is not None
            then.append((moment[0], await _read(reader, incident)))
        again = [await _read(reader, incident, moment) for moment, _ in then]
    return [(pictures, past) for (_, pictures), past in zip(then, again, strict=True)]


def _comparable(pictures: Pictures) -> Pictures:
    timers, page, log, impact = pictures
    return (
        replace(timers, read_at=NEVER, as_of=None),
        replace(page, read_at=NEVER, as_of=None),
        replace(log, read_at=NEVER, as_of=None),
        replace(impact, read_at=NEVER, as_of=None) if impact else None,
    )


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(commands=st.lists(st.sampled_from(sorted(STATEMENTS)), min_size=1, max_size=14))
def test_the_panes_of_the_past_are_the_panes_that_were_read(
    seeded: Seeded, commands: list[str]
) -> None:
    for pictures, past in asyncio.run(_pictures(seeded, commands)):
        assert _comparable(past) == _comparable(pictures)


def test_every_statement_does_something(seeded: Seeded) -> None:
    """One walk through them all, in an order in which each finds what it changes."""
    order = ["fact", "correct", "hypothesis", "evidence", "evidence", "judge", "say again", "pin",
             "arm", "arm", "pause", "own", "rename", "impact", "impact"]  # fmt: skip
    both = asyncio.run(_pictures(seeded, order))
    for pictures, past in both:
        assert _comparable(past) == _comparable(pictures)
    timers, page, log, impact = both[-1][1]
    assert page.pins
    assert page.older is not None
    assert any(r.corrected_by for r in log.rows)
    assert any(r.hypothesis and r.hypothesis.fate != "open" for r in log.rows)
    assert any(r.hypothesis and r.hypothesis.evidence_for for r in log.rows)
    assert {r.state for r in timers.rows} == {"armed", "paused"}
    assert timers.total > len(timers.rows) or len(timers.rows) == 3
    assert impact is not None
    assert [n.key for n in impact.nodes] == ["s14"]
    assert both[-2][1][3] is not None
    assert both[-2][1][3].nodes[0].key == "s13"
