"""`warroom channel`: webhooks that messages are sent to."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import TYPE_CHECKING, Any

from warroom.cli import directory
from warroom.cli.common import SubParsers, print_json, say

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS = ("key", "kind", "url", "waiting", "paused_at")
LOST = "`warroom channel secret KEY` makes another."
LOOK_EVERY_S = 0.2


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    verbs = directory.declare(subparsers, "channel", "webhooks that messages go to", _arguments)
    test = directory.verb(verbs, "test", "send it a message and say what became of it")
    test.add_argument("key")
    test.add_argument("--wait", type=float, default=20.0, metavar="S", help="how long; 20 seconds")
    for name, text in (
        ("pause", "queue nothing more for it; what is queued waits"),
        ("resume", "let it go on"),
        ("secret", "sign with another secret from now on"),
    ):
        directory.verb(verbs, name, text).add_argument("key")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key")
    parser.add_argument("url", help="https://… or http://…")


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {"key": args.key, "url": args.url}


async def _verb(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    return await client.command_channel(args.key, args.verb, key=key)


async def _outcome(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    """Queue a test and look until it was sent, failed, or the time is over."""
    queued = await client.command_channel(args.key, "test", key=key)
    until = time.monotonic() + args.wait
    while True:
        found = await client.channel_message(args.key, queued["message"])
        ended = found["state"] in ("sent", "dead") or found["last_error"] is not None
        if ended or time.monotonic() >= until:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says; a test that did not arrive is a failure."""
    more = {"pause": _verb, "resume": _verb, "secret": _verb, "test": _outcome}
    if args.verb != "test":
        return directory.run(args, "channels", COLUMNS, _body, more, lost=LOST)
    found = directory.ask(args, "channels", _body, more)
    if args.json:
        print_json(found)
    elif found["state"] == "sent":
        say(f"{args.key}: sent, and taken by the receiver.")
    elif found["last_error"] is not None:
        again = "" if found["state"] == "dead" else " It is tried again."
        say(f"{args.key}: not sent: {found['last_error']}.{again}")
    else:
        say(f"{args.key}: still {found['state']} after {args.wait:g} s. Does `warroom engine` run?")
    return 0 if found["state"] == "sent" else 1
