"""The supervisor: starts PostgreSQL, API, engine and standby, restarts what dies, stops all.

It stays in its main thread without others, because the kernel ties PostgreSQL's life to the
thread that started it.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psycopg

from warroom.db import migrate
from warroom.embedded import runtime
from warroom.embedded.binaries import find_binaries, reachable_binaries
from warroom.embedded.boot import BootLog
from warroom.embedded.cluster import Cluster
from warroom.embedded.identity import find_identity
from warroom.embedded.own_log import OwnLog
from warroom.embedded.paths import DataPaths, private_socket_dir
from warroom.embedded.processes import (
    PARENT_VARIABLE,
    die_with_parent,
    goes_with_parent,
    process_ref,
    wait_until,
)
from warroom.embedded.runtime import Runtime
from warroom.embedded.standby import Standby, forget, standby_conninfo
from warroom.embedded.standby_state import promoted_remedy, promoted_words
from warroom.errors import AlreadyRunning, ClusterError, WarRoomError
from warroom.settings import Settings

LOOK_EVERY_S = 0.1
STOP_S = 15.0
BACKOFF_MAX_S = 30.0
STEADY_S = 60.0
"""A child that lived this long is restarted at once when it dies."""


class Child:
    """One of our own processes: the API or the engine."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], log: Path
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._wait = 0.5
        self._not_before = 0.0

    @property
    def pid(self) -> int:
        """Its process id, 0 when it does not run."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one thread only
            )
        self._started = time.monotonic()

    def ended(self) -> bool:
        """Tell whether it has ended."""
        return self._process is None or self._process.poll() is not None

    def restart_if_due(self) -> bool:
        """Start it again after a pause that grows while it keeps dying; tell whether it was."""
        now = time.monotonic()
        if self._process is not None:
            steady = now - self._started > STEADY_S
            self._wait = 0.5 if steady else min(self._wait * 2, BACKOFF_MAX_S)
            self._not_before = now + (0.0 if steady else self._wait)
            self._process = None
        if now < self._not_before:
            return False
        self.start()
        return True

    def stop(self) -> None:
        """End it in order; kill it when it does not."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _log(sentence: str) -> None:
    """Write to the supervisor's log."""
    sys.stderr.write(f"{sentence}\n")


class Supervisor:
    """Everything of one data directory.

    Args:
        settings: ports, directories, PostgreSQL's folder.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._paths = DataPaths(settings.data_dir)
        self._stopping = False
        self._lock: IO[bytes] | None = None
        self._cluster: Cluster | None = None
        self._standby: Standby | None = None
        self._children: list[Child] = []
        self._api_url = ""
        self._started_at = ""
        self._console = runtime.console_in_front()

    def run(self) -> int:
        """Start everything and watch it until a signal, or the end of whoever started us."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)
        self._paths.prepare()
        self._take_lock()
        self._paths.turn_logs(("postgres", "standby", "api", "engine"))
        boot = BootLog(self._paths.boot_file)
        try:
            self._start(boot)
        except WarRoomError as error:
            boot.failed(str(error))
            self._stop(boot.say)
            raise
        except (OSError, psycopg.Error, subprocess.SubprocessError) as error:
            boot.failed(f"War room did not start: {error}")
            self._stop(boot.say)
            raise
        boot.ready()
        self._watch(OwnLog(self._paths.log("supervisor")))
        self._stop(_log)
        return 0

    def _end(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _take_lock(self) -> None:
        lock = self._lock = self._paths.lock_file.open("ab")

        def _taken() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            return True

        # Whoever only looks holds it for an instant: that is no reason to give up.
        if not wait_until(_taken, 0.5):
            raise AlreadyRunning(
                f"War room already runs on {self._paths.root}.",
                remedy="Open a console with `warroom console`, or stop it with `warroom down`.",
            )
        me = process_ref(os.getpid())
        if me is not None:  # so that it can be stopped before it has a runtime file
            lock.truncate(0)
            lock.write(f"{me.pid} {me.started}".encode())
            lock.flush()

    def _start(self, boot: BootLog) -> None:
        identity = find_identity()
        binaries = reachable_binaries(find_binaries(self._settings.pg_bin), identity)
        sockets = private_socket_dir(self._paths.root, identity)
        cluster = Cluster(
            self._paths.postgres, sockets, binaries, identity, log_file=self._paths.log("postgres")
        )
        self._cluster = cluster
        cluster.check_version()
        if not cluster.exists():
            boot.say(f"Making a PostgreSQL {binaries.version} cluster …")
            cluster.init()
        boot.say(f"Starting PostgreSQL {binaries.version} …")
        if cluster.stop("fast"):
            boot.say("A server that was left behind has been stopped …")
        cluster.start()
        self._database(cluster)
        boot.say("Bringing the schema up …")
        migrate.upgrade(cluster.conninfo())
        self._administrator(cluster)
        boot.say("Starting the API …")
        self._start_api(cluster, boot)
        self._start_standby(cluster, boot)
        boot.say("Starting the engine …")
        self._start_engine(cluster)
        self._started_at = datetime.now(UTC).isoformat()
        self._write_runtime()

    def _start_standby(self, cluster: Cluster, boot: BootLog) -> None:
        """Begin a standby that was asked for now or before; the start does not wait for it."""
        if not self._settings.standby and not self._paths.standby.exists():
            forget(cluster)
            return

        def say(sentence: str) -> None:
            sys.stderr.write(sentence + "\n")
            sys.stderr.flush()

        self._standby = Standby(cluster, self._paths.standby, self._paths.log("standby"), say)
        self._standby.cluster.stop("fast")  # one that was left behind
        if self._standby.promoted():
            boot.say(promoted_words())
            boot.say(promoted_remedy(self._paths.standby))
        self._standby.look()

    @staticmethod
    def _database(cluster: Cluster) -> None:
        with psycopg.connect(cluster.conninfo(dbname="postgres"), autocommit=True) as conn:
            row = conn.execute("select 1 from pg_database where datname = 'warroom'").fetchone()
            if row is None:
                conn.execute("create database warroom")

    def _administrator(self, cluster: Cluster) -> None:
        """Make whoever starts it its administrator, with an own role and token, unasked."""
        file = self._paths.admin_token_file
        if file.exists() and file.stat().st_size:
            return
        token = migrate.bootstrap_admin(cluster.conninfo(), getpass.getuser())
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(token + "\n")

    def _environment(self, url: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not (name.startswith("WARROOM_") and name.endswith(("DATABASE_URL", "TOKEN")))
        }
        kept |= {
            "WARROOM_DATABASE_URL": url,
            "WARROOM_DATA_DIR": str(self._paths.root),
            PARENT_VARIABLE: str(os.getpid()),
            "PYTHONUNBUFFERED": "1",
        }
        return kept

    def _start_api(self, cluster: Cluster, boot: BootLog) -> None:
        announced = self._paths.root / "api.url"
        announced.unlink(missing_ok=True)
        port = self._settings.api_port
        environment = self._environment(cluster.url("warroom_api"))
        command = [sys.executable, "-m", "warroom", "serve", "--announce", str(announced)]
        api = Child("api", [*command, "--port", str(port)], environment, self._paths.log("api"))
        api.start()
        self._children.append(api)
        if not wait_until(lambda: announced.exists() or api.ended(), 60.0) or api.ended():
            raise ClusterError(
                "The API did not start.", remedy=f"Its log is {self._paths.log('api')}."
            )
        self._api_url = announced.read_text(encoding="utf-8").strip()
        bound = self._api_url.rsplit(":", 1)[1]
        if bound != str(port):
            boot.say(f"Port {port} is taken: the API listens on {bound}.")
        # After a crash it comes back where its clients know it.
        api._command = [*command, "--port", bound]  # noqa: SLF001 - our own child

    def _start_engine(self, cluster: Cluster) -> None:
        environment = self._environment(cluster.url("warroom_engine"))
        if self._standby is not None:  # which the engine asks whether it was promoted
            url = self._standby.cluster.url("warroom_engine")
            environment["WARROOM_STANDBY_DATABASE_URL"] = url
        engine = Child(
            "engine",
            [sys.executable, "-m", "warroom", "engine"],
            environment,
            self._paths.log("engine"),
        )
        engine.start()
        self._children.append(engine)

    def _write_runtime(self) -> None:
        me = process_ref(os.getpid())
        cluster = self._cluster
        if me is None or cluster is None:
            raise ClusterError("The supervisor cannot see itself.")
        server = cluster.status().process
        runtime.write(
            self._paths,
            Runtime(
                pid=me.pid,
                started=me.started,
                api_url=self._api_url,
                database_url=cluster.url(),
                socket_dir=str(cluster.socket_dir),
                pg_version=cluster.binaries.version,
                started_at=self._started_at,
                admin_token_file=str(self._paths.admin_token_file),
                console=self._console,
                children={
                    "postgres": server.pid if server else 0,
                    **{child.name: child.pid for child in self._children},
                    **({"standby": self._standby.pid} if self._standby is not None else {}),
                },
                standby_url=standby_conninfo(cluster.url()) if self._standby is not None else "",
                standby_state=self._standby.state() if self._standby is not None else "",
            ),
        )

    def _watch(self, own_log: OwnLog) -> None:
        while not self._stopping:
            if goes_with_parent():
                return
            own_log.turn_if_large()
            changed = False
            cluster = self._cluster
            if cluster is not None and not cluster.is_running():
                changed = self._revive(cluster)
            for child in self._children:
                if child.ended():
                    changed = child.restart_if_due() or changed
            if self._standby is not None and cluster is not None and cluster.is_running():
                changed = self._standby.look() or changed
            if changed:
                self._write_runtime()
            time.sleep(LOOK_EVERY_S)

    def _revive(self, cluster: Cluster) -> bool:
        try:
            cluster.stop("immediate")
            cluster.start()
        except WarRoomError as error:
            sys.stderr.write(f"PostgreSQL does not start again: {error}\n")
            time.sleep(1.0)
            return False
        return True

    def _stop(self, say: Callable[[str], None]) -> None:
        """Stop API, engine, PostgreSQL: first nothing comes in, then nobody writes any more."""
        for child in self._children:
            say(f"Stopping the {child.name} …")
            child.stop()
        if self._standby is not None:
            say("Stopping the standby …")
            self._standby.stop()
        if self._cluster is not None:
            say("Stopping PostgreSQL …")
            self._cluster.stop("fast")
            # The next start makes it again; a folder that somebody else uses is not empty.
            with contextlib.suppress(OSError):
                self._cluster.socket_dir.rmdir()
        self._paths.runtime_file.unlink(missing_ok=True)
