"""The OpenAPI document is true: schemathesis asks a live API what it says it takes.

Every edge of every field, which takes minutes, is asked for in ``tests/ha``.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import httpx

from tests.api.conftest import Api

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)
HOOKS = Path(__file__).with_name("schemathesis_room.py")
UNDER_ONE_INCIDENT = "/v1/incidents/{ref}/"


async def ask(api: Api, folder: Path, examples: int, *options: str, **env: str) -> None:
    """Let schemathesis ask the API; fails with its report when an answer is not as described."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{api.url}/openapi.json",
        "--header", f"Authorization: Bearer {api.admin_token}", "--checks", CHECKS,
        "--max-examples", str(examples), "--seed", "1",
        "--workers", "1", "--no-color", "--generation-database", "none",
        *options,
    ]  # fmt: skip
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, cwd=folder, check=False,
        env=os.environ | env,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


async def test_schemathesis_finds_the_description_true(api18: Api, tmp_path: Path) -> None:
    await ask(
        api18, tmp_path, 2, "--phases", "examples,fuzzing",
        "--exclude-path", "/v1/audit/verify",
    )  # fmt: skip


async def test_schemathesis_meets_the_rules_of_a_living_incident(
    api18: Api, tmp_path: Path
) -> None:
    """The same on incidents, people and services that are there: the services answer, not 404."""
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
