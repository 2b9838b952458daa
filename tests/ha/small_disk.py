"""A disk of a few megabytes that tests may fill: a tmpfs of its own.

Mounting needs CAP_SYS_ADMIN.  Whoever is not root has it in a user namespace of their own, in which
the test is then run again.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import require_program

INSIDE = "WARROOM_TEST_NAMESPACE"
_DETACH = 2
_CHUNK = 1 << 16
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """The disk; ``folder`` is where it is mounted."""

    folder: Path

    def fill(self) -> None:
        """Leave not a byte."""
        with (self.folder / "ballast").open("ab", buffering=0) as file:
            for size in (_CHUNK, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)

    def free(self) -> None:
        """Make room again."""
        (self.folder / "ballast").unlink()


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """Mount one; it is gone with the block.

    Raises:
        PermissionError: whoever runs the tests may not mount.
    """
    with tempfile.TemporaryDirectory(prefix="wrfd-") as name:
        options = f"size={megabytes}m,mode=0755".encode()
        if _libc.mount(b"tmpfs", name.encode(), b"tmpfs", 0, options):
            raise PermissionError(ctypes.get_errno(), "mount")
        try:
            yield SmallDisk(Path(name))
        finally:
            _libc.umount2(name.encode(), _DETACH)


def may_mount() -> bool:
    """Say whether this process may."""
    try:
        with small_disk(1):
            return True
    except PermissionError:
        return False


def run_inside(request: pytest.FixtureRequest) -> None:
    """Run the test that asks in a user namespace of its own; fail as it fails there."""
    assert INSIDE not in os.environ, "not even a user namespace lets us mount"
    namespace = [
        require_program("unshare"),
        "--user",
        "--map-current-user",
        "--keep-caps",
        "--mount",
    ]
    done = subprocess.run(
        [*namespace, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         request.node.nodeid],
        env=os.environ | {INSIDE: "1"}, cwd=request.config.rootpath,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
