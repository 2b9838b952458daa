"""The demo's day as the reasoning sees it: what did it, whom that calls, and the way back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest_asyncio

from tests.api.conftest import Api, serving
from tests.e2e.test_engine import an_engine
from tests.pgfixtures import TestDatabase
from warroom.embedded.demo.data import Day, load_day, load_estate
from warroom.embedded.demo.player import Player

# Until everything burns and nothing has been brought back yet.
MINUTES = 22.0
SPEED = 90.0
INCIDENTS = ("Main database", "Shop front", "AcmePay")


def beginning() -> Day:
    """Return the first minutes of the day; then nothing happens any more."""
    day = load_day(load_estate())
    return replace(
        day,
        alerts=tuple(a for a in day.alerts if a.at < MINUTES),
        acts=tuple(a for a in day.acts if a.at < MINUTES),
        changes=tuple(c for c in day.changes if c.at < MINUTES),
    )


@pytest_asyncio.fixture
async def morning(pg18: TestDatabase) -> AsyncIterator[Api]:
    """The beginning of the day, played out, with an engine that runs beside it."""
    async with serving(pg18) as api:
        engine = an_engine(pg18)
        running = asyncio.create_task(engine.run())
        player = Player(api.url, api.admin_token, seed=5, speed=SPEED, day=beginning())
        playing = asyncio.create_task(player.run())
        try:
            await asyncio.wait_for(_settled(api), 90)
            assert list(player.errors) == []
            yield api
        finally:
            playing.cancel()
            engine.stop()
            for task in (playing, running):
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await engine._db.close()


async def _settled(api: Api) -> None:
    """Wait until all is there, and looks in a row see the same."""
    seen: list[object] = []
    while len(seen) < 4 or len(set(seen[-4:])) > 1:
        await asyncio.sleep(1.0)
        titles = " ".join(i["title"] for i in (await api.client().incidents(limit=200))["items"])
        if all(title in titles for title in INCIDENTS):
            # Whatever is commanded or reasoned leaves an entry in the audit.
            seen.append(api.count("audit", "table_name in ('incident_impact', 'timeline')"))


async def impact_of(api: Api, title: str) -> dict[str, Any]:
    for incident in (await api.client().incidents(limit=200))["items"]:
        if title in incident["title"]:
            return await api.client().impact(incident["ref"])
    raise AssertionError(f"no incident {title!r}")


async def test_the_day_names_its_causes_and_the_way_back(morning: Api) -> None:
    stalled = await impact_of(morning, "Main database")
    first = stalled["suspects"][0]
    assert (first["key"], first["kind"]) == ("pg-main", "service")
    assert any("first alert" in reason for reason in first["reasons"])
    # What rests on the database is part of its incident, at once or when the cause is heard of.
    failing = "name = 'CheckoutFailing'"
    there = "select id from warroom.incident where title like '%Main database%'"
    on_it = f"{failing} and incident_id in ({there})"
    assert morning.count("alert", on_it) == morning.count("alert", failing) > 0
    # Whichever alert comes first: checkout itself, or what it needs and was joined to, is said to.
    why = "like '%depends hard on pg-main%'"
    assert morning.count("alert", f"decision {why}") + morning.count("timeline", f"body {why}") > 0
    assert morning.count("incident", "ended_at is null and title like 'Checkout%'") == 0

    pages = await impact_of(morning, "Shop front")
    blamed = pages["suspects"][0]
    assert (blamed["kind"], blamed["key"]) == ("change", "recommend")
    assert "recommend 2.31" in " ".join((blamed["name"], *blamed["reasons"]))
    assert blamed["change"]

    flapping = await impact_of(morning, "AcmePay")
    assert (flapping["suspects"][0]["key"], flapping["suspects"][0]["kind"]) == (
        "acme-pay", "third-party",
    )  # fmt: skip
    paged = "payload ->> 'target' = 'team databases' and incident_id = (select id from"
    assert morning.count(
        "outbox", f"{paged} warroom.incident where title like 'AcmePay%')"
    ) == 0  # fmt: skip

    # The restart of the worst brings the database back first.
    wave_of = {step["key"]: wave["number"] for wave in stalled["waves"] for step in wave["steps"]}
    assert wave_of["pg-main"] == 1
    assert wave_of["pg-main"] < wave_of["orders"] < wave_of["checkout"]
    assert wave_of["pricing"] < wave_of["cart"] < wave_of["checkout"]
    # What was merged is what follows from the database, and as bad as that.
    assert stalled["totals"]["headline"] == "Checkout down"
    assert all(step["verify"] for wave in stalled["waves"] for step in wave["steps"])
