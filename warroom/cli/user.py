"""`warroom user`: people and their logins."""

from __future__ import annotations

import argparse
from typing import Any

from warroom.cli import directory
from warroom.cli.common import SubParsers
from warroom.cli.duration import add_expires

COLUMNS = ("name", "kind", "db_role", "units", "disabled_at")
LOST = "`warroom token add NAME` makes another."


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    directory.declare(subparsers, "user", "people and their logins", _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name")
    parser.add_argument("--email")
    parser.add_argument("--team", action="append", default=[], dest="teams")
    parser.add_argument("--unit", action="append", default=[], dest="units")
    parser.add_argument(
        "--scope", action="append", default=[], dest="scopes", choices=("read", "respond", "admin")
    )
    parser.add_argument("--auditor", action="store_true", help="may read the audit trail")
    parser.add_argument("--security", action="store_true", help="sees security incidents")
    add_expires(parser)


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "name": args.name,
        "email": args.email,
        "teams": args.teams,
        "units": args.units or ["main"],
        "scopes": args.scopes or ["read", "respond"],
        "auditor": args.auditor,
        "sees_security": args.security,
        "expires_in_s": args.expires,
    }


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return directory.run(
        args,
        "people",
        COLUMNS,
        _body,
        lost=f"Type: warroom token add {args.name}" if args.verb == "add" else "",
    )
