"""`warroom source`: alert sources, their tokens, and what their words for severity mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from warroom.cli import directory
from warroom.cli.common import SubParsers
from warroom.cli.duration import add_expires
from warroom.errors import InvalidInput

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS = ("key", "name", "dialect", "severities", "last_seen_at", "paused_at")
DIALECTS = (
    "alertmanager", "pagerduty", "opsgenie", "nagios", "cloudevents", "generic",
    "github", "gitlab", "argocd", "change",
)  # fmt: skip
LOST = "`warroom source token SOURCE` makes another."


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    verbs = directory.declare(subparsers, "source", "alert sources and their tokens", _arguments)
    token = directory.verb(verbs, "token", "make another token; the old ones go on")
    token.add_argument("source")
    add_expires(token)
    severity = directory.verb(verbs, "severity", "say what its words mean, all of them anew")
    severity.add_argument("source")
    severity.add_argument(
        "words", nargs="*", type=_word, metavar="WORD=N", help="e.g. critical=1 warning=3"
    )
    severity.add_argument("--clear", action="store_true", help="use the built-in table again")
    mapping = directory.verb(verbs, "mapping", "say what is where in its JSON, from a file")
    mapping.add_argument("source")
    mapping.add_argument("file", nargs="?", metavar="FILE", help="TOML or JSON")
    mapping.add_argument("--clear", action="store_true", help="take the mapping away")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key")
    parser.add_argument("--name")
    parser.add_argument("--team")
    parser.add_argument("--service-label", help="the label that names the service")
    parser.add_argument(
        "--dialect",
        choices=DIALECTS,
        default="alertmanager",
        help="what it speaks; a GitHub source also gets the secret that its webhook signs with",
    )


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "key": args.key,
        "name": args.name,
        "team": args.team,
        "service_label": args.service_label,
        "dialect": args.dialect,
    }


async def _token(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    return await client.add_source_token(args.source, expires_in_s=args.expires, key=key)


async def _severity(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    return await client.set_severities(args.source, dict(args.words), key=key)


async def _mapping(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    from warroom.cli.mapping_file import read_mapping

    mapping = None if args.clear else read_mapping(args.file)
    done = await client.set_mapping(args.source, mapping, key=key)
    return done if args.json else {"key": done["key"], "mapping": "taken away" if args.clear
                                   else f"set from {args.file}"}  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    if args.verb == "mapping" and (args.file is None) != args.clear:
        raise InvalidInput(
            "Give the file with the mapping, or --clear; nothing was changed.",
            field="file",
            remedy="For example: warroom source mapping probes probes.toml",
        )
    if args.verb == "severity" and bool(args.words) == args.clear:
        raise InvalidInput(
            "Give the words of the source with their severities, or --clear; nothing was changed.",
            field="words",
            remedy="For example: warroom source severity alertmanager page=1 ticket=4",
        )
    more = {"token": _token, "severity": _severity, "mapping": _mapping}
    return directory.run(args, "sources", COLUMNS, _body, more, lost=LOST)


def _word(text: str) -> tuple[str, int]:
    word, _, number = text.rpartition("=")
    if not word or number not in ("1", "2", "3", "4", "5"):
        raise argparse.ArgumentTypeError(f"{text!r} is not WORD=N with N from 1 (worst) to 5")
    return word, int(number)
