"""`warroom change`: changes put down by hand, listed, and the change board's figures."""

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
from warroom.cli.duration import seconds
from warroom.domain.change import ChangeKind, ChangeStatus

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS = ("at", "status", "kind", "services", "title", "version", "by", "approved", "id")
NEAR = ("minutes_before", "verdict", "status", "kind", "service", "title", "version", "by",
        "approved", "id")  # fmt: skip
RATES = ("team", "changes", "failed", "rate")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("change", help="changes, and the change board's figures")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="the last that came in first")
    listing.add_argument("--service", help="only those of this one")
    listing.add_argument("--since", type=seconds, metavar="4h", help="only those of this while")
    listing.add_argument("--limit", type=int, default=50)
    listing.add_argument("--incident", metavar="REF", help="what may be behind it instead")
    add_json(listing)
    add = verbs.add_parser("add", help="put one down, or move the one of the same --id")
    add.add_argument("title")
    add.add_argument("--service", action="append", required=True, dest="services", metavar="KEY")
    add.add_argument("--id", help="what it is called: the same in all its messages")
    add.add_argument("--kind", choices=[k.value for k in ChangeKind], default="deploy")
    add.add_argument("--status", choices=[s.value for s in ChangeStatus], default="succeeded")
    add.add_argument("--at", metavar="TIME", help="when it began, like 2031-05-04T10:41:00Z")
    add.add_argument("--environment", default="", help="none means production")
    add.add_argument("--region", default="")
    add.add_argument("--release", default="", metavar="VERSION", help="the version that it brings")
    add.add_argument("--link", default="")
    add.add_argument("--approved-by", default="", metavar="NAME")
    add.add_argument("--approval", default="", metavar="REF", help="e.g. CHG-1042")
    add.add_argument("--emergency", action="store_true")
    add.add_argument("--key", help="the idempotency key, to ask again what became of it")
    add_json(add)
    figures = verbs.add_parser("figures", help="conflicts, unapproved ones, failure rate by team")
    figures.add_argument("--since", type=seconds, default=30 * 86_400, metavar="30d")
    add_json(figures)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return interrupt.run(_run(args, make_client(settings_from(args))))


async def _run(args: argparse.Namespace, client: Client) -> int:
    async with client:
        answer = await _ask(args, client)
    if args.json:
        print_json(answer)
    elif args.verb == "list":
        near = bool(args.incident)
        print_table([_row(c) for c in answer["items"]], NEAR if near else COLUMNS)
    elif args.verb == "add":
        say(f"change {answer['id']} is {answer['status']}{'' if answer['new'] else ', as before'}")
    else:
        _figures(answer)
    return 0


async def _ask(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    from warroom.client import new_key, retry_until_known

    if args.verb == "list" and args.incident:
        return await client.changes_near(args.incident)
    if args.verb == "list":
        return await client.changes(service=args.service, last_s=args.since, limit=args.limit)
    if args.verb == "figures":
        return await client.change_figures(last_s=args.since)
    body = {
        "title": args.title, "services": args.services, "id": args.id, "kind": args.kind,
        "status": args.status, "at": args.at, "environment": args.environment,
        "region": args.region, "version": args.release, "link": args.link,
        "approved_by": args.approved_by, "approval": args.approval, "emergency": args.emergency,
    }  # fmt: skip
    key = args.key or new_key()
    return await retry_until_known(lambda: client.add_change(body, key=key))


def _row(item: dict[str, Any]) -> dict[str, object]:
    if "services" not in item:
        return {**item, "approved": "yes" if item["approved"] else None,
                "verdict": item["verdict"] or None}  # fmt: skip
    return {
        **item,
        "services": ", ".join(item["services"]),
        "approved": item["approved_by"] or item["approval"] or None,
    }


def _percent(rate: float | None) -> str | None:
    return None if rate is None else f"{rate:.1%}"


def _figures(found: dict[str, Any]) -> None:
    whole = {"team": "all", **found["all"]}
    rates = [{**r, "rate": _percent(r["rate"])} for r in (whole, *found["teams"])]
    print_table(rates, RATES)
    say(f"conflicting pairs: {found['conflicts']['count']}")
    for pair in found["conflicts"]["items"][:10]:
        one, other = pair["changes"]
        say(f"  {pair['why']}: {one['title']} ({one['at']}) and {other['title']} ({other['at']})")
    say(f"unapproved behind incidents: {found['unapproved']['count']}")
    for change in found["unapproved"]["items"][:10]:
        say(f"  {change['title']} by {change['by'] or 'nobody named'}:"
            f" {change['verdict']} of {', '.join(change['incidents'])}")  # fmt: skip
