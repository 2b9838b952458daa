"""`warroom audit`: whether the record can be trusted."""

from __future__ import annotations

import argparse
from typing import Any

from warroom.cli import interrupt
from warroom.cli.common import (
    SubParsers,
    add_config,
    add_json,
    make_client,
    print_json,
    say,
    settings_from,
)


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("audit", help="read and verify the record")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verify = verbs.add_parser("verify", help="recompute every hash; exit 1 when one is wrong")
    add_json(verify)


def run(args: argparse.Namespace) -> int:
    """Verify; 0 when the record holds."""
    client = make_client(settings_from(args))

    async def ask() -> dict[str, Any]:
        async with client:
            return await client.verify_audit()

    verdict = interrupt.run(ask())
    if args.json:
        print_json(verdict)
    else:
        word = "verified" if verdict["verified"] else "NOT VERIFIED"
        say(f"{word}: {verdict['entries']} entries, {verdict['rows_checked']} rows checked")
        for problem in verdict["problems"]:
            say(f"  {problem['table']} {problem['row']}: {problem['problem']}")
        if verdict["erased"]:
            say(f"{verdict['erased']} entries were erased by law; they and what they spoke of:")
        for note in verdict["notes"]:
            say(f"  {note['table']} {note['row']}: {note['note']}")
    return 0 if verdict["verified"] else 1
