"""What the groups of the directory share: add, list and more through the API.

Every command has one idempotency key and is asked again under it until its outcome is known, so
that a lost answer makes nothing twice and leaves nobody guessing.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from warroom.cli import interrupt
from warroom.cli.common import (
    SubParsers,
    add_config,
    add_json,
    api_and_token,
    make_client,
    print_json,
    print_table,
    say,
    settings_from,
    warn,
)

if TYPE_CHECKING:
    from warroom.client import Client

Json = dict[str, Any]
Body = Callable[[argparse.Namespace], Json]
Verb = Callable[[argparse.Namespace, "Client", str], Awaitable[Json]]
"""Sends one command under the key that it is given; it is called again until it is known."""
SECRETS = ("token", "secret")


def declare(
    subparsers: SubParsers,
    noun: str,
    text: str,
    arguments: Callable[[argparse.ArgumentParser], None],
) -> SubParsers:
    """Declare ``add`` and ``list`` of one noun; return the verbs, so that more can be added."""
    parser = subparsers.add_parser(noun, help=text)
    add_config(parser)
    verbs: SubParsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    arguments(verb(verbs, "add", f"add a {noun}"))
    verb(verbs, "list", "list them")
    return verbs


def verb(verbs: SubParsers, name: str, text: str) -> argparse.ArgumentParser:
    """Declare one verb and return its parser."""
    parser = verbs.add_parser(name, help=text)
    add_json(parser)
    return parser


def run(
    args: argparse.Namespace,
    route: str,
    columns: Sequence[str],
    body: Body,
    more: Mapping[str, Verb] | None = None,
    *,
    lost: str = "",
    address: str = "",
) -> int:
    """Do what the verb says.

    Args:
        args: the parsed arguments.
        route: the API's plural noun.
        columns: what a listing shows.
        body: makes the request of ``add``.
        more: the verbs beside ``add`` and ``list``.
        lost: what to type when a token or secret was made and the answer with it lost.
        address: where on the API what was made is called; ``{token}`` stands for its token.
    """
    answer = ask(args, route, body, more or {})
    if address and answer.get("token"):
        url, _ = api_and_token(settings_from(args))
        answer["address"] = url.rstrip("/") + address.format_map(answer)
    if args.json:
        print_json(answer)
    elif args.verb == "list":
        print_table([_flat(item) for item in answer["items"]], columns)
    else:
        _tell(answer)
    for name in SECRETS:
        if name in answer and answer[name] is None:
            # It was made by an attempt whose answer never came; the API keeps no copy.
            warn(f"It is made, but the answer with its {name} was lost. {lost}".rstrip())
    return 0


def ask(args: argparse.Namespace, route: str, body: Body, more: Mapping[str, Verb]) -> Json:
    """Send what the verb says, until its outcome is known, and return the answer."""
    from warroom.client import new_key, retry_until_known

    client = make_client(settings_from(args))
    key = new_key()

    async def talk() -> Json:
        async with client:
            if args.verb == "list":
                return await client.all_of(route)
            if args.verb == "add":
                document = body(args)
                return await retry_until_known(lambda: client.add(route, document, key=key))
            chosen = more[args.verb]
            return await retry_until_known(lambda: chosen(args, client, key))

    return interrupt.run(talk())


def _tell(answer: Json) -> None:
    for name, value in _flat(answer).items():
        if value is not None:
            say(f"{name}: {value}")
    for name in SECRETS:
        if answer.get(name):
            say(f"The {name} is shown this once.")


def _flat(item: Mapping[str, Any]) -> Json:
    """Return the values as a person reads them: lists and tables as words."""
    return {name: _words(value) for name, value in item.items()}


def _words(value: object) -> object:
    if isinstance(value, Mapping):
        return " ".join(f"{k}={v}" for k, v in value.items()) or None
    if isinstance(value, list):
        return (
            ", ".join(str(_words(v)) if isinstance(v, Mapping) else str(v) for v in value) or None
        )
    return value
