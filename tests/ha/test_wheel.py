"""The built wheel, in an empty environment with the base install only, starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from warroom import __version__

# One worker builds and installs for all tests of this file.
pytestmark = pytest.mark.xdist_group("wheel")

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("warroom", "screens", "widgets", "migrations")


def _run(*command: str | Path, cwd: Path) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True, text=True, timeout=600, cwd=cwd, env=environ, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the pinned backend of this environment."""
    folder = tmp_path_factory.mktemp("dist")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder))
    _run(sys.executable, *build, ROOT, cwd=folder)
    return next(folder.glob("warroom-*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel without extras into an empty environment."""
    folder = tmp_path_factory.mktemp("empty")
    _run(sys.executable, "-m", "venv", folder, cwd=folder)
    python = folder / "bin" / "python"
    quiet = ("--quiet", "--disable-pip-version-check")
    _run(python, "-m", "pip", "install", *quiet, "-c", ROOT / "constraints.txt", wheel, cwd=folder)
    return python


def test_the_wheel_carries_all_files_of_the_packages(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", *PACKAGES],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    wanted = {name for name in listed.stdout.split() if (ROOT / name).exists()}
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())
    assert wanted, "not a git checkout"
    assert wanted <= carried, sorted(wanted - carried)
    foreign = {name.partition("/")[0] for name in carried} - set(PACKAGES)
    assert foreign == {f"warroom-{__version__}.dist-info"}


def test_the_installed_program_starts(python: Path, tmp_path: Path) -> None:
    program = python.with_name("warroom")
    assert _run(program, "--version", cwd=tmp_path) == f"warroom {__version__}\n"
    assert _run(python, "-m", "warroom", "--version", cwd=tmp_path) == f"warroom {__version__}\n"
    answer = json.loads(_run(program, "doctor", "--json", cwd=tmp_path))
    states = {check["name"]: check["state"] for check in answer["checks"]}
    assert states["python"] == "ok"
    assert states["extra server"] == "warn", "the base install brings nothing of the server"


def test_the_console_needs_the_base_install_only(python: Path, tmp_path: Path) -> None:
    script = (
        "import sys, warroom, screens, widgets, warroom.console.app, screens.war_room\n"
        "import warroom.client, warroom.db.reads, warroom.db.listen\n"
        "print(warroom.__file__)"
    )
    where = _run(python, "-c", script, cwd=tmp_path)
    assert str(python.parents[1]) in where


def test_a_command_of_the_server_names_the_missing_extra(python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [python.with_name("warroom"), "serve"],
        capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False,
        env={**os.environ, "WARROOM_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'warroom[server]'" in done.stderr
