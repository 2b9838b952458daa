"""Schemathesis asks a live API for every edge of every field of its description."""

from __future__ import annotations

from pathlib import Path

from tests.api.conftest import serving
from tests.api.test_schemathesis import ask
from tests.pgfixtures import TestDatabase


async def test_every_edge_of_every_field_is_answered_as_described(
    pg18: TestDatabase, tmp_path: Path
) -> None:
    async with serving(pg18) as api:
        await ask(api, tmp_path, 1, "--phases", "coverage", "--exclude-path", "/v1/audit/verify")
