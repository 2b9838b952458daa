"""What the timers and timeline panes read, with a reader's own rights."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.db.conftest import Seeded
from warroom.db.reads import log as log_read
from warroom.db.reads import read_log, read_timers
from warroom.db.reads import timers as timers_read


@asynccontextmanager
async def reader(
    seeded: Seeded, person: str = "ana"
) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Connect with the rights of a person's own database role."""
    with seeded.db.connect() as found:
        role = found.execute(
            "select db_role::text from warroom.principal where id = %s", (seeded.people[person],)
        ).fetchone()
    assert role is not None
    async with await psycopg.AsyncConnection.connect(seeded.db.conninfo(), autocommit=True) as conn:
        await conn.execute(f'set session authorization "{role[0]}"')
        yield conn


def write(
    seeded: Seeded, kind: str = "fact", text: str = "x", corrects: UUID | None = None
) -> UUID:
    """Write an entry into the timeline of the incident that Ana sees."""
    with seeded.db.connect() as conn:
        row = conn.execute(
            "insert into warroom.timeline (incident_id, kind, body, author_id, author_kind, unit,"
            " visibility, corrects) values (%s, %s, %s, %s, 'person', 'main', 'normal', %s)"
            " returning id",
            (seeded.incidents["normal"], kind, text, seeded.people["ana"], corrects),
        ).fetchone()
    assert row is not None
    entry: UUID = row[0]
    return entry


def judge(seeded: Seeded, entry: UUID, fate: str, *, stances: str = "") -> None:
    """Give a hypothesis its fate, and evidence: one entry a letter, f(or) or a(gainst)."""
    with seeded.db.connect() as conn:
        conn.execute(
            "insert into warroom.hypothesis (entry_id, incident_id, fate, decided_by, decided_at,"
            " unit, visibility) values (%(e)s, %(i)s, %(f)s, %(p)s, case when %(f)s <> 'open'"
            " then now() end, 'main', 'normal')",
            {"e": entry, "i": seeded.incidents["normal"], "f": fate, "p": seeded.people["ana"]},
        )
        for letter in stances:
            proof = write(seeded, "evidence", letter)
            conn.execute(
                "insert into warroom.evidence (entry_id, hypothesis_entry_id, incident_id, stance,"
                " unit, visibility) values (%s, %s, %s, %s, 'main', 'normal')",
                (proof, entry, seeded.incidents["normal"],
                 "for" if letter == "f" else "against"),
            )  # fmt: skip


def pin(seeded: Seeded, entry: UUID) -> None:
    with seeded.db.connect() as conn:
        conn.execute(
            "insert into warroom.pin (entry_id, incident_id, pinned_by, unit, visibility)"
            " values (%s, %s, %s, 'main', 'normal')",
            (entry, seeded.incidents["normal"], seeded.people["ana"]),
        )


async def test_pages_go_back_to_the_first_entry_without_gap_or_double(seeded: Seeded) -> None:
    written = [write(seeded, text=str(n)) for n in range(7)]
    incident = seeded.incidents["normal"]
    async with reader(seeded) as conn:
        seen: list[UUID] = []
        page = await read_log(conn, incident, limit=3)
        assert page.number > 0
        seen += [r.id for r in page.rows]
        while page.older is not None:
            assert len(page.rows) == 3
            page = await read_log(conn, incident, before=page.older, limit=3)
            seen += [r.id for r in page.rows]
    assert seen[:7] == written[::-1]
    assert len(seen) == len(set(seen)) == 8
    assert seen == sorted(seen, reverse=True)


async def test_a_page_that_is_exactly_full_has_no_older_one(seeded: Seeded) -> None:
    write(seeded)
    async with reader(seeded) as conn:
        page = await read_log(conn, seeded.incidents["normal"], limit=2)
    assert (len(page.rows), page.older) == (2, None)


async def test_only_the_kinds_asked_for_and_pins_whatever_they_are(seeded: Seeded) -> None:
    fact = write(seeded, "fact")
    for _ in range(3):
        write(seeded, "decision")
    decision = write(seeded, "decision")
    pin(seeded, fact)
    async with reader(seeded) as conn:
        page = await read_log(conn, seeded.incidents["normal"], kinds=("decision",), limit=2)
        rest = await read_log(
            conn, seeded.incidents["normal"], kinds=("decision",), before=page.older, limit=2
        )
        whole = await read_log(conn, seeded.incidents["normal"])
    assert {r.kind for r in (*page.rows, *rest.rows)} == {"decision"}
    assert (page.rows[0].id, len(page.rows), len(rest.rows), rest.older) == (decision, 2, 2, None)
    assert [(p.id, p.pinned) for p in page.pins] == [(fact, True)]
    assert {r.id for r in whole.rows if r.pinned} == {fact}


async def test_a_correction_and_what_it_replaces_know_each_other(seeded: Seeded) -> None:
    first = write(seeded, text="500 users")
    second = write(seeded, text="5,000 users", corrects=first)
    third = write(seeded, text="50,000 users", corrects=second)
    async with reader(seeded) as conn:
        rows = {r.id: r for r in (await read_log(conn, seeded.incidents["normal"])).rows}
    assert (rows[first].corrects, rows[first].corrected_by) == (None, second)
    assert (rows[second].corrects, rows[second].corrected_by) == (first, third)
    assert (rows[third].corrects, rows[third].corrected_by) == (second, None)


async def test_a_correction_on_another_page_is_still_known(seeded: Seeded) -> None:
    first = write(seeded, text="old")
    for _ in range(3):
        write(seeded)
    by = write(seeded, text="new", corrects=first)
    async with reader(seeded) as conn:
        page = await read_log(conn, seeded.incidents["normal"], limit=4)
        older = await read_log(conn, seeded.incidents["normal"], limit=4, before=page.older)
    assert first not in {r.id for r in page.rows}
    assert older.rows[0].corrected_by == by


async def test_a_hypothesis_shows_its_fate_and_its_evidence(seeded: Seeded) -> None:
    judged = write(seeded, "hypothesis", "pool leak")
    judge(seeded, judged, "confirmed", stances="ffa")
    said_again = write(seeded, "hypothesis", "pool leak in 4.18", corrects=judged)
    unjudged = write(seeded, "hypothesis", "dns")
    async with reader(seeded) as conn:
        rows = (await read_log(conn, seeded.incidents["normal"])).rows
    by_id = {r.id: r for r in rows}
    for entry in (judged, said_again):
        found = by_id[entry].hypothesis
        assert found is not None
        assert (found.fate, found.evidence_for, found.evidence_against) == ("confirmed", 2, 1)
    fresh = by_id[unjudged].hypothesis
    assert fresh is not None
    assert (fresh.fate, fresh.evidence_for, fresh.evidence_against) == ("open", 0, 0)
    evidence = [(r.about, r.stance) for r in rows if r.kind == "evidence"]
    assert sorted(stance for _, stance in evidence) == ["against", "for", "for"]
    assert {about for about, _ in evidence} == {judged}
    assert all(r.hypothesis is None for r in rows if r.kind != "hypothesis")


async def test_a_foreign_or_unknown_incident_reads_empty(seeded: Seeded) -> None:
    async with reader(seeded) as conn:
        for incident in (seeded.incidents["foreign"], seeded.incidents["security"], uuid4()):
            page = await read_log(conn, incident)
            assert (page.number, page.rows, page.pins, page.older) == (0, (), (), None)


async def test_timers_come_by_deadline_and_paused_ones_last(seeded: Seeded) -> None:
    incident = seeded.incidents["normal"]
    with seeded.db.connect() as conn:
        for step, (kind, minutes, state, target) in enumerate(
            [
                ("update-due", -3, "armed", ""),
                ("regulatory", 300, "armed", "privacy"),
                ("escalate", 1, "paused", "team owner"),
                ("escalate", 5, "armed", "team owner"),
                ("soak", 2, "fired", ""),
                ("snooze", 2, "cancelled", ""),
            ],
            start=10,
        ):
            conn.execute(
                "insert into warroom.timer (kind, incident_id, step, due_at, target, state,"
                " paused_at, unit, visibility) values (%s, %s, %s, now() + %s * interval"
                " '1 minute', %s, %s, case when %s = 'paused' then now() end, 'main', 'normal')",
                (kind, incident, step, minutes, target, state, state),
            )
    async with reader(seeded) as conn:
        picture = await read_timers(conn)
        short = await read_timers(conn, limit=2)
    assert [(r.at_zero, r.target, r.state) for r in picture.rows] == [
        ("update due", "ana", "armed"),  # she commands
        ("escalates", "team unassigned", "armed"),
        ("escalates", "nobody", "armed"),
        ("legal deadline", "privacy", "armed"),
        ("escalates", "team unassigned", "paused"),
    ]
    assert picture.total == 5
    assert picture.rows[-1].paused_at is not None
    assert picture.rows[0].due_at < picture.read_at
    assert (short.rows, short.total) == (picture.rows[:2], 5)
    with seeded.db.connect() as conn:
        conn.execute("update warroom.role_held set released_at = now()")
    async with reader(seeded) as conn:
        assert (await read_timers(conn)).rows[0].target == "team unassigned"
    with seeded.db.connect() as conn:
        conn.execute(
            "update warroom.incident set owner_id = %s where id = %s",
            (seeded.people["ana"], incident),
        )
    async with reader(seeded) as conn:
        assert (await read_timers(conn)).rows[0].target == "ana"


@pytest.mark.parametrize("person", ["ana", "ola"])
async def test_timers_of_others_are_not_seen(seeded: Seeded, person: str) -> None:
    async with reader(seeded, person) as conn:
        picture = await read_timers(conn)
    assert len(picture.rows) == picture.total == 1


def _indexes(plan: Any) -> set[str]:
    if isinstance(plan, list):
        return set().union(*(_indexes(p) for p in plan))
    if not isinstance(plan, dict):
        return set()
    own = {str(plan["Index Name"])} if "Index Name" in plan else set()
    return own.union(*(_indexes(p) for p in plan.values()))


def _scanned(plan: Any) -> set[str]:
    """Return the relations that a plan reads without being pruned at run time."""
    if isinstance(plan, list):
        return set().union(*(_scanned(p) for p in plan))
    if not isinstance(plan, dict):
        return set()
    read = "Relation Name" in plan and bool(plan.get("Actual Loops", 0))
    own = {str(plan["Relation Name"])} if read else set()
    return own.union(*(_scanned(p) for p in plan.values()))


async def test_the_timers_are_read_from_their_indexes(seeded: Seeded) -> None:
    with seeded.db.connect() as conn:
        conn.execute(
            "insert into warroom.timer (kind, incident_id, step, due_at, state, unit, visibility)"
            " select 'escalate', %s, n, now() + n * interval '1 second', case when n %% 50 = 0"
            " then 'armed' when n %% 50 = 1 then 'paused' else 'fired' end, 'main', 'normal'"
            " from generate_series(1, 10000) n",
            (seeded.incidents["normal"],),
        )
        conn.execute("analyze warroom.timer")
    async with reader(seeded) as reading:
        query = "explain (format json) " + timers_read._NOW + timers_read._ROWS
        found = await (await reading.execute(query, {"limit": 20})).fetchone()
    assert found is not None
    assert {"timer_due", "timer_paused"} <= _indexes(found[0])


async def test_a_page_is_read_from_its_index_and_old_months_are_pruned(seeded: Seeded) -> None:
    incident = seeded.incidents["normal"]
    with seeded.db.connect() as conn:
        conn.execute(
            "insert into warroom.timeline (incident_id, kind, body, author_id, author_kind, unit,"
            " visibility) select case when n %% 100 = 0 then %(i)s::uuid else gen_random_uuid()"
            " end, 'fact', 'x', %(p)s, 'person', 'main', 'normal' from generate_series(1, 20000) n",
            {"i": incident, "p": seeded.people["ana"]},
        )
        conn.execute("analyze warroom.timeline")
        current = conn.execute(
            "select to_char(now() at time zone 'UTC', 'YYYYMM'),"
            " to_char((now() - interval '1 month') at time zone 'UTC', 'YYYYMM')"
        ).fetchone()
    assert current is not None
    args: dict[str, Any] = {
        "id": incident, "as_of": None, "upto": log_read._LAST_ID, "every_kind": True, "kinds": [],
        "rows": 21, "pins": log_read.PINS_MAX,
    }  # fmt: skip
    async with reader(seeded) as reading:
        query = "explain (analyze, format json) " + log_read._NOW + log_read._PAGE
        found = await (await reading.execute(query, args)).fetchone()
    assert found is not None
    plan = found[0] if not isinstance(found[0], str) else json.loads(found[0])
    index = {name for name in _indexes(plan) if name.startswith("timeline_" + current[0])}
    assert any("incident_id" in name for name in index), index
    streams = {name for name in _scanned(plan) if name.startswith("timeline_")}
    assert f"timeline_{current[1]}" not in streams
