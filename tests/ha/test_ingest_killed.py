"""The API is killed during a storm while its sender retries: nothing is missing, nothing double.

A checker holds what the sender was told against what is stored.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.ha.ingest_api import ApiProcess, api_processes, number, source_token
from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase

POSTS = 160
EACH = 20
SENDERS = 8
SERVICES = 20
KILLS = 5


@dataclass
class Told:
    """How often each alert was sent, and how often its sender was told that it is stored."""

    sent: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    posts: int = 0


def names(post: int) -> list[str]:
    """Return the alerts of a post; a fifth of them are in the one before it, too."""
    begin = post * (EACH - EACH // 5)
    return [f"A{n}" for n in range(begin, begin + EACH)]


async def send(url: str, headers: dict[str, str], post: int, told: Told) -> None:
    """Post until it is answered with 2xx, as Prometheus' and Alertmanager's queues do."""
    alerts = [
        {"labels": {"alertname": name, "service": f"s{int(name[1:]) % SERVICES}"}}
        for name in names(post)
    ]
    while True:
        told.sent.update(names(post))
        try:
            async with httpx.AsyncClient(headers=headers, timeout=30) as http:
                answer = await http.post(f"{url}/api/v2/alerts", json=alerts)
        except httpx.HTTPError:
            await asyncio.sleep(0.05)
            continue
        if answer.status_code == 200:
            told.stored.update(names(post))
            told.posts += 1
            return
        assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.05)


async def storm(api: ApiProcess, headers: dict[str, str], told: Told) -> None:
    posts = iter(range(POSTS))

    async def sender() -> None:
        for post in posts:
            await send(api.url, headers, post, told)

    async def killer() -> None:
        for kill in range(1, KILLS + 1):
            due = kill * POSTS // (KILLS + 2)
            await wait_until(lambda: told.posts >= due, timeout_s=120, what=f"post {due}")  # noqa: B023
            api.kill()
            await asyncio.to_thread(api.start)

    await asyncio.gather(killer(), *(sender() for _ in range(SENDERS)))


def check(db: TestDatabase, told: Told) -> None:
    """Hold what was told against what is stored."""
    with db.connect() as conn:
        rows = conn.execute("select name, count from warroom.alert").fetchall()
        wrong = conn.execute(
            "select i.number, i.alert_count, i.firing_count, count(a.id) from warroom.incident i"
            " left join warroom.alert a on a.incident_id = i.id group by i.id"
            " having count(a.id) <> i.alert_count or count(a.id) <> i.firing_count"
        ).fetchall()
    stored: dict[str, int] = dict(rows)
    assert len(rows) == len(stored)
    assert sorted(stored) == sorted(told.stored)
    for name, count in stored.items():
        assert told.stored[name] <= count <= told.sent[name], name
    assert number(db, "select count(*) from warroom.alert_event") == sum(stored.values())
    # Each body that is kept has all its alerts, and none other has any.
    kept = number(db, "select count(*) from warroom.delivery where state = 'accepted'")
    assert kept * EACH == sum(stored.values())
    assert number(db, "select count(*) from warroom.incident") == SERVICES
    assert wrong == []


async def test_nothing_acknowledged_is_missing(pg18: TestDatabase, tmp_path: Path) -> None:
    told = Told()
    async with api_processes(pg18, tmp_path) as (api,):
        headers = {"Authorization": f"Bearer {await source_token(api)}"}
        await storm(api, headers, told)
        assert api.starts == KILLS + 1
        # What was answered before its alerts were stored is taken up by the next process.
        await wait_until(
            lambda: number(pg18, "select count(*) from warroom.intake") == 0,
            what="the bodies that were left behind",
        )
    assert told.posts == POSTS
    check(pg18, told)
    assert number(
        pg18, "select count(*) from read_v1.audit_verify() where problem is not null"
    ) == 0  # fmt: skip


async def test_a_load_killed_half_way_is_exact_when_it_is_run_again(
    pg18: TestDatabase, tmp_path: Path
) -> None:
    lines = 6_000
    file, token = tmp_path / "alerts.ndjson", tmp_path / "token"
    with file.open("w", encoding="utf-8") as out:
        for n in range(lines):
            print(json.dumps({"labels": {"alertname": f"L{n}", "service": f"s{n % 9}"}}), file=out)
    async with api_processes(pg18, tmp_path) as (api,):
        token.write_text(await source_token(api), encoding="utf-8")
        token.chmod(0o600)
        command = [sys.executable, "-m", "warroom", "ingest", "load", str(file),
                   "--token-file", str(token)]  # fmt: skip

        async def load() -> asyncio.subprocess.Process:
            env = {"WARROOM_API_URL": api.url, "PATH": "/usr/bin:/bin"}
            return await asyncio.create_subprocess_exec(*command, env=env)

        stored = "select count(*) from warroom.alert"
        first = await load()
        await wait_until(lambda: number(pg18, stored) >= 1_000, timeout_s=60, what="a beginning")
        first.kill()
        await first.wait()
        # The other end dies, too: in the middle of a part of the second try.
        second = await load()
        await wait_until(lambda: number(pg18, stored) >= 3_000, timeout_s=60, what="the middle")
        api.kill()
        await asyncio.to_thread(api.start)
        assert await second.wait() == 0
        third = await load()
        assert await third.wait() == 0
    assert number(pg18, stored) == lines
    assert number(pg18, "select count(*) from warroom.alert where count = 1") == lines
    assert number(pg18, "select count(*) from warroom.alert_event") == lines
