"""`warroom incident`: list, show, declare and every command, through the API."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from warroom.cli import (
    incident_batch,
    incident_changes,
    incident_clocks,
    incident_log,
    incident_moves,
    interrupt,
)
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
from warroom.cli.incident_verbs import add_verbs, person, send_one, told

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS = ("ref", "severity", "status", "title", "owner", "services", "opened_at")
TABLES = (
    incident_moves.VERBS,
    incident_log.VERBS,
    incident_clocks.VERBS,
    incident_changes.VERBS,
)

_ALERTS = 500
_ALERTS_SHOWN = 10


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
    show.add_argument("--ids", action="store_true", help="with the ids of its entries")
    add_json(show)
    declare = verbs.add_parser("declare", help="declare one")
    declare.add_argument("title")
    declare.add_argument("--severity", type=int, default=3, help="1 is worst")
    declare.add_argument("--service", action="append", default=[], dest="services")
    declare.add_argument("--summary", default="")
    declare.add_argument("--drill", action="store_true")
    add_json(declare)
    for table in TABLES:
        add_verbs(verbs, table)
    incident_batch.add_batch(verbs, TABLES)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    if args.verb == "batch":
        return incident_batch.run(args)
    return interrupt.run(_run(args, make_client(settings_from(args))))


async def _run(args: argparse.Namespace, client: Client) -> int:
    async with client:
        answer = await _ask(args, client)
    if args.json:
        print_json(answer)
    elif args.verb == "list":
        print_table([_row(i) for i in answer["items"]], COLUMNS)
    elif args.verb == "show":
        _show(answer, ids=args.ids)
    elif args.verb == "declare":
        say(f"{answer['ref']} is {answer['status']} (version {answer['version']})")
    else:
        say(told(args, answer))
    return 0


async def _ask(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    from warroom.client import new_key, retry_until_known

    if args.verb == "list":
        return await client.incidents(status="all" if args.all else "open", limit=args.limit)
    if args.verb == "show":
        found = await client.incident(args.ref)
        page = await client.timeline(args.ref)
        alerts = await client.alerts(incident=args.ref, limit=_ALERTS)
        return {**found, "alerts": alerts["items"], "timeline": page["items"]}
    if args.verb == "declare":
        key = new_key()
        return await retry_until_known(
            lambda: client.declare(
                args.title, args.severity, services=args.services, summary=args.summary,
                drill=args.drill, key=key,
            )
        )  # fmt: skip
    return await send_one(client, args)


def _row(item: dict[str, Any]) -> dict[str, object]:
    owner = item["owner"]
    return {
        **item,
        "severity": f"SEV{item['severity']}",
        "owner": owner["name"] if owner else None,
        "services": ", ".join(s["key"] for s in item["services"]) or None,
    }


def _show(item: dict[str, Any], *, ids: bool) -> None:
    say(f"{item['ref']}  SEV{item['severity']}  {item['status']}  {item['title']}")
    say(f"owner {person(item['owner'])}   opened {item['opened_at']}"
        f"   {item['firing_count']} of {item['alert_count']} alerts firing")  # fmt: skip
    for line in _facts(item):
        say(line)
    if item["summary"]:
        say(item["summary"])
    for alert in item["alerts"][:_ALERTS_SHOWN]:
        say(f"alert {alert['id'][-6:]}  {alert['state']:<8}  {alert['service']}  {alert['name']}:"
            f" {alert['decision'] or 'no decision'}")  # fmt: skip
    if len(item["alerts"]) > _ALERTS_SHOWN:
        say(f"more alerts: `warroom alert list --incident {item['ref']}`")
    for entry in item["timeline"]:
        before = f"{entry['id']}  " if ids else ""
        say(f"{before}{entry['happened_at']}  {entry['kind']:<13}  {entry['author'] or '-':<12} "
            f" {_marks(entry)}{entry['text']}")  # fmt: skip


def _marks(entry: dict[str, Any]) -> str:
    """Return what stands before an entry's text: pinned, a correction, or corrected later."""
    marks = (("pinned", entry["pinned"]), ("correction", entry["corrects"]),
             ("corrected above", entry["corrected"]))  # fmt: skip
    said = ", ".join(word for word, so in marks if so)
    return f"[{said}] " if said else ""


def _facts(item: dict[str, Any]) -> list[str]:
    """Return a line for each thing that there is to say of it, none for what there is not."""
    clock = item["escalation"]
    parts = {
        "marked": ", ".join(
            word for word, so in (("drill", item["drill"]),
                                  (item["visibility"], item["visibility"] != "normal"),
                                  (item["resolution"], item["resolution"])) if so
        ),
        "services": ", ".join(f"{s['key']} {s['state']}" for s in item["services"]),
        "roles": ", ".join(f"{r['role']} {r['name']}" for r in item["roles"]),
        "offered": ", ".join(f"{h['role']} to {h['to']}" for h in item["handovers"]),
        "escalation": f"{clock['state']}, step {clock['step']} ({clock['target']}) at"
        f" {clock['due_at']}" if clock["state"] != "none" else "",
        "sleeps until": item["snoozed_until"] or "",
        "update due": item["update_due_at"] or "",
        "links": ", ".join(f"{k['kind']} {k['url']} ({k['label']})" for k in item["links"]),
        "changes": ", ".join(f"{c['kind']} {c['title']} {c['verdict']}" for c in item["changes"]),
        "mitigated": ", ".join(
            f"{m['service']} by {m['who']} ({m['what']})" for m in item["mitigations"]
        ),
        "freezes": ", ".join(f"{f['policy']} ({f['scope']})" for f in item["freezes"]),
        "fields": ", ".join(f"{k} = {v}" for k, v in sorted(item["custom"].items())),
        "merged into": item["merged_into"] or "",
        "split from": item["split_from"] or "",
    }  # fmt: skip
    return [f"{name}: {text}" for name, text in parts.items() if text]
