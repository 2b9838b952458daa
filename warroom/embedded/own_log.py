"""The log that the supervisor writes as its standard output and error: turned while it runs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from warroom.embedded.paths import LOG_LIMIT

STREAMS = (1, 2)


class OwnLog:
    """One log file, and the standard streams that lead to it.

    Args:
        file: where whoever started us has pointed them.
        limit: bytes from which on the file is put aside.
    """

    def __init__(self, file: Path, limit: int = LOG_LIMIT) -> None:
        self._file = file
        self._limit = limit

    def turn_if_large(self) -> bool:
        """Put the file aside as ``.log.1`` when it is over the limit; tell whether it was.

        Nothing is lost: until the streams lead to the new file, they lead to the old one.
        Streams that lead elsewhere (to a terminal, to a pipe) are left alone.
        """
        try:
            now = self._file.stat()
            if now.st_size <= self._limit:
                return False
            ours = [number for number in STREAMS if _leads_to(number, now)]
            if not ours:
                return False
            self._file.replace(self._file.with_name(self._file.name + ".1"))
            fresh = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, now.st_mode & 0o777)
        except OSError:
            return False  # a full disk is no reason to end; the next look tries again
        for number in ours:
            os.dup2(fresh, number)
        os.close(fresh)
        return True


def _leads_to(number: int, file: os.stat_result) -> bool:
    try:
        found = os.fstat(number)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and os.path.samestat(found, file)
