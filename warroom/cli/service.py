"""`warroom service`: services and their owners."""

from __future__ import annotations

import argparse
from typing import Any

from warroom.cli import directory
from warroom.cli.common import SubParsers

COLUMNS = ("key", "name", "kind", "tier", "team", "region", "zone", "health", "provisional")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    directory.declare(subparsers, "service", "services and their owners", _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key")
    parser.add_argument("--name")
    parser.add_argument("--kind", default="service")
    parser.add_argument("--tier", type=int, default=3)
    parser.add_argument("--team")
    parser.add_argument("--policy")
    parser.add_argument("--region")
    parser.add_argument("--customers", type=int)
    parser.add_argument("--user-share", type=float, help="per cent of all users")
    parser.add_argument("--runbook-url")
    parser.add_argument("--dashboard-url")
    parser.add_argument("--zone")
    parser.add_argument("--host")
    parser.add_argument("--provider", help="whose it is, of a third party's")
    parser.add_argument("--slo", type=float, help="per cent")
    parser.add_argument("--system", help="what it is a part of")
    parser.add_argument(
        "--link", action="append", dest="links", type=_link, metavar="KIND=URL",
        help="KIND is runbook, dashboard, document, code or chat",
    )  # fmt: skip


def _link(text: str) -> dict[str, str]:
    kind, equals, url = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND=URL")
    return {"kind": kind, "url": url}


def _body(args: argparse.Namespace) -> dict[str, Any]:
    names = (
        "key", "name", "kind", "tier", "team", "policy", "region", "customers", "user_share",
        "runbook_url", "dashboard_url", "zone", "host", "provider", "slo", "system", "links",
    )  # fmt: skip
    return {name: getattr(args, name) for name in names}


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return directory.run(args, "services", COLUMNS, _body)
