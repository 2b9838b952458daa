"""The supervisor's log is turned while it writes, and nothing of it is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import wait_until_sync
from warroom.embedded.own_log import OwnLog

WRITE = """
import sys
from pathlib import Path
from warroom.embedded.own_log import OwnLog
log = OwnLog(Path(sys.argv[1]), limit=1000)
turned = 0
for n in range(300):
    print(f"out {n}", flush=True)
    print(f"err {n}", file=sys.stderr, flush=True)
    turned += log.turn_if_large()
    if turned == 1 and n >= 100:
        log = OwnLog(Path(sys.argv[1]), limit=10**9)
print(f"turned {turned}")
"""


def test_both_streams_go_on_in_the_new_file_and_no_line_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "supervisor.log"
    with file.open("ab") as out:
        file.chmod(0o640)
        subprocess.run([sys.executable, "-c", WRITE, str(file)], stdout=out, stderr=out, check=True)
    old = (tmp_path / "supervisor.log.1").read_text("utf-8").splitlines()
    new = file.read_text("utf-8").splitlines()
    assert new[-1].startswith("turned ")
    assert new[-1] != "turned 0"
    wanted = [f"{kind} {n}" for n in range(300) for kind in ("out", "err")]
    # The last turn puts one older file out of the way; what follows is whole and in order.
    both = old + new[:-1]
    assert both == wanted[-len(both) :]
    assert file.stat().st_mode & 0o777 == 0o640


def test_streams_that_lead_elsewhere_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "supervisor.log"
    file.write_bytes(b"x" * 2000)
    before = [os.fstat(number) for number in (1, 2)]
    assert OwnLog(file, limit=1000).turn_if_large() is False
    assert OwnLog(tmp_path / "nothing.log", limit=0).turn_if_large() is False
    assert file.stat().st_size == 2000
    assert [os.fstat(number).st_ino for number in (1, 2)] == [found.st_ino for found in before]


def test_who_follows_a_log_sees_the_new_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARROOM_DATA_DIR", str(tmp_path))
    file = tmp_path / "log" / "supervisor.log"
    file.parent.mkdir()
    file.write_text("first line\n" * 100, "utf-8")
    said = tmp_path / "said"
    with said.open("wb") as out:
        following = subprocess.Popen(
            [sys.executable, "-u", "-m", "warroom", "logs", "supervisor", "--follow"], stdout=out
        )
    try:
        wait_until_sync(lambda: "first line" in said.read_text("utf-8"), what="the old lines")
        file.rename(file.with_name("supervisor.log.1"))
        file.write_text("a new beginning\n", "utf-8")
        wait_until_sync(lambda: "a new beginning" in said.read_text("utf-8"), what="the new line")
    finally:
        following.kill()
        following.wait()
