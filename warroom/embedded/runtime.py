"""What runs now, as a file: who started it, where its API is, where its socket and token are."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from warroom.embedded.paths import DataPaths
from warroom.embedded.processes import CONSOLE_VARIABLE, ProcessRef, is_alive, process_ref


@dataclass(frozen=True, slots=True)
class Runtime:
    """One running instance.

    ``children`` maps a part (postgres, api, engine, standby) to its process id.  ``console`` is the
    process id and the start time of the console in front of it, None when there is none.
    ``standby_url`` is a conninfo without a role, empty without a standby, as is
    ``standby_state``: how the supervisor last found it, a ``standby_state.State``.
    """

    pid: int
    started: str
    api_url: str
    database_url: str
    socket_dir: str
    pg_version: str
    started_at: str
    admin_token_file: str
    children: dict[str, int] = field(default_factory=dict)
    console: tuple[int, str] | None = None
    standby_url: str = ""
    standby_state: str = ""

    @property
    def process(self) -> ProcessRef:
        """The supervisor, named so that it cannot be mistaken."""
        return ProcessRef(self.pid, self.started)


def console_in_front() -> tuple[int, str] | None:
    """Return the console that started us, None when it was none."""
    pid = os.environ.get(CONSOLE_VARIABLE, "")
    found = process_ref(int(pid)) if pid.isdigit() else None
    return (found.pid, found.started) if found is not None else None


def write(paths: DataPaths, runtime: Runtime) -> None:
    """Write the file with mode 0600, whole or not at all."""
    fresh = paths.runtime_file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(runtime), file, indent=1)
    fresh.replace(paths.runtime_file)


def read(data_dir: Path) -> Runtime | None:
    """Return what the file says, None when there is none or it is of no use."""
    try:
        text = DataPaths(data_dir).runtime_file.read_text(encoding="utf-8")
        return Runtime(**json.loads(text))
    except (OSError, ValueError, TypeError):
        return None


def running(data_dir: Path) -> Runtime | None:
    """Return the instance on this data directory if its supervisor still lives."""
    found = read(data_dir)
    return found if found is not None and is_alive(found.process) else None


def admin_token(runtime: Runtime) -> str | None:
    """Return the starter's token, None if we may not read it."""
    try:
        return Path(runtime.admin_token_file).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
