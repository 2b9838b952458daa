"""`warroom token`: API tokens."""

from __future__ import annotations

import argparse
from typing import Any

from warroom.cli import directory
from warroom.cli.common import SubParsers

COLUMNS = ("id", "person", "name", "scopes", "created_at", "revoked_at")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    directory.declare(subparsers, "token", "API tokens", _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("person")
    parser.add_argument("--name", default="token")
    parser.add_argument(
        "--scope", action="append", default=[], dest="scopes", choices=("read", "respond", "admin")
    )


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {"person": args.person, "name": args.name, "scopes": args.scopes or ["read", "respond"]}


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return directory.run(args, "tokens", COLUMNS, _body)
