"""The OpenAPI document is true: schemathesis asks a live API what it says it takes.

Every edge of every field, and the rules of an incident that lives, are asked for in ``tests/ha``.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

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
