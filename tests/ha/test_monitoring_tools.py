"""Foreign clients as they are: nothing of them is ours but the address and the key."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import grp
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import opsgenie_sdk
import pagerduty
import pytest_asyncio
import uvicorn

from tests.api.conftest import Api, serving
from tests.api.test_change_doors import source
from tests.e2e.monitoring import free_port, running
from tests.helpers import require_program, wait_until
from tests.pgfixtures import TestDatabase
from warroom.api.app import create_app
from warroom.db.engine import Database
from warroom.settings import Settings

SCRIPTS = Path(__file__).parents[2] / "docs" / "integrations"
HOSTILE = 'DISK CRITICAL "x" \\ $(touch pwned) `touch pwned` \'; ü'


@pytest_asyncio.fixture
async def api18(pg18: TestDatabase) -> AsyncIterator[Api]:
    """The API on PostgreSQL 18."""
    async with serving(pg18) as running_api:
        yield running_api


def stored(api: Api, where: str = "true") -> list[tuple[Any, ...]]:
    """Return source, name, state, severity, service and summary of the alerts."""
    with api.pg.connect() as conn:
        return conn.execute(
            "select o.key, a.name, a.state, a.severity, s.key, a.summary from warroom.alert a"
            " join warroom.source o on o.id = a.source_id join warroom.service s on"
            f" s.id = a.service_id where {where} order by o.key, a.name"
        ).fetchall()


async def reached(api: Api, wanted: set[tuple[str, str]]) -> list[tuple[Any, ...]]:
    """Wait until the alerts of these sources are in these states."""

    def there() -> list[tuple[Any, ...]]:
        rows = stored(api)
        return rows if {(row[0], row[2]) for row in rows} == wanted else []

    return await wait_until(there, timeout_s=60, every_s=0.2, what=f"{wanted}")


@contextlib.contextmanager
def three_receivers(api: Api, folder: Path, tokens: dict[str, str]) -> Iterator[int]:
    """Run Alertmanager with its webhook, PagerDuty and Opsgenie receivers pointed at us."""
    port = free_port()
    config = folder / "alertmanager.yml"
    config.write_text(
        f"""
global: {{pagerduty_url: "{api.url}/v2/enqueue", opsgenie_api_url: "{api.url}/"}}
route: {{receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers:
  - name: all
    webhook_configs:
      - url: {api.url}/v1/ingest/alertmanager
        http_config: {{authorization: {{credentials: {tokens["webhook"]}}}}}
    pagerduty_configs:
      - routing_key: {tokens["pd"]}
        severity: '{{{{ .CommonLabels.severity }}}}'
        details: {{service: '{{{{ .CommonLabels.service }}}}'}}
    opsgenie_configs:
      - api_key: {tokens["og"]}
        priority: P2
        tags: 'a,b'
""",
        encoding="utf-8",
    )
    command = [
        require_program("prometheus-alertmanager"), f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}", f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]  # fmt: skip
    with running(command, folder / "alertmanager.log"):
        yield port


async def tell(port: int, **times: str) -> None:
    """Post an alert to Alertmanager."""
    labels = {"alertname": "QueueStuck", "service": "orders", "severity": "warning"}
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"http://127.0.0.1:{port}/api/v2/alerts", json=[{"labels": labels, **times}]
        )
    assert answer.status_code == 200


async def test_three_dialects_of_one_alertmanager_begin_and_end(api18: Api, tmp_path: Path) -> None:
    made = {
        "webhook": (await source(api18, "alertmanager", "webhook"))["token"],
        "pd": (await source(api18, "pagerduty", "pd"))["token"],
        "og": (await source(api18, "opsgenie", "og"))["token"],
    }
    with three_receivers(api18, tmp_path, made) as port:

        def ready() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"http://127.0.0.1:{port}/-/ready").status_code == 200
            return False

        await wait_until(ready, what="Alertmanager")
        await tell(port)
        found = await reached(api18, {(key, "firing") for key in made})
        # One alert each, on one service: the three sources have one incident between them.
        assert [row[4] for row in found] == ["orders"] * 3
        assert {row[0]: row[3] for row in found} == {"webhook": 3, "pd": 3, "og": 2}
        assert api18.count("incident") == 1
        await tell(port, endsAt=datetime.now(UTC).isoformat())
        await reached(api18, {(key, "resolved") for key in made})
    log = (tmp_path / "alertmanager.log").read_text("utf-8")
    assert "level=error" not in log, log
    assert api18.count("delivery", "state = 'quarantined'") == 0


@contextlib.asynccontextmanager
async def over_tls(api: Api, folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """Serve the same database over TLS 1.3; yields the address and the certificate."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [require_program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    url = f"postgresql://warroom_api@/{api.pg.name}?host={api.pg.server.cluster.socket_dir}"
    app = create_app(Settings(database_url=url), Database.open(url, role="api", pool_size=4))
    config = uvicorn.Config(
        app, log_level="error", lifespan="on", ssl_keyfile=str(key), ssl_certfile=str(certificate)
    )
    config.load()
    assert config.ssl is not None
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await wait_until(lambda: server.started, what="the API to start")
    try:
        yield f"https://localhost:{listener.getsockname()[1]}", certificate
    finally:
        server.should_exit = True
        await task


async def test_pagerdutys_own_client_over_tls(api18: Api, tmp_path: Path) -> None:
    token = (await source(api18, "pagerduty"))["token"]
    async with over_tls(api18, tmp_path) as (url, certificate):
        trusted = ssl.create_default_context(cafile=str(certificate))

        def talk() -> list[str]:
            client = pagerduty.EventsApiV2Client(token, base_url=url, verify=trusted)
            made = client.trigger("Disk full", "web-7", custom_details={"service": "shop"})
            own = client.trigger("Slow", "web-8", dedup_key="slow", severity="info")
            client.acknowledge(own)
            client.resolve(own)
            client.send_change_event({"summary": "Deploy 7", "source": "shop"})
            return [made, own]

        made, own = await asyncio.to_thread(talk)
        assert (len(made), own) == (32, "slow")
        bad = pagerduty.EventsApiV2Client("0" * 32, base_url=url, verify=trusted)
        with contextlib.suppress(pagerduty.HttpError):
            await asyncio.to_thread(bad.trigger, "x", "y")
            raise AssertionError("an unknown key was taken")
    assert stored(api18) == [
        ("pagerduty", "Disk full", "firing", 1, "shop", "Disk full"),
        ("pagerduty", "Slow", "resolved", 5, "web-8", "Slow"),
    ]
    assert api18.count("change_event") == 1


async def test_opsgenies_own_client(api18: Api) -> None:
    token = (await source(api18, "opsgenie"))["token"]
    conf = opsgenie_sdk.configuration.Configuration()
    conf.host = api18.url
    conf.api_key["Authorization"] = token
    conf.retry_enabled = False

    def talk() -> tuple[Any, ...]:
        alerts = opsgenie_sdk.AlertApi(api_client=opsgenie_sdk.api_client.ApiClient(conf))
        create = opsgenie_sdk.CreateAlertPayload(
            message="Disk full", alias="disk", priority="P2", entity="shop",
            tags=["a"], details={"rack": "7"},
            responders=[{"name": "NOC", "type": "team"}],
        )  # fmt: skip
        made = alerts.create_alert(create_alert_payload=create)
        status = alerts.get_request_status(made.request_id)
        note = opsgenie_sdk.AddNoteToAlertPayload(user="ana", note="looking")
        alerts.add_note("disk", note, identifier_type="alias")
        acknowledge = opsgenie_sdk.AcknowledgeAlertPayload(user="ana")
        alerts.acknowledge_alert(
            "disk", identifier_type="alias", acknowledge_alert_payload=acknowledge
        )
        shown = alerts.get_alert(status.data.alert_id)
        close = opsgenie_sdk.CloseAlertPayload(user="ana")
        alerts.close_alert("disk", identifier_type="alias", close_alert_payload=close)
        return made, status, shown, alerts.get_alert("disk", identifier_type="alias")

    made, status, shown, closed = await asyncio.to_thread(talk)
    assert made.result == "Request will be processed"
    assert (status.data.is_success, status.data.alias) == (True, "disk")
    assert (shown.data.status, shown.data.priority, shown.data.entity) == ("open", "P2", "shop")
    assert shown.data.details == {"rack": "7"}
    assert closed.data.status == "closed"
    assert stored(api18) == [("opsgenie", "Disk full", "resolved", 2, "shop", "Disk full")]
    texts = [e["text"] for e in (await api18.client().timeline("INC-1"))["items"]]
    assert "alert Disk full has a note by ana at its source: looking" in texts


@contextlib.contextmanager
def icinga(folder: Path) -> Iterator[Path]:
    """Run Icinga 2 with one service, whose state is what the file ``state`` says; yields its pipe.

    The command and the configuration are the shipped ones but for the command's place.
    """
    for name in ("data", "log", "cache", "run", "spool"):
        (folder / name).mkdir()
    shipped = (SCRIPTS / "icinga2.conf").read_text("utf-8")
    (folder / "warroom.conf").write_text(
        shipped.replace("/usr/local/lib/warroom-notify", str(SCRIPTS / "warroom-notify")), "utf-8"
    )
    (folder / "probe.sh").write_text(f'cat {folder}/output; exit "$(cat {folder}/state)"\n')
    pipe = folder / "pipe"
    config = folder / "icinga2.conf"
    config.write_text(
        f"""
include <itl>
const NodeName = "node"
const ZoneName = "node"
object Endpoint NodeName {{}}
object Zone ZoneName {{ endpoints = [ NodeName ] }}
object CheckerComponent "checker" {{}}
object NotificationComponent "notification" {{}}
object ExternalCommandListener "command" {{ command_path = "{pipe}" }}
object CheckCommand "probe" {{ command = [ "/bin/sh", "{folder}/probe.sh" ] }}
object Host "web-7" {{
  check_command = "dummy"
  address = "192.0.2.7"
  enable_active_checks = false
}}
object Service "disk" {{
  host_name = "web-7"
  check_command = "probe"
  check_interval = 1s
  retry_interval = 1s
  max_check_attempts = 1
  vars.warroom_service = "checkout"
}}
include "{folder}/warroom.conf"
""",
        encoding="utf-8",
    )
    group = grp.getgrgid(os.getgid()).gr_name
    constants = {
        "RunAsUser": getpass.getuser(), "RunAsGroup": group, "DataDir": folder / "data",
        "LogDir": folder / "log", "CacheDir": folder / "cache", "InitRunDir": folder / "run",
        "SpoolDir": folder / "spool", "ConfigDir": folder,
    }  # fmt: skip
    command = [require_program("icinga2"), "daemon", "-c", str(config), "-x", "warning"]
    command += [f"-D{name}={value}" for name, value in constants.items()]
    require_program("curl")
    env = os.environ | {"WARROOM_CURL_CONFIG": str(folder / "notify.curl")}
    with (folder / "icinga.log").open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=env, start_new_session=True,
            cwd=folder,
        )  # fmt: skip
        try:
            yield pipe
        finally:
            # It takes minutes to end by itself when a check is under way.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def test_icinga_with_the_shipped_command(api18: Api, tmp_path: Path) -> None:
    token = (await source(api18, "nagios"))["token"]
    (tmp_path / "notify.curl").write_text(
        f'url = "{api18.url}/v1/ingest/nagios"\nheader = "Authorization: Bearer {token}"\n'
    )
    (tmp_path / "output").write_text(HOSTILE, "utf-8")
    (tmp_path / "state").write_text("2")
    with icinga(tmp_path) as pipe:
        (alert,) = await reached(api18, {("nagios", "firing")})
        assert alert[:5] == ("nagios", "disk", "firing", 1, "checkout")
        assert alert[5] == f"web-7/disk is CRITICAL: {HOSTILE}"
        said = f"[{int(time.time())}] ACKNOWLEDGE_SVC_PROBLEM;web-7;disk;1;1;0;ana;on it\n"
        await asyncio.to_thread(pipe.write_text, said)

        text = "alert disk was acknowledged by ana at its source: on it"

        def remarked() -> int:
            return api18.count("timeline", f"body = '{text}'")

        await wait_until(remarked, timeout_s=60, every_s=0.3, what="the acknowledgement")
        (tmp_path / "state").write_text("0")
        await reached(api18, {("nagios", "resolved")})
    assert api18.count("delivery", "state = 'quarantined'") == 0
    assert not list(tmp_path.rglob("pwned"))
    # Nagios has other names for the same; what it leaves unset is not told.
    nagios = {
        "NAGIOS_NOTIFICATIONTYPE": "PROBLEM", "NAGIOS_HOSTNAME": "db-1", "NAGIOS_HOSTSTATE": "DOWN",
        "NAGIOS_HOSTOUTPUT": HOSTILE, "NAGIOS__HOSTWARROOM_SERVICE": "pg",
        "NAGIOS_LASTHOSTSTATECHANGE": str(int(time.time())), "NAGIOS_SERVICEDESC": "",
        "WARROOM_CURL_CONFIG": str(tmp_path / "notify.curl"),
    }  # fmt: skip
    await asyncio.to_thread(
        subprocess.run, [SCRIPTS / "warroom-notify"], env=os.environ | nagios, check=True
    )
    assert stored(api18, "a.state = 'firing'") == [
        ("nagios", "host db-1", "firing", 2, "pg", f"db-1 is DOWN: {HOSTILE}")
    ]
    with api18.pg.connect() as conn:
        (kept,) = conn.execute("select body from warroom.delivery order by id").fetchone() or (b"",)
    assert json.loads(bytes(kept))["tool"] == "icinga2"
