"""What `warroom user|team|service|policy|token|source` share: add and list through the API."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from warroom.cli.common import (
    SubParsers,
    add_config,
    add_json,
    make_client,
    print_json,
    print_table,
    say,
    settings_from,
)

Body = Callable[[argparse.Namespace], dict[str, Any]]


def declare(
    subparsers: SubParsers,
    noun: str,
    text: str,
    arguments: Callable[[argparse.ArgumentParser], None],
) -> argparse.ArgumentParser:
    """Declare ``add`` and ``list`` of one noun; return the parser of ``add``."""
    parser = subparsers.add_parser(noun, help=text)
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    adding = verbs.add_parser("add", help=f"add a {noun}")
    arguments(adding)
    add_json(adding)
    listing = verbs.add_parser("list", help="list them")
    add_json(listing)
    if noun == "token":
        revoking = verbs.add_parser("revoke", help="revoke one at once")
        revoking.add_argument("id")
        add_json(revoking)
    return adding


def run(args: argparse.Namespace, route: str, columns: Sequence[str], body: Body) -> int:
    """Do what the verb says.

    Args:
        args: the parsed arguments.
        route: the API's plural noun.
        columns: what a listing shows.
        body: makes the request of ``add``.
    """
    client = make_client(settings_from(args))

    async def ask() -> dict[str, Any]:
        async with client:
            if args.verb == "list":
                return await client.list_of(route)
            if args.verb == "revoke":
                return await client.revoke_token(args.id)
            return await client.add(route, body(args))

    answer = asyncio.run(ask())
    if args.json:
        print_json(answer)
    elif args.verb == "list":
        print_table(answer["items"], columns)
    else:
        for name, value in answer.items():
            if value is not None:
                say(f"{name}: {value}")
        if answer.get("token"):
            say("The token is shown this once.")
    return 0
