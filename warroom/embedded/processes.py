"""Processes by number and start time.

A process number is reused; a number with its start time is not.  Nothing here signals a process
before it has checked that it is still the one that was meant.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC = Path("/proc")
PARENT_VARIABLE: Final = "_WARROOM_DIE_WITH_PARENT"
"""Names the process id of the parent with which a child ends; 0 when it goes on alone."""
CONSOLE_VARIABLE: Final = "_WARROOM_CONSOLE"
"""Names the process id of the console that was started with everything behind it."""
_HAS_PROC = (_PROC / "self" / "stat").exists()
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child between fork and exec must not load libraries.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class ProcessRef:
    """One process, named so that it cannot be mistaken for a later one.

    ``started`` is opaque: clock ticks since boot on Linux, the start time as text elsewhere.
    """

    pid: int
    started: str


def process_ref(pid: int) -> ProcessRef | None:
    """Return the reference of a living process, None if there is none (a zombie is none)."""
    started = _started(pid)
    return ProcessRef(pid, started) if started is not None else None


def own_age_s() -> float:
    """Return the seconds since this process began; 0 where the system does not tell."""
    me = process_ref(os.getpid())
    if not _HAS_PROC or me is None or not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    began = int(me.started) / os.sysconf("SC_CLK_TCK")
    return max(time.clock_gettime(time.CLOCK_BOOTTIME) - began, 0.0)


def is_alive(process: ProcessRef | None) -> bool:
    """Tell whether this very process still lives."""
    return process is not None and _started(process.pid) == process.started


def send_signal(process: ProcessRef, number: signal.Signals) -> bool:
    """Send a signal if it still is that process; tell whether it was sent."""
    if hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal"):
        try:
            handle = os.pidfd_open(process.pid)
        except OSError:
            return False
        try:
            # The handle pins the process, so checking after opening leaves no gap.
            if not is_alive(process):
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True
    if not is_alive(process):
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float, step: float = 0.02) -> bool:
    """Wait for ``condition`` at most ``seconds``; tell whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(step)
    return True


def works_in(pid: int, folder: Path) -> bool:
    """Tell whether the working directory of ``pid`` is ``folder`` (PostgreSQL's is its data).

    True for any living process where the system has no ``/proc``: there is no way to know better.
    """
    if not _HAS_PROC:
        return process_ref(pid) is not None
    try:
        return os.path.samefile(_PROC / str(pid) / "cwd", folder)
    except OSError:
        return False  # gone meanwhile, or not ours to see


def processes_in(folder: Path) -> list[ProcessRef]:
    """Return the processes whose working directory is ``folder``; none without ``/proc``."""
    if not _HAS_PROC:
        return []
    pids = [int(entry) for entry in os.listdir(_PROC) if entry.isdigit()]
    found = [process_ref(pid) for pid in pids if works_in(pid, folder)]
    return [process for process in found if process is not None]


def goes_with_parent() -> bool:
    """Say whether whoever started us wants us to end with it, and has ended."""
    wanted = os.environ.get(PARENT_VARIABLE, "0")
    return wanted.isdigit() and wanted != "0" and os.getppid() != int(wanted)


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return a ``preexec_fn`` that makes the kernel signal the child when its parent dies.

    Only for parents with one thread: the kernel means the thread that forked.  Elsewhere than
    on Linux it does nothing, and the next start cleans up instead.
    """
    parent = os.getpid()

    def _arm() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
            if os.getppid() != parent:  # it died before we were armed
                os._exit(1)

    return _arm


def _started(pid: int) -> str | None:
    if _HAS_PROC:
        try:
            text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # The command's name stands in parentheses and may hold anything, also ")" and spaces.
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    state, _, started = done.stdout.strip().partition(" ")
    return None if done.returncode or state.startswith("Z") else started.strip()
