"""`warroom source`: alert sources and their tokens."""

from __future__ import annotations

import argparse
from typing import Any

from warroom.cli import directory
from warroom.cli.common import SubParsers

COLUMNS = ("key", "name", "dialect", "last_seen_at", "paused_at")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    directory.declare(subparsers, "source", "alert sources and their tokens", _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key")
    parser.add_argument("--name")
    parser.add_argument("--team")
    parser.add_argument("--service-label", help="the label that names the service")


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "key": args.key,
        "name": args.name,
        "team": args.team,
        "service_label": args.service_label,
    }


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return directory.run(args, "sources", COLUMNS, _body)
