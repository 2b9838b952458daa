"""The whole program in a folder of its own, typed as people do: `warroom up`, `status`, `down`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.monitoring import free_port, warroom


@pytest.fixture
def env() -> Iterator[dict[str, str]]:
    """A data directory and a port of one's own; whatever runs there is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="wr-up-") as folder:
        Path(folder).chmod(0o755)
        found = {"WARROOM_DATA_DIR": f"{folder}/data", "WARROOM_API_PORT": str(free_port())}
        yield found
        plain(found, "down")


def plain(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "warroom", *words], env={**os.environ, **env}, text=True,
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip


def status(env: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = warroom(env, "status")
    return found


def alive_again(env: dict[str, str], part: str, before: int) -> bool:
    found = status(env).get("parts", {}).get(part, {})
    return bool(found.get("alive")) and found["pid"] != before


def answers(env: dict[str, str]) -> bool:
    done = plain(env, "incident", "list", "--json")
    return done.returncode == 0
