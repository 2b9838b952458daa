"""`warroom incident batch`: one command on several incidents, each in a transaction of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from warroom.cli import interrupt
from warroom.cli.common import (
    SubParsers,
    make_client,
    print_json,
    print_table,
    settings_from,
    terminal_text,
    warn,
)
from warroom.cli.incident_verbs import Json, Verb, add_verbs, send
from warroom.domain.harm import Question, question
from warroom.errors import InvalidInput, OutcomeUnknown, Refused, WarRoomError

if TYPE_CHECKING:
    from warroom.client import Client

COLUMNS = ("ref", "outcome", "status", "version", "detail")


def add_batch(verbs: SubParsers, tables: Sequence[Mapping[str, Verb]]) -> None:
    """Declare ``batch VERB REF REF …`` for every verb that fits many incidents."""
    batch = verbs.add_parser(
        "batch",
        help="one command on several incidents",
        description="One command an incident, each in a transaction of its own and with a key of "
        "its own: what is refused on one does not hold up the others. Exit status 1 when any "
        "failed.",
    )
    into = batch.add_subparsers(dest="batched", required=True, metavar="VERB")
    for table in tables:
        add_verbs(into, table, many=True)


def run(args: argparse.Namespace) -> int:
    """Ask first as far as it may hurt, send, and show what became of each."""
    refs = _once_each(args.refs)
    if not args.yes and not _meant(args, len(refs)):
        warn("Nothing was sent.")
        return 1
    client = make_client(settings_from(args))
    outcomes: list[Json] = []
    try:
        interrupt.run(_send_all(client, args, refs, outcomes))
    finally:  # also when it was interrupted: what was sent must be known
        _show(args, outcomes, refs)
    return 0 if all(o["ok"] for o in outcomes) else 1


def _once_each(refs: Sequence[str]) -> list[str]:
    """Return each incident once, in the order given: INC-7 and 7 are one.

    Raises:
        InvalidInput: one of them is no reference.
    """
    from warroom.domain.ids import format_ref, parse_ref

    found = [parse_ref(ref) for ref in refs]
    return list(dict.fromkeys(format_ref(f) if isinstance(f, int) else str(f) for f in found))


def _meant(args: argparse.Namespace, count: int) -> bool:
    """Ask whether it is meant, in proportion to the harm.

    Raises:
        InvalidInput: there is nobody to ask, and it may hurt.
    """
    verb: Verb = args.chosen
    asked = question(verb.harm(args), count)
    if asked is Question.NOTHING:
        return True
    what = f"{args.named} on {count} incident{'s' if count > 1 else ''}"
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"This is {what}, and nobody is there to ask; nothing was sent.",
            field="--yes",
            remedy="Repeat it with --yes.",
        )
    if asked is Question.YES:
        return _answer(f"{what}: {verb.text}. Sure? [y/N] ").lower() in ("y", "yes")
    return _answer(f"{what}: {verb.text}. Type {count} to go on: ") == str(count)


def _answer(prompt: str) -> str:
    # Not on stdout: with --json that is the document's.
    print(terminal_text(prompt), end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


async def _send_all(
    client: Client, args: argparse.Namespace, refs: Sequence[str], outcomes: list[Json]
) -> None:
    """Send to one after the other; ``outcomes`` grows by what became of each."""
    from warroom.client import new_key

    async with client:
        for ref in refs:
            key = new_key()
            try:
                done = await send(client, args, ref, version=None, key=key)
            except OutcomeUnknown as error:
                outcomes.append(_failed(ref, "unknown", error, key))
            except WarRoomError as error:
                outcomes.append(_failed(ref, "failed", error, key))
            except asyncio.CancelledError:
                outcomes.append({"ref": ref, "ok": False, "outcome": "unknown", "key": key,
                                 "detail": "interrupted; look at it"})  # fmt: skip
                raise
            else:
                outcomes.append(
                    {"ref": done["ref"], "ok": True, "outcome": "done", "status": done["status"],
                     "version": done["version"], "key": key}
                )  # fmt: skip


def _failed(ref: str, outcome: str, error: WarRoomError, key: str) -> Json:
    rule = {"rule": error.rule} if isinstance(error, Refused) and error.rule else {}
    return {"ref": ref, "ok": False, "outcome": outcome, "code": error.code, **rule,
            "detail": str(error), "key": key}  # fmt: skip


def _show(args: argparse.Namespace, outcomes: list[Json], refs: Sequence[str]) -> None:
    rest = [{"ref": ref, "ok": False, "outcome": "not sent"} for ref in refs[len(outcomes) :]]
    if args.json:
        print_json({"outcomes": outcomes + rest})
    else:
        print_table(outcomes + rest, COLUMNS)
