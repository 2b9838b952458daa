"""`warroom dependency`: which service needs which."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from warroom.cli import directory
from warroom.cli.common import SubParsers

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS = ("service", "depends_on", "hardness", "sync", "redundancy_group", "redundancy_needed",
           "origin", "counts", "source")  # fmt: skip


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    verbs = directory.declare(subparsers, "dependency", "which service needs which", _arguments)
    remove = directory.verb(verbs, "remove", "say that a service does not need another")
    remove.add_argument("service")
    remove.add_argument("depends_on")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service")
    parser.add_argument("depends_on")
    parser.add_argument("--soft", action="store_true", help="it hurts; hard ones take it along")
    parser.add_argument("--async", action="store_true", dest="asynchronous",
                        help="what it sends waits in between")  # fmt: skip
    parser.add_argument("--group", help="dependencies of a group stand in for each other")
    parser.add_argument("--needed", type=int, help="how many of the group must be up; 1")


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "service": args.service,
        "depends_on": args.depends_on,
        "hardness": "soft" if args.soft else "hard",
        "sync": False if args.asynchronous else None,
        "redundancy_group": args.group,
        "redundancy_needed": args.needed,
    }


async def _remove(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    return await client.remove_dependency(args.service, args.depends_on, key=key)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return directory.run(args, "dependencies", COLUMNS, _body, {"remove": _remove})
