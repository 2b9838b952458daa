"""The spine: a real alert, a row on a real terminal, one key, and the database proves it."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e import monitoring
from tests.helpers import wait_until_sync


@pytest.fixture
def room() -> Iterator[tuple[monitoring.Terminal, dict[str, str], dict[str, Any], Path]]:
    """Start `warroom up` in a terminal of 120x40."""
    with tempfile.TemporaryDirectory(prefix="wr-e2e-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        env = {
            "WARROOM_DATA_DIR": str(home / "data"),
            "WARROOM_API_PORT": str(monitoring.free_port()),
        }
        terminal = monitoring.Terminal(f"{sys.executable} -m warroom up", env, 120, 40)
        try:
            yield terminal, env, monitoring.runtime(home / "data"), home
        finally:
            terminal.type("q")
            with contextlib.suppress(BaseException):
                terminal.wait_for("ENDED", 20)
            monitoring.end_instance(home / "data")
            terminal.close()


def acknowledge_on_screen(terminal: monitoring.Terminal, env: dict[str, str]) -> dict[str, Any]:
    """Wait for the row, press `a`, and return the incident as the API then tells it."""
    terminal.wait_for("INC-1")
    screen = terminal.wait_for("Checkout fails for everybody")
    assert "SEV1" in screen
    terminal.type("a")

    def acknowledged() -> dict[str, Any]:
        found: dict[str, Any] = monitoring.warroom(env, "incident", "show", "INC-1")
        return found if (found.get("incident") or found).get("acknowledged_at") else {}

    shown = wait_until_sync(acknowledged, timeout_s=30, every_s=0.2, what="the acknowledgement")
    terminal.wait_for("acknowledged")
    return shown


def prove(env: dict[str, str]) -> None:
    """The timeline entry is there, its audit rows are, and the record verifies."""
    timeline = monitoring.warroom(env, "incident", "show", "INC-1")
    text = str(timeline)
    assert "CheckoutFailing" in text
    assert "acknowledged" in text
    verdict = monitoring.warroom(env, "audit", "verify")
    assert verdict["verified"] is True, verdict
    assert verdict["entries"] > 0


def test_alertmanager_webhook_to_acknowledged(
    room: tuple[monitoring.Terminal, dict[str, str], dict[str, Any], Path],
) -> None:
    """Prometheus fires, Alertmanager posts, the row appears, `a` acknowledges it on the record."""
    terminal, env, instance, home = room
    token = monitoring.warroom(env, "source", "add", "alertmanager")["token"]
    url = f"{instance['api_url']}/v1/ingest/alertmanager"
    with monitoring.alertmanager(home, url, token) as port, monitoring.prometheus(home, port):
        acknowledge_on_screen(terminal, env)
    prove(env)


def test_prometheus_straight_to_the_api(
    room: tuple[monitoring.Terminal, dict[str, str], dict[str, Any], Path],
) -> None:
    """The same with Prometheus posting to /api/v2/alerts itself."""
    terminal, env, instance, home = room
    token = monitoring.warroom(env, "source", "add", "prometheus")["token"]
    port = urlsplit(instance["api_url"]).port
    assert port is not None
    with monitoring.prometheus(home, port, token):
        acknowledge_on_screen(terminal, env)
    prove(env)
