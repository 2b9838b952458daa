"""`warroom heartbeat`: what is to speak up by itself, and whose absence is an alert."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from warroom.cli import directory
from warroom.cli.common import SubParsers
from warroom.cli.duration import seconds

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS = ("key", "service", "severity", "state", "last_beat_at", "window_s", "grace_s",
           "missing_since", "paused_at")  # fmt: skip
ADDRESS = "/heartbeat/{token}"
LOST = "Remove it and add it again."


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    verbs = directory.declare(subparsers, "heartbeat", "what is to speak up by itself", _arguments)
    for name, text in (
        ("pause", "wait for it no longer; its alert ends"),
        ("resume", "wait for it again, for a whole window from now"),
        ("remove", "its address is unknown from then on; its alert ends"),
    ):
        directory.verb(verbs, name, text).add_argument("heartbeat")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key")
    parser.add_argument("--service", required=True, help="the key of the service it is about")
    parser.add_argument("--severity", type=int, choices=range(1, 6), default=2)
    parser.add_argument(
        "--window", type=seconds, default=300, metavar="5m", help="a beat is due this often"
    )
    parser.add_argument(
        "--grace", type=_grace, default=60, metavar="1m", help="how much later it may be"
    )


def _grace(text: str) -> int:
    return 0 if text == "0" else seconds(text)


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "key": args.key,
        "service": args.service,
        "severity": args.severity,
        "window_s": args.window,
        "grace_s": args.grace,
    }


async def _switch(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    return await client.switch_heartbeat(args.heartbeat, args.verb, key=key)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says; `add` tells the address that is to be called, once."""
    more = dict.fromkeys(("pause", "resume", "remove"), _switch)
    return directory.run(args, "heartbeats", COLUMNS, _body, more, lost=LOST, address=ADDRESS)
