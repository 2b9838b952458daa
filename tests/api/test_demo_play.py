"""The demo's people on a real API: they act as people do, and leave room for whoever is there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.helpers import wait_until
from warroom.client import Client
from warroom.embedded.demo.acts import (
    NothingToDo,
    NotYours,
    SomebodyIsAtIt,
    Stage,
    close_the_day,
    do,
)
from warroom.embedded.demo.build import build_dependencies, build_people, build_services
from warroom.embedded.demo.data import Act, Alerts, Day, Estate, load_estate
from warroom.embedded.demo.player import Player
from warroom.errors import Refused

ESTATE = Estate(
    teams=({"key": "databases", "name": "Databases"},),
    people=({"name": "mira", "teams": ["databases"]}, {"name": "luc", "teams": ["databases"]}),
    policies=(
        {
            "key": "quick",
            "name": "Quick",
            "repeat": 1,
            "steps": [{"after": 10, "target_kind": "team", "target": "owner"}],
        },
    ),
    services=(
        {"key": "pg-main", "name": "Main database", "tier": 0, "team": "databases"},
        {"key": "orders", "name": "Orders", "tier": 1, "team": "databases"},
    ),
    dependencies=(("orders", "pg-main", "hard"),),
)


async def people(api: Api) -> Mapping[str, Client]:
    """Build the small estate; return its people and its monitoring."""
    tokens = await build_people(api.client(), ESTATE, 60.0)
    await build_services(api.client(), ESTATE.services)
    await build_dependencies(api.client(), ESTATE.dependencies)
    return {name: api.client(token) for name, token in tokens.items()}


def stage(*, room_s: float = 0.0) -> Stage:
    return Stage(600.0, frozenset({"mira", "luc"}), room_s)


def act(verb: str, **words: Any) -> Act:
    return Act(0.0, "mira", "pg-main", verb, words)


async def test_the_estate_is_built_whole_and_a_second_time_changes_nothing(api18: Api) -> None:
    estate = load_estate()
    tokens = await build_people(api18.client(), estate, 60.0)
    assert [name for name, token in tokens.items() if not token] == ["ana"]  # is there already
    assert set(tokens) == {"monitoring", "delivery", *(person["name"] for person in estate.people)}
    await build_services(api18.client(), estate.services)
    await build_dependencies(api18.client(), estate.dependencies)
    counts = [api18.count(table) for table in ("team", "service", "dependency")]
    assert counts[0] >= len(estate.teams)
    assert counts[1] >= len(estate.services)
    assert counts[2] == len(estate.dependencies)
    again = await build_people(api18.client(), estate, 60.0)
    await build_services(api18.client(), estate.services)
    await build_dependencies(api18.client(), estate.dependencies)
    assert set(again) == set(tokens)
    assert not any(again.values())
    assert [api18.count(table) for table in ("team", "service", "dependency")] == counts


async def test_an_incident_that_somebody_took_is_theirs_and_colleagues_only_help(
    api18: Api,
) -> None:
    cast = await people(api18)
    ana = api18.client()
    made = await ana.declare("Stall", 1, services=["pg-main"])
    await ana.acknowledge(made["ref"], made["version"])
    for verb, words in (
        ("acknowledge", {}),
        ("set_status", {"status": "mitigating"}),
        ("log", {"kind": "decision", "text": "Fail over"}),
        ("resolve", {"note": "Over"}),
    ):
        with pytest.raises(NotYours, match="INC-1"):
            await do(cast["mira"], act(verb, **words), stage(), f"k-{verb}")
    shared = stage()
    await do(
        cast["mira"], act("log", kind="hypothesis", text="A leak", confidence=0.5, name="leak"),
        shared, "k1",
    )  # fmt: skip
    await do(
        cast["luc"], act("log", kind="evidence", text="500 of 500", about="leak", stance="for"),
        shared, "k2",
    )  # fmt: skip
    later = {"kind": "evidence", "text": "Better since", "about": "leak", "stance": "for"}
    with pytest.raises(NothingToDo, match="waves"):
        await do(cast["luc"], Act(0.0, "luc", "pg-main", "log", later, "waves"), shared, "k3")
    found = await ana.incident("INC-1")
    assert found["owner"]["name"] == "ana"
    assert found["status"] == "acknowledged"
    texts = [e["text"] for e in (await ana.timeline("INC-1"))["items"]]
    assert {"A leak", "500 of 500"} <= set(texts)
    assert "Fail over" not in texts


async def test_nobody_acts_where_somebody_has_just_done_something(api18: Api) -> None:
    cast = await people(api18)
    ana = api18.client()
    await ana.declare("Stall", 1, services=["pg-main"])
    with pytest.raises(SomebodyIsAtIt, match="ana is at INC-1") as raised:
        await do(cast["mira"], act("acknowledge"), stage(room_s=600.0), "k1")
    assert 0 < raised.value.wait_s <= 600.0
    assert (await ana.incident("INC-1"))["status"] == "triggered"
    await do(cast["mira"], act("acknowledge"), stage(), "k1")
    assert (await ana.incident("INC-1"))["owner"]["name"] == "mira"
    with pytest.raises(Refused):
        await do(cast["luc"], act("acknowledge"), stage(), "k2")


async def test_an_act_means_the_service_s_own_incident_first(api18: Api) -> None:
    cast = await people(api18)
    await cast["mira"].declare("Both", 1, services=["pg-main", "orders"])
    with pytest.raises(NothingToDo, match="no open incident of search"):
        await do(cast["mira"], Act(0.0, "mira", "search", "acknowledge", {}), stage(), "k0")
    await cast["luc"].declare("Orders only", 2, services=["orders"])
    await do(cast["luc"], Act(0.0, "luc", "orders", "acknowledge", {}), stage(), "k1")
    assert (await cast["mira"].incident("INC-2"))["status"] == "acknowledged"
    await do(cast["luc"], Act(0.0, "luc", "orders", "merge", {"into": "pg-main"}), stage(), "k2")
    assert (await cast["mira"].incident("INC-2"))["merged_into"] == "INC-1"
    with pytest.raises(NothingToDo, match="one incident already"):
        await do(
            cast["luc"], Act(0.0, "luc", "orders", "merge", {"into": "pg-main"}), stage(), "k3"
        )


async def test_the_day_s_end_closes_what_nobody_else_has(api18: Api) -> None:
    cast = await people(api18)
    ana = api18.client()
    await cast["mira"].declare("Left over", 3, services=["orders"])
    await cast["mira"].declare("Spoken of by ana", 3)
    await ana.log_entry("INC-2", "fact", "I look at it")
    await ana.declare("Declared by ana", 3)
    await close_the_day(cast["mira"], stage(), "close")
    left = await ana.incident("INC-1")
    assert left["status"] == "resolved"
    assert left["acknowledged_at"] <= left["resolved_at"]
    for ref in ("INC-2", "INC-3"):
        assert (await ana.incident(ref))["status"] == "triggered"


async def test_days_follow_each_other_without_clashing(api18: Api) -> None:
    """Each day's alerts are new ones and open an incident of their own."""
    day = Day(
        length=10.0,
        alerts=(Alerts(1.0, 3.0, "pg-main", "critical", "Stall", "stalls", "pg", count=2),),
        acts=(
            Act(2.0, "mira", "pg-main", "acknowledge", {}),
            Act(5.0, "mira", "pg-main", "resolve", {"note": "Cause: a lock"}),
        ),
    )
    player = Player(api18.url, api18.admin_token, seed=3, speed=600.0, estate=ESTATE, day=day)
    playing = asyncio.create_task(player.run())
    ended = "resolved_at is not null"
    try:
        await wait_until(
            lambda: playing.done() or api18.count("incident", ended) >= 3,
            timeout_s=60, every_s=0.1, what="three days",
        )  # fmt: skip
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
    assert list(player.errors) == []
    assert list(player.skipped) == []
    assert api18.count("incident", f"{ended} and acknowledged_at is null") == 0
    assert api18.count("incident", f"{ended} and firing_count > 0") == 0
    days = api18.count("incident")
    assert api18.count("alert") == 2 * days
    assert api18.count("alert", "count > 1") == 0


async def test_whoever_bears_a_name_of_the_script_plays_that_part(api18: Api) -> None:
    """The administrator is called ana: the ana of the script does nothing then."""
    estate = Estate(
        teams=ESTATE.teams,
        people=(*ESTATE.people, {"name": "ana", "teams": ["databases"]}),
        policies=ESTATE.policies,
        services=ESTATE.services,
        dependencies=(),
    )
    day = Day(
        length=600.0,
        alerts=(Alerts(0.0, 500.0, "pg-main", "critical", "Stall", "stalls", "pg"),),
        acts=(
            Act(2.0, "ana", "pg-main", "take_role", {"role": "commander"}),
            Act(4.0, "luc", "pg-main", "acknowledge", {}),
        ),
    )
    player = Player(api18.url, api18.admin_token, seed=3, speed=600.0, estate=estate, day=day)
    playing = asyncio.create_task(player.run())
    try:
        await wait_until(
            lambda: playing.done() or api18.count("incident", "acknowledged_at is not null"),
            timeout_s=60, every_s=0.1, what="luc",
        )  # fmt: skip
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
    assert list(player.errors) == []
    assert api18.count("role_held") == 0


async def test_no_alert_comes_before_its_service(api18: Api) -> None:
    """The day begins while the estate is still being built: the catalogue's word comes first."""
    keys = [f"job-{n}" for n in range(30)]
    many = tuple({"key": key, "name": f"Job {key}", "tier": 1, "team": "databases"} for key in keys)
    estate = Estate(ESTATE.teams, ESTATE.people, ESTATE.policies, many, ())
    day = Day(
        length=6000.0,
        alerts=tuple(Alerts(0.0, 900.0, key, "warning", "Late", "late", "job") for key in keys),
        acts=(),
    )
    player = Player(
        api18.url, api18.admin_token, seed=3, speed=600.0, estate=estate, day=day, first_s=0.0
    )
    playing = asyncio.create_task(player.run())
    try:
        await wait_until(
            lambda: playing.done() or api18.count("alert") >= len(many),
            timeout_s=60, every_s=0.1, what="all alerts",
        )  # fmt: skip
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
    assert list(player.errors) == []
    assert api18.count("service", "key like 'job-%' and name like 'Job %'") == len(many)
    with api18.pg.connect() as conn:
        titles = [row[0] for row in conn.execute("select title from warroom.incident")]
    assert titles
    assert all(title.startswith("Job ") for title in titles)
