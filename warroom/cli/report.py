"""`warroom report`: what users see, and how much noise each alert type makes."""

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

if TYPE_CHECKING:
    from warroom.client import Client

Json = dict[str, Any]
WEEK_S = 7 * 86_400
COLUMNS = ("score", "source", "name", "alerts", "episodes", "acted", "flapped", "ignored",
           "owner", "lacks", "fix")  # fmt: skip


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("report", help="users' reports, and the noise of alerts")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    noise = verbs.add_parser("noise", help="each alert type's noise, what to fix first above")
    noise.add_argument("--last", type=seconds, default=WEEK_S, metavar="7d")
    noise.add_argument("--limit", type=int, default=50)
    kind = verbs.add_parser(
        "type",
        help="say who answers for an alert type, and how",
        description="Say who answers for an alert type, and how. What is not given stays as it is;"
        " '' takes it away.",
    )
    kind.add_argument("source")
    kind.add_argument("name")
    kind.add_argument("--team")
    kind.add_argument("--runbook", metavar="URL", help="http:// or https://")
    kind.add_argument("--response", help="what is expected of whoever is called")
    add = verbs.add_parser("add", help="put what a user sees into triage")
    add.add_argument("title")
    add.add_argument("--body", default="")
    add.add_argument("--service")
    add.add_argument("--severity", type=int, default=4)
    add.add_argument("--by", default="", help="who saw it")
    for verb in (noise, kind, add):
        add_json(verb)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    found = interrupt.run(_run(args, make_client(settings_from(args))))
    if args.json:
        print_json(found)
    elif args.verb == "noise":
        rows = [r | {"lacks": ", ".join(r["lacks"]) or None, "fix": r["fix"] or None}
                for r in found["items"]]  # fmt: skip
        print_table(rows, COLUMNS)
    elif args.verb == "type":
        say(
            f"{found['source']} {found['name']}: {found['team'] or 'nobody'} answers for it;"
            f" runbook: {found['runbook'] or 'none'}; response: {found['response'] or 'none'}"
        )
    else:
        say(f"waits in triage as {found['id']}")
    return 0


async def _run(args: argparse.Namespace, client: Client) -> Json:
    from warroom.client import new_key, retry_until_known

    key = new_key()
    async with client:
        if args.verb == "noise":
            return await client.noise(last_s=args.last, limit=args.limit)
        if args.verb == "type":
            return await retry_until_known(
                lambda: client.set_alert_type(
                    args.source, args.name, team=args.team, runbook=args.runbook,
                    response=args.response, key=key,
                )
            )  # fmt: skip
        return await retry_until_known(
            lambda: client.report(
                args.title, body=args.body, service=args.service, severity=args.severity,
                reported_by=args.by, key=key,
            )
        )  # fmt: skip
