"""`warroom incident` verbs on changes, and on who mitigates which service."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from warroom.cli.duration import seconds
from warroom.cli.incident_verbs import Aim, Json, Verb
from warroom.domain.incident import Command
from warroom.domain.incident_changes import VERDICTS
from warroom.domain.mitigation import ACTS

if TYPE_CHECKING:
    from warroom.client import Client

Parser = argparse.ArgumentParser
Args = argparse.Namespace


def _change(parser: Parser, _many: bool) -> None:
    parser.add_argument("change", metavar="CHANGE", help="its id; `warroom change list` has it")
    parser.add_argument("--verdict", required=True, choices=VERDICTS)


def _mitigate(parser: Parser, _many: bool) -> None:
    parser.add_argument("service", metavar="KEY")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--what", choices=ACTS)
    how.add_argument("--done", action="store_true", help="you are at it no more")
    parser.add_argument("--join", action="store_true", help="beside whoever is at it already")
    parser.add_argument("--for", type=seconds, default=3600, dest="for_s", metavar="1h",
                        help="over by itself after this time")  # fmt: skip


def _send_mitigate(c: Client, a: Args, aim: Aim) -> Awaitable[Json]:
    if a.done:
        return c.mitigated(aim.ref, a.service, key=aim.key)
    return c.mitigate(aim.ref, a.service, a.what, join=a.join, for_s=a.for_s, key=aim.key)


def _changes(found: Json) -> str:
    said = [f"{c['kind']} {c['title']} {c['verdict']}" for c in found["changes"]]
    return ", ".join(said) or "no change"


def _mitigations(found: Json) -> str:
    said = [f"{m['who']} at {m['service']} ({m['what']})" for m in found["mitigations"]]
    return ", ".join(said) or "nobody mitigates"


VERBS = {
    "change": Verb(
        "say what a change has to do with it", Command.CHANGE,
        lambda c, a, aim: c.link_change(
            aim.ref, aim.version, a.change, a.verdict, key=aim.key
        ),
        _change, _changes, batch=False,
    ),
    "mitigate": Verb(
        "say that you are at a service, or done with it", Command.MITIGATE, _send_mitigate,
        _mitigate, _mitigations, versioned=False, batch=False,
    ),
}  # fmt: skip
"""What is said about changes and mitigation, by its words on the command line."""
