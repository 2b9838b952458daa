"""`warroom triage`: what waits for a person."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from warroom.cli import interrupt
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
from warroom.errors import NotFound

if TYPE_CHECKING:
    from warroom.client import Client

Json = dict[str, Any]
COLUMNS = ("id", "kind", "severity", "priority", "service", "title", "reported_by", "alert_state",
           "state", "why")  # fmt: skip


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("triage", help="what waits for a person")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="what waits, the oldest first")
    listing.add_argument("--all", action="store_true", help="also what was decided")
    accept = verbs.add_parser("accept", help="declare an incident of it")
    accept.add_argument("--severity", type=int)
    accept.add_argument("--title")
    merge = verbs.add_parser("merge", help="make it part of an open incident")
    dismiss = verbs.add_parser("dismiss", help="let it be")
    for verb in (accept, merge, dismiss):
        verb.add_argument("item", metavar="ID", help="the end of its id is enough")
        verb.add_argument("--version", type=int, help="the one that you saw")
    merge.add_argument("into", metavar="REF")
    dismiss.add_argument("--reason", required=True)
    for verb in (listing, accept, merge, dismiss):
        add_json(verb)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    found = interrupt.run(_run(args, make_client(settings_from(args))))
    if args.json:
        print_json(found)
    elif args.verb == "list":
        print_table(found["items"], COLUMNS)
    else:
        where = f" as {found['incident']}" if found["incident"] else ""
        say(f"{found['title']}: {found['state']}{where}")
    return 0


async def _run(args: argparse.Namespace, client: Client) -> Json:
    from warroom.client import new_key, retry_until_known

    key = new_key()
    async with client:
        if args.verb == "list":
            return await client.triage(every=args.all, limit=500)
        item = await _find(args.item, client)
        version = args.version if args.version is not None else item["version"]
        if args.verb == "accept":
            return await retry_until_known(
                lambda: client.accept_triage(
                    item["id"], version, severity=args.severity, title=args.title, key=key
                )
            )
        if args.verb == "merge":
            return await retry_until_known(
                lambda: client.merge_triage(item["id"], version, args.into, key=key)
            )
        return await retry_until_known(
            lambda: client.dismiss_triage(item["id"], version, args.reason, key=key)
        )


async def _find(given: str, client: Client) -> Json:
    """Return the one item whose id ends so.

    Raises:
        NotFound: none does, or several do.
    """
    items: list[Json] = (await client.triage(every=True, limit=500))["items"]
    found = [item for item in items if str(item["id"]).endswith(given.lower())]
    if len(found) != 1:
        many = "several wait" if found else "nothing waits"
        raise NotFound(f"Under {given!r} {many}.", field="item", remedy="`warroom triage list`")
    return found[0]
