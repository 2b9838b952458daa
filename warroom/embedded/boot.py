"""How far a start has come: one JSON object a line, written by the supervisor, read by others."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from warroom.embedded import runtime
from warroom.embedded.paths import DataPaths
from warroom.embedded.processes import PARENT_VARIABLE, ProcessRef, is_alive
from warroom.embedded.runtime import Runtime
from warroom.errors import AlreadyRunning, ClusterError

START_S = 180.0
LOOK_EVERY_S = 0.03


class BootLog:
    """The supervisor's side."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_text("", encoding="utf-8")
        path.chmod(0o600)

    def _add(self, line: Mapping[str, str]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def say(self, sentence: str) -> None:
        """Tell a phase."""
        self._add({"say": sentence})

    def ready(self) -> None:
        """Tell that everything runs."""
        self._add({"ready": "yes"})

    def failed(self, sentence: str) -> None:
        """Tell why it does not run."""
        self._add({"failed": sentence})


def refuse_second(data_dir: Path) -> None:
    """Refuse to start where an instance runs.

    Raises:
        AlreadyRunning: says how to open a console on it.
    """
    found = runtime.running(data_dir)
    if found is not None:
        raise AlreadyRunning(
            f"War room already runs on {data_dir} (process {found.pid}, {found.api_url}).",
            remedy="Open a console with `warroom console`, or stop it with `warroom down`.",
        )
    if is_locked(DataPaths(data_dir)):
        raise AlreadyRunning(
            f"War room is being started or stopped on {data_dir}.",
            remedy="Wait a moment and look with `warroom status`.",
        )


def is_locked(paths: DataPaths) -> bool:
    """Tell whether a supervisor holds the data directory, one that still boots included."""
    try:
        with paths.lock_file.open("rb") as file:
            # Shared, so that two who look do not see each other.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def supervisor_of(data_dir: Path) -> ProcessRef | None:
    """Return the supervisor of a data directory, one that still boots or stops included."""
    paths = DataPaths(data_dir)
    if not is_locked(paths):
        return None
    pid, _, started = paths.lock_file.read_text(encoding="ascii", errors="replace").partition(" ")
    found = ProcessRef(int(pid), started) if pid.isdigit() else None
    return found if is_alive(found) else None


def start(
    data_dir: Path,
    say: Callable[[str], None],
    *,
    detach: bool,
    extra: Mapping[str, str] | None = None,
) -> Runtime:
    """Start a supervisor on a data directory and wait until everything runs.

    Args:
        data_dir: where its data are.
        say: called with each phase.
        detach: whether it outlives us.
        extra: additions to its environment.

    Raises:
        AlreadyRunning: an instance runs there.
        ClusterError: it did not come up; says why.
    """
    refuse_second(data_dir)
    paths = DataPaths(data_dir)
    paths.prepare()
    paths.boot_file.unlink(missing_ok=True)
    environment = {**os.environ, **(extra or {}), "WARROOM_DATA_DIR": str(data_dir)}
    environment[PARENT_VARIABLE] = "0" if detach else str(os.getpid())
    with paths.log("supervisor").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "warroom", "up", "--supervise"],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    follow(paths, child, say)
    found = runtime.running(data_dir)
    if found is None:
        raise ClusterError("The supervisor ended right after the start; see `warroom logs`.")
    return found


def follow(paths: DataPaths, child: subprocess.Popen[bytes], say: Callable[[str], None]) -> None:
    """Tell each phase as it comes, until everything runs.

    Raises:
        ClusterError: it failed, ended, or took longer than three minutes.
    """
    deadline = time.monotonic() + START_S
    seen = 0
    while time.monotonic() < deadline:
        ended = child.poll() is not None
        try:
            lines = paths.boot_file.read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        for text in lines[seen:]:
            line = json.loads(text)
            if "failed" in line:
                raise ClusterError(line["failed"])
            if "ready" in line:
                return
            say(line["say"])
        seen = len(lines)
        if ended:
            raise ClusterError(
                f"The supervisor ended with status {child.returncode}.",
                remedy="`warroom logs supervisor` says why.",
            )
        time.sleep(LOOK_EVERY_S)
    child.terminate()
    raise ClusterError("War room did not come up within three minutes.")
