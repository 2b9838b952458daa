"""Types `warroom …` in a process of its own, without paying for a start of Python each time.

A helper process has imported what the command line needs (another one what the API needs); for
every command it forks, the child takes the given files as stdin, stdout and stderr, and ends as
the program would.  Hundreds of commands are typed by the tests: their imports took longer than
their work.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

DEADLINE_S = 60.0
_PACKET = 1 << 17
_ALSO = {
    "typist": ("httpx", "rich.table", "warroom.client", "warroom.settings"),
    "server": ("warroom.api.app", "uvicorn", "uvicorn.protocols.http.httptools_impl"),
}


async def warroom(*arguments: str, **env: str) -> tuple[int, str, str]:
    """Run `warroom …` with more environment; return exit code, stdout and stderr."""
    return await asyncio.to_thread(typed, list(arguments), os.environ | env)


async def warroom_at(terminal: int, *arguments: str) -> tuple[int, str, str]:
    """Run `warroom …` that reads from a terminal; return exit code, stdout and stderr."""
    return await asyncio.to_thread(typed, list(arguments), os.environ, terminal)


def typed(
    words: list[str], env: Mapping[str, str], stdin: int | None = None
) -> tuple[int, str, str]:
    """Run `warroom …` in just this environment; return exit code, stdout and stderr."""
    pipes = [os.pipe() for _ in range(3)]
    helper = "server" if words[:1] == ["serve"] else "typist"
    _send(helper, words, env, os.getcwd(), stdin, [pair[1] for pair in pipes])
    out, err, told = _read([pair[0] for pair in pipes])
    lines = told.split()
    if len(lines) != 2:
        raise AssertionError(f"`warroom {' '.join(words)}` ended without a code: {err.decode()}")
    return int(lines[1]), out.decode(), err.decode()


class Server:
    """A `warroom …` that goes on until it is told to end; what ``subprocess.Popen`` offers.

    Args:
        words: what is typed.
        env: its environment, whole.
        log: takes what it says.
        cwd: its working directory.
    """

    def __init__(self, words: list[str], env: Mapping[str, str], log: Path, cwd: Path) -> None:
        self._told, theirs = os.pipe()
        said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        _send("server", words, env, str(cwd), None, [said, os.dup(said), theirs])
        self.pid = int(os.read(self._told, 100).split()[0])
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, None while it runs; -9 when it could not say one."""
        return self._ended(0.0)

    def wait(self, timeout: float) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it did not end.
        """
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("warroom", timeout)
        return code

    def send_signal(self, how: int) -> None:
        """Send a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, how)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            told = os.read(self._told, 100).split()
            self.returncode = int(told[0]) if told else -signal.SIGKILL
            os.close(self._told)
        return self.returncode


def _send(
    helper: str, words: list[str], env: Mapping[str, str], cwd: str, stdin: int | None,
    files: list[int],
) -> None:  # fmt: skip
    """Order a command; ``files`` are its stdout, its stderr and what its end is told to."""
    order = json.dumps({"words": words, "env": dict(env), "cwd": cwd}).encode()
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        socket.send_fds(
            _helper(helper), [order], [nothing if stdin is None else stdin, *files],
            socket.MSG_EOR,
        )  # fmt: skip
    finally:
        for fd in (nothing, *files):
            os.close(fd)


def _read(fds: list[int]) -> list[bytes]:
    """Read files until all of them end; the child is killed when that takes too long."""
    found = dict.fromkeys(fds, b"")
    ends = time.monotonic() + DEADLINE_S
    with selectors.DefaultSelector() as waiting:
        for fd in fds:
            waiting.register(fd, selectors.EVENT_READ)
        try:
            while waiting.get_map():
                ready = waiting.select(max(0.0, ends - time.monotonic()))
                if not ready:
                    with contextlib.suppress(ProcessLookupError, IndexError):
                        os.kill(int(found[fds[-1]].split()[0]), signal.SIGKILL)
                    raise TimeoutError(f"no end in {DEADLINE_S:.0f} s; it said {found}")
                for key, _ in ready:
                    data = os.read(key.fd, 65536)
                    found[key.fd] += data
                    if not data:
                        waiting.unregister(key.fd)
        finally:
            for fd in fds:
                os.close(fd)
    return [found[fd] for fd in fds]


@functools.cache
def _helper(kind: str) -> socket.socket:
    """Start a helper process, once a test process; it ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", "tests.typist", kind, str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
        )  # fmt: skip
    return ours


def _serve(kind: str, fd: int) -> None:
    from warroom.cli import main

    for name in (*(f"warroom.cli.{group}" for group in main.GROUPS), *_ALSO[kind]):
        importlib.import_module(name)
    # Children are not waited for here: they tell their own end.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=fd) as orders:
        while True:
            order, fds, _, _ = socket.recv_fds(orders, _PACKET, 4)
            if not order:
                return
            if os.fork() == 0:
                _run(order, fds)
            for each in fds:
                os.close(each)


def _run(order: bytes, fds: list[int]) -> NoReturn:
    """Be `warroom …` in the child."""
    from warroom.cli.main import main

    code = 70
    try:
        os.set_inheritable(fds[3], False)
        os.write(fds[3], f"{os.getpid()}\n".encode())
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        asked = json.loads(order)
        for number, fd in enumerate(fds[:3]):
            os.dup2(fd, number)
            os.close(fd)
        os.environ.clear()
        os.environ.update(asked["env"])
        os.chdir(asked["cwd"])
        sys.argv = ["warroom", *asked["words"]]
        try:
            code = main(asked["words"])
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        except BaseException:  # noqa: BLE001 - whatever it is, it ends here
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os.write(fds[3], f"{code}\n".encode())
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
