"""The doors for changes: who may come in, one change however often told, and what is kept."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.test_commands import login
from tests.typist import warroom

DATA = Path(__file__).parents[1] / "data"


def body(name: str) -> bytes:
    return (DATA / name).read_bytes()


async def source(api: Api, dialect: str, key: str = "") -> dict[str, Any]:
    """Make a source; returns its token and, for GitHub, its secret."""
    return await api.client().add("sources", {"key": key or dialect, "dialect": dialect})


def sign(secret: str, content: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


async def post(api: Api, path: str, content: bytes, **headers: str) -> httpx.Response:
    sent = {"Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(base_url=api.url) as http:
        return await http.post(path, content=content, headers=sent)


async def github(api: Api, secret: str, name: str, event: str) -> httpx.Response:
    content = body(name)
    return await post(
        api, "/v1/ingest/changes/github/github", content,
        X_GitHub_Event=event, X_Hub_Signature_256=sign(secret, content),
    )  # fmt: skip


async def test_github_signs_and_one_deployment_told_four_times_is_one_change(api: Api) -> None:
    secret = (await source(api, "github"))["secret"]
    assert (await github(api, secret, "github_deployment_status.json", "deployment_status")).json()[
        "changes"
    ][0]["status"] == "succeeded"
    late = (await github(api, secret, "github_deployment.json", "deployment")).json()["changes"][0]
    assert (late["new"], late["changed"], late["status"]) == (False, False, "succeeded")
    before = api.count("history", "table_name = 'change_event'")
    for _ in range(2):
        again = await github(api, secret, "github_deployment_status.json", "deployment_status")
        assert again.json()["changes"][0]["changed"] is False
    assert api.count("history", "table_name = 'change_event'") == before
    assert (api.count("change_event"), api.count("change_service")) == (1, 1)
    assert api.count("delivery", "state = 'accepted'") == 4
    assert api.count("service", "key = 'checkout'") == 0  # a repository is no catalogue
    verdict = await api.client().verify_audit()
    assert verdict["verified"] is True, verdict["problems"]
    assert api.count("audit", f"payload like '%{secret}%'") == 0


async def test_what_is_not_signed_right_is_refused_and_nothing_is_kept(api18: Api) -> None:
    secret = (await source(api18, "github"))["secret"]
    await source(api18, "gitlab")
    content, path = body("github_deployment.json"), "/v1/ingest/changes/github/github"
    for target, signature in (
        (path, ""),
        (path, "sha256=" + "0" * 64),
        (path, sign(secret + "x", content)),
        (path, sign(secret, content + b" ")),
        ("/v1/ingest/changes/github/gitlab", sign(secret, content)),  # it has no secret
        ("/v1/ingest/changes/github/nobody", sign(secret, content)),
    ):
        answer = await post(
            api18, target, content, X_GitHub_Event="deployment", X_Hub_Signature_256=signature
        )
        assert (answer.status_code, answer.json()["field"]) == (401, "X-Hub-Signature-256")
    assert (api18.count("delivery"), api18.count("change_event")) == (0, 0)
    with api18.pg.connect() as conn:
        conn.execute("update warroom.source set paused_at = now() where key = 'github'")
    paused = await github(api18, secret, "github_deployment.json", "deployment")
    assert (paused.status_code, paused.json()["type"]) == (403, "urn:warroom:problem:source-paused")
    assert api18.count("delivery") == 0


async def test_a_body_that_is_to_prove_its_sender_must_be_small_and_plain(api18: Api) -> None:
    headers = {"X_GitHub_Event": "deployment", "X_Hub_Signature_256": "sha256=" + "0" * 64}
    path = "/v1/ingest/changes/github/github"
    large = await post(api18, path, b" " * ((1 << 20) + 1), **headers)
    assert large.status_code == 413
    packed = await post(api18, path, b"x", Content_Encoding="gzip", **headers)
    assert (packed.status_code, packed.json()["field"]) == (400, "Content-Length")
    for other in ("/v1/ingest/changes/github/../x", "/v1/ingest/changes", "/v1/incidents"):
        assert (await post(api18, other, b"{}", **headers)).status_code == 401


async def test_gitlab_argocd_and_our_own_come_with_their_token(api: Api) -> None:
    token = (await source(api, "gitlab"))["token"]
    answer = await post(
        api, "/v1/ingest/changes/gitlab", body("gitlab_deployment.json"), X_Gitlab_Token=token
    )
    assert answer.status_code == 200, answer.text
    bearer = f"Bearer {token}"
    for path, name in (("argocd", "argocd_sync.json"), ("", "generic_change.json")):
        done = await post(
            api, f"/v1/ingest/changes/{path}".rstrip("/"), body(name), Authorization=bearer
        )
        assert (done.status_code, done.json()["changes"][0]["new"]) == (200, True), done.text
    event = {"Authorization": bearer, "X_GitHub_Event": "ping"}
    ping = await post(api, "/v1/ingest/changes/github", b'{"zen": "x"}', **event)
    assert ping.json()["changes"] == []
    for token in ("", "wr_s_nobody", "a b"):
        refused = await post(api, "/v1/ingest/changes/gitlab", b"{}", X_Gitlab_Token=token)
        assert refused.status_code == 401
    # GitLab's header opens no other door.
    assert (await post(api, "/v1/ingest/changes", b"{}", X_Gitlab_Token=token)).status_code == 401
    admin = await post(
        api, "/v1/ingest/changes", b"{}", Authorization=f"Bearer {api.admin_token}"
    )  # fmt: skip
    assert admin.status_code == 403


async def test_pagerdutys_routing_key_is_the_token_and_is_kept_nowhere(api: Api) -> None:
    token = (await source(api, "pagerduty"))["token"]
    event = json.loads(body("pagerduty_change.json"))
    path = "/v2/change/enqueue"
    # Refusals are PagerDuty's: its clients know 400 and 429, and read status, message and errors.
    for wrong, status in (
        (json.dumps(event).encode(), "invalid key"), (b'{"routing_key": 5}', "invalid key"),
        (b"", "invalid event"), (b"[]", "invalid event"), (b"{", "invalid event"),
        (json.dumps({"routing_key": token}).encode(), "invalid event"),
    ):  # fmt: skip
        refused = await post(api, path, wrong)
        assert (refused.status_code, refused.json()["status"]) == (400, status), wrong
        assert set(refused.json()) == {"status", "message", "errors"}
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        large = await post(api, path, b" " * (512 * 1024 + 1), **headers)
        assert (large.status_code, large.json()["status"]) == (413, "invalid event")
    content = json.dumps(event | {"routing_key": token}).encode()
    answers = await asyncio.gather(*(post(api, path, content) for _ in range(6)))
    assert {a.status_code for a in answers} == {202}
    assert {a.json()["status"] for a in answers} == {"success"}
    assert len({a.json()["change"] for a in answers}) == 1
    assert api.count("change_event") == 1
    with api.pg.connect() as conn:
        kept = conn.execute("select body from warroom.delivery").fetchall()
    assert len(kept) == 7
    assert not [b for (b,) in kept if token.encode() in bytes(b)]


async def test_a_body_that_cannot_be_understood_is_kept_and_the_field_named(api18: Api) -> None:
    token = (await source(api18, "change"))["token"]
    client = api18.client(token)
    answer = await post(
        api18, "/v1/ingest/changes", b'{"title": "\xe2\x80\xae", "servce": "x"}',
        Authorization=f"Bearer {token}",
    )  # fmt: skip
    assert (answer.status_code, answer.json()["field"]) == (400, "servce")
    assert api18.count("delivery", "state = 'quarantined'") == 1
    assert api18.count("change_event") == 0
    assert client is not None


async def test_the_unit_is_that_of_the_services_and_people_are_recognised(api18: Api) -> None:
    made = await source(api18, "change")
    with api18.pg.connect() as conn:
        conn.execute(
            "insert into warroom.service (key, name, team_id, unit) select 'x', 'x', id, 'other'"
            " from warroom.team where key = 'unassigned'"
        )
        conn.execute(
            "insert into warroom.source_identity (source_id, external_id, principal_id)"
            " select s.id, 'a-n-a', p.id from warroom.source s, warroom.principal p"
            " where s.key = 'change' and p.name = 'ana'"
        )
    many = {"changes": [
        {"id": "1", "title": "one", "service": "x", "by": "a-n-a"},
        {"id": "2", "title": "two", "services": ["x", "unknown"]},
        {"id": "3", "title": "three", "service": "unknown"},
        {"id": "1", "title": "one", "service": "x", "status": "rolled-back"},
    ]}  # fmt: skip
    answer = await post(
        api18, "/v1/ingest/changes", json.dumps(many).encode(),
        Authorization=f"Bearer {made['token']}",
    )  # fmt: skip
    assert [c["status"] for c in answer.json()["changes"]] == [
        "rolled-back", "succeeded", "succeeded"
    ]  # fmt: skip
    with api18.pg.connect() as conn:
        found = conn.execute(
            "select c.dedup_key, c.unit, p.name from warroom.change_event c"
            " left join warroom.principal p on p.id = c.principal_id order by 1"
        ).fetchall()
    assert found == [("1", "other", "ana"), ("2", "other", None), ("3", "main", None)]


async def test_the_command_line_makes_a_source_of_github(api18: Api) -> None:
    code, out, err = await warroom(
        "source", "add", "hub", "--dialect", "github", **login(api18)
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "secret: " in out
    code, out, err = await warroom("source", "add", "am", **login(api18))
    assert (code, "secret" in out, err) == (0, False, "")


@pytest.mark.parametrize("dialect", ["odd", ""])
async def test_a_source_of_no_known_dialect_is_refused(api18: Api, dialect: str) -> None:
    answer = await post(
        api18, "/v1/sources", json.dumps({"key": "x", "dialect": dialect}).encode(),
        Authorization=f"Bearer {api18.admin_token}", Idempotency_Key="1",
    )  # fmt: skip
    assert answer.status_code == 400
