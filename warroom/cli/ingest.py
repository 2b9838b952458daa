"""`warroom ingest`: alerts from files."""

from __future__ import annotations

import argparse

from warroom.cli import ingest_load
from warroom.cli.common import SubParsers, add_config


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("ingest", help="alerts from files")
    add_config(parser)
    verbs: SubParsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    ingest_load.add_verb(verbs)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    return ingest_load.run(args)
