"""`warroom ingest load`: a file of alerts, one a line, stored once however often it is loaded.

The file goes in pieces; each answer is progress.  Killed half way it is run again: the API knows
how far it had come, by the file's digest.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from warroom.cli import interrupt
from warroom.cli.common import (
    SubParsers,
    add_json,
    make_client,
    print_json,
    say,
    settings_from,
    warn,
)
from warroom.errors import (
    ApiUnreachable,
    DatabaseUnavailable,
    IdempotencyMismatch,
    InvalidInput,
    OutcomeUnknown,
    Overloaded,
)

if TYPE_CHECKING:
    from warroom.client import Client

Json = dict[str, Any]
File = io.BufferedReader | gzip.GzipFile
ADDRESS: Final = "/v1/ingest/bulk"
PIECE_LINES: Final = 5_000
PIECE_BYTES: Final = 4 << 20
TIMEOUT_S: Final = 300.0
TRIES: Final = 8
_AGAIN = (ApiUnreachable, OutcomeUnknown, Overloaded, DatabaseUnavailable, IdempotencyMismatch)


def add_verb(verbs: SubParsers) -> None:
    """Declare the arguments."""
    parser = verbs.add_parser("load", help="load a file of alerts, one JSON object a line")
    parser.add_argument("file", metavar="FILE", help="as Prometheus posts them, one a line")
    parser.add_argument("--token-file", type=Path, metavar="TOKEN", help="holds the source's token")
    parser.add_argument("--name", help="under which it is known; the file's digest by default")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Load the file and say what became of it."""
    try:
        with _opened(args.file) as file:
            name = args.name or hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            lines = sum(1 for _ in file)
            client = make_client(settings_from(args, token_file=args.token_file))
            found = interrupt.run(_load(client, file, name, lines))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(
            f"{args.file} is no whole gzip file; what was loaded before stays.", field="file"
        ) from error
    except OSError as error:
        raise InvalidInput(
            f"{args.file} cannot be read: {error.strerror}.", field="file"
        ) from error
    if args.json:
        print_json(found)
    elif found["skipped"] == lines:
        say(f"all {lines:,} lines were stored before")
    else:
        before = f"; {found['skipped']:,} lines were stored before" if found["skipped"] else ""
        say(f"{found['alerts']:,} alerts of {lines:,} lines are stored,"
            f" {found['new']:,} of them new{before}")  # fmt: skip
    return 0


def _opened(name: str) -> File:
    """Open a file; one that gzip packed is read as what is in it, so it is known by that, too."""
    file = Path(name).open("rb")  # noqa: SIM115 - whoever asked closes it
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file


async def _load(client: Client, file: File, name: str, lines: int) -> Json:
    """Send what is not stored yet, piece by piece; return the totals of this run."""
    async with client:
        through = await _known(client, name)
        total: Json = {"name": name, "lines": lines, "skipped": through, "alerts": 0, "new": 0}
        tries = 0
        while through < lines:
            file.seek(0)
            for first, piece in _pieces(file, through):
                try:
                    found = await client.request(
                        "POST", ADDRESS, params={"load": name, "first": first},
                        content=gzip.compress(piece, 1),
                        headers={"Content-Type": "application/x-ndjson",
                                 "Content-Encoding": "gzip"},
                        timeout_s=TIMEOUT_S,
                    )  # fmt: skip
                except _AGAIN as error:
                    tries += 1
                    if tries >= TRIES:
                        raise
                    warn(f"{error}; going on in {tries} s")
                    await asyncio.sleep(tries)
                    through = await _known(client, name)
                    break
                tries = 0
                through = int(found["through"])
                total["alerts"] += found["alerts"]
                total["new"] += found["new"]
                warn(f"{through:,} of {lines:,} lines")
        return total


async def _known(client: Client, name: str) -> int:
    """Return the last line that is stored already."""
    for attempt in range(1, TRIES + 1):
        try:
            found = await client.request("GET", ADDRESS, params={"load": name})
            return int(found["through"])
        except (ApiUnreachable, Overloaded, DatabaseUnavailable):
            if attempt == TRIES:
                raise
            await asyncio.sleep(attempt)
    raise AssertionError("unreachable")


def _pieces(file: File, behind: int) -> Iterator[tuple[int, bytes]]:
    """Yield the number of the first line, and the lines, of each piece behind a line."""
    first, size = behind + 1, 0
    piece: list[bytes] = []
    for number, line in enumerate(file, 1):
        if number <= behind:
            continue
        if piece and (len(piece) >= PIECE_LINES or size + len(line) > PIECE_BYTES):
            yield first, b"".join(piece)
            first, piece, size = number, [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield first, b"".join(piece)
