"""Sources as objects: settings, rotation with a grace, a pause, a rate; and a quiet one is told."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.test_commands import login
from tests.api.test_doors import alert, payload, source, webhook
from tests.typist import warroom
from warroom.api import tally
from warroom.api.buckets import Buckets
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    Overloaded,
    Refused,
    Unauthenticated,
)
from warroom.services import quiet_sources
from warroom.services.alerts import ENGINE, INGEST


def sql(api: Api, statement: str) -> Any:
    """Run a statement as the superuser; return the first row, if there are rows."""
    with api.pg.connect() as conn:
        cursor = conn.execute(statement)
        return cursor.fetchone() if cursor.description else None


async def post(
    api: Api, path: str, body: object, token: str | None = None, **headers: str
) -> httpx.Response:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with httpx.AsyncClient(base_url=api.url) as http:
        return await http.post(path, content=raw, headers=headers)


async def test_settings_are_made_shown_and_changed(api: Api) -> None:
    admin = api.client()
    await admin.add("teams", {"key": "db", "name": "Databases"})
    wishes = {"rate_per_s": 100, "burst": 500, "lane": "critical", "quiet_after_s": 600,
              "environment": "production", "team": "db"}  # fmt: skip
    await admin.add("sources", {"key": "am", **wishes})
    shown = await admin.source("am")
    assert {name: shown[name] for name in wishes} == wishes
    assert (shown["last_seen_at"], shown["quiet_since"], shown["refused"]) == (None, None, {})
    assert len(shown["tokens"]) == 1
    done = await admin.change_source("am", {"rate_per_s": None, "lane": "ordinary", "team": None})
    assert done["changed"] == {"rate_per_s": None, "lane": "ordinary", "team": None}
    shown = await admin.source("am")
    kept = {"rate_per_s": None, "burst": 500, "lane": "ordinary", "team": None}
    assert {name: shown[name] for name in kept} == kept
    listed = {s["key"]: s for s in (await admin.list_of("sources"))["items"]}
    assert listed["am"]["environment"] == "production"
    # One that was made without any of it says what holds.
    assert listed["war-room"]["lane"] == "ordinary"
    assert (await admin.verify_audit())["verified"] is True


async def test_what_cannot_be_is_refused(api18: Api) -> None:
    admin = api18.client()
    await source(api18)
    with pytest.raises(InvalidInput):
        await admin.change_source("am", {})
    for wrong in ({"rate_per_s": 0}, {"lane": "fast"}, {"quiet_after_s": 5}, {"x": 1}):
        with pytest.raises(InvalidInput):
            await admin.change_source("am", wrong)
    with pytest.raises(NotFound):
        await admin.change_source("am", {"team": "nobody"})
    for call in (
        admin.change_source("nobody", {"burst": 5}),
        admin.switch_source("nobody", "pause"),
        admin.rotate_source("nobody"),
        admin.source("nobody"),
    ):
        with pytest.raises(NotFound):
            await call
    for call in (
        admin.change_source("war-room", {"burst": 5}),
        admin.switch_source("war-room", "pause"),
        admin.rotate_source("war-room"),
    ):
        with pytest.raises(Refused, match="own source"):
            await call
    other = api18.client(api18.token("luc", "respond"))
    for call in (
        other.change_source("am", {"burst": 5}),
        other.switch_source("am", "pause"),
        other.rotate_source("am"),
    ):
        with pytest.raises(Forbidden):
            await call


async def test_a_rotated_token_goes_on_for_its_grace_and_then_ends(api: Api) -> None:
    admin = api.client()
    old = await source(api)
    made = await admin.rotate_source("am", grace_s=3600)
    assert made["old_tokens"] == 1
    assert "secret" not in made
    for token in (old, made["token"]):
        await api.client(token).post_alerts(webhook(alert("A", "shop")))
    assert len((await admin.source("am"))["tokens"]) == 2
    sql(api, "update warroom.api_token set expires_at = now() - interval '1 minute'"
             " where source_id is not null and expires_at is not null")  # fmt: skip
    with pytest.raises(Unauthenticated, match="expired"):
        await api.client(old).post_alerts(webhook(alert("A", "shop")))
    last = await admin.rotate_source("am", grace_s=0)
    with pytest.raises(Unauthenticated, match="revoked"):
        await api.client(made["token"]).post_alerts(webhook(alert("A", "shop")))
    await api.client(last["token"]).post_alerts(webhook(alert("A", "shop")))
    # A longer grace later does not give back what was taken away.
    assert (await admin.rotate_source("am"))["old_tokens"] == 1
    assert (await admin.verify_audit())["verified"] is True


async def test_a_rotated_secret_signs_and_the_old_one_does_for_its_grace(api18: Api) -> None:
    admin = api18.client()
    first = await admin.add("sources", {"key": "gh", "dialect": "github"})
    made = await admin.rotate_source("gh", key="once")
    assert made["secret"] not in (None, first["secret"])
    again = await admin.rotate_source("gh", key="once")
    assert (again["secret"], again["token"]) == (None, None)
    body = json.dumps(payload("github_deployment.json")).encode()

    async def signed(secret: str) -> int:
        mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        answer = await post(
            api18, "/v1/ingest/changes/github/gh", body,
            **{"X-Hub-Signature-256": f"sha256={mac}", "X-GitHub-Event": "deployment"},
        )  # fmt: skip
        return answer.status_code

    assert [await signed(first["secret"]), await signed(made["secret"])] == [200, 200]
    sql(api18, "update warroom.source_secret set expires_at = now() - interval '1 minute'")
    assert [await signed(first["secret"]), await signed(made["secret"])] == [401, 200]
    # Neither secret is anywhere in the record.
    for table in ("audit", "history"):
        column = "payload" if table == "audit" else "content::text"
        assert api18.count(table, f"{column} like '%{first['secret']}%'") == 0
    await admin.switch_source("gh", "pause")
    assert await signed(made["secret"]) == 403


async def test_a_paused_source_is_told_so_and_counted_and_nothing_is_stored(api: Api) -> None:
    admin = api.client()
    token = await source(api)
    paused = await admin.switch_source("am", "pause")
    assert (await admin.switch_source("am", "pause"))["paused_at"] == paused["paused_at"]
    # Alertmanager repeats 5xx, so nothing is lost once it goes on; others get a final answer.
    for path, body in (("/v1/ingest/alertmanager", webhook()), ("/api/v2/alerts", [])):
        answer = await post(api, path, body, token)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
        assert "was paused at" in answer.text
    answer = await post(api, "/v1/ingest/changes", {}, token)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:warroom:problem:source-paused")
    answer = await post(api, "/v2/change/enqueue", {"routing_key": token})
    assert answer.status_code == 403
    assert api.count("delivery") == 0
    await admin.switch_source("am", "resume")
    await api.client(token).post_alerts(webhook(alert("A", "shop")))
    assert api.count("alert") == 1
    assert (await admin.verify_audit())["verified"] is True


async def test_over_its_rate_a_source_is_told_when_to_come_back(api18: Api) -> None:
    admin = api18.client()
    token = await source(api18)
    other = await source(api18, "other")
    await admin.change_source("am", {"rate_per_s": 1, "burst": 2})
    many = webhook(*(alert(f"A{n}", "shop") for n in range(50)))
    sent = await api18.client(token).post_alerts(many)  # let in whole
    assert sent["new"] == 50
    with pytest.raises(Overloaded, match="more than its 1 alerts a second"):
        await api18.client(token).post_alerts(many)
    answer = await post(api18, "/v1/ingest/changes", {}, token)
    assert answer.status_code == 429
    assert 30 < int(answer.headers["Retry-After"]) <= 60
    await api18.client(other).post_alerts(webhook(alert("B", "shop")))
    await admin.change_source("am", {"rate_per_s": None})
    await api18.client(token).post_alerts(many)
    async with httpx.AsyncClient(base_url=api18.url) as http:
        assert 'warroom_ingest_refused{why="rate"} 2.0' in (await http.get("/metrics")).text


async def test_what_was_refused_is_counted_by_source(api18: Api) -> None:
    await source(api18)
    row = sql(api18, "select id from warroom.source where key = 'am'")
    url = f"postgresql://warroom_api@/{api18.pg.name}?host={api18.pg.server.cluster.socket_dir}"
    db = Database.open(url, role="api")
    buckets = Buckets()
    try:
        for _ in range(3):
            buckets.count(row[0], "paused")
            await tally.tell(db, CommandContext(INGEST, "t", "t"), buckets)
        buckets.count(row[0], "full")
        await tally.tell(db, CommandContext(INGEST, "t", "t"), buckets)
    finally:
        await db.close()
    assert (await api18.client().source("am"))["refused"] == {"paused": 3, "full": 1}
    assert api18.count("history", "content ? 'refused'") == 0


async def test_a_quiet_source_is_an_alert_that_ends_when_it_speaks(api: Api) -> None:
    admin = api.client()
    token = await source(api)
    await admin.change_source("am", {"quiet_after_s": 120, "lane": "critical"})
    await api.client(token).post_alerts(webhook(alert("A", "shop")))
    url = f"postgresql://warroom_engine@/{api.pg.name}?host={api.pg.server.cluster.socket_dir}"
    db = Database.open(url, role="engine")
    ctx = CommandContext(ENGINE, "r", "test")

    def own() -> tuple[str, int] | None:
        found: tuple[str, int] | None = sql(
            api, "select state, count from warroom.alert where name = 'SourceQuiet'"
        )
        return found

    try:
        assert "has spoken" in await quiet_sources.follow(db, ctx)
        assert own() is None
        sql(api, "update warroom.source set last_seen_at = now() - interval '5 minutes',"
                 " created_at = now() - interval '1 hour' where key = 'am'")  # fmt: skip
        assert await quiet_sources.follow(db, ctx) == "am is quiet"
        assert "has spoken" in await quiet_sources.follow(db, ctx)  # said once
        assert own() == ("firing", 1)
        assert (await admin.source("am"))["quiet_since"] is not None
        listed = (await warroom("source", "list", "--json", **login(api)))[1]
        assert any(s["quiet_since"] for s in json.loads(listed)["items"])
        (incident,) = [
            i for i in (await admin.incidents())["items"] if "war-room-sources" in i["title"]
        ]
        assert incident["severity"] == 2
        await api.client(token).post_alerts(webhook(alert("A", "shop")))
        assert await quiet_sources.follow(db, ctx) == "am speaks again"
        assert own() == ("resolved", 1)
        # Quiet again at once, it is a new episode and no straggler of the last.
        sql(api, "update warroom.source set last_seen_at = now() - interval '5 minutes'"
                 " where key = 'am'")  # fmt: skip
        assert await quiet_sources.follow(db, ctx) == "am is quiet"
        assert own() == ("firing", 2)
        await admin.switch_source("am", "pause")  # whoever is paused is not waited for
        assert await quiet_sources.follow(db, ctx) == "am speaks again"
        assert own() == ("resolved", 2)
        await admin.switch_source("am", "resume")
        assert "has spoken" in await quiet_sources.follow(db, ctx)
    finally:
        await db.close()
    assert (await admin.verify_audit())["verified"] is True


async def test_the_command_line(api18: Api) -> None:
    env = login(api18)
    code, out, _ = await warroom(
        "source", "add", "am", "--rate", "50", "--lane", "critical", "--quiet-after", "10m", **env
    )
    assert code == 0
    assert "shown this once" in out
    code, out, _ = await warroom("source", "set", "am", "--rate", "none", "--burst", "9", **env)
    assert code == 0
    code, out, _ = await warroom("source", "show", "am", "--json", **env)
    shown = json.loads(out)
    assert (shown["rate_per_s"], shown["burst"], shown["quiet_after_s"]) == (None, 9, 600)
    assert (await warroom("source", "pause", "am", **env))[0] == 0
    assert (await warroom("source", "resume", "am", **env))[0] == 0
    code, out, _ = await warroom("source", "rotate", "am", "--grace", "2h", "--json", **env)
    assert json.loads(out)["token"].startswith("wr_s_")
    code, _, err = await warroom("source", "set", "am", "--rate", "x", **env)
    assert (code, "whole number" in err) == (2, True)
    assert api18.count("api_token", "expires_at is not null") == 1
