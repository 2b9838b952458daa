"""`warroom ingest`: alerts from files, and what a body would do without storing anything."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from warroom.cli import ingest_load, interrupt
from warroom.cli.common import (
    SubParsers,
    add_config,
    add_json,
    make_client,
    print_json,
    say,
    settings_from,
)
from warroom.errors import InvalidInput

Json = dict[str, Any]
SHOWN = 50


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("ingest", help="alerts from files, and what a body would do")
    add_config(parser)
    verbs: SubParsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    ingest_load.add_verb(verbs)
    test = verbs.add_parser("test", help="show what a body would do, and store nothing")
    test.add_argument("file", metavar="FILE", help="the body as it would be sent; - for stdin")
    test.add_argument("--as", dest="source", required=True, metavar="SOURCE")
    test.add_argument("--dialect", help="the source's own if not given")
    test.add_argument("--mapping", metavar="FILE", help="try this one in place of the source's")
    add_json(test)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    if args.verb == "load":
        return ingest_load.run(args)
    from warroom.cli.mapping_file import read_mapping

    body = _body(args.file)
    mapping = read_mapping(args.mapping) if args.mapping else None
    client = make_client(settings_from(args))

    async def ask() -> Json:
        async with client:
            return await client.rehearse(args.source, body, dialect=args.dialect, mapping=mapping)

    found = interrupt.run(ask())
    if args.json:
        print_json(found)
    else:
        _tell(found)
    return 0


def _body(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}.", field="file") from error


def _tell(found: Json) -> None:
    alerts = found["alerts"]
    say(f"{found['source']} as {found['dialect']}: {_many(len(alerts), 'alert')};"
        " nothing was stored")  # fmt: skip
    for alert in alerts[:SHOWN]:
        _tell_alert(alert)
    if len(alerts) > SHOWN:
        say(f"and {_many(len(alerts) - SHOWN, 'alert')} more; --json has them all")
    for remark in found["remarks"]:
        about = f"alert {remark['alert']}" if remark["alert"] else "an alert that is not known"
        say(f"says: {about} {remark['text']}")
    if found["unknown_endings"]:
        say(f"ends {_many(found['unknown_endings'], 'alert')} that nobody has heard of: ignored")


def _tell_alert(alert: Json) -> None:
    say(f"{alert['state']}  {alert['name']}  ({alert['change']})")
    if alert["summary"] != alert["name"]:
        say(f"  summary      {alert['summary']}")
    say(f"  fingerprint  {alert['fingerprint']}")
    label = f"  by label {alert['service_label']}" if alert["service_label"] else ""
    new = "  (not in the catalogue: it would be made)" if alert["service_is_new"] else ""
    say(f"  service      {alert['service']}{label}{new}")
    say(f"  severity     SEV{alert['severity']}: {alert['severity_reason']}")
    where = "a new one" if alert["opens_incident"] else alert["incident"] or "none"
    title = f"  {alert['incident_title']}" if alert["incident_title"] else ""
    say(f"  incident     {where}{title}")
    if alert["decision"]:
        say(f"  why          {alert['decision']}")
    if alert["labels"]:
        say(f"  labels       {' '.join(f'{n}={v}' for n, v in sorted(alert['labels'].items()))}")
    for note in alert["notes"]:
        say(f"  note         {note}")


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
