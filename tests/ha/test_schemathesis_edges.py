"""Schemathesis asks a live API for every edge of every field, and an incident that lives."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import httpx

from tests.api.conftest import serving
from tests.api.test_schemathesis import HOOKS, UNDER_ONE_INCIDENT, ask
from tests.pgfixtures import TestDatabase


async def test_every_edge_of_every_field_is_answered_as_described(
    pg18: TestDatabase, tmp_path: Path
) -> None:
    async with serving(pg18) as api:
        await ask(api, tmp_path, 1, "--phases", "coverage", "--exclude-path", "/v1/audit/verify")


async def test_schemathesis_meets_the_rules_of_a_living_incident(
    pg18: TestDatabase, tmp_path: Path
) -> None:
    """The same on incidents, people and services that are there: the services answer, not 404."""
    async with serving(pg18) as api18:
        client = api18.client()
        api18.token("luc", "read", "respond")
        for key in ("pg-main", "orders"):
            await client.add("services", {"key": key})
        with api18.pg.connect() as conn:
            conn.execute(
                "insert into warroom.field_definition (noun, key, label, type)"
                " values ('incident', 'brand', 'Brand', 'text')"
            )
        answers = tmp_path / "answers"
        await ask(
            api18, tmp_path, 8, "--phases", "fuzzing", "--mode", "positive",
            "--include-path-regex", r"^/v1/incidents/\{ref\}/",
            SCHEMATHESIS_HOOKS=str(HOOKS), ROOM_URL=api18.url, ROOM_TOKEN=api18.admin_token,
            ROOM_ANSWERS=str(answers),
        )  # fmt: skip
        met: dict[str, set[int]] = defaultdict(set)
        for line in answers.read_text(encoding="utf-8").splitlines():
            answer = json.loads(line)
            met[answer["route"]].add(answer["status"])
        async with httpx.AsyncClient(base_url=api18.url) as http:
            paths = (await http.get("/openapi.json")).json()["paths"]
        commands = {p for p in paths if p.startswith(UNDER_ONE_INCIDENT) and "post" in paths[p]}
        assert {route for route in commands if not met[route] & {200, 201, 409}} == set()
        done = {route for route in commands if met[route] & {200, 201}}
        assert len(done) * 3 >= len(commands) * 2, sorted(commands - done)
        assert (await client.verify_audit())["verified"] is True
