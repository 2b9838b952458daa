"""Two engines, killed in turn around every commit they make: nothing is lost, no timer doubled.

Triggers of the test hold an engine inside a transaction, or inside its COMMIT, until it has been
killed there; a real receiver holds it between what it sent and what it would record.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.ha.receiver import Receiver, receiving
from tests.helpers import wait_until_sync
from tests.pgfixtures import TestDatabase

TIMERS = 900
BITE = 6


@dataclass(frozen=True)
class Place:
    """Where an engine is killed: on its way to a state, inside the transaction or its COMMIT."""

    lock: int
    table: str
    state: str
    in_commit: bool


PLACES = (
    Place(1, "timer", "fired", False),
    Place(2, "timer", "fired", True),
    Place(3, "outbox", "sending", False),
    Place(4, "outbox", "sending", True),
    Place(5, "outbox", "sent", False),
    Place(6, "outbox", "sent", True),
)


class Engine:
    """An engine process with small bites, known by its process id in what it writes."""

    def __init__(self, db: TestDatabase, log: Path) -> None:
        environment = {
            **os.environ,
            "WARROOM_DATABASE_URL": f"postgresql://warroom_engine@/{db.name}"
            f"?host={db.server.cluster.socket_dir}",
            "WARROOM_ENGINE_BATCH": "4",
            "WARROOM_ENGINE_TICK_SECONDS": "0.05",
            # The server must not end a wait before the kill does.
            "WARROOM_LOCK_TIMEOUT_MS": "60000",
            "WARROOM_STATEMENT_TIMEOUT_MS": "60000",
        }
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "warroom", "engine"], env=environment,
                stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.mark = f"%:{self.process.pid}:%"
        wait_until_sync(
            lambda: b"engine started" in log.read_bytes(), timeout_s=60, what="the engine"
        )

    def kill(self) -> None:
        """Kill it, as the kernel does when memory is short."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """End it in order."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


def seed(conn: psycopg.Connection, hook: str) -> None:
    """Make incidents whose only step is not due yet, one channel, and the places of the kills."""
    conn.execute("update warroom.channel set disabled_at = now()")
    conn.execute(
        "insert into warroom.channel (key, kind, url, secret) values ('hook', 'webhook', %s, 's')",
        (hook,),
    )
    conn.execute("alter table warroom.incident disable trigger all")
    conn.execute("insert into warroom.escalation_policy (key, name) values ('one', 'one step')")
    conn.execute(
        "insert into warroom.escalation_step (policy_id, step, delay_s, target_kind, target)"
        " select id, 1, 0, 'team', 'unassigned' from warroom.escalation_policy where key = 'one'"
    )
    conn.execute(
        "insert into warroom.incident (title, severity, opened_by, policy_id)"
        " select 'i' || n, 1, '00000000-0000-7000-8000-000000000001', p.id"
        f" from generate_series(1, {TIMERS}) n, warroom.escalation_policy p where p.key = 'one'"
    )
    conn.execute("alter table warroom.incident enable always trigger keep_history")
    conn.execute(
        "insert into warroom.timer (kind, incident_id, step, due_at, policy_id, unit, visibility)"
        " select 'escalate', id, 1, now() + interval '1 year', policy_id, unit, visibility"
        " from warroom.incident"
    )
    # Waits where it stands for as long as the test holds the lock, and says who waits.
    conn.execute(
        "create function public.stand_still() returns trigger language plpgsql as $$ begin"
        " if session_user = 'warroom_engine' then"
        " perform set_config('application_name', current_setting('warroom.request_id'), false);"
        " perform pg_advisory_xact_lock_shared(tg_argv[0]::bigint);"
        " end if; return null; end $$"
    )
    for place in PLACES:
        deferred = "deferrable initially deferred" if place.in_commit else ""
        conn.execute(
            f"create constraint trigger stand_{place.lock} after update on warroom.{place.table}"
            f" {deferred} for each row when (new.state = '{place.state}')"
            f" execute function public.stand_still({place.lock})"
        )


def number(conn: psycopg.Connection, query: str) -> int:
    """Return the one number that a query finds."""
    row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def feed(conn: psycopg.Connection, limit: int) -> None:
    """Make some more timers due."""
    conn.execute(
        "update warroom.timer set due_at = now() where id in (select id from warroom.timer"
        " where state = 'armed' and due_at > now() order by id limit %s)",
        (limit,),
    )


def kill_at(conn: psycopg.Connection, place: Place, victim: Engine) -> None:
    """Kill an engine at a place; inside COMMIT it has happened all the same, before it not."""
    conn.execute("select pg_advisory_lock(%s)", (place.lock,))
    seen: list[tuple[int, str]] = []

    def stands() -> bool:
        feed(conn, BITE)
        seen[:] = conn.execute(
            "select pid, backend_xid::text from pg_stat_activity where wait_event = 'advisory'"
            " and datname = current_database() and application_name like %s",
            (victim.mark,),
        ).fetchall()
        return bool(seen)

    wait_until_sync(stands, timeout_s=60, every_s=0.25, what=f"the engine at {place}")
    victim.kill()
    conn.execute("select pg_advisory_unlock(%s)", (place.lock,))
    pid, xid = seen[0]

    def gone() -> bool:
        found = conn.execute("select 1 from pg_stat_activity where pid = %s", (pid,))
        return found.fetchone() is None

    wait_until_sync(gone, timeout_s=60, what="the session of the killed engine to end")
    row = conn.execute("select pg_xact_status(%s::xid8)", (xid,)).fetchone()
    assert row == ("committed" if place.in_commit else "aborted",)


def kill_before_the_answer(conn: psycopg.Connection, receiver: Receiver, victim: Engine) -> None:
    """Kill an engine whose message has arrived, and that does not know it yet."""
    already = len(receiver.got)
    receiver.answering.clear()

    def held() -> bool:
        feed(conn, BITE)
        keys = [key for key, _ in receiver.got[already:]]
        found = conn.execute(
            "select 1 from warroom.outbox where dedup_key = any(%s) and state = 'sending'"
            " and claimed_by like %s",
            (keys, victim.mark),
        )
        return found.fetchone() is not None

    wait_until_sync(held, timeout_s=60, every_s=0.25, what="a message on its way")
    victim.kill()
    receiver.answering.set()


@contextlib.contextmanager
def two_engines(db: TestDatabase, folder: Path) -> Iterator[list[Engine]]:
    """Run two engines; whoever is in the list at the end is ended."""
    engines: list[Engine] = []
    try:
        engines.extend(Engine(db, folder / f"first-{n}.log") for n in range(2))
        yield engines
    finally:
        for one in engines:
            one.end()


def test_whoever_is_killed_wherever_nothing_is_lost(pg: TestDatabase, tmp_path: Path) -> None:
    with pg.connect() as conn, receiving() as receiver:
        seed(conn, receiver.url)
        keys: dict[object, str] = {}
        with two_engines(pg, tmp_path) as engines:
            for turn in range(2 * (len(PLACES) + 1)):
                who, place = turn % 2, turn // 2
                victim = engines[who]
                if place < len(PLACES):
                    kill_at(conn, PLACES[place], victim)
                else:
                    kill_before_the_answer(conn, receiver, victim)
                # Its claims run out; that this takes half a minute is not what is tested.
                conn.execute(
                    "update warroom.outbox set claimed_until = now() - interval '1 second'"
                    " where state = 'sending' and claimed_by like %s",
                    (victim.mark,),
                )
                for row, key in conn.execute("select id, dedup_key from warroom.outbox"):
                    assert keys.setdefault(row, key) == key
                engines[who] = Engine(pg, tmp_path / f"turn-{turn}.log")
            feed(conn, TIMERS)
            wait_until_sync(
                lambda: number(conn, "select count(*) from warroom.timer where state = 'fired'")
                == TIMERS,
                timeout_s=120, every_s=0.1, what="all timers",
            )  # fmt: skip
            wait_until_sync(
                lambda: number(conn, "select count(*) from warroom.outbox where state <> 'sent'")
                == 0,
                timeout_s=120, every_s=0.1, what="the outbox to empty",
            )  # fmt: skip
        each_timer_fired_once(conn)
        each_message_arrived(conn, receiver, keys)


def each_timer_fired_once(conn: psycopg.Connection) -> None:
    """Hold timers, timeline and audit against each other."""
    fired = conn.execute(
        "select row_id, count(*) from warroom.audit where table_name = 'timer'"
        " and payload::jsonb #>> '{after,state}' = 'fired' group by row_id"
    ).fetchall()
    assert Counter(times for _, times in fired) == {1: TIMERS}
    told = conn.execute(
        "select incident_id, count(*) from warroom.timeline where body like 'escalated%'"
        " group by incident_id"
    ).fetchall()
    assert Counter(times for _, times in told) == {1: TIMERS}


def each_message_arrived(
    conn: psycopg.Connection, receiver: Receiver, keys: dict[object, str]
) -> None:
    """Hold what the receiver got against the outbox: nothing missing, nothing that is not there."""
    rows = conn.execute(
        "select id, dedup_key, incident_id, state, payload from warroom.outbox"
    ).fetchall()
    assert len({incident for _, _, incident, _, _ in rows}) == len(rows) == TIMERS
    assert {state for _, _, _, state, _ in rows} == {"sent"}
    now = {row: key for row, key, *_ in rows}
    assert {row: now[row] for row in keys} == keys, "a message keeps its key"
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for key, body in receiver.got:
        bodies[key].add(body)
    assert set(bodies) == set(now.values()), "each message arrived, under its own key"
    payloads = {key: payload for _, key, _, _, payload in rows}
    for key, found in bodies.items():
        assert len(found) == 1, "the same message each time"
        said = json.loads(next(iter(found)))
        assert said["id"] == key
        assert said["incident"] == payloads[key]["incident"]
    # The kills did hit between the sending and its record: at least once is what is promised.
    assert len(receiver.got) > len(bodies)
