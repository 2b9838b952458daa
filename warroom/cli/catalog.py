"""`warroom catalog`: catalogue files in and out, observed edges, corrections, coverage.

`import` ends with 1 when the files have errors, dry run or not; then nothing was changed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from warroom.cli import interrupt
from warroom.cli.catalog_files import read_files, tell_report, write_files
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
from warroom.errors import CatalogueRefused, InvalidInput

if TYPE_CHECKING:
    from warroom.client import Client

Json = dict[str, Any]
IN: Final = ("auto", "backstage", "csv", "servicenow", "otel", "jaeger")
OUT: Final = ("backstage", "csv", "servicenow", "otel", "jaeger", "dot", "mermaid")
OBSERVED: Final = ("service", "depends_on", "state", "hardness", "sync", "source", "decided_by")
PROPOSED: Final = ("id", "state", "incident", "sentence", "note", "proposed_by", "decided_by")
IMPORTS: Final = ("imported_at", "imported_by", "source", "format", "changed", "digest")
LACKING: Final = ("key", "tier", "team", "missing", "last_alert_at")


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("catalog", help="the map of what there is and who needs whom")
    add_config(parser)
    verbs: SubParsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _import(_verb(verbs, "import", "read catalogue files or folders"))
    export = _verb(verbs, "export", "write the catalogue as files")
    export.add_argument("--format", choices=OUT, default="backstage")
    export.add_argument("--source", help="only what this import brought")
    export.add_argument("--out", metavar="FOLDER", help="write files there; printed by default")
    _verb(verbs, "imports", "list the imports that changed something")
    _observed(verbs)
    _proposals(verbs)
    coverage = _verb(verbs, "coverage", "services without alerts, owner, runbook, heartbeat")
    coverage.add_argument("--days", type=int, default=30, help="an alert within so many days; 30")
    coverage.add_argument("--limit", type=int, default=1000, help="how many are named; 1000")
    register = _verb(verbs, "register", "register a short-lived workload, or renew it")
    register.add_argument("key")
    register.add_argument("--ttl", type=seconds, required=True, metavar="1h")
    for name in ("name", "kind", "team", "region", "zone", "host", "system"):
        register.add_argument(f"--{name}")
    register.add_argument("--tier", type=int)
    register.add_argument("--needs", action="append", default=[], metavar="KEY")


def _verb(verbs: SubParsers, name: str, text: str) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text)
    add_json(parser)
    return parser


def _import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.add_argument("--format", choices=IN, default="auto")
    parser.add_argument("--source", help="under which name it goes; the format's by default")
    parser.add_argument("--dry-run", action="store_true", help="only say what it would do")
    parser.add_argument(
        "--prune", action="store_true", help="remove what this source brought and has no more"
    )
    parser.add_argument("--make-teams", action="store_true", help="make unknown owners into teams")
    parser.add_argument("--strict", action="store_true", help="unknown names, circles: errors")


def _observed(verbs: SubParsers) -> None:
    group = verbs.add_parser("observed", help="edges that were seen in traffic")
    inner: SubParsers = group.add_subparsers(dest="act", required=True, metavar="ACT")
    listed = _verb(inner, "list", "list them")
    listed.add_argument("--state", choices=("open", "confirmed", "rejected", "all"), default="open")
    for act in ("confirm", "reject"):
        one = _verb(inner, act, f"{act} one, or all that are open")
        one.add_argument("service", nargs="?")
        one.add_argument("depends_on", nargs="?")
        one.add_argument("--all", action="store_true")
        if act == "confirm":
            one.add_argument("--hardness", choices=("hard", "soft"))


def _proposals(verbs: SubParsers) -> None:
    group = verbs.add_parser("proposal", help="corrections that incidents taught")
    inner: SubParsers = group.add_subparsers(dest="act", required=True, metavar="ACT")
    add = _verb(inner, "add", "propose one")
    add.add_argument("action", choices=("add-dependency", "remove-dependency",
                                        "change-dependency", "change-service"))  # fmt: skip
    add.add_argument("service")
    add.add_argument("depends_on", nargs="?")
    add.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="changes",
        help="e.g. hardness=soft, tier=1; without a value it is taken away",
    )  # fmt: skip
    add.add_argument("--note")
    add.add_argument("--incident", metavar="REF")
    listed = _verb(inner, "list", "list them")
    listed.add_argument("--state", choices=("open", "accepted", "rejected", "all"), default="open")
    for act in ("accept", "reject"):
        _verb(inner, act, f"{act} one").add_argument("id")
    patch = _verb(inner, "patch", "write what they change as Backstage entities")
    patch.add_argument("--state", choices=("open", "accepted"), default="accepted")
    patch.add_argument("--out", metavar="FOLDER")


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    name = f"{args.verb}_{args.act}" if hasattr(args, "act") else args.verb
    return _VERBS[name](args)


def _talk(args: argparse.Namespace, call: Callable[[Client, str], Awaitable[Json]]) -> Json:
    """Send one request under one key until its outcome is known."""
    from warroom.client import new_key, retry_until_known

    client = make_client(settings_from(args))
    key = new_key()

    async def talk() -> Json:
        async with client:
            return await retry_until_known(lambda: call(client, key))

    return interrupt.run(talk())


def _do_import(args: argparse.Namespace) -> int:
    files = read_files(args.paths)
    try:
        report = _talk(
            args,
            lambda client, key: client.import_catalog(
                files, format=args.format, source=args.source, dry_run=args.dry_run,
                prune=args.prune, make_teams=args.make_teams, strict=args.strict, key=key,
            ),
        )  # fmt: skip
    except CatalogueRefused as refused:
        report = dict(refused.current or {})
        if not report:
            raise
    if args.json:
        print_json(report)
    else:
        tell_report(report)
    return 0 if report["ok"] else 1


def _do_export(args: argparse.Namespace) -> int:
    answer = _talk(args, lambda client, _: client.export_catalog(args.format, source=args.source))
    return _give_files(args, answer)


def _do_list_imports(args: argparse.Namespace) -> int:
    answer = _talk(args, lambda client, _: client.catalog_imports())
    if not args.json:
        for item in answer["items"]:
            item["changed"] = ", ".join(
                f"{name.replace('_', ' ')} {count:,}"
                for name, count in item["counts"].items()
                if count and name.endswith(("added", "changed", "removed"))
            )
            item["digest"] = item["digest"][:12]
    return _table(args, answer, IMPORTS)


def _give_files(args: argparse.Namespace, answer: Json) -> int:
    if args.json:
        print_json(answer)
    else:
        write_files(answer["files"], args.out)
    return 0


def _do_list_observed(args: argparse.Namespace) -> int:
    answer = _talk(args, lambda client, _: client.observed(state=args.state))
    return _table(args, answer, OBSERVED)


def _decide_observed(args: argparse.Namespace) -> int:
    named = args.service is not None and args.depends_on is not None
    if named == args.all or (args.all and args.service is not None):
        raise InvalidInput("Name SERVICE and DEPENDS_ON, or give --all.", field="service")
    hardness = getattr(args, "hardness", None)

    async def decide(client: Client, key: str) -> Json:
        if not args.all:
            edges = [{"service": args.service, "depends_on": args.depends_on}]
            return await client.decide_observed(args.act, edges, hardness=hardness, key=key)
        items = (await client.observed())["items"]
        edges = [{"service": i["service"], "depends_on": i["depends_on"]} for i in items]
        decided = 0
        for part in range(0, len(edges), 1000):
            answer = await client.decide_observed(
                args.act, edges[part : part + 1000], hardness=hardness, key=f"{key}-{part}"
            )
            decided += answer["decided"]
        return {"verdict": args.act, "decided": decided}

    answer = _talk(args, decide)
    if args.json:
        print_json(answer)
    else:
        say(f"{args.act}ed: {answer['decided']}")
    return 0


def _do_propose(args: argparse.Namespace) -> int:
    change = dict(map(_change, args.changes))
    answer = _talk(
        args,
        lambda client, key: client.propose(
            args.action, args.service, depends_on=args.depends_on, change=change, note=args.note,
            incident=args.incident, key=key,
        ),
    )  # fmt: skip
    return _say(args, answer)


def _change(text: str) -> tuple[str, Any]:
    """Return a name and its value; numbers and truths as JSON has them."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"{text!r} is not NAME=VALUE.", field="--set")
    name = name.replace("-", "_")
    if value == "":
        return name, None
    if name in ("tier", "slo", "customers", "user_share", "needed", "sync", "links"):
        try:
            return name, json.loads(value)
        except ValueError:
            return name, value
    return name, value


def _do_list_proposals(args: argparse.Namespace) -> int:
    answer = _talk(args, lambda client, _: client.proposals(state=args.state))
    return _table(args, answer, PROPOSED)


def _decide_proposal(args: argparse.Namespace) -> int:
    return _say(
        args, _talk(args, lambda client, key: client.decide_proposal(args.id, args.act, key=key))
    )


def _do_patch(args: argparse.Namespace) -> int:
    return _give_files(args, _talk(args, lambda client, _: client.proposal_patch(state=args.state)))


def _do_coverage(args: argparse.Namespace) -> int:
    answer = _talk(args, lambda client, _: client.coverage(days=args.days, limit=args.limit))
    if args.json:
        print_json(answer)
        return 0
    rows = [{**item, "missing": ", ".join(item["missing"])} for item in answer["items"]]
    print_table(rows, LACKING)
    lacks = ", ".join(f"{count:,} without {what}" for what, count in answer["missing"].items())
    say(f"{answer['covered']:,} of {answer['services']:,} services lack nothing; {lacks}")
    return 0


def _do_register(args: argparse.Namespace) -> int:
    names = ("name", "kind", "team", "region", "zone", "host", "system", "tier")
    what = {name: value for name in names if (value := getattr(args, name)) is not None}
    answer = _talk(
        args,
        lambda client, key: client.register_workload(
            args.key, args.ttl, depends_on=args.needs, key=key, **what
        ),
    )
    return _say(args, answer)


def _table(args: argparse.Namespace, answer: Json, columns: tuple[str, ...]) -> int:
    if args.json:
        print_json(answer)
    else:
        print_table(answer["items"], columns)
    return 0


def _say(args: argparse.Namespace, answer: Json) -> int:
    if args.json:
        print_json(answer)
    else:
        for name, value in answer.items():
            say(f"{name}: {value}")
    return 0


_VERBS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "import": _do_import,
    "export": _do_export,
    "imports": _do_list_imports,
    "observed_list": _do_list_observed,
    "observed_confirm": _decide_observed,
    "observed_reject": _decide_observed,
    "proposal_add": _do_propose,
    "proposal_list": _do_list_proposals,
    "proposal_accept": _decide_proposal,
    "proposal_reject": _decide_proposal,
    "proposal_patch": _do_patch,
    "coverage": _do_coverage,
    "register": _do_register,
}
