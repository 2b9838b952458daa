"""The room that the storm meets: API and engine as processes, the estate, sources, clocks that run.

Every cause, and four services that nothing happens to, have a policy whose next step is always due
within seconds: so clocks run out all through the storm, on incidents that it opens and on others.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psutil
import psycopg

from bench.ingest_peers import end
from bench.ingest_room import Room
from bench.load_script import Target
from bench.storm_plan import SOURCES, Plan, as_files
from warroom.client import Client

BYSTANDERS = 4
STEP_S = 3
_LATENESS = """
select i.opened_by = %(person)s as bystander,
  cast(extract(epoch from coalesce(t.fired_at, %(until)s) - t.due_at) as float8) as fired,
  cast(extract(epoch from coalesce(o.sent_at, %(until)s) - t.due_at) as float8) as told
from warroom.timer t join warroom.incident i on i.id = t.incident_id
left join warroom.outbox o on o.dedup_key =
  cast(t.incident_id as text) || ':escalate:' || t.cycle || ':' || t.step || ':log'
where t.kind = 'escalate' and t.due_at between %(since)s and %(until)s
  and t.state in ('armed', 'fired')
"""


@dataclass(frozen=True, slots=True)
class Estate:
    """What was set up. ``targets`` are the sources' doors, ``critical`` that of the urgent one."""

    targets: tuple[Target, ...]
    critical: Target
    services: tuple[UUID, ...]
    sources: tuple[UUID, ...]


@dataclass
class Watch:
    """Memory of the processes while a block runs, looked at twice a second; MB."""

    before: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)


async def set_up(room: Room, plan: Plan) -> Estate:
    """Make policy, services, dependencies and sources through the API."""
    async with Client(room.url, room.admin) as client:
        step = {"delay_s": STEP_S, "target_kind": "team", "target": "owner"}
        await client.add("policies", {"key": "storm", "name": "Storm", "steps": [step] * 50,
                                      "repeat": 100})  # fmt: skip
        watched = [*plan.causes, *(f"bystander-{n}" for n in range(BYSTANDERS))]
        for key in watched:
            await client.add("services", {"key": key, "policy": "storm"})
        files = [{"name": f.name, "text": f.text} for f in as_files(plan)]
        await client.import_catalog(files, format="csv", source="storm", make_teams=True)
        made = [await client.add("sources", {"key": f"prometheus-{n}"}) for n in range(SOURCES)]
        urgent = await client.add("sources", {"key": "urgent", "lane": "critical"})
    with psycopg.connect(room.conninfo) as conn:
        services = conn.execute("select id from warroom.service order by key").fetchall()
        sources = conn.execute(
            "select id from warroom.source where key like 'prometheus-%' order by key"
        ).fetchall()
    return Estate(
        tuple(_target(room, str(m["token"])) for m in made),
        _target(room, str(urgent["token"])),
        tuple(r[0] for r in services), tuple(r[0] for r in sources),
    )  # fmt: skip


def _target(room: Room, token: str) -> Target:
    own = {"Authorization": f"Bearer {token}"}
    return Target(room.target.host, room.target.port, room.target.path, own)


async def start_clocks(room: Room) -> None:
    """Declare the incidents that the storm has nothing to do with."""
    async with Client(room.url, room.admin) as client:
        for n in range(BYSTANDERS):
            await client.declare(f"Bystander {n}", 2, services=[f"bystander-{n}"])


@contextlib.contextmanager
def engine(room: Room, database: str, log_to: Path) -> Iterator[int]:
    """Run the engine as a process; yields its id."""
    env = {**os.environ, "WARROOM_DATABASE_URL": room.server.url("warroom_engine", database),
           "WARROOM_LOG_FORMAT": "json"}  # fmt: skip
    with log_to.open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "warroom", "engine"], env=env, stdout=out,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            until = time.monotonic() + 60
            while b"engine started" not in log_to.read_bytes():
                if running.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"no engine: {log_to.read_text(errors='replace')[-2000:]}")
                time.sleep(0.05)
            yield running.pid
        finally:
            end(running)


@contextlib.contextmanager
def watching(**pids: int) -> Iterator[Watch]:
    """Look at the memory of processes until the block ends."""
    processes = {name: psutil.Process(pid) for name, pid in pids.items()}
    watch = Watch()
    over = threading.Event()

    def look() -> None:
        while True:
            for name, process in processes.items():
                with contextlib.suppress(psutil.NoSuchProcess):
                    rss = process.memory_info().rss / 1e6
                    watch.before.setdefault(name, rss)
                    watch.peak[name] = max(watch.peak.get(name, 0.0), rss)
            if over.wait(0.5):
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()


def lateness(room: Room, since: object, until: object) -> dict[str, list[tuple[float, float]]]:
    """Return by how much clocks were late: (fired, message out), seconds each.

    ``bystander`` are incidents that the storm has nothing to do with, ``storm`` those that it
    opened.  What has not fired, or was not sent, by the end is as late as it is then.
    """
    found: dict[str, list[tuple[float, float]]] = {"bystander": [], "storm": []}
    with psycopg.connect(room.conninfo) as conn:
        row = conn.execute("select id from warroom.principal where name = 'ana'").fetchone()
        assert row is not None
        args = {"person": row[0], "since": since, "until": until}
        for bystander, fired, told in conn.execute(_LATENESS, args).fetchall():
            found["bystander" if bystander else "storm"].append((fired, told))
    return found


def complaints(*logs: Path) -> Counter[str]:
    """Count warnings and errors of logs by what they say."""
    found: Counter[str] = Counter()
    for log in logs:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                found[line[:120]] += "rror" in line
                continue
            if isinstance(said, dict) and said.get("level") in ("warning", "error", "critical"):
                words = (said.get(k, "") for k in ("event", "cycle", "why", "code", "detail"))
                found[" ".join(str(w) for w in words if w)[:160]] += 1
    return +found
