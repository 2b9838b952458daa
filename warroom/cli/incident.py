"""`warroom incident`: list, show, declare, acknowledge, resolve and log, through the API."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING, Any

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

COLUMNS = ("ref", "severity", "status", "title", "owner", "services", "opened_at")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("incident", help="list, show and command incidents")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="the open ones, newest first")
    listing.add_argument("--all", action="store_true", help="also those that ended")
    listing.add_argument("--limit", type=int, default=50)
    add_json(listing)
    show = verbs.add_parser("show", help="one, with its timeline")
    show.add_argument("ref", help="INC-12")
    add_json(show)
    declare = verbs.add_parser("declare", help="declare one")
    declare.add_argument("title")
    declare.add_argument("--severity", type=int, default=3, help="1 is worst")
    declare.add_argument("--service", action="append", default=[], dest="services")
    declare.add_argument("--summary", default="")
    declare.add_argument("--drill", action="store_true")
    add_json(declare)
    for verb, text in (("ack", "acknowledge it"), ("resolve", "say that the harm is over")):
        command = verbs.add_parser(verb, help=text)
        command.add_argument("ref", help="INC-12")
        command.add_argument("--version", type=int, help="the version you saw; the present one")
        if verb == "resolve":
            command.add_argument("--note", help="what was done")
        add_json(command)
    log = verbs.add_parser("log", help="add an entry to its timeline")
    log.add_argument("ref", help="INC-12")
    log.add_argument("text")
    log.add_argument("--kind", default="fact")
    log.add_argument("--confidence", type=float)
    add_json(log)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return asyncio.run(_run(args, make_client(settings_from(args))))


async def _run(args: argparse.Namespace, client: Client) -> int:
    async with client:
        answer = await _ask(args, client)
    if args.json:
        print_json(answer)
    elif args.verb == "list":
        print_table([_row(i) for i in answer["items"]], COLUMNS)
    elif args.verb == "show":
        _show(answer)
    else:
        say(f"{answer['ref']} is {answer['status']} (version {answer['version']})")
    return 0


async def _ask(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    from warroom.client import new_key, retry_until_known

    key = new_key()
    if args.verb == "list":
        return await client.incidents(status="all" if args.all else "open", limit=args.limit)
    if args.verb == "show":
        found = await client.incident(args.ref)
        page = await client.timeline(args.ref)
        return {**found, "timeline": page["items"]}
    if args.verb == "declare":
        return await retry_until_known(
            lambda: client.declare(
                args.title, args.severity, services=args.services, summary=args.summary,
                drill=args.drill, key=key,
            )
        )  # fmt: skip
    if args.verb == "log":
        return await retry_until_known(
            lambda: client.log_entry(
                args.ref, args.kind, args.text, confidence=args.confidence, key=key
            )
        )
    version = args.version or (await client.incident(args.ref))["version"]
    if args.verb == "ack":
        return await retry_until_known(lambda: client.acknowledge(args.ref, version, key=key))
    return await retry_until_known(
        lambda: client.resolve(args.ref, version, note=args.note, key=key)
    )


def _row(item: dict[str, Any]) -> dict[str, object]:
    owner = item["owner"]
    return {
        **item,
        "severity": f"SEV{item['severity']}",
        "owner": owner["name"] if owner else None,
        "services": ", ".join(s["key"] for s in item["services"]) or None,
    }


def _show(item: dict[str, Any]) -> None:
    say(f"{item['ref']}  SEV{item['severity']}  {item['status']}  {item['title']}")
    owner = item["owner"]
    say(f"owner {owner['name'] if owner else 'nobody'}   opened {item['opened_at']}"
        f"   {item['firing_count']} of {item['alert_count']} alerts firing")  # fmt: skip
    if item["summary"]:
        say(item["summary"])
    for entry in item["timeline"]:
        say(f"{entry['happened_at']}  {entry['kind']:<13}  {entry['author'] or '-':<12} "
            f" {entry['text']}")  # fmt: skip
