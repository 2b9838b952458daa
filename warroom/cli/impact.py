"""`warroom impact`: what an incident takes down and why, and what would cost most to lose."""

from __future__ import annotations

import argparse
from typing import Any

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
from warroom.domain.impact_words import all_counts
from warroom.domain.panes import ImpactTotals

Json = dict[str, Any]
COLUMNS = ("kind", "key", "single", "takes_down", "down", "hurt", "user_share", "cut_off")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("impact", help="what falls, what did it, and what is fragile")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    show = verbs.add_parser("show", help="one incident: tree, suspects, restart")
    show.add_argument("ref", metavar="REF")
    add_json(show)
    total = verbs.add_parser("totals", help="what all open incidents together take down")
    add_json(total)
    weak = verbs.add_parser("weak-points", help="what the loss of each service would cost")
    weak.add_argument("--limit", type=int, default=20)
    add_json(weak)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    client = make_client(settings_from(args))

    async def ask() -> Json:
        async with client:
            if args.verb == "show":
                return await client.impact(args.ref)
            if args.verb == "totals":
                return await client.impact_totals()
            return await client.weak_points(limit=args.limit)

    found = interrupt.run(ask())
    if args.json:
        print_json(found)
    elif args.verb == "show":
        _show(found)
    elif args.verb == "totals":
        _totals(found)
    else:
        for unit in found["units"]:
            say(f"unit {unit['unit']}: {unit['considered']} services")
            rows = [_row(point) for point in (*unit["services"], *unit["domains"])]
            print_table(rows, COLUMNS)
    return 0


def _show(found: Json) -> None:
    totals = found["totals"]
    head = totals.get("headline") or f"{totals.get('services', 0)} services hit"
    say(f"{found['ref']}  SEV{found['severity']}  {found['title']}: {head}")
    say(all_counts(_counts(totals)))
    for node in found["nodes"]:
        if not node.get("elsewhere"):
            say(f"{'  ' * node['depth']}{node['key']}  {node['state']}  tier {node['tier']}"
                f"  {node['team']}{_felt(node)}  {node['why']}")  # fmt: skip
    for place, suspect in enumerate(found["suspects"], 1):
        say(f"suspect {place}: {suspect['key']} ({suspect['kind']}): "
            + "; ".join(suspect["reasons"]))  # fmt: skip
    for wave in found["waves"]:
        say(f"wave {wave['number']}")
        for step in wave["steps"]:
            done = step["done"]
            mark = f"done by {done['by']} at {done['at']}" if done else f"verify: {step['verify']}"
            say(f"  [{'x' if done else ' '}] {step['key']}  {step['state']}  {mark}")
        for sentence in wave["breaks"]:
            say(f"  {sentence}")
    if found["suggestion"]:
        said = found["suggestion"]
        say(f"suggests SEV{said['severity']}: {said['reason']}")


def _totals(found: Json) -> None:
    many = found["open_incidents"]
    say(f"{many} open incident{'' if many == 1 else 's'}: {found['headline'] or 'nothing is hit'}")
    if found["services"]:
        say(all_counts(_counts(found)))


def _counts(totals: Json) -> ImpactTotals:
    return ImpactTotals(
        services=totals.get("services", 0), tier_one=totals.get("tier_one", 0),
        user_share=totals.get("user_share"), customers=totals.get("customers"),
        regions=tuple(totals.get("regions", ())), third_parties=totals.get("third_parties", 0),
    )  # fmt: skip


def _felt(node: Json) -> str:
    """Return who uses a service, as far as somebody said."""
    share, many = node.get("user_share"), node.get("customers")
    users = "" if share is None else f"  ~{share:g} % of users"
    return users if many is None else f"{users}  {many} customers"


def _row(point: Json) -> Json:
    taken = point["takes_down"]
    more = f" +{len(taken) - 3}" if len(taken) > 3 else ""
    return point | {
        "single": "single" if point["single"] else None,
        "takes_down": ", ".join(taken[:3]) + more or None,
    }
