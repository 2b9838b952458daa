"""The OpenAPI document is true: schemathesis asks a live API what it says it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.api.conftest import Api

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)


async def test_schemathesis_finds_the_description_true(api18: Api, tmp_path: Path) -> None:
    import asyncio

    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{api18.url}/openapi.json",
        "--header",
        f"Authorization: Bearer {api18.admin_token}",
        "--checks",
        CHECKS,
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "4",
        "--seed",
        "1",
        "--workers",
        "1",
        "--no-color",
        "--generation-database",
        "none",
        "--exclude-path",
        "/v1/audit/verify",
    ]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
