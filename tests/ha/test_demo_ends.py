"""The demo's folder, its figures, and the supervisor's log: also when somebody is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.console.ptyrun import PtyConsole
from tests.e2e.monitoring import free_port
from tests.helpers import wait_until_sync
from warroom.embedded import runtime
from warroom.embedded.paths import LOG_LIMIT, DataPaths
from warroom.embedded.processes import is_alive, processes_in
from warroom.embedded.throwaway import PREFIX


@dataclass
class Place:
    """A temporary directory and a port of one's own."""

    folder: Path
    env: dict[str, str]

    def folders(self) -> list[Path]:
        """Return the demos' folders."""
        return sorted(self.folder.glob(f"{PREFIX}*"))

    def up(self) -> runtime.Runtime | None:
        """Return the demo that runs here."""
        found = [runtime.running(folder / "data") for folder in self.folders()]
        return next((one for one in found if one is not None), None)


@pytest.fixture
def place() -> Iterator[Place]:
    """Whatever is left there at the end is stopped."""
    with tempfile.TemporaryDirectory(prefix="wr-de-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield Place(folder, {"TMPDIR": name, "WARROOM_API_PORT": str(free_port())})
        for data in [*folder.glob(f"{PREFIX}*/data"), folder / "data"]:
            subprocess.run(
                [sys.executable, "-m", "warroom", "down"],
                env=os.environ | {"WARROOM_DATA_DIR": str(data)}, check=False,
                capture_output=True, timeout=120,
            )  # fmt: skip


def start_demo(place: Place, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "warroom", "demo", *words], env={**os.environ, **place.env},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_next_demo_removes_what_a_killed_one_left(place: Place) -> None:
    killed = start_demo(place, "--headless", "--seconds", "600")
    up = wait_until_sync(place.up, timeout_s=120, what="the demo to run")
    assert up is not None
    (left,) = place.folders()
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    wait_until_sync(lambda: not is_alive(up.process), timeout_s=60, what="the supervisor's end")
    wait_until_sync(
        lambda: not processes_in(left / "data" / "standby"), timeout_s=60, what="the standby's end"
    )
    assert left.is_dir()
    following = start_demo(place, "--headless", "--seconds", "1", "--json")
    out, err = following.communicate(timeout=180)
    assert f"{left} was left behind" in err
    assert json.loads(out.splitlines()[-1])["audit_verified"] is True
    assert place.folders() == []


def test_a_demo_with_a_screen_ends_with_its_figures(place: Place) -> None:
    with PtyConsole(["-m", "warroom", "demo", "--json"], (160, 45), place.env) as tty:

        def running() -> runtime.Runtime | None:
            tty.read(0.05)
            assert tty.process.poll() is None, tty.output[-2000:]
            return place.up()

        wait_until_sync(running, timeout_s=120, what="the demo to run")
        tty.read_until("INC-1", 60)
        tty.press(b"q")

        def ended() -> bool:
            tty.read(0.05)
            return tty.process.poll() is not None

        wait_until_sync(ended, timeout_s=120, what="the demo's end")
        assert tty.process.returncode == 0
        found = json.loads(tty.output.decode().strip().splitlines()[-1])
    assert 0 < found["first_frame_s"] < found["up_after_s"] <= found["seconds"]
    assert (found["audit_verified"], found["errors"]) == (True, [])
    assert found["incidents_opened"] >= 1
    assert place.folders() == []


def test_the_supervisors_log_is_turned_while_it_runs(place: Place) -> None:
    data = place.folder / "data"
    env = os.environ | place.env | {"WARROOM_DATA_DIR": str(data)}

    def warroom(*words: str) -> None:
        subprocess.run([sys.executable, "-m", "warroom", *words], env=env, check=True,
                       capture_output=True, timeout=120)  # fmt: skip

    warroom("up", "--detach")
    log = DataPaths(data).log("supervisor")
    with log.open("ab") as out:
        out.write(b"what was said before\n" + b"x" * LOG_LIMIT + b"\n")
    aside = log.with_name("supervisor.log.1")
    wait_until_sync(aside.exists, what="the log to be put aside")
    assert b"what was said before" in aside.read_bytes()[: LOG_LIMIT // 2]
    warroom("down")
    said = log.read_text("utf-8").splitlines()
    assert "Stopping PostgreSQL …" in said
    assert log.stat().st_size < LOG_LIMIT
