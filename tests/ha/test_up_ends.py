"""How `warroom up` ends: in order, whoever ends it, and with nothing left running."""

from __future__ import annotations

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
from tests.e2e.program import plain
from tests.helpers import wait_until_sync
from warroom.embedded import runtime
from warroom.embedded.boot import supervisor_of
from warroom.embedded.processes import ProcessRef, is_alive, process_ref, processes_in
from warroom.embedded.runtime import Runtime

LEFT_SCREEN = b"\x1b[?1049l"
IN_ORDER = ["Stopping the api …", "Stopping the engine …", "Stopping PostgreSQL …"]


@dataclass
class Place:
    """A data directory and a port of one's own."""

    data: Path
    env: dict[str, str]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Type a command."""
        return plain(self.env, *words)

    def stops(self) -> list[str]:
        """Return what the supervisor said of its end."""
        try:
            text = (self.data / "log" / "supervisor.log").read_text(encoding="utf-8")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.startswith("Stopping")]

    def forced(self) -> bool:
        """Say whether PostgreSQL had to end somebody who was still connected."""
        log = (self.data / "log" / "postgres.log").read_text(encoding="utf-8")
        return "terminating connection due to administrator command" in log


@pytest.fixture
def place() -> Iterator[Place]:
    """Whatever runs there is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="wr-end-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder, "data")
        found = Place(data, {"WARROOM_DATA_DIR": str(data), "WARROOM_API_PORT": str(free_port())})
        yield found
        found.run("down")


def family(up: Runtime) -> list[ProcessRef]:
    """Return the supervisor and its parts."""
    parts = [process_ref(pid) for pid in up.children.values()]
    assert set(up.children) == {"postgres", "api", "engine"}
    assert all(is_alive(part) for part in parts)
    return [up.process, *(part for part in parts if part is not None)]


def come_up(tty: PtyConsole, place: Place) -> list[ProcessRef]:
    """Wait until everything runs and the console shows it; return the processes behind it."""

    def up() -> Runtime | None:
        tty.read(0.05)
        assert tty.process.poll() is None, tty.output[-2000:]
        return runtime.running(place.data)

    found = wait_until_sync(up, timeout_s=120, what="everything to run")
    assert found is not None
    tty.read_until("No open incidents", 60)
    return family(found)


def nothing_left(place: Place, behind: list[ProcessRef]) -> None:
    """Nobody of the family lives, nobody works in the data, nothing says that it runs."""
    wait_until_sync(
        lambda: not any(is_alive(one) for one in behind), timeout_s=60, what="the end of all"
    )
    assert processes_in(place.data / "postgres") == []
    assert runtime.read(place.data) is None
    assert supervisor_of(place.data) is None
    assert place.run("down").stdout.startswith("nothing runs")


@pytest.mark.parametrize("how", ["q", "q and an impatient Ctrl-C", "down"])
def test_up_in_the_foreground_ends_in_order(place: Place, how: str) -> None:
    with PtyConsole(["-m", "warroom", "up"], (160, 45), place.env) as tty:
        behind = come_up(tty, place)
        down: subprocess.Popen[bytes] | None = None
        if how == "down":
            down = subprocess.Popen(
                [sys.executable, "-m", "warroom", "down"], env={**os.environ, **place.env},
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
        else:
            tty.press(b"q")

        def stopping() -> bool:
            tty.read(0.02)
            return bool(place.stops())

        wait_until_sync(stopping, timeout_s=60, what="the supervisor to stop")
        tty.read(0.05)
        assert LEFT_SCREEN in tty.output, "the console goes first"
        if how.endswith("Ctrl-C"):
            tty.press(b"\x03")

        def ended() -> bool:
            tty.read(0.02)
            return tty.process.poll() is not None

        wait_until_sync(ended, timeout_s=60, what="the console's process to end")
        if down is not None:
            assert down.wait(60) == 0
            assert tty.process.returncode == 128 + signal.SIGTERM
        elif how == "q":
            assert tty.process.returncode == 0
        nothing_left(place, behind)
    assert place.stops() == IN_ORDER
    assert not place.forced(), "nobody was connected any more when the database went"


def test_ctrl_c_alone_only_says_how_to_leave(place: Place) -> None:
    """A reflex must not take the room down; `q` does."""
    with PtyConsole(["-m", "warroom", "up"], (160, 45), place.env) as tty:
        behind = come_up(tty, place)
        tty.press(b"\x03")
        tty.read_until("to quit", 30)
        assert all(is_alive(one) for one in behind)
        tty.press(b"q")
        tty.read_until("stopping war room", 30)
        nothing_left(place, behind)


def test_a_killed_console_takes_everything_along_in_order(place: Place) -> None:
    with PtyConsole(["-m", "warroom", "up"], (160, 45), place.env) as tty:
        behind = come_up(tty, place)
        tty.signal(signal.SIGKILL)
        nothing_left(place, behind)
    assert place.stops() == IN_ORDER


def test_a_killed_supervisor_leaves_nobody_behind(place: Place) -> None:
    """Nobody is left to stop anything: each part ends by itself, and the data are whole."""
    assert place.run("up", "--detach").returncode == 0
    up = runtime.running(place.data)
    assert up is not None
    behind = family(up)
    os.kill(up.pid, signal.SIGKILL)
    wait_until_sync(
        lambda: not any(is_alive(one) for one in behind), timeout_s=60, what="the end of all"
    )
    assert processes_in(place.data / "postgres") == []
    assert place.stops() == []
    assert place.run("up", "--detach").returncode == 0
    assert place.run("incident", "list", "--json").returncode == 0


def test_a_detached_start_goes_on_when_its_starter_is_killed(place: Place) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-m", "warroom", "up", "--detach"], env={**os.environ, **place.env},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_until_sync(lambda: supervisor_of(place.data), timeout_s=60, what="the supervisor")
    starter.kill()
    starter.wait()
    up = wait_until_sync(lambda: runtime.running(place.data), timeout_s=120, what="all to run")
    assert up is not None
    api = process_ref(up.children["api"])
    os.kill(up.children["api"], signal.SIGKILL)
    wait_until_sync(lambda: not is_alive(api), what="the end of the API")

    def again() -> bool:
        """Whoever brings it back is watching, long after the starter's end."""
        found = runtime.running(place.data)
        return found is not None and found.children["api"] not in (0, up.children["api"])

    wait_until_sync(again, timeout_s=60, what="the API to return")
    wait_until_sync(
        lambda: place.run("incident", "list", "--json").returncode == 0,
        timeout_s=60, what="an answer",
    )  # fmt: skip
    assert place.run("down").returncode == 0
    assert place.stops() == IN_ORDER
