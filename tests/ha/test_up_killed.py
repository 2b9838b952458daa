"""`warroom up` and kill -9: its parts come back, or go with it, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.e2e.monitoring import warroom
from tests.e2e.program import alive_again, answers, env, plain, status
from tests.helpers import wait_until_sync
from warroom.embedded.boot import supervisor_of
from warroom.embedded.processes import processes_in

__all__ = ["env"]


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
