"""`warroom silence`: which alerts open no incident for a while, and why."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

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
from warroom.cli.duration import seconds

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS: Final = ("id", "state", "matchers", "until", "by", "reason")
_PAGE: Final = 500


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("silence", help="which alerts open no incident for a while")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    add = verbs.add_parser("add", help="make one; over-broad ones need a longer reason")
    add.add_argument("matchers", nargs="+", metavar="MATCHER", help='e.g. service=~"pay.*"')
    add.add_argument("--reason", required=True, help="why; on every alert that it holds back")
    until = add.add_mutually_exclusive_group(required=True)
    until.add_argument("--for", type=seconds, dest="for_s", metavar="2h")
    until.add_argument("--until", metavar="TIME", help="like 2031-05-04T10:41:00Z")
    add.add_argument("--from", dest="begin", metavar="TIME", help="now if it is not given")
    add.add_argument("--key", help="the key of the same command, asked again")
    listing = verbs.add_parser("list", help="those in force and those to come")
    listing.add_argument("--all", action="store_true", help="also those that are over")
    expire = verbs.add_parser("expire", help="end one now")
    expire.add_argument("id", metavar="ID", help="the end of its id is enough")
    expire.add_argument("--key", help="the key of the same command, asked again")
    for verb in (add, listing, expire):
        add_json(verb)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return interrupt.run(_run(args, make_client(settings_from(args))))


async def _run(args: argparse.Namespace, client: Client) -> int:
    from warroom.client import new_key, retry_until_known

    async with client:
        if args.verb == "list":
            items = await _all(client, every=args.all)
            if args.json:
                print_json({"items": items})
            elif items:
                print_table([_flat(i) for i in items], COLUMNS)
            else:
                say("No silence is in force.")
            return 0
        key = args.key or new_key()
        if args.verb == "add":
            done = await retry_until_known(
                lambda: client.add_silence(
                    args.matchers, args.reason, for_s=args.for_s, starts_at=args.begin,
                    ends_at=args.until, key=key,
                )
            )  # fmt: skip
        else:

            async def every(cursor: str | None) -> dict[str, Any]:
                return await client.silences(every=True, limit=_PAGE, cursor=cursor)

            one = await short_id.whole(args.id, every, noun="silence")
            done = await retry_until_known(lambda: client.expire_silence(one, key=key))
    if args.json:
        print_json(done)
    elif args.verb == "expire":
        say(f"silence {done['id']} is over: what still fires opens its incident when it is told")
    else:
        many = done["matching"] or 0
        match = "1 alert that fires matches" if many == 1 else f"{many:,} alerts that fire match"
        say(f"silence {done['id']} is {done['state']} until {done['ends_at']}; {match} it")
    return 0


async def _all(client: Client, *, every: bool) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await client.silences(every=every, limit=_PAGE, cursor=cursor)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def _flat(item: dict[str, Any]) -> dict[str, object]:
    from warroom.domain.silence import from_json, say_matchers

    return {
        "id": item["id"],
        "state": item["state"],
        "matchers": say_matchers(from_json(item["matchers"])),
        "until": item["ends_at"],
        "by": item["created_by"],
        "reason": item["comment"],
    }
