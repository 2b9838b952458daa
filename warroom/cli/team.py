"""`warroom team`: teams and their members."""

from __future__ import annotations

import argparse
from typing import Any

from warroom.cli import directory
from warroom.cli.common import SubParsers

COLUMNS = ("key", "name", "unit")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    directory.declare(subparsers, "team", "teams and their members", _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key")
    parser.add_argument("--name")
    parser.add_argument("--unit", default="main")


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {"key": args.key, "name": args.name or args.key, "unit": args.unit}


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return directory.run(args, "teams", COLUMNS, _body)
