"""Which folders of demos are removed: those whose demo is proven to be gone, and no others."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from warroom.embedded.paths import DataPaths
from warroom.embedded.throwaway import LOCK, PREFIX, remove_stale, throw_away_folder

HOLD = (
    "from warroom.embedded.throwaway import throw_away_folder as t\n"
    "with t() as folder: print(folder, flush=True); input()"
)
AGE_S = 400 * 86_400


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A temporary directory of one's own, for us and for those whom we start."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def holder(place: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that has a folder, with something in it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    (folder / "data" / "postgres").mkdir(parents=True)
    yield process, folder
    process.kill()
    process.communicate()


def test_a_folder_is_there_for_as_long_as_it_is_used(place: Path) -> None:
    with throw_away_folder() as folder:
        assert folder.parent == place
        assert folder.name.startswith(PREFIX)
        assert (folder / LOCK).exists()
        assert remove_stale() == []
        (folder / "data").mkdir()
    assert list(place.iterdir()) == []


def test_of_a_living_demo_nothing_is_touched_however_old(
    holder: tuple[subprocess.Popen[str], Path],
) -> None:
    _, folder = holder
    os.utime(folder, (time.time() - AGE_S,) * 2)
    assert remove_stale() == []
    assert (folder / "data").is_dir()


def test_a_killed_demo_is_cleaned_up_however_young(
    holder: tuple[subprocess.Popen[str], Path],
) -> None:
    process, folder = holder
    process.kill()
    process.wait()
    assert remove_stale() == [folder]
    assert not folder.exists()


def test_while_its_supervisor_holds_the_data_it_stays(
    holder: tuple[subprocess.Popen[str], Path],
) -> None:
    process, folder = holder
    process.kill()
    process.wait()
    with DataPaths(folder / "data").lock_file.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert remove_stale() == []
        assert folder.exists()
    assert remove_stale() == [folder]


def test_while_a_server_works_in_the_data_it_stays(
    holder: tuple[subprocess.Popen[str], Path],
) -> None:
    process, folder = holder
    process.kill()
    process.wait()
    server = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd=folder / "data" / "postgres"
    )
    try:
        assert remove_stale() == []
    finally:
        server.communicate(b"\n")
    assert remove_stale() == [folder]


def test_of_an_older_version_only_a_free_supervisors_lock_is_proof(place: Path) -> None:
    bare = place / f"{PREFIX}bare"
    bare.mkdir()
    old = place / f"{PREFIX}old"
    (old / "data").mkdir(parents=True)
    with DataPaths(old / "data").lock_file.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert remove_stale() == []
    assert remove_stale() == [old]
    # Nothing says whether anybody is about to use it.
    assert bare.is_dir()


def test_links_and_others_are_left_alone(
    place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("precious")
    (elsewhere / LOCK).write_bytes(b"")
    (place / f"{PREFIX}link").symlink_to(elsewhere)
    linked = place / f"{PREFIX}lock"
    linked.mkdir()
    (linked / LOCK).symlink_to(elsewhere / LOCK)
    (place / f"{PREFIX}file").write_bytes(b"")
    other = place / "precious-demo"
    other.mkdir()
    (other / LOCK).write_bytes(b"")
    assert remove_stale() == []
    assert (elsewhere / LOCK).exists()
    assert other.is_dir()
