"""`warroom quarantine`: bodies that could not be understood: why, and taken in after all."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warroom.cli import interrupt, short_id
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
from warroom.errors import InvalidInput

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS = ("id", "source", "dialect", "received_at", "bytes", "state", "fixed", "error")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("quarantine", help="bodies that could not be understood")
    add_config(parser)
    verbs: SubParsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = _verb(verbs, "list", "what is to be settled, the latest first")
    listing.add_argument("--all", action="store_true", help="what is settled, too")
    show = _verb(verbs, "show", "one with its body and why it was not understood")
    fix = _verb(verbs, "fix", "give a corrected body for the next replay")
    replay = _verb(verbs, "replay", "take it in after all, as its door would now")
    drop = _verb(verbs, "drop", "settle that nothing is to be taken from it")
    for verb in (show, fix, replay, drop):
        verb.add_argument("id", metavar="ID", help="the end of its id is enough")
    fix.add_argument("file", help="the file with it; - reads standard input")
    replay.add_argument(
        "--again", action="store_true", help="even though it was replayed or dropped before"
    )
    drop.add_argument("--reason", required=True)


def _verb(verbs: SubParsers, name: str, text: str) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text)
    add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    answer = interrupt.run(_ask(args, make_client(settings_from(args))))
    if args.json:
        print_json(answer)
    elif args.verb == "list":
        print_table(answer["items"], COLUMNS)
    elif args.verb == "show":
        _tell(answer)
    else:
        for name, value in answer.items():
            if value is not None and value != []:
                say(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
    return 0


async def _ask(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    from warroom.client import new_key, retry_until_known

    key = new_key()
    async with client:
        if args.verb == "list":
            items: list[Any] = []
            cursor: str | None = None
            while True:
                page = await client.quarantine(every=args.all, cursor=cursor)
                items += page["items"]
                cursor = page["next_cursor"]
                if cursor is None:
                    return {"items": items}
        body = _read(args.file) if args.verb == "fix" else ""

        async def every(cursor: str | None) -> dict[str, Any]:
            return await client.quarantine(every=True, cursor=cursor)

        one = await short_id.whole(args.id, every, noun="quarantine")
        if args.verb == "show":
            return await client.quarantined(one)
        if args.verb == "fix":
            return await retry_until_known(lambda: client.fix_quarantined(one, body, key=key))
        if args.verb == "drop":
            return await retry_until_known(
                lambda: client.drop_quarantined(one, args.reason, key=key)
            )
        return await retry_until_known(
            lambda: client.replay_quarantined(one, again=args.again, key=key)
        )


def _read(name: str) -> str:
    try:
        found = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return found.decode("utf-8")
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}.", field="file") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{name} is not UTF-8 (byte {error.start}); nothing was changed.", field="file"
        ) from error


def _tell(answer: dict[str, Any]) -> None:
    """Print one: what is known of it, then its body line by line, made safe."""
    for name, value in answer.items():
        if value is not None and name not in ("body", "fixed_body", "truncated"):
            say(f"{name}: {value}")
    for name in ("body", "fixed_body"):
        if answer[name] is not None:
            say(f"{name}:")
            for line in answer[name].splitlines():
                say(f"  {line}")
    if answer["truncated"]:
        say("(the rest is not shown)")
