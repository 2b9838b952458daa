"""Makes the estate through the API, as an administrator would; running it again changes nothing.

What the day needs first is made first, so that the day does not wait for the last dependency.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from warroom.client import Client, new_key, retry_until_known
from warroom.embedded.demo.data import Day, Estate
from warroom.errors import AlreadyExists

SHORTEST_STEP_S = 3
MACHINES = frozenset({"monitoring", "delivery"})
"""What sends through the public doors besides people: alerts, and changes."""
AT_ONCE = 6
_POLICY_OF_TIER = {0: "quick", 1: "quick", 2: "office"}
_Body = Mapping[str, Any]
Services = Sequence[_Body]


async def build_people(admin: Client, estate: Estate, speed: float) -> dict[str, str]:
    """Make teams, people, policies and the sources of alerts and changes.

    Args:
        admin: a client with scope admin.
        estate: what to make.
        speed: seconds of the day in one second; the policies' delays shrink with it.

    Returns:
        The bearer tokens by person's name, and those of the sources by ``MACHINES``.
    """
    await _all(admin, (("teams", team) for team in estate.teams))
    made = await _all(
        admin,
        [("sources", {"key": key, "name": f"Demo {key}"}) for key in sorted(MACHINES)]
        + [("people", person) for person in estate.people],
    )
    names = [*sorted(MACHINES), *(person["name"] for person in estate.people)]
    await _all(
        admin,
        (
            ("policies", {**policy, "steps": [_step(step, speed) for step in policy["steps"]]})
            for policy in estate.policies
        ),
    )
    return {name: str(one.get("token") or "") for name, one in zip(names, made, strict=True)}


async def build_services(admin: Client, services: Services) -> None:
    """Make services, each with the policy of its tier."""
    await _all(
        admin,
        (
            ("services", {**one, "policy": _POLICY_OF_TIER.get(one["tier"], "relaxed")})
            for one in services
        ),
    )


async def build_dependencies(admin: Client, dependencies: Iterable[tuple[str, str, str]]) -> None:
    """Say which service needs which."""
    await _all(
        admin,
        (
            ("dependencies", {"service": above, "depends_on": below, "hardness": hardness})
            for above, below, hardness in dependencies
        ),
    )


def split_services(estate: Estate, day: Day, until: float) -> tuple[Services, Services]:
    """Return the services that the day names before minute ``until``, and all the others."""
    named = {burst.service for burst in day.alerts if burst.at < until}
    for act in day.acts:
        if act.at < until:
            named |= {act.on, *act.words.get("services", ())}
            named |= {act.words["service"]} if "service" in act.words else set()
    first = tuple(s for s in estate.services if s["key"] in named)
    return first, tuple(s for s in estate.services if s["key"] not in named)


def _step(step: _Body, speed: float) -> dict[str, Any]:
    delay_s = max(round(step["after"] * 60 / speed), SHORTEST_STEP_S)
    return {"delay_s": delay_s, "target_kind": step["target_kind"], "target": step["target"]}


async def _all(admin: Client, wanted: Iterable[tuple[str, _Body]]) -> list[_Body]:
    """Add them a few at a time; return what was made, in the same order."""
    room = asyncio.Semaphore(AT_ONCE)

    async def add(noun: str, body: _Body) -> _Body:
        key = new_key()
        async with room:
            try:
                return await retry_until_known(lambda: admin.add(noun, body, key=key))
            except AlreadyExists:
                return {}

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(add(noun, body)) for noun, body in wanted]
    return [task.result() for task in tasks]
