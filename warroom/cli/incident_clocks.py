"""`warroom incident` verbs on the clocks that people set."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from warroom.cli.duration import seconds
from warroom.cli.incident_verbs import Aim, Json, Verb
from warroom.domain.incident import Command

if TYPE_CHECKING:
    from warroom.client import Client

Parser = argparse.ArgumentParser
Args = argparse.Namespace


def _seconds_or_off(span: str) -> int | None:
    return None if span == "off" else seconds(span)


def _seconds_or_wake(span: str) -> int:
    return 0 if span == "wake" else seconds(span)


def _update_due(parser: Parser, _many: bool) -> None:
    parser.add_argument("in_s", type=_seconds_or_off, metavar="TIME", help="30m, 1h30m; or off")


def _snooze(parser: Parser, _many: bool) -> None:
    parser.add_argument("for_s", type=_seconds_or_wake, metavar="TIME", help="30m, 2h; or wake")
    parser.add_argument("--reason", default="", help="why nobody need be told meanwhile")


def _escalate(parser: Parser, _many: bool) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--pause", action="store_const", const="pause", dest="do", default="now")
    how.add_argument("--resume", action="store_const", const="resume", dest="do")
    how.add_argument("--skip", type=int, metavar="STEP", help="tell this step instead")


def _send_escalate(c: Client, a: Args, aim: Aim) -> Awaitable[Json]:
    do = a.do if a.skip is None else "skip"
    return c.escalation(aim.ref, aim.version, do, step=a.skip, key=aim.key)


def _escalating(found: Json) -> str:
    clock = found["escalation"]
    if clock["state"] == "none":
        return "nothing escalates"
    return f"escalation {clock['state']}, step {clock['step']}, {clock['target']}"


def _due(found: Json) -> str:
    return f"next update due {found['update_due_at'] or 'never'}"


def _asleep(found: Json) -> str:
    until = found["snoozed_until"]
    return f"sleeps until {until}" if until else "awake"


VERBS = {
    "update-due": Verb(
        "say when the next update is due", Command.UPDATE_DUE,
        lambda c, a, aim: c.set_update_due(aim.ref, aim.version, a.in_s, key=aim.key),
        _update_due, _due,
    ),
    "snooze": Verb(
        "let it sleep; its escalation waits", Command.SNOOZE,
        lambda c, a, aim: c.snooze(aim.ref, aim.version, a.for_s, a.reason, key=aim.key),
        _snooze, _asleep,
    ),
    "escalate": Verb(
        "tell the next step now; or pause, resume, skip", Command.ESCALATION, _send_escalate,
        _escalate, _escalating,
    ),
}  # fmt: skip
"""What is done to an incident's clocks, by its words on the command line."""
