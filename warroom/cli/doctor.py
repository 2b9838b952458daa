"""``warroom doctor``: what works here, what is missing, and what to type."""

from __future__ import annotations

import argparse
import dataclasses
import os
from typing import Final

from warroom.cli.common import SubParsers, add_config, add_json, load_from, print_json, say

_MARKS: Final = {"ok": "✓", "warn": "!", "fail": "✖"}


def add_parser(subparsers: SubParsers) -> None:
    """Declare ``doctor``."""
    parser = subparsers.add_parser("doctor", help="say what is missing and what to type")
    add_config(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Run every check; 0 if none failed, 1 otherwise. Warnings do not count as failures."""
    from warroom.cli.checks import LOCAL_CHECKS, Check, Context, State
    from warroom.cli.checks_remote import REMOTE_CHECKS

    context = Context(load_from(args), os.environ)
    checks: list[Check] = []
    for function in (*LOCAL_CHECKS, *REMOTE_CHECKS):
        check = function(context)
        if check is not None:
            checks.append(check)
            if not args.json:
                say(f"{_MARKS[check.state]} {check.name:<15} {check.sentence}")
                if check.state is not State.OK and check.remedy:
                    say(f"  {'':<15} → {check.remedy}")
    failed = [check.name for check in checks if check.state is State.FAIL]
    if args.json:
        listed = [
            {**dataclasses.asdict(check), "ok": check.state is not State.FAIL} for check in checks
        ]
        print_json({"ok": not failed, "checks": listed})
    else:
        say(f"Not well: {', '.join(failed)}." if failed else "All that is needed works.")
    return int(bool(failed))
