"""Real Prometheus, real Alertmanager and a real terminal for the end-to-end tests."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.helpers import require_program, wait_until_sync

RULES = """
groups:
  - name: checkout
    interval: 1s
    rules:
      - alert: CheckoutFailing
        expr: vector(1)
        labels: {severity: critical, service: checkout}
        annotations: {summary: "Checkout fails for everybody"}
"""


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def alertmanager(folder: Path, webhook_url: str, token: str) -> Iterator[int]:
    """Run Alertmanager with war room as its only receiver; yields its port."""
    port = free_port()
    config = folder / "alertmanager.yml"
    config.write_text(
        f"""
route: {{receiver: warroom, group_by: [alertname, service], group_wait: 0s, group_interval: 1s}}
receivers:
  - name: warroom
    webhook_configs:
      - url: {webhook_url}
        send_resolved: true
        http_config: {{authorization: {{credentials: {token}}}}}
""",
        encoding="utf-8",
    )
    command = [
        require_program("prometheus-alertmanager"),
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with running(command, folder / "alertmanager.log"):
        yield port


@contextlib.contextmanager
def prometheus(folder: Path, alerts_to: int, token: str | None = None) -> Iterator[int]:
    """Run Prometheus with one rule that always fires, sending to a port of loopback."""
    port = free_port()
    (folder / "rules.yml").write_text(RULES, encoding="utf-8")
    auth = f"authorization: {{credentials: {token}}}" if token else ""
    config = folder / "prometheus.yml"
    config.write_text(
        f"""
global: {{evaluation_interval: 1s, scrape_interval: 1s}}
rule_files: [{folder / "rules.yml"}]
alerting:
  alertmanagers:
    - api_version: v2
      static_configs: [{{targets: ["127.0.0.1:{alerts_to}"]}}]
      {auth}
""",
        encoding="utf-8",
    )
    command = [
        require_program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--rules.alert.resend-delay=1s",
    ]
    with running(command, folder / "prometheus.log"):
        yield port


class Terminal:
    """A tmux server of its own with one window."""

    def __init__(self, command: str, env: Mapping[str, str], width: int, height: int) -> None:
        self._tmux = [
            require_program("tmux"),
            "-L",
            f"wr{uuid.uuid4().hex[:10]}",
            "-f",
            "/dev/null",
        ]
        exports = " ".join(f"{k}='{v}'" for k, v in env.items())
        subprocess.run(
            [*self._tmux, "new-session", "-d", "-x", str(width), "-y", str(height),
             f"env {exports} {command}; echo ENDED $?; exec sleep 60"],
            check=True,
        )  # fmt: skip

    def screen(self) -> str:
        """Return what the terminal shows."""
        done = subprocess.run(
            [*self._tmux, "capture-pane", "-p"], check=False, capture_output=True, text=True
        )
        return done.stdout

    def type(self, *keys: str) -> None:
        """Press keys, by their tmux names."""
        subprocess.run([*self._tmux, "send-keys", *keys], check=True)

    def wait_for(self, text: str, timeout_s: float = 60.0) -> str:
        """Wait until the screen shows a text; return the screen."""
        return wait_until_sync(
            lambda: s if text in (s := self.screen()) else "",
            timeout_s=timeout_s,
            every_s=0.1,
            what=f"{text!r} on the screen; it shows:\n{self.screen()}",
        )

    def close(self) -> None:
        """End the server."""
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)


def warroom(env: Mapping[str, str], *words: str) -> Any:
    """Run the command line with --json and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "warroom", *words, "--json"],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.strip(), (words, done.returncode, done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def runtime(data_dir: Path) -> dict[str, Any]:
    """Wait for an instance to say where it is."""
    path = data_dir / "runtime.json"

    def ready() -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if found.get("api_url") else {}

    return wait_until_sync(ready, timeout_s=60, every_s=0.1, what="the instance to be up")


def end_instance(data_dir: Path) -> None:
    """Stop an instance that a test left running."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        pid = int(json.loads((data_dir / "runtime.json").read_text(encoding="utf-8"))["pid"])
        os.kill(pid, signal.SIGTERM)
