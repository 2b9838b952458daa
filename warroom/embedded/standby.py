"""The streaming standby beside the embedded primary: made, watched, made anew when it must be.

A real one: ``pg_basebackup``, an own physical slot, an own role that may replicate and nothing
else.  Its password stands in a file of the standby's own data directory; the superuser is never
lent, nobody is trusted.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from warroom.embedded.cluster import Cluster
from warroom.embedded.identity import clean_environment
from warroom.embedded.paths import STANDBY_PORT
from warroom.embedded.pgconfig import LOCAL_FILE, REPLICA, write_configuration
from warroom.embedded.processes import die_with_parent
from warroom.embedded.standby_state import (
    SIGNAL,
    State,
    promoted_remedy,
    promoted_words,
    was_promoted,
)
from warroom.errors import ClusterError, WarRoomError

SLOT: Final = "warroom_standby"
NAME: Final = "standby"
PASSFILE: Final = "standby.pgpass"
CHECK_EVERY_S: Final = 3.0
BACKOFF_S: Final = (0.2, 1.0, 2.0, 5.0, 15.0)


class Standby:
    """The standby of one primary.

    Args:
        primary: the server that it follows; it must run while the standby is made.
        data_dir: its own PGDATA.
        log_file: where its stderr goes.
        say: takes one sentence when something notable happens.
    """

    def __init__(
        self, primary: Cluster, data_dir: Path, log_file: Path, say: Callable[[str], None]
    ) -> None:
        self._primary = primary
        self._say = say
        host, port = primary.socket_dir, primary.port
        conninfo = (
            f"host='{host}' port={port} user={REPLICA} application_name={NAME} "
            f"passfile='{data_dir / PASSFILE}'"
        )
        self.cluster = Cluster(
            data_dir,
            primary.socket_dir,
            primary.binaries,
            primary.identity,
            {
                **primary.settings,
                "primary_conninfo": conninfo,
                "primary_slot_name": SLOT,
                "hot_standby_feedback": "on",
                "wal_receiver_status_interval": "1s",
                "wal_receiver_timeout": "10s",
                "wal_retrieve_retry_interval": "1s",
                "cluster_name": NAME,
            },
            log_file=log_file,
            port=STANDBY_PORT,
        )
        self._seeding: subprocess.Popen[bytes] | None = None
        self._staging: Path | None = None
        self._failures = 0
        self._not_before = 0.0
        self._check_at = 0.0
        self._launched_at = 0.0
        self._known: tuple[int, State] = (0, "absent")
        self._left = False

    # ------------------------------------------------------------------ looking

    @property
    def pid(self) -> int:
        """Its process id, 0 while none runs."""
        process = self.cluster.status().process
        return process.pid if process is not None else 0

    def promoted(self) -> bool:
        """Tell whether it has been promoted: its data are a primary's now and stay untouched."""
        return was_promoted(self.cluster.data_dir)

    def state(self) -> State:
        """Say how it is, without asking any server."""
        if self._seeding is not None:
            return "seeding"
        found = self.cluster.status().state
        if found == "absent":
            return "absent"
        if self.promoted():
            return "promoted"
        if found == "ready":
            return "running"
        return "starting" if found == "starting" else "stopped"

    # ------------------------------------------------------------------ acting

    def look(self) -> bool:
        """Do what is due; tell whether its process or its state is another than before.

        A standby that cannot be made or started is tried again with a growing pause: the primary
        never suffers from it.
        """
        self._act(time.monotonic())
        before, self._known = self._known, (self.pid, self.state())
        return before != self._known

    def _act(self, now: float) -> None:
        try:
            if self._seeding is not None:
                self._seed_on()
            elif now < self._not_before:
                pass
            elif self.promoted():
                if not self._left:
                    self._leave()
            elif not self.cluster.exists():
                self._seed()
            elif self.cluster.status().process is None:
                self._launch(now)
            elif now >= self._check_at:
                self._check_at = now + CHECK_EVERY_S
                self._check_slot()
        except (WarRoomError, psycopg.Error, OSError, subprocess.SubprocessError) as error:
            self._failed(f"The standby is not well: {error}")

    def stop(self) -> None:
        """Stop it; a copy under way is thrown away."""
        if self._seeding is not None:
            self._seeding.kill()
            self._seeding.wait()
            self._seeding = None
        self._drop_staging()
        self.cluster.stop("fast")

    def _leave(self) -> None:
        """Say once that it was promoted; drop its slot, which would keep WAL for nobody."""
        with contextlib.closing(self._connect()) as conn:
            drop_slot(conn)
        self._left = True
        self._say(f"{promoted_words()} {promoted_remedy(self.cluster.data_dir)}")

    def _failed(self, sentence: str) -> None:
        self._not_before = time.monotonic() + BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        self._say(sentence)

    def _launch(self, now: float) -> None:
        if self._launched_at and now - self._launched_at < BACKOFF_S[-1]:
            # It died young: once is bad luck, again and again is a reason to wait.
            self._launched_at = 0.0
            self._failed("The standby ended; it is started again.")
            return
        local = self._primary.data_dir / LOCAL_FILE
        if local.exists():  # e.g. a higher max_connections, without which it would stand still
            copy = self.cluster.data_dir / LOCAL_FILE
            shutil.copyfile(local, copy)
            self.cluster.identity.own(copy)
        self.cluster.launch()
        self._launched_at = now
        self._check_at = now + CHECK_EVERY_S

    # ------------------------------------------------------------------ making

    def _seed(self) -> None:
        """Begin to copy the primary; ``look`` finishes it."""
        data = self.cluster.data_dir
        identity = self.cluster.identity
        for leftover in data.parent.glob(f".{data.name}.seed-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        password = self._prepare_primary()
        staging = Path(tempfile.mkdtemp(prefix=f".{data.name}.seed-", dir=data.parent))
        self._staging = staging
        identity.own(staging)
        passfile = staging / PASSFILE
        with os.fdopen(os.open(passfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(f"*:*:*:*:{password}\n")
        identity.own(passfile)
        conninfo = (
            f"host='{self._primary.socket_dir}' port={self._primary.port} user={REPLICA} "
            f"passfile='{passfile}' connect_timeout=5"
        )
        command = [str(self.cluster.binaries.program("pg_basebackup")), "-d", conninfo]
        command += ["-D", str(staging / "data"), "-X", "stream", "-S", SLOT, "-c", "fast", "-w"]
        if self.cluster.settings.get("fsync") == "off":
            command.append("--no-sync")
        with self.cluster.log_file.open("ab") as log:
            self._seeding = subprocess.Popen(
                command,
                cwd=staging,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one thread only
                **identity.switch(),
            )
        self._say("Copying the primary for a standby …")

    def _seed_on(self) -> None:
        """Finish the copy when it is whole."""
        seeding, staging = self._seeding, self._staging
        if seeding is None or staging is None or seeding.poll() is None:
            return
        self._seeding = None
        try:
            if seeding.returncode:
                raise ClusterError(
                    f"pg_basebackup ended with status {seeding.returncode}:\n"
                    f"{self.cluster.log_tail(3)}\n",
                    remedy=f"Its log is {self.cluster.log_file}.",
                )
            fresh = staging / "data"
            write_configuration(fresh, self.cluster.identity, self.cluster.settings)
            (fresh / SIGNAL).touch(mode=0o600)
            self.cluster.identity.own(fresh / SIGNAL)
            (staging / PASSFILE).rename(fresh / PASSFILE)
            fresh.rename(self.cluster.data_dir)
        finally:
            self._drop_staging()
        self._failures = 0
        self._launch(time.monotonic())

    def _drop_staging(self) -> None:
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
            self._staging = None

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            self._primary.conninfo(dbname="postgres"),
            autocommit=True,
            connect_timeout=2,
            options="-c statement_timeout=5s",
        )

    def _prepare_primary(self) -> str:
        """Make role and slot on the primary; return the role's new password."""
        password = secrets.token_urlsafe(32)
        with contextlib.closing(self._connect()) as conn:
            known = conn.execute("select 1 from pg_roles where rolname = %s", (REPLICA,)).fetchone()
            if known is None:
                conn.execute(
                    sql.SQL("create role {} login replication connection limit 10").format(
                        sql.Identifier(REPLICA)
                    )
                )
            # The verifier is made here, so that the password stands in no log of the server.
            verifier = conn.pgconn.encrypt_password(
                password.encode(), REPLICA.encode(), b"scram-sha-256"
            )
            conn.execute(
                sql.SQL("alter role {} password {}").format(
                    sql.Identifier(REPLICA), sql.Literal(verifier.decode())
                )
            )
            drop_slot(conn)
            conn.execute("select pg_create_physical_replication_slot(%s, true)", (SLOT,))
        return password

    def _check_slot(self) -> None:
        """Make the standby anew when the WAL that it needs is gone."""
        with contextlib.closing(self._connect()) as conn:
            row = conn.execute(
                "select wal_status from pg_replication_slots where slot_name = %s", (SLOT,)
            ).fetchone()
        if row is not None and row[0] not in ("lost", None):
            self._failures = 0
            return
        self._say("The standby's WAL is gone from the primary: it is made anew …")
        self.cluster.stop("immediate")
        data = self.cluster.data_dir
        old = data.with_name(f".{data.name}.seed-old-{secrets.token_hex(4)}")
        data.rename(old)
        shutil.rmtree(old, ignore_errors=True)
        self._seed()


def drop_slot(conn: psycopg.Connection) -> None:
    """Drop the standby's slot if it is there; one that is in use loses its sender first.

    Raises:
        psycopg.Error: somebody took it again in that moment.
    """
    row = conn.execute(
        "select active_pid from pg_replication_slots where slot_name = %s", (SLOT,)
    ).fetchone()
    if row is None:
        return
    if row[0] is not None:
        conn.execute("select pg_terminate_backend(%s, 5000)", (row[0],))
    conn.execute("select pg_drop_replication_slot(%s)", (SLOT,))


def forget(primary: Cluster) -> None:
    """Drop the slot of a standby whose data were removed: it would keep WAL for nobody."""
    with psycopg.connect(
        primary.conninfo(dbname="postgres"), autocommit=True, connect_timeout=2
    ) as conn:
        drop_slot(conn)


def standby_conninfo(url_of_primary: str, port: int = STANDBY_PORT) -> str:
    """Return the conninfo of the standby in the primary's socket folder."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    parts = {k: v for k, v in conninfo_to_dict(url_of_primary).items() if k in ("host", "dbname")}
    return make_conninfo("", **parts, port=port)
