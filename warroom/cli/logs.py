"""`warroom logs`: what the parts have written."""

from __future__ import annotations

import argparse
import os
import time

from warroom.cli.common import SubParsers, add_config, say, settings_from

PARTS = ("supervisor", "postgres", "standby", "api", "engine", "player")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("logs", help="show the logs of what `up` started")
    add_config(parser)
    parser.add_argument("part", nargs="?", choices=PARTS, help="one part; all of them otherwise")
    parser.add_argument("--lines", type=int, default=40, help="of each part")
    parser.add_argument("--follow", action="store_true", help="go on as they grow")


def run(args: argparse.Namespace) -> int:
    """Print the last lines; a log may hold what outsiders sent, so it is made safe."""
    from warroom.embedded.paths import DataPaths

    paths = DataPaths(settings_from(args).data_dir)
    places: dict[str, int] = {}  # of each part, how much of its file was printed
    parts = (args.part,) if args.part else PARTS
    for part in parts:
        try:
            data = paths.log(part).read_bytes()
        except OSError:
            continue
        places[part] = len(data)
        for line in data.decode("utf-8", "replace").splitlines()[-args.lines :]:
            say(f"{part}: {line}")
    while args.follow:
        for part in parts:
            _more(paths, part, places)
        time.sleep(0.3)
    return 0


def _more(paths: object, part: str, places: dict[str, int]) -> None:
    from warroom.embedded.paths import DataPaths

    assert isinstance(paths, DataPaths)
    try:
        with paths.log(part).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            # A file that is shorter than what was read of it is a new one: the old was put aside.
            begin = places.get(part, 0) if size >= places.get(part, 0) else 0
            file.seek(begin)
            data = file.read()
    except OSError:
        return
    places[part] = begin + len(data)
    for line in data.decode("utf-8", "replace").splitlines():
        say(f"{part}: {line}")
