"""Makes the estate through the API, as an administrator would; running it again changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.client import Client, new_key, retry_until_known
from warroom.embedded.demo.data import Estate
from warroom.errors import AlreadyExists

SHORTEST_STEP_S = 3
_POLICY_OF_TIER = {0: "quick", 1: "quick", 2: "office"}


async def build(admin: Client, estate: Estate, speed: float) -> dict[str, str]:
    """Make teams, people, policies, services, dependencies and the alert source.

    Args:
        admin: a client with scope admin.
        estate: what to make.
        speed: seconds of the day in one second; the policies' delays shrink with it.

    Returns:
        The bearer tokens by person's name, and that of the alert source as ``monitoring``.
    """
    tokens: dict[str, str] = {}
    for team in estate.teams:
        await _add(admin, "teams", team)
    for person in estate.people:
        made = await _add(admin, "people", person)
        tokens[person["name"]] = str(made.get("token") or "")
    for policy in estate.policies:
        steps = [_step(step, speed) for step in policy["steps"]]
        await _add(admin, "policies", {**policy, "steps": steps})
    for service in estate.services:
        policy_key = _POLICY_OF_TIER.get(service["tier"], "relaxed")
        await _add(admin, "services", {**service, "policy": policy_key})
    for above, below, hardness in estate.dependencies:
        body = {"service": above, "depends_on": below, "hardness": hardness}
        await _add(admin, "dependencies", body)
    made = await _add(admin, "sources", {"key": "monitoring", "name": "Demo monitoring"})
    tokens["monitoring"] = str(made.get("token") or "")
    return tokens


def _step(step: Mapping[str, Any], speed: float) -> dict[str, Any]:
    delay_s = max(round(step["after"] * 60 / speed), SHORTEST_STEP_S)
    return {"delay_s": delay_s, "target_kind": step["target_kind"], "target": step["target"]}


async def _add(admin: Client, noun: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    key = new_key()
    try:
        return await retry_until_known(lambda: admin.add(noun, body, key=key))
    except AlreadyExists:
        return {}
