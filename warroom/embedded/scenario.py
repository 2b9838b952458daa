"""The demo's events: real HTTP through the public door, and responders who act as people would.

Nothing here touches the database; what the demo reports is counted there afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from warroom.client import Client, retry_until_known
from warroom.embedded import estate
from warroom.errors import AlreadyExists, Refused, VersionConflict, WarRoomError

ZERO_TIME = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Burst:
    """Some alerts of one service that start together, ``at`` seconds into the scenario."""

    at: float
    service: str
    severity: str
    texts: Sequence[tuple[str, str]]
    over_after: float | None = None
    door: str = "webhook"


def _many(name: str, text: str, hosts: str, count: int) -> list[tuple[str, str]]:
    return [(name, f"{text} on {hosts}-{i}") for i in range(1, count + 1)]


BURSTS: Sequence[Burst] = (
    Burst(0.2, "search", "warning", [("IndexLag", "Search index lag over 10 min")], 12.0),
    Burst(0.4, "search", "warning", _many("IndexLag", "Shard lag over 5 min", "shard", 3), 12.0),
    Burst(1.0, "acme-pay", "error", [("AcmeSlow", "Card payments slow at AcmePay")], None, "v2"),
    Burst(2.0, "pg-main", "critical", [("TooManyConnections", "pg-main is out of connections")]),
    Burst(2.5, "pg-main", "critical", _many("PoolExhausted", "Pool exhausted", "orders", 4)),
    Burst(3.0, "checkout", "critical", [("CheckoutFailing", "Checkout fails for most users")]),
    Burst(3.5, "orders", "critical", _many("HttpErrors", "5xx over 20 %", "orders", 6)),
    Burst(5.0, "checkout", "critical", _many("HttpErrors", "5xx over 30 %", "checkout", 6)),
    Burst(6.0, "payments", "error", _many("Latency", "p99 over 4 s", "payments", 4), None, "v2"),
    Burst(8.0, "reports", "info", [("StaleReport", "Nightly report is stale")]),
    Burst(9.0, "catalogue", "warning", _many("Degraded", "Serving cached pages", "cat", 3)),
    Burst(11.0, "queue", "warning", _many("Backlog", "Backlog grows", "queue", 2), 30.0),
    Burst(40.0, "edge", "error", _many("Handshakes", "TLS handshakes fail", "edge", 3), 60.0),
)


async def build_estate(admin: Client) -> dict[str, str]:
    """Make teams, people, policy, services and dependencies; return the tokens by name."""
    tokens: dict[str, str] = {}

    async def add(noun: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return await admin.add(noun, body)
        except AlreadyExists:
            return {}

    for key, name in estate.TEAMS:
        await add("teams", {"key": key, "name": name})
    for name, team in estate.PEOPLE:
        made = await add("people", {"name": name, "teams": [team]})
        tokens[name] = str(made.get("token") or "")
    await add("policies", estate.POLICY)
    for key, name, kind, tier, team, region, share in estate.SERVICES:
        await add("services", {
            "key": key, "name": name, "kind": kind, "tier": tier, "team": team,
            "region": region, "user_share": share, "policy": "quick",
        })  # fmt: skip
    for service, below, hardness in estate.DEPENDENCIES:
        await add("dependencies", {"service": service, "depends_on": below, "hardness": hardness})
    made = await add("sources", {"key": "monitoring", "name": "Demo monitoring"})
    tokens["monitoring"] = str(made.get("token") or "")
    return tokens


def _alert(burst: Burst, name: str, text: str, started: datetime, *, over: bool) -> dict[str, Any]:
    now = datetime.now(UTC)
    ends = now.isoformat() if over else ZERO_TIME
    if burst.door == "v2" and not over:
        ends = (now + timedelta(minutes=5)).isoformat()
    return {
        "status": "resolved" if over else "firing",
        "labels": {"alertname": name, "service": burst.service, "severity": burst.severity,
                   "instance": text.rsplit(" ", 1)[-1]},
        "annotations": {"summary": text},
        "startsAt": started.isoformat(),
        "endsAt": ends,
        "generatorURL": "http://monitoring.example/graph",
    }  # fmt: skip


async def _send(monitoring: Client, burst: Burst, started: datetime, *, over: bool) -> None:
    alerts = [_alert(burst, name, text, started, over=over) for name, text in burst.texts]
    if burst.door == "v2":
        await monitoring.post_alerts(alerts, dialect="v2")
        return
    await monitoring.post_alerts(
        {
            "version": "4", "groupKey": f"{{}}:{{service={burst.service!r}}}",
            "status": "resolved" if over else "firing", "receiver": "warroom",
            "groupLabels": {"service": burst.service}, "commonLabels": {},
            "commonAnnotations": {}, "externalURL": "http://monitoring.example",
            "truncatedAlerts": 0, "alerts": alerts,
        }
    )  # fmt: skip


class Scenario:
    """One run of the demo's events.

    Args:
        api_url: where the API is.
        admin_token: of whoever started it.
        seed: makes the responders' pauses repeatable.
    """

    def __init__(self, api_url: str, admin_token: str, *, seed: int = 1) -> None:
        self._api_url = api_url
        self._admin_token = admin_token
        self._random = random.Random(seed)
        self.errors: list[str] = []

    async def run(self, seconds: float | None = None) -> None:
        """Build the estate and play the events; ends after ``seconds`` or with the last event."""
        async with Client(self._api_url, self._admin_token) as admin:
            tokens = await build_estate(admin)
        async with (
            Client(self._api_url, tokens["monitoring"]) as monitoring,
            Client(self._api_url, tokens["luc"]) as luc,
            Client(self._api_url, tokens["mira"]) as mira,
        ):
            tasks = [asyncio.create_task(self._play(monitoring, b)) for b in BURSTS]
            tasks.append(asyncio.create_task(self._answer(luc, "acme-pay", 3.0, 45.0)))
            tasks.append(asyncio.create_task(self._answer(mira, "search", 6.0, 6.0)))
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _play(self, monitoring: Client, burst: Burst) -> None:
        await asyncio.sleep(burst.at)
        started = datetime.now(UTC)
        with self._noted(f"alerts of {burst.service}"):
            await _send(monitoring, burst, started, over=False)
        if burst.over_after is not None:
            await asyncio.sleep(burst.over_after)
            with self._noted(f"the end of {burst.service}"):
                await _send(monitoring, burst, started, over=True)

    async def _answer(
        self, person: Client, service: str, after: float, then_resolve: float
    ) -> None:
        """Acknowledge the incident of a service after a while, look, and resolve it."""
        ref = await self._find(person, service)
        await asyncio.sleep(after + self._random.random())
        with self._noted(f"acknowledging {ref}"):
            found = await person.incident(ref)
            key = f"demo-ack-{ref}"
            found = await retry_until_known(
                lambda: person.acknowledge(ref, found["version"], key=key)
            )
            await person.log_entry(ref, "hypothesis", "Looks like yesterday's again",
                                   confidence=0.4)  # fmt: skip
        await asyncio.sleep(then_resolve)
        with self._noted(f"resolving {ref}"):
            found = await person.incident(ref)
            await person.resolve(ref, found["version"], note="Recovered; users are well again")

    async def _find(self, person: Client, service: str) -> str:
        while True:
            with self._noted(f"looking for {service}"):
                for item in (await person.incidents())["items"]:
                    if any(s["key"] == service for s in item["services"]):
                        return str(item["ref"])
            await asyncio.sleep(0.3)

    @contextlib.contextmanager
    def _noted(self, what: str) -> Any:
        """Note an error and go on; a person who was faster is none."""
        try:
            yield
        except (Refused, VersionConflict):
            pass
        except WarRoomError as error:
            self.errors.append(f"{what}: {error}")
