"""The programs that the ingest figures are held against, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psycopg

from bench import ingest_insert_app
from bench.load_script import Target

ALERTA = "WARROOM_BENCH_ALERTA"
"""Names the folder of a venv with alerta-server and gunicorn; without it there is no such peer."""
_START_S = 60.0


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def process(
    command: Sequence[str],
    port: int,
    env: Mapping[str, str] | None = None,
    *,
    log_to: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; it is there when its port takes connections."""
    with log_to.open("w+b") if log_to else tempfile.TemporaryFile() as log:
        running = subprocess.Popen(
            command, env={**os.environ, **(env or {})}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            until = time.monotonic() + _START_S
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if running.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    said = log.read().decode(errors="replace")[-2000:]
                    raise RuntimeError(f"{command[0]} did not start: {said}")
                time.sleep(0.05)
            yield running
        finally:
            end(running)


def end(running: subprocess.Popen[bytes]) -> None:
    """End a process, by force when it does not within 20 s."""
    running.terminate()
    try:
        running.wait(20)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


@contextlib.contextmanager
def alertmanager() -> Iterator[Target]:
    """Run Debian's Alertmanager, alone and with a receiver that sends nothing anywhere."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        raise RuntimeError("prometheus-alertmanager is missing: apt-get install it")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="wrbench-") as folder:
        config = Path(folder) / "alertmanager.yml"
        config.write_text(
            "route: {receiver: nobody, group_by: [service]}\nreceivers: [{name: nobody}]\n",
            encoding="utf-8",
        )
        command = [
            program, f"--config.file={config}", f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
            "--log.level=error",
        ]  # fmt: skip
        with process(command, port):
            yield Target("127.0.0.1", port, "/api/v2/alerts")


def in_alertmanager(target: Target) -> int:
    """Return how many alerts Alertmanager holds."""
    with urllib.request.urlopen(f"http://{target.host}:{target.port}{target.path}") as answer:
        return len(json.load(answer))


@contextlib.contextmanager
def insert_app(conninfo: str) -> Iterator[Target]:
    """Run the FastAPI app with one INSERT a request, on a database of the same server."""
    with psycopg.connect(conninfo) as conn:
        conn.execute(ingest_insert_app.TABLE)
    port = free_port()
    command = [sys.executable, "-m", "bench.ingest_insert_app", str(port)]
    with process(command, port, {"PEER_CONNINFO": conninfo}):
        yield Target("127.0.0.1", port, "/api/v2/alerts")


def alerta_venv() -> Path | None:
    """Return the folder of alerta's programs, None where nobody has said where it is."""
    folder = os.environ.get(ALERTA)
    return Path(folder) / "bin" if folder else None


@contextlib.contextmanager
def alerta(programs: Path, url: str) -> Iterator[Target]:
    """Run alerta-server behind two gunicorn workers on a database of the same server."""
    port = free_port()
    env = {"DATABASE_URL": url, "SECRET_KEY": secrets.token_hex(), "AUTH_REQUIRED": "False",
           "PLUGINS": "reject"}  # fmt: skip
    # Loaded once: two workers that make the tables at the same time end each other.
    command = [str(programs / "gunicorn"), "-w", "2", "--preload", "-b", f"127.0.0.1:{port}",
               "--log-level", "error", "--no-control-socket",
               "alerta.app:create_app()"]  # fmt: skip
    with process(command, port, env):
        yield Target("127.0.0.1", port, "/alert")
