"""Runs the console on a real pseudo-terminal and judges every byte that it sends."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.console.glass import Glass

ROOT = Path(__file__).resolve().parents[2]
_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|[ -/]*[0-~])"
    r"|[\x00-\x1f\x7f-\x9f]"
)
# Everything that Textual's Linux driver, its compositor and rich's styles send; nothing else may
# come out.
_KNOWN = re.compile(
    r"\x1b\[\?(?:1000|1003|1004|1006|1015|1016|1049|2004|2026|2048|25|7)[hl]"
    r"|\x1b\[\?(?:1016|2026|2048)\$p"
    r"|\x1b\[[><][0-9]*u"
    r"|\x1b\[\?u"
    r"|\x1b\[>4;[0-9]m"
    r"|\x1b\[[0-9]+;[0-9]+H"
    r"|\x1b\[[0-9;]*m"
    r"|\x1b\[\?2J|\x1b\[2J|\x1b\[H"
    r"|\x1b\]22;(?:default|pointer|text)\x07"
    r"|\n|\r"
)
_COLOUR = re.compile(r"\x1b\[([0-9;]*)m")


class PtyConsole:
    """The application in a pseudo-terminal of a given size; collects what it writes."""

    def __init__(
        self,
        arguments: list[str],
        size: tuple[int, int] = (80, 24),
        env: dict[str, str] | None = None,
    ) -> None:
        self.master, slave = pty.openpty()
        # Before and after the application's raw mode the line would be echoed into its output.
        quiet = termios.tcgetattr(slave)
        quiet[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, quiet)
        columns, lines = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        drop = ("NO_COLOR", "COLORTERM", "SSH_CONNECTION", "SSH_TTY")
        environ = {k: v for k, v in os.environ.items() if k not in drop and "TEXTUAL" not in k}
        environ |= {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **(env or {})}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 # one ioctl, and no threads run here
        )
        os.close(slave)
        self.output = b""
        self.glass = Glass(columns, lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        if self.master >= 0:
            os.close(self.master)

    def read(self, seconds: float) -> bytes:
        """Collect output for some time and return it."""
        start = len(self.output)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not self._read_some(left):
                break
        return self.output[start:]

    def read_until(self, needle: str, timeout_s: float = 30.0) -> None:
        """Collect output until some text was sent."""
        deadline = time.monotonic() + timeout_s
        wanted = needle.encode()
        while wanted not in self.output:
            left = deadline - time.monotonic()
            assert left > 0, f"{needle!r} never came; last: {self.output[-400:]!r}"
            assert self._read_some(left) or wanted in self.output, "the console has ended"

    def read_until_shown(self, words: str, timeout_s: float = 60.0) -> None:
        """Collect output until some words stand on the screen."""
        self._read_while(
            lambda: words not in self.glass.flat(), f"{words!r} to be shown", timeout_s
        )

    def read_until_gone(self, words: str, timeout_s: float = 60.0) -> None:
        """Collect output until some words stand on the screen no more, and nothing comes.

        In the middle of a frame they may be missing for a moment; and a key right behind Esc
        would be read as Alt and that key.
        """
        deadline = time.monotonic() + timeout_s
        while self.read(0.2) or words in self.glass.flat():
            assert time.monotonic() < deadline, f"{words!r} stays:\n{self.glass.text()}"

    def _read_while(self, waiting: Callable[[], bool], what: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while waiting():
            left = deadline - time.monotonic()
            assert left > 0, f"waited in vain for {what}:\n{self.glass.text()}"
            assert self._read_some(left) or not waiting(), "the console has ended"

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self.master, keys)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the application."""
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """Close the terminal."""
        os.close(self.master)
        self.master = -1

    def _read_some(self, left: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], left)
        if not ready:
            return True
        try:
            chunk = os.read(self.master, 65536)
        except OSError:
            return False
        self.output += chunk
        self.glass.feed(chunk)
        return bool(chunk)


def _take_terminal() -> None:
    """Make the pseudo-terminal the controlling one, so that its end means SIGHUP."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def foreign(output: bytes) -> list[str]:
    """Return every sequence and character that the application itself does not send."""
    text = output.decode("utf-8", "surrogateescape")
    found = [s for s in _SEQUENCE.findall(text) if not _KNOWN.fullmatch(s)]
    rest = _SEQUENCE.sub("", text)
    bad = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    found += [hex(ord(c)) for c in rest if unicodedata.category(c) in bad]
    return found


def colours(output: bytes) -> set[str]:
    """Return the kinds of colour that were sent: ``16``, ``256``, ``truecolor``."""
    kinds: set[str] = set()
    for codes in _COLOUR.findall(output.decode("utf-8", "replace")):
        numbers = [int(n) for n in codes.split(";") if n]
        while numbers:
            first = numbers.pop(0)
            if first in {38, 48}:
                kinds.add("truecolor" if numbers[0] == 2 else "256")
                del numbers[: 4 if numbers[0] == 2 else 2]
            elif 30 <= first <= 49 or 90 <= first <= 107:
                kinds.add("16")
    return kinds
