"""`warroom up` and its friends, as a person types them; and what kill -9 does to each part."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.monitoring import Terminal, free_port, warroom
from tests.helpers import wait_until_sync
from warroom.embedded.boot import supervisor_of
from warroom.embedded.processes import ProcessRef, is_alive, process_ref, processes_in


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


def test_up_status_second_up_kills_down_and_up_again(env: dict[str, str]) -> None:
    done = plain(env, "up", "--detach")
    assert done.returncode == 0, done.stderr
    assert f":{env['WARROOM_API_PORT']}" in done.stdout
    found = status(env)
    assert set(found["parts"]) == {"postgres", "api", "engine"}
    assert (
        warroom(env, "incident", "declare", "before the kills", "--severity", "2")["ref"] == "INC-1"
    )

    second = plain(env, "up", "--detach")
    assert second.returncode != 0
    assert "already runs" in second.stderr
    assert "warroom console" in second.stderr

    for part in ("api", "engine", "postgres"):
        pid = status(env)["parts"][part]["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until_sync(
            lambda part=part, pid=pid: alive_again(env, part, pid),  # type: ignore[misc]
            timeout_s=60, every_s=0.2, what=f"the {part} to return",
        )  # fmt: skip
    wait_until_sync(lambda: answers(env), timeout_s=60, every_s=0.3, what="answers")
    assert status(env)["api_url"] == found["api_url"]
    assert [i["ref"] for i in warroom(env, "incident", "list")["items"]] == ["INC-1"]

    assert plain(env, "down").returncode == 0
    assert status(env)["running"] is False
    assert plain(env, "up", "--detach").returncode == 0
    assert [i["ref"] for i in warroom(env, "incident", "list")["items"]] == ["INC-1"]
    assert warroom(env, "audit", "verify")["verified"] is True
    assert "database system is ready" in plain(env, "logs", "postgres").stdout


def test_a_killed_supervisor_takes_all_along_and_loses_nothing(env: dict[str, str]) -> None:
    assert plain(env, "up", "--detach").returncode == 0
    warroom(env, "incident", "declare", "kept", "--severity", "1")
    data = json.loads(Path(env["WARROOM_DATA_DIR"], "runtime.json").read_text(encoding="utf-8"))
    os.kill(data["pid"], signal.SIGKILL)

    def all_gone() -> bool:
        return not any(Path(f"/proc/{pid}").exists() for pid in data["children"].values())

    wait_until_sync(all_gone, timeout_s=60, every_s=0.2, what="the parts to end")
    assert plain(env, "up", "--detach").returncode == 0
    assert [i["ref"] for i in warroom(env, "incident", "list")["items"]] == ["INC-1"]


def test_down_in_the_middle_of_the_start_leaves_nothing_running(env: dict[str, str]) -> None:
    data = Path(env["WARROOM_DATA_DIR"])
    starting = subprocess.Popen(
        [sys.executable, "-m", "warroom", "up", "--detach"], env={**os.environ, **env},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_until_sync(
        lambda: supervisor_of(data) is not None, timeout_s=60, every_s=0.05, what="the start"
    )
    second = plain(env, "up", "--detach")
    assert second.returncode != 0
    assert "being started" in second.stderr or "already runs" in second.stderr
    down = plain(env, "down")
    assert (down.returncode, down.stdout.strip()) == (0, "stopped")
    starting.wait(60)
    assert processes_in(data / "postgres") == []
    assert plain(env, "up", "--detach").returncode == 0
    assert answers(env)


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
