"""What becomes of senders that wait when told to, beside one that repeats without a pause.

``ingest.storm_greedy``: eight connections of two patient sources send alone, and then beside a
source with 48 connections that comes again at once whenever it is refused.  The queue is made short
(1,000 alerts), so that it is full as in a storm of many tools.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import replace

import uvloop

from bench.ingest_alerts import one
from bench.ingest_room import Room, room
from bench.load_script import Target
from bench.report import Figure, cluster, percentile
from bench.storm_send import Parcel, Told, send
from warroom.client import Client

EACH = 50
PATIENT, GREEDY = 8, 48
SECONDS = float(os.environ.get("BENCH_STORM_SECONDS", "20"))


def _parcels(target: Target, name: str) -> Iterator[Parcel]:
    for number in itertools.count():
        alerts = [one(n, name) for n in range(number * EACH, (number + 1) * EACH)]
        names = tuple(f"{name} {n}" for n in range(number * EACH, (number + 1) * EACH))
        yield Parcel(target, json.dumps(alerts).encode(), names)


async def _sources(ours: Room) -> list[Target]:
    async with Client(ours.url, ours.admin) as client:
        made = [await client.add("sources", {"key": f"tool-{n}"}) for n in range(3)]
    return [replace(ours.target, headers={"Authorization": f"Bearer {m['token']}"}) for m in made]


async def _round(patient: list[Target], greedy: Target | None, name: str) -> tuple[Told, Told]:
    calm, rash = Told(), Told()
    queues = [_parcels(t, f"{name}-{n}") for n, t in enumerate(patient)]
    senders = [send(queues[n % len(queues)], calm) for n in range(PATIENT)]
    if greedy is not None:
        rest = _parcels(greedy, f"{name}-greedy")
        senders += [send(rest, rash, patient=False) for _ in range(GREEDY)]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*senders)
    return calm, rash


def greedy() -> list[Figure]:
    """Measure patient senders alone and beside a greedy one."""
    env = {"WARROOM_INGEST_QUEUE_MAX": "1000", "WARROOM_LOG_LEVEL": "error"}
    with cluster() as server, room(server, "greedy", env) as ours:
        *patient, other = asyncio.run(_sources(ours))
        uvloop.run(_round(patient, None, "warm"))
        alone, _ = uvloop.run(_round(patient, None, "alone"))
        beside, rash = uvloop.run(_round(patient, other, "beside"))
    refused = rash.statuses.total() - rash.posts

    def rate(told: Told) -> float:
        return told.posts * EACH / SECONDS

    return [
        Figure("ingest.storm_greedy", rate(beside), "alerts/s of patient senders", "alone",
               rate(alone)),
        Figure("ingest.storm_greedy.ack_p99", percentile(beside.took_s or [SECONDS], 0.99), "s",
               "alone", percentile(alone.took_s, 0.99)),
        Figure("ingest.storm_greedy.greedy", rate(rash), "alerts/s of the greedy one"),
        Figure("ingest.storm_greedy.refusals", refused / SECONDS, "refusals/s to the greedy one"),
    ]  # fmt: skip
