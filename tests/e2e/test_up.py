"""`warroom up` and its friends, as a person types them; and what kill -9 does to each part."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from tests.e2e.monitoring import Terminal
from tests.e2e.program import answers, env, plain, status
from tests.helpers import wait_until_sync
from warroom.embedded.processes import ProcessRef, is_alive, process_ref

__all__ = ["env"]


def test_a_taken_port_is_said_and_the_next_one_used(env: dict[str, str]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", int(env["WARROOM_API_PORT"])))
        holder.listen()
        done = plain(env, "up", "--detach")
    assert done.returncode == 0, done.stderr
    assert "is taken" in done.stdout
    assert answers(env)


def test_data_of_another_major_version_are_refused_untouched(env: dict[str, str]) -> None:
    postgres = Path(env["WARROOM_DATA_DIR"], "postgres")
    postgres.mkdir(parents=True)
    (postgres / "PG_VERSION").write_text("14\n", encoding="ascii")
    done = plain(env, "up", "--detach")
    assert done.returncode != 0
    assert "PostgreSQL 14" in done.stderr
    assert [p.name for p in postgres.iterdir()] == ["PG_VERSION"]


def test_debians_15_works_too(env: dict[str, str]) -> None:
    env["WARROOM_PG_BIN"] = "/usr/lib/postgresql/15/bin"
    assert plain(env, "up", "--detach").returncode == 0
    assert status(env)["pg_version"].startswith("15")
    assert answers(env)


def test_the_demo_counts_what_happened(env: dict[str, str]) -> None:
    done = plain(env, "demo", "--headless", "--seconds", "26", "--json", "--seed", "7")
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["alerts"] >= 30
    assert found["incidents_opened"] >= 4
    for name in ("acknowledged", "resolved", "escalated", "timeline_entries", "audit_entries"):
        assert found[name] >= 1, name
    assert found["audit_verified"] is True
    assert found["standby_state"] == "streaming"
    assert 0 <= found["standby_lag_s"] < 60
    assert found["errors"] == []


@pytest.mark.parametrize("speed", ["0", "0.5", "601", "nan", "inf", "fast"])
def test_a_speed_that_nobody_can_follow_is_refused(env: dict[str, str], speed: str) -> None:
    done = plain(env, "demo", "--headless", "--speed", speed)
    assert done.returncode == 2
    assert "--speed" in done.stderr
    assert not Path(env["WARROOM_DATA_DIR"]).exists()


def test_the_demo_in_a_terminal_shows_its_day_and_leaves_nothing_behind() -> None:
    """The first incident comes by itself, colleagues act, and `q` ends and removes everything."""
    folder = Path(tempfile.mkdtemp(prefix="wr-demo-"))
    folder.chmod(0o755)
    env = {"TMPDIR": str(folder), "WARROOM_API_PORT": "0"}
    command = f"{sys.executable} -m warroom demo --seed 3 --speed 120"
    terminal = Terminal(command, env, 160, 45)
    try:
        terminal.wait_for("INC-1")
        terminal.wait_for("Main database: out of connections")
        terminal.wait_for("◆ana")
        player = wait_until_sync(
            lambda: processes_with(f"TMPDIR={folder}", "--play"), what="the player"
        )
        terminal.type("q")
        terminal.wait_for("ENDED 0")
        wait_until_sync(lambda: not any(map(is_alive, player)), what="the player to end")
        assert list(folder.iterdir()) == []
    finally:
        terminal.close()
        shutil.rmtree(folder, ignore_errors=True)


def processes_with(variable: str, word: str) -> list[ProcessRef]:
    """Return the processes that have this in their environment and that word on their line."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if (
                folder.name.isdigit()
                and variable.encode() in (folder / "environ").read_bytes().split(b"\0")
                and word.encode() in (folder / "cmdline").read_bytes().split(b"\0")
            ):
                found.append(process_ref(int(folder.name)))
    return [process for process in found if process is not None]
