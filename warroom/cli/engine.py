"""`warroom engine`: the clockwork."""

from __future__ import annotations

import argparse
import asyncio
import signal
from typing import TYPE_CHECKING

from warroom.cli.common import SubParsers, add_config, settings_from
from warroom.cli.parent import parent_gone
from warroom.errors import ConfigurationError

if TYPE_CHECKING:
    from warroom.engine.runner import Engine
    from warroom.settings import Settings


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("engine", help="run the clockwork")
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Run until a signal ends it."""
    settings = settings_from(args)
    url = settings.engine_database_url or settings.database_url
    if url is None:
        raise ConfigurationError(
            "No database is configured.",
            field="database.engine_url",
            remedy="Set WARROOM_ENGINE_DATABASE_URL, or start everything with `warroom up`.",
        )
    try:
        from warroom.logs import configure

        configure(settings.log_format, settings.log_level)
        return asyncio.run(_main(settings, url))
    except ImportError as error:
        raise ConfigurationError(
            f"`warroom engine` needs the server extra ({error.name} is missing).",
            remedy="Type: pip install 'warroom[server]'",
        ) from error


async def _main(settings: Settings, url: str) -> int:
    from warroom.db.engine import Database
    from warroom.engine.runner import Engine

    db = Database.open(
        url,
        role="engine",
        pool_size=settings.pool_size,
        statement_timeout_ms=settings.statement_timeout_ms,
        lock_timeout_ms=settings.lock_timeout_ms,
        command_deadline_s=settings.db_deadline_seconds,
    )
    engine = Engine(settings, db)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.stop)
    watching = asyncio.create_task(_stop_with_parent(engine))
    await engine.run()
    watching.cancel()
    return 0


async def _stop_with_parent(engine: Engine) -> None:
    """Stop the engine when the process that started it has gone, if it asked for that."""
    await parent_gone()
    engine.stop()
