"""Debian's amtool and Prometheus against our API v2, unchanged; nothing of them is ours."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.api.conftest import Api, serving
from tests.api.room import verified
from tests.api.test_doors import source
from tests.e2e import monitoring
from tests.helpers import require_program, wait_until
from tests.pgfixtures import TestDatabase

HOSTILE = 'new \x1b[31mswitches\x07 \u202edrab "x" \\ né [red]'
MILD = HOSTILE.replace('"', "")  # amtool itself refuses quotation marks in annotations
REASON = "the whole zone is drained for new switches"


class Amtool:
    """amtool with a token in its HTTP configuration."""

    def __init__(self, api: Api, folder: Path, name: str, token: str) -> None:
        self._config = folder / f"{name}.yml"
        self._config.write_text(f"authorization: {{credentials: {token}}}\n", encoding="utf-8")
        self._url = api.url

    async def run(self, *words: str) -> tuple[int, str, str]:
        """Return exit status, output and errors."""
        command = [
            require_program("amtool"), f"--alertmanager.url={self._url}",
            f"--http.config.file={self._config}", *words,
        ]  # fmt: skip
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout, done.stderr

    async def __call__(self, *words: str) -> str:
        """Return the output of what must go well."""
        code, out, err = await self.run(*words)
        assert (code, err) == (0, ""), (words, out, err)
        return out.strip()

    async def json(self, *words: str) -> Any:
        """Return the JSON of what must go well."""
        return json.loads(await self(*words, "-o", "json"))


@pytest_asyncio.fixture
async def api(pg18: TestDatabase) -> AsyncIterator[Api]:
    """The API on PostgreSQL 18."""
    async with serving(pg18) as running:
        yield running


async def test_amtool_works_unchanged(api: Api, tmp_path: Path) -> None:
    monitoring_tool = Amtool(api, tmp_path, "source", await source(api))
    luc = Amtool(api, tmp_path, "luc", api.token("luc", "read", "respond"))
    guest = Amtool(api, tmp_path, "guest", api.token("guest", "read"))

    # Alerts: added by a source, queried by both.
    await monitoring_tool("alert", "add", "Down", "service=pay", "severity=critical", "zone=a,b",
                          f"--annotation=summary={MILD}",
                          "--generator-url=http://prometheus.example/graph")  # fmt: skip
    await monitoring_tool("alert", "add", "Slow", "service=shop", "severity=warning")
    assert api.count("incident") == 2

    async def names(*words: str) -> list[str]:
        return sorted(a["labels"]["alertname"] for a in await luc.json("alert", "query", *words))

    assert await names() == ["Down", "Slow"]
    assert await names("service=~p.*") == ["Down"]
    assert await names("service!~p.*", "severity=warning") == ["Slow"]
    assert await names('zone="a,b"') == ["Down"]
    assert await names("zone!=") == ["Down"]
    assert await names("Slow") == ["Slow"]
    assert await names("--receiver=nobody") == []
    assert "Slow" in await monitoring_tool("alert", "query", "-o", "extended")
    (down,) = await luc.json("alert", "query", "Down")
    assert down["annotations"]["summary"] == MILD
    assert down["status"]["state"] == "active"

    # Silences: added, queried, updated, expired, imported.
    made = await luc("silence", "add", "service=~pay|cart", "zone!~x.*", "-c", HOSTILE, "-d", "1h",
                     "--author", "root")  # fmt: skip
    (found,) = await luc.json("silence", "query", "service=~pay.*")
    assert (found["id"], found["comment"], found["createdBy"]) == (made, HOSTILE, "luc")
    assert [m["name"] for m in found["matchers"]] == ["service", "zone"]
    assert await names("--silenced") == ["Down"]
    assert await names() == ["Slow"]
    assert await luc("silence", "query", "-q") == made
    assert await luc("silence", "query", "service=shop", "-q") == ""
    assert "longer" in await luc("silence", "update", "-d", "3h", "-c", "longer", made)
    (updated,) = await luc.json("silence", "query")
    assert (updated["id"], updated["startsAt"]) == (made, found["startsAt"])
    assert updated["endsAt"] > found["endsAt"]
    kept = tmp_path / "silences.json"
    kept.write_text(await luc("silence", "query", "-o", "json"), encoding="utf-8")
    assert await luc("silence", "import", str(kept)) == made
    await luc("silence", "expire", made)
    assert await luc("silence", "query", "-q") == ""
    assert made in await luc("silence", "query", "--expired", "-q")
    again = await luc("silence", "import", str(kept))
    assert again != made
    assert await luc("silence", "query", "-q") == again
    for _ in range(2):
        await luc("silence", "expire", again)

    # What else it asks before it trusts the rest.
    assert "receiver: warroom" in await luc("config", "show")
    assert "default-route  receiver: warroom" in await luc("config", "routes", "show")
    assert await luc("config", "routes", "test", "service=x") == "warroom"
    assert "disabled" in await luc("cluster", "show")

    # Refusals: amtool shows the sentence of a rule, and fails where the token may not.
    for words, sentence in (
        (("service=~.*",), "must not match the empty string"),
        (("service=x", "-d", "9d"), "reason of at least 30 characters"),
    ):
        code, _, err = await luc.run("silence", "add", "-c", "noise", *words)
        assert (code, sentence in err) == (1, True), err
    assert await luc("silence", "add", "-c", REASON, "service=x", "-d", "9d")
    for tool, verb in (
        (monitoring_tool, ("silence", "add", "-c", "noise", "service=pay")),
        (guest, ("silence", "add", "-c", "noise", "service=pay")),
        (guest, ("silence", "expire", again)),
        (luc, ("alert", "add", "Down", "service=pay")),
        (monitoring_tool, ("silence", "query")),
    ):
        code, _, err = await tool.run(*verb)
        assert (code, "403" in err) == (1, True), (verb, err)
    assert await guest("silence", "query")
    assert api.count("silence") == 3
    await verified(api)


async def test_one_configuration_does_all_of_it(api: Api, tmp_path: Path) -> None:
    await source(api, "by-hand")
    admin = api.client()
    await admin.add("people", {"name": "luc"})
    made = await admin.add("tokens", {
        "person": "luc", "name": "amtool", "scopes": ["respond", "ingest"], "source": "by-hand",
    })  # fmt: skip
    amtool = Amtool(api, tmp_path, "luc", made["token"])
    await amtool("alert", "add", "Down", "service=pay", "severity=critical")
    silence = await amtool("silence", "add", "service=pay", "-c", "planned")
    assert [s["createdBy"] for s in await amtool.json("silence", "query")] == ["luc"]
    assert [a["labels"]["alertname"] for a in await amtool.json("alert", "query", "-s")] == ["Down"]
    await amtool("silence", "expire", silence)
    # What others brought is there, too: it sees what the person sees.
    other = Amtool(api, tmp_path, "other", await source(api, "other"))
    await other("alert", "add", "Slow", "service=shop")
    assert len(await amtool.json("alert", "query")) == 2
    with api.pg.connect() as conn:
        rows = conn.execute(
            "select s.key from warroom.delivery d join warroom.source s on s.id = d.source_id"
            " order by d.id"
        ).fetchall()
        who = conn.execute(
            "select distinct p.name from warroom.audit a join warroom.principal p"
            " on p.id = a.actor_id where a.table_name = 'silence'"
        ).fetchall()
    assert (rows, who) == ([("by-hand",), ("other",)], [("luc",)])
    await verified(api)


@pytest.mark.parametrize("how", ["silenced", "not"])
async def test_prometheus_fires_into_a_silence(api: Api, tmp_path: Path, how: str) -> None:
    """Nothing opens while it is silenced; what is repeated after its end opens its incident."""
    luc = Amtool(api, tmp_path, "luc", api.token("luc", "read", "respond"))
    made = ""
    if how == "silenced":
        made = await luc("silence", "add", "service=checkout", "-c", "planned", "-d", "1h")
    token = await source(api, "prometheus")
    port = urlsplit(api.url).port
    assert port is not None
    with monitoring.prometheus(tmp_path, port, token):
        await wait_until(lambda: api.count("alert_event") >= 3, timeout_s=60, what="repeats")
        if how == "silenced":
            assert (api.count("incident"), api.count("alert", "state = 'firing'")) == (0, 1)
            (alert,) = await luc.json("alert", "query", "--silenced")
            assert alert["status"]["silencedBy"] == [made]
            await luc("silence", "expire", made)
        await wait_until(lambda: api.count("incident") == 1, timeout_s=60, what="the incident")
        assert api.count("alert", "incident_id is not null") == 1
    await verified(api)
