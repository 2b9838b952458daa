"""The doors of other tools: their lifecycles, their errors, and what is kept of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.api.test_change_doors import body, post, source
from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.errors import InvalidInput
from warroom.settings import Settings

PD = "/v2/enqueue"
OG = "/v2/alerts"


def trigger(key: str | None = "disk", **more: Any) -> dict[str, Any]:
    payload = {"summary": "Disk full", "severity": "critical", "source": "web-7",
               "custom_details": {"service": "shop"}} | more  # fmt: skip
    event = {"event_action": "trigger", "payload": payload}
    return event if key is None else event | {"dedup_key": key}


async def enqueue(api: Api, token: str, event: Mapping[str, Any]) -> httpx.Response:
    return await post(api, PD, json.dumps({"routing_key": token} | dict(event)).encode())


async def genie(
    api: Api, token: str, path: str, document: Mapping[str, Any] | None = None, **params: str
) -> httpx.Response:
    async with httpx.AsyncClient(
        base_url=api.url, headers={"Authorization": f"GenieKey {token}"}, params=params
    ) as http:
        return await (http.get(path) if document is None else http.post(path, json=document))


def alerts(api: Api) -> list[tuple[Any, ...]]:
    with api.pg.connect() as conn:
        return conn.execute(
            "select a.name, a.state, a.count, s.key, a.summary from warroom.alert a"
            " join warroom.service s on s.id = a.service_id order by a.first_seen_at, a.id"
        ).fetchall()


async def said(api: Api, ref: str = "INC-1") -> list[str]:
    return [e["text"] for e in (await api.client().timeline(ref))["items"]]


async def test_pagerduty_from_trigger_to_a_trigger_behind_the_end(api: Api) -> None:
    token = (await source(api, "pagerduty"))["token"]
    other = (await source(api, "pagerduty", "other"))["token"]
    assert len(token) == 32
    first = await enqueue(api, token, trigger())
    assert (first.status_code, first.json()) == (
        202, {"status": "success", "message": "Event processed", "dedup_key": "disk"}
    )  # fmt: skip
    again = await enqueue(api, token, trigger())
    assert again.json()["dedup_key"] == "disk"
    assert alerts(api) == [("Disk full", "firing", 2, "shop", "Disk full")]
    acknowledge = {"event_action": "acknowledge", "dedup_key": "disk", "client": "Zabbix"}
    assert (await enqueue(api, token, acknowledge)).status_code == 202
    assert "alert Disk full was acknowledged by Zabbix at its source" in await said(api)
    one = await api.client().incident("INC-1")
    # Whoever is at work there has said so to another tool, not to us.
    assert (one["status"], one["acknowledged_at"]) == ("triggered", None)
    # Another routing key has keys of its own; what it ends nobody has heard of.
    resolve = {"event_action": "resolve", "dedup_key": "disk"}
    assert (await enqueue(api, other, resolve)).status_code == 202
    assert alerts(api)[0][1] == "firing"
    assert (await enqueue(api, token, resolve)).status_code == 202
    assert alerts(api) == [("Disk full", "resolved", 2, "shop", "Disk full")]
    behind = trigger(timestamp="2015-07-17T08:42:58.315+0000", summary="Disk full again")
    assert (await enqueue(api, token, behind)).status_code == 202
    assert alerts(api) == [("Disk full", "firing", 3, "shop", "Disk full again")]
    made = [(await enqueue(api, token, trigger(None))).json()["dedup_key"] for _ in range(2)]
    assert len(set(made)) == 2
    assert len(alerts(api)) == 3
    with api.pg.connect() as conn:
        kept = [bytes(b) for (b,) in conn.execute("select body from warroom.delivery").fetchall()]
    assert len(kept) == 8
    assert not [b for b in kept if token.encode() in b or other.encode() in b]
    assert (await api.client().verify_audit())["verified"] is True


async def test_pagerdutys_errors_have_its_shape(api18: Api) -> None:
    token = (await source(api18, "pagerduty"))["token"]
    for sent in (trigger(), {"routing_key": "x" * 32} | trigger(), {"routing_key": 5}):
        refused = await post(api18, PD, json.dumps(sent).encode())
        assert (refused.status_code, refused.json()["status"]) == (400, "invalid key")
        assert "WWW-Authenticate" not in refused.headers
    for raw in (b"", b"{", b"[1]", b"\xff", b'"text"'):
        refused = await post(api18, PD, raw)
        assert (refused.status_code, refused.json()["status"]) == (400, "invalid event"), raw
    async with httpx.AsyncClient(base_url=api18.url) as http:
        bare = http.build_request("POST", PD)
        del bare.headers["Content-Length"]
        empty = await http.send(bare)
    assert (empty.status_code, empty.json()["status"]) == (400, "invalid event")
    assert "Authorization" not in empty.text
    wrong = await enqueue(api18, token, trigger(severity="bad"))
    assert wrong.status_code == 400
    assert wrong.json()["status"] == "invalid event"
    assert wrong.json()["message"] == "Event object is invalid"
    assert wrong.json()["errors"][0] == (
        "payload.severity must be one of critical, error, warning, info."
    )
    assert "kept as" in wrong.json()["errors"][1]
    assert api18.count("delivery", "state = 'quarantined'") == 1
    assert api18.count("delivery", f"position('{token}'::bytea in body) > 0") == 0
    # 512 KB, with a bearer token as well.
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        large = await post(api18, PD, b" " * (512 * 1024 + 1), **headers)
        assert (large.status_code, large.json()["status"]) == (413, "invalid event")
    bearer = await post(
        api18, PD, json.dumps(trigger()).encode(), Authorization=f"Bearer {token}"
    )  # fmt: skip
    assert bearer.status_code == 202


async def test_opsgenie_from_create_to_close(api: Api) -> None:
    token = (await source(api, "opsgenie"))["token"]
    created = await post(
        api, OG, body("opsgenie_create.json"), Authorization=f"GenieKey {token}"
    )  # fmt: skip
    assert created.status_code == 202, created.text
    assert created.json()["result"] == "Request will be processed"
    status = (await genie(api, token, f"{OG}/requests/{created.json()['requestId']}")).json()
    assert (status["data"]["success"], status["data"]["action"]) == (True, "Create")
    alias = "Life is too short for no alias"
    assert status["data"]["alias"] == alias
    shown = (await genie(api, token, f"{OG}/{alias}", identifierType="alias")).json()["data"]
    assert shown["id"] == status["data"]["alertId"]
    assert (shown["status"], shown["priority"], shown["entity"]) == (
        "open", "P1", "An example entity"
    )  # fmt: skip
    assert shown["tags"] == ["OverwriteQuietHours", "Critical", "service:checkout"]
    assert shown["details"]["key1"] == "value1"
    for kind, value in (("id", shown["id"]), ("tiny", shown["tinyId"])):
        assert (await genie(api, token, f"{OG}/{value}", identifierType=kind)).json()["data"] == (
            shown
        )
    note = await genie(api, token, f"{OG}/{shown['id']}/notes", {"user": "ana", "note": "looking"})
    ack = await genie(
        api, token, f"{OG}/{alias}/acknowledge", {"user": "ana"}, identifierType="alias"
    )  # fmt: skip
    for answer, action in ((note, "AddNote"), (ack, "Acknowledge")):
        assert answer.status_code == 202, answer.text
        told = (await genie(api, token, f"{OG}/requests/{answer.json()['requestId']}")).json()
        assert (told["data"]["action"], told["data"]["isSuccess"]) == (action, True)
        assert told["data"]["alertId"] == shown["id"]
    texts = await said(api)
    assert "alert An example alert message has a note by ana at its source: looking" in texts
    assert "alert An example alert message was acknowledged by ana at its source" in texts
    assert (await api.client().incident("INC-1"))["status"] == "triggered"
    closed = await genie(api, token, f"{OG}/{alias}/close", {"source": "x"}, identifierType="alias")
    assert closed.status_code == 202
    after = (await genie(api, token, f"{OG}/{shown['id']}")).json()["data"]
    assert (after["status"], after["message"]) == ("closed", "An example alert message")
    odd = "host/disk 1/"
    await genie(api, token, OG, {"message": "m", "alias": odd, "entity": "shop"})
    at = f"{OG}/{quote(odd, safe='')}"
    assert (await genie(api, token, at, identifierType="alias")).json()["data"]["alias"] == odd
    await genie(api, token, f"{at}/close", {}, identifierType="alias")
    again = (await genie(api, token, at, identifierType="alias")).json()["data"]
    assert again["status"] == "closed"
    lost = await genie(api, token, f"{OG}/nobody/close", {}, identifierType="alias")
    told = (await genie(api, token, f"{OG}/requests/{lost.json()['requestId']}")).json()["data"]
    assert (told["success"], told["status"]) == (False, "Alert does not exist")
    assert len(alerts(api)) == 2
    assert (await api.client().verify_audit())["verified"] is True


async def test_opsgenies_errors_and_its_key_at_other_doors(api18: Api) -> None:
    token = (await source(api18, "opsgenie"))["token"]
    other = (await source(api18, "opsgenie", "other"))["token"]
    wrong = await genie(api18, token, OG, {"message": ""})
    assert wrong.status_code == 422
    assert wrong.json()["errors"] == {"message": "message must be a text."}
    assert set(wrong.json()) == {"message", "took", "requestId", "errors"}
    made = await genie(api18, token, OG, {"message": "m", "alias": "a"})
    for path in (f"{OG}/requests/{made.json()['requestId']}", f"{OG}/requests/{uuid4()}"):
        assert (await genie(api18, other, path)).status_code == 404
    for kind in ("alias", "tiny", "id"):
        missing = await genie(api18, other, f"{OG}/a", identifierType=kind)
        assert (missing.status_code, missing.json()["message"]) == (404, "Alert does not exist.")
    await genie(api18, other, f"{OG}/a/close", {}, identifierType="alias")
    assert alerts(api18)[0][1] == "firing"
    for given in ("x", "nobody"):
        answer = await genie(api18, given, OG, {"message": "m"})
        assert (answer.status_code, "requestId" in answer.json()) == (401, True)
    # The scheme is Opsgenie's own and opens nothing else.
    for path in ("/v1/ingest/nagios", "/v1/ingest/alertmanager", PD, "/v1/incidents"):
        wanted = 400 if path == PD else 401
        assert (await genie(api18, token, path, {})).status_code == wanted
    admin = await genie(api18, api18.admin_token, f"{OG}/a", identifierType="alias")
    assert admin.status_code == 403


async def test_nagios_begins_remarks_and_ends(api18: Api) -> None:
    token = (await source(api18, "nagios"))["token"]
    auth = f"Bearer {token}"
    path = "/v1/ingest/nagios"
    problem = json.loads(body("nagios_service_problem.json"))
    assert (await post(api18, path, json.dumps(problem).encode(), Authorization=auth)).json()[
        "incidents"
    ] == ["INC-1"]
    down = problem | {"notification_type": "DOWNTIMESTART", "author": "ana", "comment": "patching"}
    done = await post(api18, path, json.dumps(down).encode(), Authorization=auth)
    assert (done.status_code, done.json()["alerts"]) == (200, 0)
    assert "alert disk /var went into a downtime by ana at its source: patching" in await said(
        api18
    )
    over = problem | {"notification_type": "RECOVERY", "state": "OK", "since": "", "time": ""}
    await post(api18, path, json.dumps(over).encode(), Authorization=auth)
    assert [a[:4] for a in alerts(api18)] == [("disk /var", "resolved", 1, "checkout")]


async def test_cloudevents_and_a_mapping(api18: Api) -> None:
    token = (await source(api18, "cloudevents"))["token"]
    auth = f"Bearer {token}"
    path = "/v1/ingest/cloudevents"
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "queue.stuck.fired",
             "data": {"service": "orders", "severity": "error", "host": "h9"}}  # fmt: skip
    sent = await post(
        api18, path, json.dumps(event).encode(), Authorization=auth,
        Content_Type="application/cloudevents+json",
    )  # fmt: skip
    assert sent.json()["new"] == 1, sent.text
    binary = {"ce_id": "2", "ce_source": "/s", "ce_type": "queue.stuck.resolved",
              "ce_specversion": "1.0"}  # fmt: skip
    ended = await post(api18, path, b"{}", Authorization=auth, **binary)
    assert ended.status_code == 200, ended.text
    assert [a[:4] for a in alerts(api18)] == [("queue.stuck", "resolved", 1, "orders")]
    plain = await post(api18, path, b'{"a": 1}', Authorization=auth)
    assert (plain.status_code, plain.json()["field"]) == (400, "Content-Type")
    assert api18.count("delivery", "state = 'quarantined'") == 1
    mapping = {"fields": {"name": "data.host", "service": {"const": "bus"}}}
    await api18.client().set_mapping("cloudevents", mapping)
    batch = json.dumps([event, event | {"data": {"host": "h10"}}]).encode()
    many = await post(
        api18, path, batch, Authorization=auth, Content_Type="application/cloudevents-batch+json"
    )  # fmt: skip
    assert many.json()["alerts"] == 2, many.text
    assert {a[3] for a in alerts(api18)} == {"orders", "bus"}
    with api18.pg.connect() as conn:
        kept = conn.execute("select body from warroom.delivery order by id").fetchall()
    # What came in headers is kept as well.
    assert json.loads(bytes(kept[1][0]))["type"] == "queue.stuck.resolved"


async def test_a_mapping_holds_from_the_next_message_on(api18: Api) -> None:
    auth = f"Bearer {(await source(api18, 'generic'))['token']}"
    path, admin = "/v1/ingest/generic", api18.client()

    async def told(host: str) -> int:
        return (
            await post(api18, path, json.dumps({"host": host}).encode(), Authorization=auth)
        ).status_code

    assert await told("h1") == 400
    for service in ("one", "two", "one"):
        await admin.set_mapping(
            "generic", {"fields": {"name": "host", "service": {"const": service}}}
        )
        assert await told(f"h-{service}") == 200
    await admin.set_mapping("generic", None)
    assert await told("h2") == 400
    assert sorted(a[3] for a in alerts(api18)) == ["one", "two"]


async def test_a_body_whose_alerts_a_mapping_does_not_find_is_kept_until_it_does(
    api18: Api,
) -> None:
    auth = f"Bearer {(await source(api18, 'generic'))['token']}"
    path, admin = "/v1/ingest/generic", api18.client()
    body = json.dumps({"incident": [{"host": "h1"}]}).encode()
    await admin.set_mapping("generic", {"alerts": "incidents[*]", "fields": {"name": "host"}})
    told = await post(api18, path, body, Authorization=auth)
    assert (told.status_code, told.json()["field"]) == (400, "body")
    with pytest.raises(InvalidInput):
        await admin.rehearse("generic", body)
    (kept,) = (await admin.quarantine())["items"]
    with pytest.raises(InvalidInput):
        await admin.replay_quarantined(kept["id"])
    assert [one["state"] for one in (await admin.quarantine())["items"]] == ["open"]
    empty = await post(api18, path, b'{"incidents": []}', Authorization=auth)
    assert (empty.status_code, empty.json()["alerts"]) == (200, 0)
    await admin.set_mapping("generic", {"alerts": "incident[*]", "fields": {"name": "host"}})
    assert (await admin.replay_quarantined(kept["id"]))["alerts"] == 1
    assert [a[0] for a in alerts(api18)] == ["h1"]


async def test_times_are_the_databases_whatever_the_host_of_the_api_says(
    pg18: TestDatabase,
) -> None:
    """A trigger behind a resolve that came through a host whose clock is right begins anew."""
    with pg18.connect() as conn:
        conn.execute("create schema ahead")
        for name in ("now", "clock_timestamp"):
            conn.execute(
                f"create function ahead.{name}() returns timestamptz language sql stable"
                f" as $$ select pg_catalog.{name}() + interval '1 hour' $$"
            )
        conn.execute("grant usage on schema ahead to public")
        conn.execute(f"alter database {pg18.name} set search_path = ahead, pg_catalog, public")
    async with serving(pg18) as api:
        token = (await source(api, "pagerduty"))["token"]
        resolve = {"event_action": "resolve", "dedup_key": "disk"}
        for event in (trigger(), resolve, trigger()):
            assert (await enqueue(api, token, event)).status_code == 202
        with pg18.connect() as conn:
            row = conn.execute(
                "select state, count, starts_at - pg_catalog.now() > interval '59 minutes',"
                " changed_at >= starts_at from warroom.alert"
            ).fetchone()
        assert row == ("firing", 2, True, True)


@pytest.mark.parametrize("again", ["acknowledge", "note"])
async def test_a_remark_that_is_sent_again_is_said_once(api18: Api, again: str) -> None:
    """Its sender was not told that it is stored: the answer got lost."""
    token = (await source(api18, "opsgenie"))["token"]
    for alias in ("disk", "cpu"):
        await genie(api18, token, OG, {"message": alias, "alias": alias})
    action = {"acknowledge": "acknowledge", "note": "notes"}[again]
    document = {"user": "zoe", "note": "replaced the fan"}

    async def send(alias: str, more: str = "") -> int:
        sent = document | {"note": document["note"] + more}
        path = f"{OG}/{alias}/{action}"
        return (await genie(api18, token, path, sent, identifierType="alias")).status_code

    answers = await asyncio.gather(*(send("disk") for _ in range(6)))
    assert set(answers) == {202}
    assert api18.count("timeline", "body like '%replaced the fan%'") == 1
    await send("disk", " again")
    await send("cpu")
    assert api18.count("timeline", "body like '%replaced the fan%'") == 3
    assert api18.count("delivery") == 2 + 6 + 2


@pytest.mark.parametrize("path", [PD, OG, "/v1/ingest/nagios"])
async def test_a_full_queue_says_what_each_client_retries(pg18: TestDatabase, path: str) -> None:
    url = f"postgresql://warroom_api@/{pg18.name}?host={pg18.server.cluster.socket_dir}"
    async with serving(pg18, Settings(database_url=url, ingest_queue_max=1)) as api:
        token = (await source(api, "opsgenie"))["token"]
        problem = body("nagios_service_problem.json")
        await post(api, "/v1/ingest/nagios", problem, Authorization=f"Bearer {token}")
        with pg18.connect(autocommit=False) as conn:
            conn.execute("select from warroom.alert for update")
            held = asyncio.create_task(
                post(api, "/v1/ingest/nagios", problem, Authorization=f"Bearer {token}")
            )

            def waits() -> bool:
                with pg18.connect() as other:
                    row = other.execute(
                        "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
                        " and datname = current_database()"
                    ).fetchone()
                return row is not None

            await wait_until(waits, what="the batch to wait for the row")
            queued = {
                PD: json.dumps(trigger()).encode(),
                OG: b'{"message": "m"}',
                "/v1/ingest/nagios": problem,
            }[path]
            full = await post(api, path, queued, Authorization=f"Bearer {token}")
            conn.rollback()
        assert (await held).status_code == 200
    assert full.status_code == 429  # they all try again after it, the shipped command too
    assert full.headers["Retry-After"] == "2"
