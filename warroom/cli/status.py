"""`warroom status`: say what runs."""

from __future__ import annotations

import argparse
from typing import Any

from warroom.cli.common import SubParsers, add_config, add_json, print_json, say, settings_from


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("status", help="say what runs")
    add_config(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Say it; 0 when everything runs, 3 when nothing does."""
    from warroom.embedded import runtime
    from warroom.embedded.processes import process_ref

    settings = settings_from(args)
    found = runtime.running(settings.data_dir)
    document: dict[str, Any] = {"running": found is not None, "data_dir": str(settings.data_dir)}
    if found is not None:
        document |= {
            "api_url": found.api_url,
            "pg_version": found.pg_version,
            "started_at": found.started_at,
            "parts": {
                name: {"pid": pid, "alive": process_ref(pid) is not None}
                for name, pid in found.children.items()
            },
        }
        if found.standby_url:
            document["standby"] = _standby(found.database_url)
    if args.json:
        print_json(document)
    elif found is None:
        say(f"nothing runs on {settings.data_dir}; `warroom up` starts it")
    else:
        say(f"runs since {found.started_at} on {settings.data_dir}")
        say(f"API {found.api_url}, PostgreSQL {found.pg_version}")
        for name, part in document["parts"].items():
            say(f"{name:<9} process {part['pid']} {'runs' if part['alive'] else 'is GONE'}")
        if "standby" in document:
            lag = document["standby"]["standby_lag_s"]
            how_far = "" if lag is None else f", {lag:.1f} s behind"
            say(f"standby   {document['standby']['standby_state']}{how_far}")
    return 0 if found is not None else 3


def _standby(database_url: str) -> dict[str, Any]:
    """Ask the primary; it may not answer."""
    import psycopg

    from warroom.embedded import figures

    try:
        return figures.standby(database_url)
    except (psycopg.Error, OSError):
        return {"standby_state": "unknown: the primary does not answer", "standby_lag_s": None}
