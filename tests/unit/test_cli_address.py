"""Where the command line goes when nobody has set an address."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from warroom.cli.common import api_and_token, settings_from
from warroom.embedded import runtime
from warroom.embedded.paths import DataPaths
from warroom.embedded.processes import process_ref


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataPaths:
    """A data directory on which an instance runs: this very process."""
    me = process_ref(os.getpid())
    assert me is not None
    paths = DataPaths(tmp_path)
    for name in ("WARROOM_API_URL", "WARROOM_TOKEN", "WARROOM_TOKEN_FILE", "WARROOM_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WARROOM_DATA_DIR", str(tmp_path))
    runtime.write(
        paths,
        runtime.Runtime(me.pid, me.started, "http://127.0.0.1:8455", "", "", "18", "", "no-token"),
    )
    return paths


def test_a_token_of_ones_own_goes_to_the_instance_that_runs_here(
    here: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARROOM_TOKEN", "wr_mira")
    assert api_and_token(settings_from(argparse.Namespace())) == (
        "http://127.0.0.1:8455", "wr_mira",
    )  # fmt: skip
    here.runtime_file.unlink()
    assert api_and_token(settings_from(argparse.Namespace()))[0] == "http://127.0.0.1:8420"


def test_an_address_that_was_set_is_used(here: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here.runtime_file.exists()
    monkeypatch.setenv("WARROOM_TOKEN", "wr_mira")
    monkeypatch.setenv("WARROOM_API_URL", "http://127.0.0.1:8420")
    assert api_and_token(settings_from(argparse.Namespace()))[0] == "http://127.0.0.1:8420"
