"""What the verbs of `warroom incident` share: arguments, the version, the key, one sending.

A verb stands in a table of its group's module; the table makes `warroom incident VERB REF …` and
`warroom incident batch VERB REF REF …` alike, so both take the same words.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warroom.cli.common import SubParsers, add_json
from warroom.domain.harm import Harm, harm_of
from warroom.domain.incident import Command
from warroom.errors import OutcomeUnknown

if TYPE_CHECKING:
    from warroom.client import Client

Json = dict[str, Any]
Send = Callable[["Client", argparse.Namespace, "Aim"], Awaitable[Json]]
Arguments = Callable[[argparse.ArgumentParser, bool], None]
GROUPS = {"role": "take, release or hand over a role"}


@dataclass(frozen=True, slots=True)
class Aim:
    """One sending: which incident, as seen at which version (0 where none counts), which key."""

    ref: str
    version: int
    key: str


def _no_arguments(_parser: argparse.ArgumentParser, _many: bool) -> None:
    return


def _says_nothing(_incident: Json) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Verb:
    """A command of an incident on the command line.

    ``arguments`` declares what stands behind the reference; told whether there may be many
    references, because then only options may be left out.  ``says`` tells what became of it, from
    the answer.  ``batch`` is False for what fits one incident only.
    """

    text: str
    command: Command
    send: Send
    arguments: Arguments = _no_arguments
    says: Callable[[Json], str] = _says_nothing
    versioned: bool = True
    batch: bool = True

    def harm(self, args: argparse.Namespace) -> Harm:
        """Say how much it can hurt with these arguments."""
        return harm_of(self.command, to=getattr(args, "status", None))


def add_verbs(verbs: SubParsers, table: Mapping[str, Verb], *, many: bool = False) -> None:
    """Declare a table's verbs; a name of two words stands in a group, as ``role take``."""
    groups: dict[str, SubParsers] = {}
    for name, verb in table.items():
        if many and not verb.batch:
            continue
        group, _, last = name.rpartition(" ")
        into = verbs
        if group:
            if group not in groups:
                groups[group] = verbs.add_parser(group, help=GROUPS[group]).add_subparsers(
                    dest="doing", required=True, metavar="DOING"
                )
            into = groups[group]
        parser = into.add_parser(last, help=verb.text)
        if many:
            parser.add_argument("refs", nargs="+", metavar="REF", help="INC-12 INC-13 …")
            parser.add_argument("--yes", action="store_true", help="do not ask first")
        else:
            _add_one(parser, versioned=verb.versioned)
        verb.arguments(parser, many)
        add_json(parser)
        parser.set_defaults(chosen=verb, named=name)


def _add_one(parser: argparse.ArgumentParser, *, versioned: bool) -> None:
    parser.add_argument("ref", metavar="REF", help="INC-12")
    if versioned:
        parser.add_argument(
            "--version", type=int, help="the version you saw; without it the present one"
        )
    parser.add_argument("--key", help="the idempotency key, to ask again what became of a command")


async def send(
    client: Client, args: argparse.Namespace, ref: str, *, version: int | None, key: str
) -> Json:
    """Send the chosen verb to one incident, with one key until its outcome is known.

    Without ``version`` the incident is read first, and what was read is used.

    Raises:
        OutcomeUnknown: it is still unknown; says how to ask again.
        WarRoomError: the command's own answer.
    """
    from warroom.client import retry_until_known

    verb: Verb = args.chosen
    seen = version or 0
    if verb.versioned and version is None:
        seen = int((await client.incident(ref))["version"])
    aim = Aim(ref, seen, key)
    try:
        return await retry_until_known(lambda: verb.send(client, args, aim))
    except OutcomeUnknown as error:
        again = f"--key {key}" + (f" --version {seen}" if verb.versioned else "")
        raise OutcomeUnknown(
            error.message, remedy=f"Repeat the same command with {again}."
        ) from error


async def send_one(client: Client, args: argparse.Namespace) -> Json:
    """Send `warroom incident VERB REF …`; return the incident as it is then."""
    from warroom.client import new_key

    version = getattr(args, "version", None)
    return await send(client, args, args.ref, version=version, key=args.key or new_key())


def told(args: argparse.Namespace, incident: Json) -> str:
    """Return the line that says what became of it."""
    verb: Verb = args.chosen
    more = verb.says(incident)
    line = f"{incident['ref']} is {incident['status']} (version {incident['version']})"
    return f"{line}: {more}" if more else line


def person(who: Json | None) -> str:
    """Return a person's name, ``nobody`` for none."""
    return str(who["name"]) if who else "nobody"
