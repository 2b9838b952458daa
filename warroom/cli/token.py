"""`warroom token`: API tokens."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from warroom.cli import directory
from warroom.cli.common import SubParsers
from warroom.cli.duration import add_expires

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS = ("id", "person", "name", "scopes", "source", "created_at", "expires_at", "revoked_at")
LOST = "Revoke it and make another."


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    verbs = directory.declare(subparsers, "token", "API tokens", _arguments)
    directory.verb(verbs, "revoke", "revoke one at once").add_argument("id")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("person")
    parser.add_argument("--name", default="token")
    parser.add_argument(
        "--scope",
        action="append",
        default=[],
        dest="scopes",
        choices=("read", "respond", "admin", "ingest"),
        help="ingest needs --source",
    )
    parser.add_argument("--source", help="whose alerts it may bring in as well: for amtool")
    add_expires(parser)


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "person": args.person,
        "name": args.name,
        "scopes": args.scopes or ["read", "respond"],
        "expires_in_s": args.expires,
        **({"source": args.source} if args.source else {}),
    }


async def _revoke(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    return await client.revoke_token(args.id, key=key)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return directory.run(args, "tokens", COLUMNS, _body, {"revoke": _revoke}, lost=LOST)
