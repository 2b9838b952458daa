"""Which operating system user runs PostgreSQL.

PostgreSQL refuses to run as root.  An ordinary user runs it as itself; root hands it to
``postgres`` where that user exists, else to ``nobody``.  No user is ever made: a monitoring tool
that adds system users to find its feet is not welcome on a production host.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from warroom.errors import ClusterError

ROOT = 0
_CANDIDATES = ("postgres", "nobody")


class SwitchUser(TypedDict, total=False):
    """The keyword arguments that make ``subprocess`` change the user; empty for ourselves."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that runs PostgreSQL, and the users that its ident map lets in.

    ``switched`` is true when we are root and the server runs as somebody else; then nothing but
    root may connect without a password, since other programs may run as the same user.
    """

    name: str
    uid: int
    gid: int
    switched: bool

    @property
    def trusted_users(self) -> tuple[str, ...]:
        """Names of operating system users that peer authentication lets in."""
        return ("root",) if self.switched else tuple(dict.fromkeys((self.name, "root")))

    def switch(self) -> SwitchUser:
        """Return the arguments for ``subprocess`` that start a child as this user."""
        if not self.switched:
            return {}
        # No supplementary groups: root's would travel along with the child otherwise.
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this user can reach and list ``folder``; asks the kernel, by trying."""
        if not self.switched:
            return os.access(folder, os.X_OK)
        return self._succeeds(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)])

    def can_run(self, program: Path) -> bool:
        """Tell whether this user can execute ``program``, which must know ``-V``."""
        return self._succeeds([str(program), "-V"])

    def own(self, path: Path) -> None:
        """Give ``path``, which we have just made, to this user."""
        if self.switched:
            os.chown(path, self.uid, self.gid)

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(
                command,
                check=False,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=clean_environment(),
                timeout=30,
                **self.switch(),
            )
        except (OSError, subprocess.SubprocessError):
            # No right to change the user, or no permission on the way to the program.
            return False
        return done.returncode == 0


def find_identity() -> Identity:
    """Choose the user that runs PostgreSQL.

    Raises:
        ClusterError: we are root and neither ``postgres`` nor ``nobody`` exists, or our own
            user has no entry in the user database (initdb wants one).
    """
    uid = os.geteuid()
    if uid != ROOT:
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            raise ClusterError(
                f"The user with number {uid} has no name, and PostgreSQL's initdb wants one.",
                remedy="Run as a user that stands in /etc/passwd, or as root.",
            ) from None
        return Identity(entry.pw_name, uid, entry.pw_gid, switched=False)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != ROOT:
            return Identity(name, entry.pw_uid, entry.pw_gid, switched=True)
    raise ClusterError(
        "PostgreSQL refuses to run as root, and neither the user postgres nor nobody exists.",
        remedy="Start war room as an ordinary user, or set WARROOM_DATABASE_URL.",
    )


def clean_environment() -> dict[str, str]:
    """Return the environment for PostgreSQL's programs: ours without what would steer them."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PG", "LC_", "LANG", "WARROOM_", "PYTHON", "TZ"))
    }
    # Messages are parsed by people and tests: keep them in one language.
    return {**kept, "LC_ALL": "C", "HOME": "/"}
