"""Folders that are thrown away: the demo's, made with a lock inside that lives as long as it does.

A demo that is killed cannot remove its folder.  The next one does, once it has proof that nobody
is left: the lock is free, no supervisor holds the data, and no PostgreSQL works in them.  Age is
no proof.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from warroom.embedded import runtime
from warroom.embedded.boot import is_locked
from warroom.embedded.identity import ROOT
from warroom.embedded.paths import DataPaths
from warroom.embedded.processes import processes_in, works_in

PREFIX: Final = "warroom-demo-"
_MAKING: Final = "warroom-making-"
LOCK: Final = "demo.lock"
_SOCKETS: Final = (".s.PGSQL.", "warroom-", "wr-")


@contextlib.contextmanager
def throw_away_folder() -> Iterator[Path]:
    """Make a folder of one's own for as long as the block lasts."""
    folder, lock = _make()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def remove_stale() -> list[Path]:
    """Remove the folders of demos that were killed and are gone; return those that were there."""
    gone: list[Path] = []
    for entry in os.scandir(tempfile.gettempdir()):
        # Only real folders of our own: anybody may put a link of that name there.
        if not entry.name.startswith(PREFIX) or not entry.is_dir(follow_symlinks=False):
            continue
        if entry.stat(follow_symlinks=False).st_uid != os.geteuid():
            continue
        folder = Path(entry.path)
        lock = _hold(folder)
        if lock is None:
            continue
        with lock:
            if _is_dead(folder):
                _remove_sockets(folder)
                shutil.rmtree(folder, ignore_errors=True)
                gone.append(folder)
    return gone


def _make() -> tuple[Path, IO[bytes]]:
    """Make the folder under another name first: under its own it has a lock from the beginning."""
    while True:
        made = Path(tempfile.mkdtemp(prefix=_MAKING))
        lock = (made / LOCK).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.geteuid() == ROOT:
            made.chmod(0o711)  # PostgreSQL's user must reach its own folder inside
        folder = made.with_name(PREFIX + made.name.removeprefix(_MAKING))
        if not folder.exists():
            return made.rename(folder), lock
        shutil.rmtree(made)
        lock.close()


def _hold(folder: Path) -> IO[bytes] | None:
    """Hold what a living demo would hold; None when it lives, or when nothing can tell.

    Older versions had no lock of the demo's own, only their supervisor's.
    """
    for path in (folder / LOCK, DataPaths(folder / "data").lock_file):
        try:
            # The lock of a supervisor is held shared, as everybody does who only looks.
            own = path.name == LOCK
            file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except OSError:
            continue
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if own else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file
    return None


def _is_dead(folder: Path) -> bool:
    """Tell whether nobody of the demo is left: neither a supervisor nor a PostgreSQL."""
    paths = DataPaths(folder / "data")
    if is_locked(paths) or runtime.running(paths.root) is not None:
        return False
    return not any(_in_use(data) for data in (paths.postgres, paths.standby))


def _in_use(data: Path) -> bool:
    try:
        first = (data / "postmaster.pid").read_text(encoding="ascii", errors="replace")
    except OSError:
        first = ""
    pid = first.partition("\n")[0].strip()
    return (pid.isdigit() and works_in(int(pid), data)) or bool(processes_in(data))


def _remove_sockets(folder: Path) -> None:
    """Remove the socket's folder, which lies elsewhere; nothing in it but what PostgreSQL makes."""
    found = runtime.read(folder / "data")
    sockets = Path(found.socket_dir) if found is not None else None
    if sockets is None or not sockets.name.startswith(_SOCKETS[1:]) or sockets.is_symlink():
        return
    with contextlib.suppress(OSError):
        for file in sockets.iterdir():
            if file.name.startswith(_SOCKETS[0]):
                file.unlink()
        sockets.rmdir()
