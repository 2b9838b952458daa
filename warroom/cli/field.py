"""`warroom field`: the custom fields that incidents may have."""

from __future__ import annotations

import argparse
from typing import Any

from warroom.cli import directory
from warroom.cli.common import SubParsers

COLUMNS = ("key", "label", "type", "choices", "required", "max_length", "pattern")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    directory.declare(subparsers, "field", "custom fields of incidents", _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", help="small letters, digits and _, e.g. ticket_id")
    parser.add_argument("--label", help="its name for people")
    parser.add_argument(
        "--type", default="text", choices=("text", "number", "boolean", "date", "choice")
    )
    parser.add_argument(
        "--choice", action="append", default=[], dest="choices", help="one of the values; repeat it"
    )
    parser.add_argument("--required", action="store_true", help="once set, it cannot be taken away")
    parser.add_argument("--max-length", type=int, metavar="N", help="most characters of a text")
    parser.add_argument("--pattern", metavar="REGEX", help="what the whole of a text is of")


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "key": args.key,
        "label": args.label or args.key,
        "type": args.type,
        "choices": args.choices,
        "required": args.required,
        "max_length": args.max_length,
        "pattern": args.pattern,
    }


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return directory.run(args, "fields", COLUMNS, _body)
