"""What holds for all tests: nothing of the developer's own settings reaches them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no bug: hypothesis must not fail an example for its duration.
settings.register_profile("warroom", deadline=None)
settings.load_profile("warroom")


@pytest.fixture(autouse=True)
def own_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Hide the developer's WARROOM_* variables and configuration file."""
    for name in list(os.environ):
        if name.startswith("WARROOM_") and not name.startswith("WARROOM_TEST_"):
            monkeypatch.delenv(name)
    nowhere: Path = tmp_path_factory.getbasetemp() / "no-config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(nowhere))
    monkeypatch.delenv("NO_COLOR", raising=False)


pytest_plugins = ["tests.pgfixtures"]
