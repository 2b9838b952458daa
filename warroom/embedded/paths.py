"""Where things lie: the data directory, and the short private folder of the socket."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from warroom.embedded.identity import ROOT, Identity
from warroom.errors import ClusterError

# sizeof(sun_path) on Linux, with its closing zero; some other systems have 104.
SOCKET_PATH_LIMIT = 108
PORT = 5432
STANDBY_PORT = 5433
LOG_LIMIT = 16 * 1024 * 1024
ROOT_DATA = Path("/var/lib/warroom")


@dataclass(frozen=True, slots=True)
class DataPaths:
    """The layout of one data directory."""

    root: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's own data directory (PGDATA)."""
        return self.root / "postgres"

    @property
    def standby(self) -> Path:
        """The standby's PGDATA; it is there once a standby was asked for."""
        return self.root / "standby"

    @property
    def logs(self) -> Path:
        """The folder of the log files, one for each part."""
        return self.root / "log"

    @property
    def runtime_file(self) -> Path:
        """What runs now, as JSON; mode 0600."""
        return self.root / "runtime.json"

    @property
    def boot_file(self) -> Path:
        """How far the start has come, one JSON object a line."""
        return self.root / "boot.jsonl"

    @property
    def lock_file(self) -> Path:
        """Locked by the one supervisor for as long as it lives."""
        return self.root / "supervisor.lock"

    @property
    def admin_token_file(self) -> Path:
        """The API token of whoever made this data directory; mode 0600."""
        return self.root / "admin.token"

    def log(self, part: str) -> Path:
        """Return the log file of one part, e.g. ``postgres``."""
        return self.logs / f"{part}.log"

    def turn_logs(self, parts: tuple[str, ...], limit: int = LOG_LIMIT) -> None:
        """Put logs over ``limit`` bytes aside as ``.log.1``; only while nobody writes them."""
        for part in parts:
            file = self.log(part)
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_size > limit:
                    file.replace(file.with_name(file.name + ".1"))

    def prepare(self) -> None:
        """Make the directory and its log folder if they are missing.

        Root's directory can be entered, not listed, by others: PostgreSQL's user must reach its
        own folder inside.  A directory that exists already keeps its permissions.
        """
        try:
            if not self.root.is_dir():
                self.root.parent.mkdir(parents=True, exist_ok=True)
                self.root.mkdir(exist_ok=True)
                self.root.chmod(0o711 if os.geteuid() == ROOT else 0o700)
            if not self.logs.is_dir():
                self.logs.mkdir(exist_ok=True)
                self.logs.chmod(0o700)
        except OSError as error:
            raise ClusterError(
                f"The data directory {self.root} cannot be made: {error.strerror}.",
                remedy="Set WARROOM_DATA_DIR to a folder that you may write to.",
            ) from error


def default_data_dir() -> Path:
    """Return the platform's data directory: ``/var/lib/warroom`` for root."""
    if os.geteuid() == ROOT:
        return ROOT_DATA
    import platformdirs  # only here: most commands never ask for it

    return Path(platformdirs.user_data_dir("warroom"))


def socket_path(folder: Path) -> Path:
    """Return the file that PostgreSQL makes in ``folder``."""
    return folder / f".s.PGSQL.{PORT}"


def check_socket_length(folder: Path) -> None:
    """Refuse a folder in which the socket's path would be cut by the kernel.

    Raises:
        ClusterError: the path has too many bytes.
    """
    size = len(os.fsencode(socket_path(folder)))
    if size >= SOCKET_PATH_LIMIT:
        raise ClusterError(
            f"The socket path {socket_path(folder)} has {size} bytes; the system takes at most "
            f"{SOCKET_PATH_LIMIT - 1}.",
            remedy="Set XDG_RUNTIME_DIR or TMPDIR to a shorter folder.",
        )


def private_socket_dir(data_dir: Path, identity: Identity) -> Path:
    """Make or find the socket folder that belongs to ``data_dir``: mode 0700, short, ours.

    The name follows from the data directory, so that every start and every other command find
    the same one; a folder of that name that is not safely ours is passed over.

    Raises:
        ClusterError: no place is short enough or writable.
    """
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:10]
    name = f"warroom-{digest}"
    refused: Exception | None = None
    for base in _socket_bases(identity):
        folder = base / name
        try:
            check_socket_length(folder)
            if _make_private(folder, identity):
                return folder
            fallback = base / f"wr-{os.urandom(4).hex()}"
            if _make_private(fallback, identity):
                return fallback
        except (ClusterError, OSError) as error:
            refused = error
    raise ClusterError(
        f"No folder for PostgreSQL's socket could be made: {refused}",
        remedy="Set TMPDIR to a short folder that you may write to.",
    )


def _socket_bases(identity: Identity) -> list[Path]:
    bases: list[Path] = []
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if identity.switched or os.geteuid() == ROOT:
        bases.append(Path("/run"))  # root's XDG_RUNTIME_DIR is closed to the server's user
    elif runtime:
        bases.append(Path(runtime))
    bases += [Path(tempfile.gettempdir()), Path("/tmp")]
    return [base for base in dict.fromkeys(bases) if base.is_dir() and os.access(base, os.W_OK)]


def _make_private(folder: Path, identity: Identity) -> bool:
    """Make ``folder`` with mode 0700 for ``identity``; tell whether it is safe to use."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()  # a link planted by somebody else must not be followed
        return (
            stat.S_ISDIR(found.st_mode)
            and found.st_uid == identity.uid
            and not found.st_mode & 0o077
        )
    identity.own(folder)
    return identity.can_enter(folder)
