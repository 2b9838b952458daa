"""The command line's frame: lazy groups, exit codes, errors in one sentence."""

from __future__ import annotations

import importlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from warroom import __version__
from warroom.cli.main import GROUPS, main


def test_help_names_every_group(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert all(f"    {name} " in text for name in GROUPS)


@pytest.mark.parametrize("name", list(GROUPS))
def test_every_group_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"warroom.cli.{name}")
    assert callable(module.run)
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert f"warroom {name}" in capsys.readouterr().out


def test_without_a_group_help_is_shown_and_it_is_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert "usage: warroom" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"warroom {__version__}\n"


@pytest.mark.parametrize("where", ["before", "after"])
def test_config_stands_before_or_behind_the_group(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.toml"
    path.write_text("[console]\ntheme = 'mine'\n")
    option = ["--config", str(path)]
    words = ["config", "show"]
    assert main([*option, *words] if where == "before" else [*words, *option]) == 0
    assert "mine" in capsys.readouterr().out


def test_an_error_is_one_safe_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WARROOM_LOG_LEVEL", "lo\x1b]52;c;x\x07ud\nno")
    assert main(["config", "show"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("warroom: The setting log.level is ")
    assert captured.err.count("\n") == 1
    assert "\x1b" not in captured.err


def test_an_interrupt_ends_with_130(tmp_path: Path) -> None:
    """Ctrl-C while a command waits for a server that never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        silent.settimeout(60)
        ours = {"WARROOM_API_URL": url, "WARROOM_TOKEN": "x", "WARROOM_DATA_DIR": str(tmp_path)}
        environment = {**os.environ, **ours}
        command = [sys.executable, "-m", "warroom", "incident", "list"]
        waiting = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        asked, _ = silent.accept()
        with asked:
            # In this very moment anyio cancels its own waits, and can take ours for one of them.
            waiting.send_signal(signal.SIGINT)
            _, said = waiting.communicate(timeout=60)
    assert waiting.returncode == 130, said
    assert "Traceback" not in said


SWALLOWS = """
import asyncio, signal, sys
from warroom.cli.interrupt import run

async def work():
    try:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("swallowed", flush=True)
    await {then}

try:
    run(work())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("then", ["asyncio.sleep(3600)", "asyncio.sleep(0)"])
def test_a_swallowed_cancellation_does_not_lose_the_interrupt(then: str) -> None:
    """Whether the work goes on as if nothing had been, or ends well: it was interrupted."""
    done = subprocess.run(
        [sys.executable, "-c", SWALLOWS.format(then=then)], capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "swallowed\n", "")


def test_short_commands_take_their_interrupts_from_one_place() -> None:
    """A new group that runs a loop itself would lose presses again."""
    own = {"demo.py", "engine.py", "serve.py", "interrupt.py"}
    folder = Path(importlib.import_module("warroom.cli").__path__[0])
    runs = re.compile(r"asyncio\.(run|Runner)\(")
    assert {f.name for f in folder.glob("*.py") if runs.search(f.read_text())} == own


def test_a_closed_pipe_is_quiet() -> None:
    script = f"{sys.executable} -m warroom config reference | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    assert done.stdout.strip() in {"0", "141"}  # all was written before the reader left, or not
