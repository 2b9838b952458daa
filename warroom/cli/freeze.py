"""`warroom freeze`: may this service be changed now? And policies, and emergency changes.

Exit status of `check`, for pipelines: 0 free, 3 frozen, 4 war room cannot be reached, 2 the
question or the token is wrong.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

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
    warn,
)
from warroom.cli.duration import seconds
from warroom.domain.freeze import Scope
from warroom.errors import ApiUnreachable, WarRoomError

if TYPE_CHECKING:
    from warroom.client import Client

FREE: Final = 0
WRONG: Final = 2
FROZEN: Final = 3
UNREACHABLE: Final = 4
RUNNING = ("policy", "incident", "severity", "scope", "values", "began_at", "ended_at")
POLICIES = ("key", "min_severity", "scope", "values", "enabled")
EXCEPTIONS = ("id", "state", "service", "change", "asked_by", "approver", "until", "reason")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("freeze", help="whether changes stand still, and what passes")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    check = _verb(verbs, "check", "exit 0 free, 3 frozen, 4 unreachable, 2 wrong")
    check.add_argument("--service", action="append", required=True, dest="services")
    check.add_argument("--change", default="", metavar="REF", help="what an exception names")
    listing = _verb(verbs, "list", "the freezes that run")
    listing.add_argument("--all", action="store_true", help="also those that ended")
    policy = verbs.add_parser("policy", help="which incidents freeze what").add_subparsers(
        dest="doing", required=True, metavar="DOING"
    )
    add = _verb(policy, "add", "make one; open incidents freeze by it at once")
    add.add_argument("name", metavar="KEY")
    add.add_argument("--severity", type=int, required=True, help="the least severe: 2 is SEV1, 2")
    add.add_argument("--scope", choices=[s.value for s in Scope], required=True)
    add.add_argument("--value", action="append", default=[], dest="values",
                     help="a team, service or region")  # fmt: skip
    _verb(policy, "list", "list them")
    for name in ("on", "off"):
        _verb(policy, name, f"turn one {name}").add_argument("name", metavar="KEY")
    allow = _verb(verbs, "allow", "ask that an emergency change may pass")
    allow.add_argument("--service", required=True)
    allow.add_argument("--reason", required=True)
    allow.add_argument("--approver", required=True, metavar="NAME", help="who decides; not you")
    allow.add_argument("--change", default="", metavar="REF", help="only this one")
    allow.add_argument("--for", type=seconds, default=3600, dest="for_s", metavar="1h")
    for name in ("approve", "decline"):
        _verb(verbs, name, f"{name} what you were asked").add_argument("id")
    _verb(verbs, "exceptions", "what was asked, approved and declined")


def _verb(verbs: SubParsers, name: str, text: str) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text)
    add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Do what the verb says; see the module for the exit status of `check`."""
    if args.verb != "check":
        return interrupt.run(_run(args, make_client(settings_from(args))))
    try:
        return interrupt.run(_check(args, make_client(settings_from(args))))
    except WarRoomError as error:
        warn(f"warroom: {error}")
        # 503 and 504 come from an API that cannot ask its database: it knows as little.
        away = isinstance(error, ApiUnreachable) or error.status in (503, 504)
        return UNREACHABLE if away else WRONG


async def _check(args: argparse.Namespace, client: Client) -> int:
    async with client:
        found = [await client.freeze(s, change=args.change) for s in args.services]
    if args.json:
        print_json({"frozen": any(f["frozen"] for f in found), "services": found})
    else:
        for answer in found:
            say(f"{answer['service']}: {'FROZEN' if answer['frozen'] else 'free'}."
                f" {answer['reason']}")  # fmt: skip
    return FROZEN if any(f["frozen"] for f in found) else FREE


async def _run(args: argparse.Namespace, client: Client) -> int:
    async with client:
        answer = await _ask(args, client)
    if args.json:
        print_json(answer)
    elif "items" in answer:
        columns = {"list": RUNNING, "exceptions": EXCEPTIONS}.get(args.verb, POLICIES)
        print_table([_flat(i) for i in answer["items"]], columns)
    elif args.verb == "policy":
        say(f"policy {answer['key']} is {'on' if answer['enabled'] else 'off'}")
    else:
        say(f"exception {answer['id']} of {answer['service']} is {answer['state']}"
            f" until {answer['until']}; {answer['approver']} decides")  # fmt: skip
    return 0


async def _ask(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    from warroom.client import new_key, retry_until_known

    key = new_key()
    verb = args.verb if args.verb != "policy" else f"policy {args.doing}"
    if verb == "list":
        return await client.freezes(every=args.all)
    if verb == "exceptions":
        return await client.all_of("freeze-exceptions")
    if verb == "policy list":
        return await client.all_of("freeze-policies")
    if verb == "policy add":
        return await retry_until_known(
            lambda: client.add_freeze_policy(
                args.name, args.severity, args.scope, args.values, key=key
            )
        )
    if verb in ("policy on", "policy off"):
        on = verb == "policy on"
        return await retry_until_known(
            lambda: client.switch_freeze_policy(args.name, enabled=on, key=key)
        )
    if verb == "allow":
        return await retry_until_known(
            lambda: client.ask_exception(
                args.service, args.reason, args.approver, change=args.change, for_s=args.for_s,
                key=key,
            )
        )  # fmt: skip
    approve = verb == "approve"
    return await retry_until_known(
        lambda: client.decide_exception(args.id, approve=approve, key=key)
    )


def _flat(item: dict[str, Any]) -> dict[str, object]:
    return {k: ", ".join(v) or None if isinstance(v, list) else v for k, v in item.items()}
