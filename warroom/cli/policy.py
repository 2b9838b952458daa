"""`warroom policy`: escalation policies."""

from __future__ import annotations

import argparse
from typing import Any

from warroom.cli import directory
from warroom.cli.common import SubParsers

COLUMNS = ("key", "name", "steps", "repeat_count")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    directory.declare(subparsers, "policy", "escalation policies", _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key")
    parser.add_argument("--name")
    parser.add_argument("--repeat", type=int, default=0, help="how often it begins again")
    parser.add_argument(
        "--step",
        action="append",
        required=True,
        type=_step,
        dest="steps",
        metavar="SECONDS:KIND:NAME",
        help="e.g. 300:team:databases; KIND is team, person or channel",
    )


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "key": args.key,
        "name": args.name or args.key,
        "repeat": args.repeat,
        "steps": args.steps,
    }


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return directory.run(args, "policies", COLUMNS, _body)


def _step(text: str) -> dict[str, Any]:
    parts = text.split(":", 2)
    if len(parts) != 3 or not parts[0].isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not SECONDS:KIND:NAME")
    return {"delay_s": int(parts[0]), "target_kind": parts[1], "target": parts[2]}
