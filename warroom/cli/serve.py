"""`warroom serve`: the API."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import gc
import socket
import sys
from pathlib import Path
from typing import Any

from warroom.cli import tls
from warroom.cli.common import SubParsers, add_config, settings_from, warn
from warroom.cli.parent import parent_gone
from warroom.errors import ConfigurationError

PORTS_TRIED = 50
YOUNG, MIDDLE, OLD = 20_000, 20, 50
"""Python's collector looks for cycles after so many new objects; a batch of alerts makes thousands,
and none of them is one."""
START_SECONDS = 15
SWITCH_S = 0.0005
"""Python's own 5 ms, at each of the many short waits of a transaction, make seconds in a storm."""


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("serve", help="run the API")
    add_config(parser)
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port; when it is taken, the next free one")
    parser.add_argument(
        "--tls-cert", metavar="FILE", type=Path, help="speak HTTPS only, with this certificate"
    )
    parser.add_argument("--tls-key", metavar="FILE", type=Path, help="the certificate's key")
    parser.add_argument(
        "--tls-min", choices=("1.2", "1.3"), help="the oldest TLS that is spoken (1.3)"
    )
    parser.add_argument(
        "--announce", type=Path, metavar="FILE", help="write the URL there when it listens"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    settings = settings_from(
        args, api_host=args.host, api_port=args.port, api_tls_cert=args.tls_cert,
        api_tls_key=args.tls_key, api_tls_min=args.tls_min,
    )  # fmt: skip
    if settings.database_url is None:
        raise ConfigurationError(
            "No database is configured.",
            field="database.url",
            remedy="Set WARROOM_DATABASE_URL, or start everything with `warroom up`.",
        )
    try:
        import uvicorn

        from warroom.api.app import create_app
        from warroom.db.engine import Database
        from warroom.logs import configure
    except ImportError as error:
        raise ConfigurationError(
            f"`warroom serve` needs the server extra ({error.name} is missing).",
            remedy="Type: pip install 'warroom[server]'",
        ) from error
    configure(settings.log_format, settings.log_level)
    # Large bodies are parsed in threads; what is answered meanwhile must not wait for their turn.
    sys.setswitchinterval(SWITCH_S)
    encrypted = tls.options(settings)
    listener = bind(settings.api_host, settings.api_port)
    port = listener.getsockname()[1]
    if settings.api_port and port != settings.api_port:
        warn(f"port {settings.api_port} is taken; listening on {port}")
    db = Database.open(
        settings.database_url,
        role="api",
        pool_size=settings.pool_size,
        statement_timeout_ms=settings.statement_timeout_ms,
        lock_timeout_ms=settings.lock_timeout_ms,
        command_deadline_s=settings.db_deadline_seconds,
    )
    config = uvicorn.Config(
        create_app(settings, db), log_level="warning", access_log=False, lifespan="on",
        log_config=None,
        timeout_graceful_shutdown=10, server_header=False, proxy_headers=False, **encrypted,
    )  # fmt: skip
    config.load()
    # What is here by now stays: it is not searched for cycles over and over.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    tls.bind_versions(config, settings)
    url = f"http{'s' if encrypted else ''}://{_bracketed(settings.api_host)}:{port}"
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:  # uvloop's
        return runner.run(_serve(uvicorn.Server(config), db, listener, url, args.announce))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def bind(host: str, port: int) -> socket.socket:
    """Listen on the port, or on the next free one.

    Raises:
        ConfigurationError: none of the next 50 is free, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + PORTS_TRIED, 65536)):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(512)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE:
                continue
            raise ConfigurationError(
                f"Cannot listen on {host}:{candidate}: {error.strerror}.",
                field="api.host",
                remedy="Choose an address of this machine and a port above 1023.",
            ) from error
        listener.setblocking(False)
        return listener
    raise ConfigurationError(
        f"No port from {port} to {port + PORTS_TRIED - 1} is free.", field="api.port"
    )


async def _serve(
    server: Any, db: Any, listener: socket.socket, url: str, announce: Path | None,
) -> int:  # fmt: skip
    await _check(db)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    watching = asyncio.create_task(parent_gone())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.01)
    if server.started and announce is not None:
        fresh = announce.with_name(announce.name + ".new")
        fresh.write_text(url + "\n", encoding="utf-8")
        fresh.replace(announce)
    if server.started:
        warn(f"war room API on {url}")
    await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return 0


async def _check(db: Any) -> None:
    """Connect once, so that a wrong address is said at once and in one sentence."""
    import psycopg
    from sqlalchemy.exc import SQLAlchemyError

    from warroom.errors import DatabaseUnavailable

    try:
        async with asyncio.timeout(START_SECONDS):
            await db.check_role()
    except (SQLAlchemyError, psycopg.Error, OSError) as error:
        # The last line may be SQLAlchemy's advertisement; the first says what it was.
        why = (str(getattr(error, "orig", None) or error) or type(error).__name__).splitlines()[0]
        raise DatabaseUnavailable(
            f"The database cannot be used: {why}.",
            field="database.url",
            remedy="Is it running, and is WARROOM_DATABASE_URL right? `warroom doctor` says more.",
        ) from error
