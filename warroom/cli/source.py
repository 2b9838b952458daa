"""`warroom source`: alert sources, their tokens, and what their words for severity mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from warroom.cli import directory
from warroom.cli.common import SubParsers
from warroom.cli.duration import add_expires, seconds
from warroom.errors import InvalidInput

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS = ("key", "name", "dialect", "team", "lane", "rate_per_s", "severities", "last_seen_at",
           "quiet_since", "paused_at", "refused")  # fmt: skip
LOST = "`warroom source rotate SOURCE` makes another."
SETTINGS = ("name", "team", "service_label", "rate_per_s", "burst", "lane", "quiet_after_s",
            "environment")  # fmt: skip
NONE = "none"
DIALECTS = (
    "alertmanager", "pagerduty", "opsgenie", "nagios", "cloudevents", "generic",
    "github", "gitlab", "argocd", "change",
)  # fmt: skip


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    verbs = directory.declare(subparsers, "source", "alert sources and their tokens", _arguments)
    directory.verb(verbs, "show", "its settings, refusals and tokens").add_argument("source")
    change = directory.verb(verbs, "set", "change settings; `none` takes one away")
    change.add_argument("source")
    change.add_argument("--name")
    _settings(change)
    rotate = directory.verb(verbs, "rotate", "make a new token and end the old ones after a grace")
    rotate.add_argument("source")
    rotate.add_argument(
        "--grace", type=_grace, default=3600, metavar="1h",
        help="how long the old tokens and the old secret go on; 0 ends them at once (default 1h)",
    )  # fmt: skip
    for name, text in (("pause", "take nothing more from it"), ("resume", "let it go on")):
        directory.verb(verbs, name, text).add_argument("source")
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
    parser.add_argument(
        "--dialect",
        choices=DIALECTS,
        default="alertmanager",
        help="what it speaks; a GitHub source also gets the secret that its webhook signs with",
    )
    _settings(parser)


def _settings(parser: argparse.ArgumentParser) -> None:
    unset = argparse.SUPPRESS
    parser.add_argument("--team", default=unset, type=_text, help="who owns it")
    parser.add_argument(
        "--service-label", default=unset, type=_text, help="the label that names the service"
    )
    parser.add_argument(
        "--rate", dest="rate_per_s", default=unset, type=_count, metavar="N",
        help="alerts a second that are let in, in each API process",
    )  # fmt: skip
    parser.add_argument(
        "--burst", default=unset, type=_count, metavar="N",
        help="alerts that are let in at once; ten seconds' worth if not given",
    )  # fmt: skip
    parser.add_argument(
        "--lane", default=unset, choices=("ordinary", "critical"),
        help="a critical source never waits behind ordinary ones",
    )  # fmt: skip
    parser.add_argument(
        "--quiet-after", dest="quiet_after_s", default=unset, type=_span, metavar="10m",
        help="silent for longer, it is an alert of war room itself; at least 2m",
    )  # fmt: skip
    parser.add_argument(
        "--environment", default=unset, type=_text, help="what it watches, e.g. production"
    )


def _given(args: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(args, name) for name in SETTINGS if hasattr(args, name)}
    return {k: v for k, v in given.items() if k != "name" or v is not None}


def _body(args: argparse.Namespace) -> dict[str, Any]:
    return {"key": args.key, "dialect": args.dialect, **_given(args)}


async def _show(args: argparse.Namespace, client: Client, _: str) -> dict[str, Any]:
    return await client.source(args.source)


async def _set(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    return await client.change_source(args.source, _given(args), key=key)


async def _switch(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    return await client.switch_source(args.source, args.verb, key=key)


async def _rotate(args: argparse.Namespace, client: Client, key: str) -> dict[str, Any]:
    return await client.rotate_source(args.source, grace_s=args.grace, key=key)


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
    more = {
        "show": _show, "set": _set, "rotate": _rotate, "pause": _switch, "resume": _switch,
        "token": _token, "severity": _severity, "mapping": _mapping,
    }  # fmt: skip
    return directory.run(args, "sources", COLUMNS, _body, more, lost=LOST)


def _text(text: str) -> str | None:
    return None if text == NONE else text


def _count(text: str) -> int | None:
    if text == NONE:
        return None
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, nor `none`")
    return int(text)


def _span(text: str) -> int | None:
    return None if text == NONE else seconds(text)


def _grace(text: str) -> int:
    return 0 if text == "0" else seconds(text)


def _word(text: str) -> tuple[str, int]:
    word, _, number = text.rpartition("=")
    if not word or number not in ("1", "2", "3", "4", "5"):
        raise argparse.ArgumentTypeError(f"{text!r} is not WORD=N with N from 1 (worst) to 5")
    return word, int(number)
