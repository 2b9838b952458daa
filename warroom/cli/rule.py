"""`warroom rule`: rules on alerts, read and changed while alerts come."""

from __future__ import annotations

import argparse
import json
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
from warroom.errors import InvalidInput

if TYPE_CHECKING:
    from warroom.client import Client

Json = dict[str, Any]
COLUMNS = ("position", "kind", "key", "enabled", "matches", "spec", "note", "version")
OUTCOMES = ("declare", "record", "triage")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("rule", help="what becomes of alerts")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    add_json(verbs.add_parser("list", help="all rules, in the order in which they apply"))
    add = verbs.add_parser("add", help="make one; it holds for the next alert")
    add.add_argument("name", metavar="KEY")
    add.add_argument("kind", choices=("group", "declare"))
    change = verbs.add_parser("set", help="change one; what is not given stays")
    change.add_argument("name", metavar="KEY")
    onoff = change.add_mutually_exclusive_group()
    onoff.add_argument("--on", action="store_true", default=None, dest="enabled")
    onoff.add_argument("--off", action="store_false", default=None, dest="enabled")
    for made in (add, change):
        _options(made)
    remove = verbs.add_parser("remove", help="take one away; its history stays")
    remove.add_argument("name", metavar="KEY")
    test = verbs.add_parser("test", help="what the rules would do to an alert; stores nothing")
    test.add_argument("--service")
    test.add_argument("--source", default="")
    test.add_argument("--name", default="")
    test.add_argument("--severity", type=int, default=3)
    test.add_argument("--label", action="append", default=[], metavar="NAME=VALUE")
    for made in (remove, test, add, change):
        add_json(made)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--match", action="append", metavar="FIELD=PATTERN",
                        help="one of a field's patterns must fit, and every field; region, zone,"
                        " host and provider are the service's, else the alert's label of that name;"
                        " label:NAME is any label")  # fmt: skip
    parser.add_argument("--position", type=int, help="lower comes first (100)")
    parser.add_argument("--note")
    group = parser.add_argument_group("a group rule")
    group.add_argument(
        "--by", action="append", metavar="FIELD", help="what must be the same; fields as in --match"
    )
    group.add_argument("--window", type=seconds, metavar="15m")
    declare = parser.add_argument_group("a declare rule")
    declare.add_argument("--outcome", choices=OUTCOMES)
    declare.add_argument("--for", type=seconds, dest="for_s", metavar="5m", help="it must hold")
    declare.add_argument("--forgive", type=seconds, dest="forgive_s", metavar="1m",
                         help="a gap that does not begin the time anew")  # fmt: skip
    declare.add_argument("--count", type=int, help="so many must have begun")
    declare.add_argument("--within", type=seconds, dest="within_s", metavar="10m")
    declare.add_argument("--factor", type=float, help="times what the source usually brings")
    declare.add_argument("--security", action="store_true", help="known to few; wakes nobody")
    declare.add_argument("--policy", metavar="KEY", help="the escalation policy of what it opens")


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    found = interrupt.run(_run(args, make_client(settings_from(args))))
    if args.json:
        print_json(found)
    elif args.verb == "list":
        rows = sorted(found["items"], key=lambda r: (r["kind"], r["position"], r["key"]))
        print_table([_flat(r) for r in rows], COLUMNS)
    elif args.verb == "test":
        say(f"priority {found['priority']} ({found['priority_reason']}), an incident begins with"
            f" SEV{found['begins_with']}")  # fmt: skip
        say(f"outcome {json.dumps(found['outcome'])}: {_by(found['declare'])}")
        say(f"grouped by {found['grouped_by']}: {_by(found['group'])}")
    else:
        done = {"add": "made", "set": "changed", "remove": "removed"}[args.verb]
        say(f"rule {found['key']} {done} (version {found['version']})")
    return 0


def _by(key: str | None) -> str:
    return "no rule" if key is None else f"rule {key}"


async def _run(args: argparse.Namespace, client: Client) -> Json:
    from warroom.client import new_key, retry_until_known

    key = new_key()
    async with client:
        if args.verb == "list":
            return await client.all_of("alert-rules")
        if args.verb == "test":
            return await client.try_rules(
                {"service": args.service, "source": args.source, "name": args.name,
                 "severity": args.severity, "labels": pairs(args.label)}
            )  # fmt: skip
        if args.verb == "add":
            return await retry_until_known(
                lambda: client.add_rule(
                    args.name, args.kind, matches=patterns(args.match or []), spec=_spec(args),
                    position=args.position or 100, note=args.note or "", key=key,
                )
            )  # fmt: skip
        rules = (await client.all_of("alert-rules"))["items"]
        known = next((r for r in rules if r["key"] == args.name), None)
        version = known["version"] if known is not None else 1
        if args.verb == "remove":
            return await retry_until_known(lambda: client.remove_rule(args.name, version, key=key))
        changes: Json = {n: v for n, v in (("position", args.position), ("note", args.note),
                         ("enabled", args.enabled)) if v is not None}  # fmt: skip
        if args.match is not None:
            changes["matches"] = patterns(args.match)
        if (spec := _spec(args)) and known is not None:
            changes["spec"] = known["spec"] | spec
        return await retry_until_known(
            lambda: client.set_rule(args.name, version, changes, key=key)
        )


def _spec(args: argparse.Namespace) -> Json:
    names = ("by", "outcome", "for_s", "forgive_s", "count", "within_s", "factor", "policy")
    found = {n: getattr(args, n) for n in names if getattr(args, n) is not None}
    if args.window is not None:
        found["window_s"] = args.window
    if args.security:
        found["classification"] = "security"
    return found


def pairs(given: list[str]) -> dict[str, str]:
    """Return NAME=VALUE arguments by their names.

    Raises:
        InvalidInput: one has no ``=``.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InvalidInput(f"{text!r} is not NAME=VALUE.", field="arguments")
        found[name] = value
    return found


def patterns(given: list[str]) -> dict[str, list[str]]:
    """Return FIELD=PATTERN arguments as lists of patterns by field.

    Raises:
        InvalidInput: one has no ``=``.
    """
    found: dict[str, list[str]] = {}
    for text in given:
        for name, value in pairs([text]).items():
            found.setdefault(name, []).append(value)
    return found


def _flat(rule: Json) -> Json:
    matches = "; ".join(f"{n}={','.join(v)}" for n, v in rule["matches"].items())
    spec = "; ".join(
        f"{n}={','.join(v) if isinstance(v, list) else v}" for n, v in rule["spec"].items()
    )
    return rule | {"matches": matches or "every alert", "spec": spec, "note": rule["note"] or None}
