"""`warroom status`: say what runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from warroom.cli.common import SubParsers, add_config, add_json, print_json, say, settings_from

if TYPE_CHECKING:
    from pathlib import Path

    from warroom.embedded.runtime import Runtime


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
            document["standby"] = _standby(found, settings.data_dir)
    if args.json:
        print_json(document)
    elif found is None:
        say(f"nothing runs on {settings.data_dir}; `warroom up` starts it")
    else:
        say(f"runs since {found.started_at} on {settings.data_dir}")
        say(f"API {found.api_url}, PostgreSQL {found.pg_version}")
        for name, part in document["parts"].items():
            if name != "standby":
                say(f"{name:<9} process {part['pid']} {'runs' if part['alive'] else 'is GONE'}")
        if "standby" in document:
            _say_standby(document["standby"], document["parts"].get("standby", {}))
    return 0 if found is not None else 3


def _say_standby(standby: dict[str, Any], part: dict[str, Any]) -> None:
    """Say one line of its process, if one is to be expected, and one of how it is."""
    if part.get("pid"):
        say(f"standby   process {part['pid']} {'runs' if part['alive'] else 'is GONE'}")
    lag = standby["standby_lag_s"]
    how_far = "" if lag is None else f", {lag:.1f} s behind"
    say(f"standby   {standby.get('sentence') or standby['standby_state'] + how_far}")
    if standby.get("remedy"):
        say(f"          {standby['remedy']}")


def _standby(found: Runtime, data_dir: Path) -> dict[str, Any]:
    """Say how it is: what the supervisor knows of it, else what the primary sees.

    A primary sees only who streams; that one is being copied or was promoted it cannot tell.
    """
    import psycopg

    from warroom.embedded import figures
    from warroom.embedded.paths import DataPaths
    from warroom.embedded.standby_state import promoted_remedy, promoted_words

    if found.standby_state == "promoted":
        folder = DataPaths(data_dir).standby
        return {"standby_state": "promoted", "standby_lag_s": None,
                "sentence": promoted_words(), "remedy": promoted_remedy(folder)}  # fmt: skip
    try:
        seen = figures.standby(found.database_url)
    except (psycopg.Error, OSError):
        return {"standby_state": "unknown: the primary does not answer", "standby_lag_s": None}
    if seen["standby_state"] == "gone" and found.standby_state in {"seeding", "starting"}:
        words = "being copied" if found.standby_state == "seeding" else "starting"
        seen["standby_state"], seen["sentence"] = words, f"is {words}"
    return seen
