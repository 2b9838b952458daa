"""What the tests of the room's commands share."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api

Json = dict[str, Any]


async def opened(api: Api, *services: str, severity: int = 2) -> Json:
    """Declare an incident on services that are made for it."""
    client = api.client()
    for key in services:
        await client.add("services", {"key": key})
    return await client.declare("Checkout fails", severity, services=list(services))


async def texts(api: Api, ref: str) -> list[str]:
    """Return the timeline's texts, newest first."""
    return [entry["text"] for entry in (await api.client().timeline(ref, limit=200))["items"]]


async def entry_id(api: Api, ref: str, text: str) -> str:
    for entry in (await api.client().timeline(ref))["items"]:
        if entry["text"] == text:
            return str(entry["id"])
    raise AssertionError(f"no entry {text!r}")


async def verified(api: Api) -> None:
    verdict = await api.client().verify_audit()
    assert verdict["verified"] is True, verdict["problems"]
