"""`warroom alert`: which alerts there are, and what became of each."""

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

if TYPE_CHECKING:
    from warroom.client import Client

Json = dict[str, Any]
COLUMNS: Final = ("id", "state", "severity", "service", "name", "source", "disposition",
                  "incident", "since", "decision")  # fmt: skip
DISPOSITIONS: Final = ("declared", "recorded", "triage", "suppressed", "dismissed", "waiting")
FILTERS: Final = ("state", "service", "name", "source", "disposition", "incident")
_PAGE: Final = 500


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("alert", help="alerts, and what became of each")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="alerts, the newest first; also what opened nothing")
    listing.add_argument("--state", choices=("firing", "resolved"))
    listing.add_argument("--service", metavar="KEY")
    listing.add_argument("--name", help="all of it")
    listing.add_argument("--source", metavar="KEY")
    listing.add_argument("--disposition", choices=DISPOSITIONS, help="what was decided of it")
    listing.add_argument("--incident", metavar="REF")
    listing.add_argument("--limit", type=int, default=100, metavar="N")
    show = verbs.add_parser("show", help="one with all that its source told")
    show.add_argument("id", metavar="ID", help="the end of its id is enough")
    for verb in (listing, show):
        add_json(verb)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    found = interrupt.run(_run(args, make_client(settings_from(args))))
    if args.json:
        print_json(found)
    elif args.verb == "show":
        _tell(found)
    elif found["items"]:
        print_table([i | {"severity": f"SEV{i['severity']}"} for i in found["items"]], COLUMNS)
        if found["next_cursor"]:
            say(f"There are more; these are the newest {args.limit:,}. --limit N shows N.")
    else:
        say("There is no such alert.")
    return 0


async def _run(args: argparse.Namespace, client: Client) -> Json:
    async with client:
        if args.verb == "show":

            async def ending(cursor: str | None) -> Json:
                return await client.alerts(id_end=args.id, limit=2, cursor=cursor)

            return await client.alert(await short_id.whole(args.id, ending, noun="alert"))
        asked = {name: getattr(args, name) for name in FILTERS}
        items: list[Json] = []
        cursor: str | None = None
        while True:
            many = min(_PAGE, args.limit - len(items))
            page = await client.alerts(**asked, limit=many, cursor=cursor)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None or len(items) >= args.limit:
                return {"items": items, "next_cursor": cursor}


def _tell(found: Json) -> None:
    say(f"{found['state']}  SEV{found['severity']}  {found['name']}")
    for name, value in found.items():
        if name in ("state", "severity", "name", "labels", "annotations") or value in (None, ""):
            continue
        lines = str(value).splitlines() if name == "description" else [value]
        say(f"  {name:<15}  {lines[0]}")
        for line in lines[1:]:
            say(f"  {'':<15}  {line}")
    for part in ("labels", "annotations"):
        for name, value in sorted(found[part].items()):
            say(f"  {part[:-1]:<15}  {name}={value}")
