"""One PostgreSQL server that we make, start, watch and stop ourselves.

The server is a direct child of whoever calls ``start``: it ends with its parent (Linux), and a
server that a killed parent left behind is found again by its data directory, not by a number in
a file.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from warroom.embedded.binaries import Binaries
from warroom.embedded.identity import Identity, clean_environment
from warroom.embedded.paths import PORT, check_socket_length
from warroom.embedded.pgconfig import SUPERUSER, write_configuration
from warroom.embedded.processes import (
    ProcessRef,
    die_with_parent,
    is_alive,
    process_ref,
    processes_in,
    send_signal,
    wait_until,
    works_in,
)
from warroom.errors import AlreadyRunning, ClusterError, WrongMajorVersion

StopMode = Literal["smart", "fast", "immediate"]
_STOP_SIGNALS: Mapping[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
_LOG_TAIL_LINES = 8
_ENCODING = ("--encoding=UTF8", "--no-instructions", "--auth-local=peer", "--auth-host=reject")


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What is known of a server: ``state`` is absent, stopped, starting or ready."""

    state: Literal["absent", "stopped", "starting", "ready"]
    process: ProcessRef | None = None
    major: int | None = None


class Cluster:
    """A PostgreSQL data directory and the server on it.

    Args:
        data_dir: PGDATA; made by ``init``.
        socket_dir: private folder of the Unix socket; there is no TCP.
        binaries: programs that ``identity`` can run.
        identity: the operating system user that runs the server.
        settings: additions to the server's configuration.
        log_file: where the server's stderr goes; beside the data directory by default.
        port: names the socket in its folder; two servers may share the folder.
    """

    def __init__(
        self,
        data_dir: Path,
        socket_dir: Path,
        binaries: Binaries,
        identity: Identity,
        settings: Mapping[str, str] | None = None,
        *,
        log_file: Path | None = None,
        port: int = PORT,
    ) -> None:
        self.data_dir = data_dir
        self.port = port
        self.socket_dir = socket_dir
        self.binaries = binaries
        self.identity = identity
        self.settings = dict(settings or {})
        self.log_file = log_file or data_dir.with_name(data_dir.name + ".log")
        self._child: subprocess.Popen[bytes] | None = None

    # ------------------------------------------------------------------ looking

    def exists(self) -> bool:
        """Tell whether the data directory holds a cluster."""
        return (self.data_dir / "PG_VERSION").exists()

    def major_on_disk(self) -> int | None:
        """Return the major version that made the data, None if there is none."""
        try:
            return int((self.data_dir / "PG_VERSION").read_text(encoding="ascii").split(".")[0])
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"{self.data_dir / 'PG_VERSION'} cannot be read: {error}.",
                remedy="Nothing was changed; restore the data directory from a backup.",
            ) from error

    def check_version(self) -> None:
        """Refuse data of another major version; the data stays as it is.

        Raises:
            WrongMajorVersion: the message names both versions and both ways out.
        """
        found = self.major_on_disk()
        if found is not None and found != self.binaries.major:
            raise WrongMajorVersion(
                f"The data in {self.data_dir} was made by PostgreSQL {found}, and the programs in "
                f"{self.binaries.folder} are {self.binaries.version}; nothing was changed.",
                remedy=(
                    f"Point WARROOM_PG_BIN at PostgreSQL {found}, or move the data with pg_dump "
                    "as docs/operations.md says, or choose another WARROOM_DATA_DIR."
                ),
            )

    def status(self) -> ClusterStatus:
        """Say what is there and what runs; never raises for a server that is down."""
        if not self.exists():
            return ClusterStatus("absent")
        process = self._postmaster()
        if process is None:
            return ClusterStatus("stopped", major=self.major_on_disk())
        ready = self._pid_file_lines()[7:8] == ["ready"]
        return ClusterStatus("ready" if ready else "starting", process, self.major_on_disk())

    def is_running(self) -> bool:
        """Tell whether a server runs on this data directory and accepts connections."""
        return self.status().state == "ready"

    def conninfo(self, role: str = SUPERUSER, dbname: str = "warroom") -> str:
        """Return a libpq connection string for the Unix socket."""
        return f"host={self.socket_dir} port={self.port} user={role} dbname={dbname}"

    def url(self, role: str = SUPERUSER, dbname: str = "warroom") -> str:
        """Return the same as a URL, as ``WARROOM_DATABASE_URL`` takes it."""
        return f"postgresql://{role}@/{dbname}?host={self.socket_dir}&port={self.port}"

    def log_tail(self, lines: int = _LOG_TAIL_LINES) -> str:
        """Return the last lines of the server's log, for messages."""
        try:
            with self.log_file.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"

    # ------------------------------------------------------------------ making

    def init(self) -> None:
        """Make a new cluster; does nothing if there is one of our version.

        The cluster is made in a folder beside and shown under its name when it is whole, so that
        a kill in the middle leaves nothing that looks like data.

        Raises:
            WrongMajorVersion: there is data of another version.
            ClusterError: initdb failed, or the folder holds something that is not ours.
        """
        self.check_version()
        if self.exists():
            return
        if self.data_dir.is_dir() and any(self.data_dir.iterdir()):
            raise ClusterError(
                f"{self.data_dir} holds files but no PostgreSQL data; nothing was changed.",
                remedy="Move them away, or choose another WARROOM_DATA_DIR.",
            )
        parent = self.data_dir.parent
        if not self.identity.can_enter(parent):
            raise ClusterError(
                f"The user {self.identity.name} cannot enter {parent}, so PostgreSQL cannot run "
                "there.",
                remedy="Set WARROOM_DATA_DIR to a folder that it can reach, as /var/lib/warroom.",
            )
        for leftover in parent.glob(f".{self.data_dir.name}.init-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{self.data_dir.name}.init-", dir=parent))
        try:
            self.identity.own(staging)
            self._initdb(staging)
            write_configuration(staging, self.identity, self.settings)
            staging.rename(self.data_dir)
        except OSError as error:
            raise ClusterError(f"{self.data_dir} cannot be made: {error}.") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _initdb(self, folder: Path) -> None:
        if self.binaries.major >= 17:
            # The builtin provider does not depend on the machine's libc and its upgrades.
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            locale = ["--locale=C.UTF-8"]
        command = [str(self.binaries.program("initdb")), "-D", str(folder), "-U", SUPERUSER]
        command += [*_ENCODING, *locale]
        if self.settings.get("fsync") == "off":
            command.append("--no-sync")
        try:
            done = subprocess.run(
                command,
                check=False,
                capture_output=True,
                cwd=folder,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                timeout=120,
                **self.identity.switch(),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ClusterError(
                f"initdb could not run as {self.identity.name}: {error}.",
                remedy="Start war room as an ordinary user instead.",
            ) from error
        if done.returncode:
            tail = (done.stderr or done.stdout).decode("utf-8", "replace").strip()[-600:]
            raise ClusterError(f"initdb failed and left nothing behind: {tail}")

    # ------------------------------------------------------------------ running

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server as our child, without waiting until it is ready.

        Must be called from the main thread of a process that stays: the server ends with it.

        Raises:
            WrongMajorVersion: the data are another version's.
            AlreadyRunning: a server runs on this data directory.
            ClusterError: there is no data, or the server cannot be started at all.
        """
        self.check_version()
        if not self.exists():
            raise ClusterError(f"{self.data_dir} holds no PostgreSQL data.", remedy="Run init.")
        check_socket_length(self.socket_dir)
        # A server that was just killed needs a moment to vanish.
        wait_until(lambda: self._postmaster() is None, 0.5)
        running = self._postmaster()
        if running is not None:
            raise AlreadyRunning(
                f"PostgreSQL already runs on {self.data_dir} (process {running.pid}).",
                remedy="Stop it with: warroom down",
            )
        self._clear_leftovers()
        write_configuration(self.data_dir, self.identity, self.settings)
        command = [str(self.binaries.program("postgres")), "-D", str(self.data_dir)]
        command += ["-p", str(self.port), "-k", str(self.socket_dir)]
        with self.log_file.open("ab") as log:
            self._child = subprocess.Popen(
                command,
                cwd=self.data_dir,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its own session: Ctrl-C on our terminal must reach us first, not the database.
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - one thread only
                **self.identity.switch(),
            )
        return self._child

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Wait until the launched server accepts connections.

        Raises:
            ClusterError: it ended, or did not become ready in time; with the log's last lines.
        """
        child = self._child

        def _settled() -> bool:
            return self.is_running() or (child is not None and child.poll() is not None)

        settled = wait_until(_settled, seconds)
        if self.is_running():
            return
        what = "ended at once" if settled else f"was not ready after {seconds:.0f} s"
        raise ClusterError(
            f"PostgreSQL {what}. Its log says:\n{self.log_tail()}\n",
            remedy=f"The whole log is {self.log_file}.",
        )

    def start(self, seconds: float = 60.0) -> None:
        """Start the server and wait until it accepts connections; see ``launch``."""
        self.launch()
        try:
            self.wait_ready(seconds)
        except ClusterError:
            self.stop("immediate")
            raise

    def stop(self, mode: StopMode = "fast", seconds: float = 30.0) -> bool:
        """Stop the server, ours or one that was left behind; tell whether one ran.

        A server that does not end in time is stopped at once (it recovers at the next start).

        Raises:
            ClusterError: it does not even end then.
        """
        process = self._postmaster()
        if process is None and self._child is not None and self._child.poll() is None:
            process = process_ref(self._child.pid)  # so young that it has no pid file yet
        if process is None:
            self._reap()
            return False
        for attempt in (mode, "immediate"):
            send_signal(process, _STOP_SIGNALS[attempt])
            if wait_until(lambda: not self._still_there(process), seconds):
                self._reap()
                return True
        raise ClusterError(
            f"PostgreSQL (process {process.pid}) does not stop. Its log says:\n{self.log_tail()}",
        )

    def _still_there(self, process: ProcessRef) -> bool:
        self._reap()
        return is_alive(process)

    def _reap(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None

    # ------------------------------------------------------------------ what was left behind

    def _pid_file_lines(self) -> list[str]:
        try:
            text = (self.data_dir / "postmaster.pid").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return [line.strip() for line in text.splitlines()]

    def _postmaster(self) -> ProcessRef | None:
        """Return the living server of this data directory.

        The pid file alone proves nothing: after kill -9 its number may be anybody's.  A server
        works inside its data directory, and that cannot be mistaken.
        """
        lines = self._pid_file_lines()
        if not lines or not lines[0].lstrip("-").isdigit():
            return None
        candidate = process_ref(abs(int(lines[0])))
        if candidate is None or not works_in(candidate.pid, self.data_dir):
            return None
        return candidate

    def _clear_leftovers(self) -> None:
        """Remove a pid file that names no server of ours, once nothing works in the directory.

        PostgreSQL's own check trusts the number in the file and refuses to start if another
        process has it now.  Backends of a killed server must be gone first: they could still
        write.
        """
        if not self._pid_file_lines():
            return
        if not wait_until(lambda: not processes_in(self.data_dir), 5.0, step=0.05):
            for process in processes_in(self.data_dir):
                send_signal(process, signal.SIGQUIT)
            if not wait_until(lambda: not processes_in(self.data_dir), 5.0, step=0.05):
                left = ", ".join(str(process.pid) for process in processes_in(self.data_dir))
                raise ClusterError(
                    f"Processes {left} of a killed server still work in {self.data_dir}; starting "
                    "a second one could destroy the data.",
                    remedy=f"End them: kill -9 {left.replace(',', '')}",
                )
        if sys.platform == "linux":
            (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
