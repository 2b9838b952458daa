"""Figures of alerts in: how many a second are stored, each beside what else could take them.

Every answer must be a 2xx, and the rows are counted afterwards: what is not stored durably does
not count.  A figure says how many alerts a second were taken (their bodies committed), as the peers
take them; its ``.stored`` how many until all that follows from each of them is stored, too.  That
is what can be kept up: a burst is taken faster until half of ``ingest.queue_max`` alerts (10,000 as
a rule) wait.  Ours and the peer take turns in the same run, each goes first in turn, and the median
of five rounds counts after one that does not.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from collections.abc import Callable, Iterator

import psycopg

from bench.ingest_alerts import one, posts
from bench.ingest_peers import (
    ALERTA,
    alerta,
    alerta_venv,
    alertmanager,
    in_alertmanager,
    insert_app,
)
from bench.ingest_room import Room, room
from bench.load_script import Target, rate
from bench.report import Figure, cluster, fresh_database

ROUNDS = 6
ALERTS = 10_000
SINGLES = 2_000
ALERTA_SINGLES = 300
Bodies = Callable[[str], list[bytes]]


class _Turns:
    """The rounds of one figure: rates of ours and of the peer, and what ours cost in CPU."""

    def __init__(self, ours: Room, peer: Target, alerts: int) -> None:
        self._ours = ours
        self._peer = peer
        self._alerts = alerts
        self.mine: list[float] = []
        self.stored: list[float] = []
        self.theirs: list[float] = []
        self.api_us: list[float] = []
        self.db_us: list[float] = []

    def run(
        self, bodies: Bodies, *, theirs: Bodies | None = None, peer_alerts: int | None = None
    ) -> None:
        """Take turns; ``bodies`` makes those of a round, ``theirs`` the peer's where they differ.

        ``peer_alerts`` is how many the peer gets a round, where that is not as many.
        """
        for number in range(ROUNDS):
            name = f"r{number}"
            steps = [
                lambda name=name: self._take(bodies(name)),
                lambda name=name: self.theirs.append(
                    rate(self._peer, (theirs or bodies)(name), peer_alerts or self._alerts)
                ),
            ]
            for step in steps if number % 2 else reversed(steps):
                step()
            print(f"round {number}: {self.mine[-1]:.0f} (stored {self.stored[-1]:.0f}) and"
                  f" {self.theirs[-1]:.0f} alerts/s", file=sys.stderr)  # fmt: skip

    def _take(self, bodies: list[bytes]) -> None:
        api, db = self._ours.cpu()
        taken, stored = self._ours.rates(bodies, self._alerts)
        self.mine.append(taken)
        self.stored.append(stored)
        api_after, db_after = self._ours.cpu()
        self.api_us.append(1e6 * (api_after - api) / self._alerts)
        self.db_us.append(1e6 * (db_after - db) / self._alerts)

    def figures(self, name: str, peer: str, budget: str) -> Iterator[Figure]:
        """Return the figure, and what an alert costs the API and the database."""
        yield Figure(name, statistics.median(self.mine[1:]), "alerts/s", peer,
                     statistics.median(self.theirs[1:]), budget)  # fmt: skip
        yield Figure(f"{name}.stored", statistics.median(self.stored[1:]), "alerts/s", peer,
                     statistics.median(self.theirs[1:]))  # fmt: skip
        yield Figure(f"{name}.api_cpu", statistics.median(self.api_us[1:]), "us/alert")
        yield Figure(f"{name}.db_cpu", statistics.median(self.db_us[1:]), "us/alert")


def _stored(ours: Room, alerts: int, messages: int) -> None:
    """Count what is stored: alerts, and messages of firing alerts.

    Raises:
        RuntimeError: something that was acknowledged is missing, or is there twice.
    """
    found = ours.number("select count(*) from warroom.alert")
    counted = ours.number("select coalesce(sum(count), 0) from warroom.alert")
    events = ours.number("select count(*) from warroom.alert_event")
    if (found, counted, events) != (alerts, messages, messages):
        raise RuntimeError(
            f"{found} alerts of {alerts}, {counted} counted and {events} events of {messages}"
        )


def batch50() -> list[Figure]:
    """Measure all-new alerts, 50 a post, beside Alertmanager's memory."""
    with cluster() as server, room(server, "batch50") as ours, alertmanager() as peer:
        turns = _Turns(ours, peer, ALERTS)
        turns.run(lambda name: posts(ALERTS, 50, name))
        _stored(ours, ROUNDS * ALERTS, ROUNDS * ALERTS)
        if (held := in_alertmanager(peer)) != ROUNDS * ALERTS:
            raise RuntimeError(f"Alertmanager holds {held} alerts of {ROUNDS * ALERTS}")
        return list(turns.figures("ingest.batch50", "Alertmanager in memory", "ratio >= 0.25"))


def batch50_repeat() -> list[Figure]:
    """Measure 10,000 alerts that fire on, 50 a post, beside Alertmanager's memory."""
    bodies = posts(ALERTS, 50, "repeat")
    with cluster() as server, room(server, "repeat") as ours, alertmanager() as peer:
        for target in (ours.target, peer):
            rate(target, bodies, ALERTS)
        ours.drained()
        turns = _Turns(ours, peer, ALERTS)
        turns.run(lambda _name: bodies)
        _stored(ours, ALERTS, (ROUNDS + 1) * ALERTS)
        return list(
            turns.figures("ingest.batch50_repeat", "Alertmanager in memory", "ratio >= 0.35")
        )


def single() -> list[Figure]:
    """Measure one new alert a post, beside a FastAPI app with one INSERT a request."""
    with cluster() as server, room(server, "single") as ours:
        theirs = fresh_database(server, "peer")
        with insert_app(theirs) as peer:
            ours.rates(posts(ALERTS // 50, 1, "warm"), ALERTS // 50)
            turns = _Turns(ours, peer, SINGLES)
            turns.run(lambda name: posts(SINGLES, 1, name))
        _stored(ours, ROUNDS * SINGLES + ALERTS // 50, ROUNDS * SINGLES + ALERTS // 50)
        with psycopg.connect(theirs) as conn:
            assert conn.execute("select count(*) from peer_alert").fetchone() == (ROUNDS * SINGLES,)
        return list(turns.figures("ingest.single", "FastAPI, one INSERT each", "ratio >= 1.5"))


def _for_alerta(count: int, prefix: str) -> list[bytes]:
    """Return the same alerts as alerta's own API takes them."""
    import json

    bodies = []
    for alert in itertools.islice((one(n, prefix) for n in itertools.count()), count):
        labels = alert["labels"]
        bodies.append(json.dumps({
            "resource": f"{labels['instance']} {prefix}", "event": labels["alertname"],
            "environment": "Production", "severity": "critical", "service": [labels["service"]],
            "text": alert["annotations"]["summary"], "origin": "bench", "type": "prometheusAlert",
            "attributes": {"generatorURL": alert["generatorURL"]},
        }).encode())  # fmt: skip
    return bodies


def single_alerta() -> list[Figure]:
    """Measure one new alert a post, beside alerta-server; nothing where it is not installed."""
    programs = alerta_venv()
    if programs is None:
        print(f"ingest.single_alerta: {ALERTA} names no venv with alerta-server and gunicorn",
              file=sys.stderr)  # fmt: skip
        return []
    with cluster() as server, room(server, "single") as ours:
        with psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as conn:
            conn.execute("create database alerta")
        with alerta(programs, server.url(dbname="alerta")) as peer:
            ours.rates(posts(ALERTS // 50, 1, "warm"), ALERTS // 50)
            turns = _Turns(ours, peer, SINGLES)
            turns.run(
                lambda name: posts(SINGLES, 1, name),
                theirs=lambda name: _for_alerta(ALERTA_SINGLES, name),
                peer_alerts=ALERTA_SINGLES,
            )
        with psycopg.connect(server.conninfo(dbname="alerta")) as conn:
            row = conn.execute("select count(*) from alerts").fetchone()
        assert row == (ROUNDS * ALERTA_SINGLES,), row
        return list(
            turns.figures("ingest.single_alerta", "alerta-server, two workers", "ratio >= 15")
        )
