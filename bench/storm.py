"""The figures of a storm: 200,000 alerts of 8 causes, on a room with little and with much stored.

``ingest.storm`` sends the plan of ``bench.storm_plan`` as tools would (50 a post, 16 connections,
whatever is refused comes again) to a real API with a real engine beside it.  While it is sent, a
critical source posts an alert a second, and clocks run out every three seconds.  Then it waits
until the engine has merged what belongs together, counts what is stored against what was
acknowledged (``RuntimeError`` when anything is missing), and judges the incidents by the causes
(``bench.storm_judge`` says how).

``BENCH_STORM_ALERTS`` makes it shorter, ``BENCH_STORM_STORED`` (20000,2000000) says how many alerts
are stored before, ``BENCH_STORM_SENDERS`` over how many connections it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import uvloop

from bench.ingest_room import Room, room
from bench.report import Figure, cluster, percentile
from bench.storm_judge import Judged, astray, judge
from bench.storm_plan import Plan, make
from bench.storm_room import (
    Estate,
    complaints,
    engine,
    lateness,
    set_up,
    start_clocks,
    watching,
)
from bench.storm_rows import fill
from bench.storm_send import Parcel, Told, send, send_all

URGENT_EVERY_S = 1.0
STEADY_S = 15.0
SETTLE_MAX_S = 600.0
SHOWN = 40
_PLACED = """
select s.key, i.number, count(*) from warroom.alert a
join warroom.service s on s.id = a.service_id left join warroom.incident i on i.id = a.incident_id
where a.name not like 'Past%' group by s.key, i.number
"""

# A message leaves an event, whether the alert fires or is over; an end of ours is none of theirs.
_MESSAGES = """
select a.name, count(*) from warroom.alert a join warroom.alert_event e on e.alert_id = a.id
where a.name not like 'Past%' and e.change <> 'expired' group by a.name
"""


def _number(name: str, default: int) -> int:
    said = os.environ.get(name, str(default))
    if not said.isdecimal():
        raise SystemExit(f"{name} is {said!r}; it is a number")
    return int(said)


def storm() -> list[Figure]:
    """Measure the storm on each size of what is stored already."""
    plan = make(_number("BENCH_STORM_ALERTS", 200_000))
    found: list[Figure] = []
    for stored in os.environ.get("BENCH_STORM_STORED", "20000,2000000").split(","):
        # Told at once as well: the sizes take minutes each.
        for figure in (some := _one(plan, int(stored))):
            print(figure.line(), file=sys.stderr)
        found += some
    return found


def _one(plan: Plan, stored: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="wrbench-") as folder, cluster() as server:
        logs = Path(folder) / "api.log", Path(folder) / "engine.log"
        env = {"WARROOM_LOG_FORMAT": "json"}
        with room(server, "storm", env, log_to=logs[0]) as ours:
            estate = asyncio.run(set_up(ours, plan))
            took = fill(ours.conninfo, stored, estate.services, estate.sources)
            print(f"{stored} alerts stored in {took:.0f} s", file=sys.stderr)
            with engine(ours, "storm", logs[1]) as engine_pid:
                figures = _measure(plan, stored, ours, estate, engine_pid)
        bad = complaints(*logs)
        for what, many in bad.most_common(12):
            print(f"  {many} x {what}", file=sys.stderr)
        return [*figures, Figure(f"ingest.storm_{stored}.complaints", bad.total(), "log lines")]


def _measure(plan: Plan, stored: int, ours: Room, estate: Estate, engine_pid: int) -> list[Figure]:
    asyncio.run(start_clocks(ours))
    told, urgent = Told(), Told()
    parcels = [Parcel(estate.targets[p.source], p.body, p.alerts) for p in plan.posts]
    clockwork = psutil.Process(engine_pid)
    cpu, ticks = ours.cpu(), sum(clockwork.cpu_times()[:2])
    with watching(api=ours.pid, engine=engine_pid) as watch:
        since = datetime.now(UTC)
        senders = _number("BENCH_STORM_SENDERS", 16)
        begun = time.perf_counter()
        taken = uvloop.run(_send(parcels, told, senders, _urgent(plan, estate), urgent))
        ours.drained()
        drained = time.perf_counter() - begun
        until = datetime.now(UTC)
        late = lateness(ours, since, until)
        cpu_after, ticks_after = ours.cpu(), sum(clockwork.cpu_times()[:2])
        before = _judge(plan, ours)
        settled = _settle(ours)
    both = replace(told, sent=told.sent + urgent.sent, stored=told.stored + urgent.stored,
                   statuses=told.statuses + urgent.statuses,
                   posts=told.posts + urgent.posts)  # fmt: skip
    _nothing_missing(ours, both)
    after = _judge(plan, ours, tell=True)
    name = f"ingest.storm_{stored}"
    many = plan.messages
    print(f"answers {dict(both.statuses)}; at the end of sending {before}, settled {after}",
          file=sys.stderr)  # fmt: skip
    return [
        Figure(name, many / drained, "alerts/s, 50 a post", "the last quarter", _last(told, many)),
        Figure(f"{name}.drain", drained, f"s for {many} alerts", "until all were taken", taken),
        Figure(f"{name}.refused", both.statuses.total() - both.posts, "posts that came again"),
        Figure(f"{name}.ack_p99", percentile(told.took_s, 0.99), "s", "median",
               statistics.median(told.took_s)),
        Figure(f"{name}.critical_p99", percentile(urgent.took_s, 0.99), "s", "median",
               statistics.median(urgent.took_s)),
        Figure(f"{name}.precision", after.precision, "of pairs", "when sending ended",
               before.precision),
        Figure(f"{name}.recall", after.recall, "of pairs", "when sending ended", before.recall),
        Figure(f"{name}.incidents", after.incidents, "incidents", "causes and noise",
               after.true_causes),
        Figure(f"{name}.named", after.named, "titles that name the cause", "causes",
               len(plan.causes)),
        Figure(f"{name}.settled", settled, "s after sending"),
        *_late(name, late),
        *(
            Figure(f"{name}.{who}_rss", watch.peak[who], "MB", "before", watch.before[who])
            for who in ("api", "engine")
        ),
        Figure(f"{name}.api_cpu", 1e6 * (cpu_after[0] - cpu[0]) / many, "us/alert"),
        Figure(f"{name}.db_cpu", 1e6 * (cpu_after[1] - cpu[1]) / many, "us/alert"),
        Figure(f"{name}.engine_cpu", 100 * (ticks_after - ticks) / drained, "% of a core"),
    ]  # fmt: skip


def _last(told: Told, many: int) -> float:
    """Return the alerts a second of the last quarter of the posts."""
    quarter = max(len(told.at) // 4, 2)
    return many * quarter / len(told.at) / (told.at[-1] - told.at[-quarter])


def _late(name: str, late: dict[str, list[tuple[float, float]]]) -> Iterator[Figure]:
    for who, found in late.items():
        fired = [f for f, _ in found] or [0.0]
        sent = [s for _, s in found] or [0.0]
        yield Figure(f"{name}.late_{who}_max", max(fired), f"s, {len(found)} clocks", "median",
                     statistics.median(fired))  # fmt: skip
        yield Figure(f"{name}.paged_{who}_max", max(sent), "s after it was due", "median",
                     statistics.median(sent))  # fmt: skip


async def _send(
    parcels: list[Parcel], told: Told, senders: int, urgent: Iterator[Parcel], heard: Told
) -> float:
    async def beside() -> None:
        for parcel in urgent:
            begun = time.perf_counter()
            await send(iter([parcel]), heard)
            await asyncio.sleep(max(URGENT_EVERY_S - (time.perf_counter() - begun), 0.0))

    alone = asyncio.create_task(beside())
    begun = time.perf_counter()
    shown = asyncio.create_task(_tell(told, begun))
    try:
        return await send_all(parcels, told, senders)
    finally:
        shown.cancel()
        alone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await alone


async def _tell(told: Told, begun: float) -> None:
    while True:
        await asyncio.sleep(20)
        rate = told.stored.total() / (time.perf_counter() - begun)
        print(f"  {told.stored.total()} alerts, {rate:.0f}/s", file=sys.stderr)


def _urgent(plan: Plan, estate: Estate) -> Iterator[Parcel]:
    """Make alerts of what the causes take down, one a post."""
    hit = [s for s, cause in plan.truth.items() if cause in plan.causes]
    number = 0
    while True:
        service = hit[number * 7 % len(hit)]
        name = f"{service} Urgent{number}"
        labels = {"alertname": name, "service": service, "severity": "critical", "env": "prod"}
        alert = {"labels": labels, "startsAt": datetime.now(UTC).isoformat()}
        yield Parcel(estate.critical, json.dumps([alert]).encode(), (name,))
        number += 1


def _settle(ours: Room) -> float:
    """Wait until the number of open incidents stays; return how long it changed, in seconds."""
    begun = changed = time.monotonic()
    last = -1
    while time.monotonic() - changed < STEADY_S and time.monotonic() - begun < SETTLE_MAX_S:
        now = ours.number("select count(*) from warroom.incident where ended_at is null")
        if now != last:
            last, changed = now, time.monotonic()
        time.sleep(1.0)
    return changed - begun


def _judge(plan: Plan, ours: Room, *, tell: bool = False) -> Judged:
    with psycopg.connect(ours.conninfo) as conn:
        placed = [
            (key, None if number is None else str(number), many)
            for key, number, many in conn.execute(_PLACED).fetchall()
        ]
        titles = {str(n): t for n, t in conn.execute("select number, title from warroom.incident")}
    if tell:
        for line in astray(placed, plan.truth, titles)[:SHOWN]:
            print(f"  {line}", file=sys.stderr)
    return judge(placed, plan.truth, plan.causes, titles)


def _nothing_missing(ours: Room, told: Told) -> None:
    """Hold what senders were told against what is stored.

    Raises:
        RuntimeError: something that was acknowledged is missing, or more is there than was sent.
    """
    with psycopg.connect(ours.conninfo) as conn:
        stored: Counter[str] = Counter(dict(conn.execute(_MESSAGES).fetchall()))
    # The urgent one under way when sending ended may be there without an answer.
    wrong = [n for n, many in told.stored.items() if not many <= stored[n] <= told.sent[n]]
    wrong += [n for n in stored if n not in told.sent]
    if wrong:
        raise RuntimeError(f"{len(wrong)} alerts are not stored as they were acknowledged: "
                           f"{wrong[:5]}")  # fmt: skip
