"""The clockwork in one process: escalation, delivery, expiry, leases."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook

from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database
from warroom.engine.runner import Engine
from warroom.notify.webhook import secret_of
from warroom.settings import Settings

SECRET = "a secret of the receiver"


@dataclass
class Receiver:
    """A real local receiver; answers 500 as often as it is told to."""

    url: str
    failures: int = 0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Serve on loopback until the test ends."""
    state = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            failing = len(state.got) <= state.failures
            self.send_response(500 if failing else 204)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def an_engine(pg: TestDatabase) -> Engine:
    url = f"postgresql://warroom_engine@/{pg.name}?host={pg.server.cluster.socket_dir}"
    settings = Settings(database_url=url, engine_tick_seconds=0.05, lease_seconds=60)
    return Engine(settings, Database.open(url, role="engine", pool_size=4))


@pytest_asyncio.fixture
async def engine(pg: TestDatabase) -> AsyncIterator[Engine]:
    """An engine whose cycles the test runs itself."""
    made = an_engine(pg)
    yield made
    await made._db.close()


async def run(engine: Engine, name: str) -> str:
    return await engine.run_cycle(next(c for c in engine.cycles() if c.name == name))


def incident(pg: TestDatabase, status: str = "triggered", steps: int = 2) -> None:
    with pg.connect() as conn:
        conn.execute("insert into warroom.escalation_policy (key, name) values ('p', 'p')")
        conn.execute(
            "insert into warroom.escalation_step (policy_id, step, delay_s, target_kind, target)"
            " select p.id, n, 60, 'team', 'team' || n from warroom.escalation_policy p,"
            " generate_series(1, %s) n where p.key = 'p'",
            (steps,),
        )
        conn.execute(
            "insert into warroom.incident (title, severity, opened_by, policy_id, status)"
            " select 'burning', 1, '00000000-0000-7000-8000-000000000001', id, %s"
            " from warroom.escalation_policy where key = 'p'",
            (status,),
        )
        conn.execute(
            "insert into warroom.timer (kind, incident_id, step, due_at, policy_id, unit,"
            " visibility) select 'escalate', id, 1, now(), policy_id, unit, visibility"
            " from warroom.incident"
        )


def rows(pg: TestDatabase, query: str) -> list[tuple[object, ...]]:
    with pg.connect() as conn:
        return conn.execute(query).fetchall()


async def test_a_due_timer_escalates_once_and_arms_the_next(
    pg: TestDatabase, engine: Engine
) -> None:
    incident(pg)
    sentence = await run(engine, "timers")
    assert "escalated to team team1 (step 1 of 2" in sentence
    assert await run(engine, "timers") == "no timer is due"
    assert rows(pg, "select step, state from warroom.timer order by step") == [
        (1, "fired"), (2, "armed"),
    ]  # fmt: skip
    assert rows(pg, "select kind, author_kind from warroom.timeline") == [
        ("automation", "automation")
    ]
    assert rows(pg, "select channel, state from warroom.outbox") == [("log", "queued")]
    # The sentence stands where everybody can see why.
    assert rows(pg, "select sentence from warroom.lease where name = 'timers'")


async def test_an_acknowledged_incident_cancels_its_timer_with_a_sentence(
    pg: TestDatabase, engine: Engine
) -> None:
    incident(pg, "acknowledged")
    assert "escalation cancelled" in await run(engine, "timers")
    assert rows(pg, "select state from warroom.timer") == [("cancelled",)]
    assert rows(pg, "select count(*) from warroom.outbox") == [(0,)]


async def test_the_webhook_is_signed_and_retried_with_the_same_id(
    pg: TestDatabase, engine: Engine, receiver: Receiver
) -> None:
    with pg.connect() as conn:
        conn.execute(
            "insert into warroom.channel (key, kind, url, secret) values ('hook', 'webhook', %s,"
            " %s)",
            (receiver.url, SECRET),
        )
    receiver.failures = 1
    incident(pg)
    await run(engine, "timers")
    assert "1 failed: the receiver answered 500" in await run(engine, "outbox")
    with pg.connect() as conn:  # the pause before the next attempt is not what is tested
        conn.execute("update warroom.outbox set next_attempt_at = now()")
    assert "sent 1" in await run(engine, "outbox")
    first, second = receiver.got
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    Webhook(secret_of(SECRET)).verify(second[1], second[0])
    body = json.loads(second[1])
    assert (body["type"], body["incident"]) == ("incident.escalated", "INC-1")
    states = rows(pg, "select channel, state, attempts from warroom.outbox order by channel")
    assert states == [("hook", "sent", 2), ("log", "sent", 1)]


@pytest.mark.parametrize(
    ("url", "secret"),
    [("http://127.0.0.1:99999/x", SECRET), ("http://x/", "whsec_!"), ("not a url\x7f", "whsec_")],
)
async def test_a_misconfigured_channel_does_not_stop_its_neighbours(
    pg: TestDatabase, engine: Engine, url: str, secret: str
) -> None:
    with pg.connect() as conn:
        conn.execute(
            "insert into warroom.channel (key, kind, url, secret) values ('a', 'webhook', %s, %s)",
            (url, secret),
        )
    incident(pg)
    await run(engine, "timers")
    assert (await run(engine, "outbox")).startswith("sent 1, 1 failed")
    states = rows(pg, "select channel, state from warroom.outbox order by channel")
    assert states == [("a", "queued"), ("log", "sent")]


async def test_what_a_killed_sender_was_sending_is_sent_by_another(
    pg: TestDatabase, engine: Engine
) -> None:
    incident(pg)
    await run(engine, "timers")
    with pg.connect() as conn:
        conn.execute(
            "update warroom.outbox set state = 'sending', claimed_by = 'dead', fence = 1,"
            " claimed_until = now() - interval '1 second'"
        )
    assert await run(engine, "outbox") == "sent 1"
    assert rows(pg, "select state, fence from warroom.outbox") == [("sent", 2)]


async def test_one_engine_does_each_leased_thing(pg: TestDatabase, engine: Engine) -> None:
    other = an_engine(pg)
    assert await run(engine, "partitions") == "2 months ahead are there"
    assert await run(other, "partitions") == "another engine does it"
    with pg.connect() as conn:
        conn.execute("update warroom.lease set until = now() - interval '1 second'")
    assert await run(other, "partitions") == "2 months ahead are there"
    assert rows(pg, "select fence from warroom.lease where name = 'partitions'") == [(2,)]
    await other._db.close()


async def test_two_engines_fire_a_burst_once_each(pg: TestDatabase, engine: Engine) -> None:
    incident(pg)
    with pg.connect() as conn:
        conn.execute(
            "insert into warroom.timer (kind, incident_id, step, cycle, due_at, policy_id, unit,"
            " visibility) select 'update-due', id, n, 0, now(), policy_id, unit, visibility"
            " from warroom.incident, generate_series(1, 50) n"
        )
    other = an_engine(pg)
    for _ in range(6):
        await asyncio.gather(run(engine, "timers"), run(other, "timers"))
    assert rows(pg, "select count(*) from warroom.timer where state = 'fired'") == [(51,)]
    assert rows(pg, "select count(*) from warroom.timeline") == [(51,)]
    await other._db.close()


def silent_alert(pg: TestDatabase) -> None:
    """Put an alert that nobody has repeated for too long on the only incident."""
    with pg.connect() as conn:
        conn.execute(
            "insert into warroom.source (key, name, principal_id) select 's', 's', id"
            " from warroom.principal where name = 'ingest'"
        )
        conn.execute(
            "insert into warroom.service (key, name, team_id) select 's', 's', id"
            " from warroom.team where key = 'unassigned'"
        )
        conn.execute(
            "insert into warroom.alert (source_id, fingerprint, name, severity, state, service_id,"
            " incident_id, starts_at, expires_at, last_seen_at, unit, visibility) select s.id,"
            " 'f', 'Silent', 1, 'firing', v.id, i.id, now() - interval '10 min', now() - interval"
            " '1 min', now() - interval '6 min', 'main', 'normal' from warroom.source s,"
            " warroom.service v, warroom.incident i where s.key = 's' and v.key = 's'"
        )


async def test_a_silent_alert_expires(pg: TestDatabase, engine: Engine) -> None:
    incident(pg)
    silent_alert(pg)
    assert await run(engine, "expiry") == "1 alerts expired"
    assert rows(pg, "select state from warroom.alert") == [("resolved",)]
    assert any("expired" in str(r[0]) for r in rows(pg, "select body from warroom.timeline"))
    verdict = rows(pg, "select problem from read_v1.audit_verify()")
    assert verdict == [(None,)]


async def test_an_incident_that_somebody_holds_keeps_no_other_alert_from_expiring(
    pg: TestDatabase, engine: Engine
) -> None:
    incident(pg)
    silent_alert(pg)
    with pg.connect() as conn:
        conn.execute(
            "insert into warroom.alert (source_id, fingerprint, name, severity, state, service_id,"
            " starts_at, expires_at, last_seen_at, unit, visibility) select source_id, 'g',"
            " 'Alone', 1, 'firing', service_id, starts_at, expires_at, last_seen_at, unit,"
            " visibility"
            " from warroom.alert"
        )
    with pg.connect(autocommit=False) as held:
        held.execute("select from warroom.incident for update")
        assert await run(engine, "expiry") == "1 alerts expired"
    firing = "select name from warroom.alert where state = 'firing'"
    assert rows(pg, firing) == [("Silent",)]
    assert await run(engine, "expiry") == "1 alerts expired"
    assert rows(pg, firing) == []
