"""Quarantine: seen, corrected, replayed once through the door's own path, or dropped."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.test_commands import login
from tests.api.test_doors import alert, source, webhook
from tests.typist import warroom
from warroom.errors import Forbidden, InvalidInput, NotFound, Refused

NOBODY = "00000000-0000-7000-8000-00000000ffff"


async def bad(api: Api, token: str, body: bytes = b'{"version": "4", \x1b[2J') -> str:
    """Send a body that cannot be understood; return what it is kept as."""
    async with httpx.AsyncClient(base_url=api.url) as http:
        answer = await http.post(
            "/v1/ingest/alertmanager", content=body, headers={"Authorization": f"Bearer {token}"}
        )
    assert answer.status_code == 400
    with api.pg.connect() as conn:
        row = conn.execute(
            "select id from warroom.delivery where state = 'quarantined' order by id desc limit 1"
        ).fetchone()
    assert row is not None
    assert str(row[0]) in answer.json()["remedy"]
    return str(row[0])


def good(name: str = "A") -> str:
    return json.dumps(webhook(alert(name, "shop")))


async def test_a_corrected_body_is_taken_in_once(api: Api) -> None:
    admin = api.client()
    kept = await bad(api, await source(api))
    (listed,) = (await admin.quarantine())["items"]
    assert (listed["id"], listed["source"], listed["state"], listed["fixed"]) == (
        kept, "am", "open", False,
    )  # fmt: skip
    assert listed["error"]
    shown = await admin.quarantined(kept)
    assert shown["body"].startswith('{"version": "4"')
    assert shown["truncated"] is False
    with pytest.raises(InvalidInput):  # as it came it still cannot be understood
        await admin.replay_quarantined(kept)
    assert api.count("alert") == 0
    await admin.fix_quarantined(kept, good())
    done = await admin.replay_quarantined(kept, key="once")
    assert (done["state"], done["alerts"], done["new"]) == ("replayed", 1, 1)
    assert len(done["incidents"]) == 1
    assert await admin.replay_quarantined(kept, key="once") == done  # asked again, answered again
    with pytest.raises(Refused, match=r"replayed at .* by ana"):
        await admin.replay_quarantined(kept)
    assert (api.count("alert"), api.count("alert_event")) == (1, 1)
    again = await admin.replay_quarantined(kept, again=True)
    assert (again["new"], again["delivery"] != done["delivery"]) == (0, True)
    (settled,) = (await admin.quarantine(every=True))["items"]
    assert (settled["state"], settled["replays"], settled["replayed_as"]) == (
        "replayed", 2, again["delivery"],
    )  # fmt: skip
    assert (await admin.quarantine())["items"] == []
    # The record says who: on the mark and on the alert that came in by it.
    for table in ("quarantine", "alert"):
        assert api.count(
            "audit", f"command = 'quarantine.replay' and table_name = '{table}' and actor_id ="
            " (select id from warroom.principal where name = 'ana')",
        )  # fmt: skip
    assert (await admin.verify_audit())["verified"] is True


async def test_eight_replays_at_once_are_one(api18: Api) -> None:
    admin = api18.client()
    kept = await bad(api18, await source(api18))
    await admin.fix_quarantined(kept, good())
    answers = await asyncio.gather(
        *(admin.replay_quarantined(kept) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(answer, dict) for answer in answers) == 1
    assert sum(isinstance(answer, Refused) for answer in answers) == 7
    assert api18.count("alert_event") == 1


async def test_a_replay_reads_as_the_door_would_now(api18: Api) -> None:
    """The source's table of severities has changed meanwhile."""
    admin = api18.client()
    kept = await bad(api18, await source(api18))
    await admin.fix_quarantined(kept, good())
    await admin.set_severities("am", {"critical": 4})
    done = await admin.replay_quarantined(kept)
    assert (await admin.incident(done["incidents"][0]))["severity"] == 4


async def test_dropped_is_settled(api18: Api) -> None:
    admin = api18.client()
    kept = await bad(api18, await source(api18))
    await admin.drop_quarantined(kept, "a test of the sender's")
    assert (await admin.quarantine())["items"] == []
    for call in (
        admin.drop_quarantined(kept, "x"),
        admin.fix_quarantined(kept, good()),
        admin.replay_quarantined(kept),
    ):
        with pytest.raises((Refused, InvalidInput)):
            await call
    assert (await admin.quarantined(kept))["reason"] == "a test of the sender's"
    assert api18.count("delivery", "state = 'quarantined'") == 1  # the body stays
    assert (await admin.verify_audit())["verified"] is True


async def test_what_cannot_be_is_refused(api18: Api) -> None:
    admin = api18.client()
    token = await source(api18)
    kept = await bad(api18, token)
    sent = await api18.client(token).post_alerts(webhook(alert("A", "shop")))
    for which in (NOBODY, sent["delivery"]):  # what was understood is in no quarantine
        for call in (
            admin.quarantined(which),
            admin.fix_quarantined(which, "x"),
            admin.replay_quarantined(which),
            admin.drop_quarantined(which, "x"),
        ):
            with pytest.raises(NotFound):
                await call
    calls: list[tuple[Any, ...]] = [
        ("fix_quarantined", "x"), ("replay_quarantined",), ("drop_quarantined", "x")
    ]  # fmt: skip
    luc = api18.client(api18.token("luc", "respond"))
    for name, *rest in calls:
        with pytest.raises(Forbidden):
            await getattr(luc, name)(kept, *rest)
    assert (await luc.quarantined(kept))["id"] == kept
    with pytest.raises(InvalidInput):
        await admin.fix_quarantined(kept, "a\0b")


async def test_bytes_of_every_kind_are_shown_harmlessly(api18: Api, tmp_path: Path) -> None:
    token = await source(api18)
    kept = await bad(api18, token, b"\x00\xff\x1b]0;owned\x07" + "\u202e".encode() + b"x" * 70_000)
    env = login(api18)
    code, out, _ = await warroom("quarantine", "show", kept, **env)
    assert code == 0
    assert not {"\x1b", "\x07", "\u202e", "\x00"} & set(out)
    assert "the rest is not shown" in out
    code, out, _ = await warroom("quarantine", "list", **env)
    assert kept in out
    fixed = tmp_path / "fixed.json"
    fixed.write_text(good(), encoding="utf-8")
    assert (await warroom("quarantine", "fix", kept, str(fixed), **env))[0] == 0
    code, out, _ = await warroom("quarantine", "replay", kept, **env)
    assert (code, "state: replayed" in out) == (0, True)
    code, _, err = await warroom("quarantine", "drop", kept, "--reason", "x", **env)
    assert (code, "replayed" in err) == (1, True)
    fixed.write_bytes(b"\xff")
    assert (await warroom("quarantine", "fix", kept, str(fixed), **env))[0] == 2


async def test_the_end_of_an_id_is_enough(api18: Api, tmp_path: Path) -> None:
    token, env = await source(api18), login(api18)
    kept, other = await bad(api18, token), await bad(api18, token)
    end = kept[-8:]
    code, out, err = await warroom("quarantine", "show", end, **env)
    assert (code, f"id: {kept}" in out) == (0, True), err
    fixed = tmp_path / "fixed.json"
    fixed.write_text(good(), encoding="utf-8")
    assert (await warroom("quarantine", "fix", end, str(fixed), **env))[0] == 0
    assert (await warroom("quarantine", "replay", end.upper(), **env))[0] == 0
    assert (await warroom("quarantine", "drop", other[-8:], "--reason", "x", **env))[0] == 0
    assert (await api18.client().quarantined(other))["state"] == "dropped"
    code, _, err = await warroom("quarantine", "show", "no-such", **env)
    assert (code, "there is none" in err) == (1, True), err
    code, _, err = await warroom("quarantine", "show", "", **env)
    assert code == 1


async def test_what_another_tool_sent_is_replayed_as_its_door_would_take_it(api18: Api) -> None:
    admin = api18.client()
    token = (await admin.add("sources", {"key": "pd", "dialect": "pagerduty"}))["token"]
    event: dict[str, Any] = {
        "routing_key": token, "event_action": "trigger", "dedup_key": "disk",
        "payload": {"summary": "Disk is full", "source": "db-1", "severity": "critical"},
    }  # fmt: skip
    end = {"routing_key": token, "event_action": "resolve", "dedup_key": "disk"}
    async with httpx.AsyncClient(base_url=api18.url) as http:
        assert (await http.post("/v2/enqueue", json=event)).status_code == 202
        unreadable = await http.post("/v2/enqueue", json=end | {"event_action": "finish"})
        assert unreadable.status_code == 400
    (kept,) = (await admin.quarantine())["items"]
    assert token not in (await admin.quarantined(kept["id"]))["body"]
    await admin.fix_quarantined(kept["id"], json.dumps(end))
    done = await admin.replay_quarantined(kept["id"])
    assert (done["state"], done["alerts"], done["new"]) == ("replayed", 1, 0)
    assert api18.count("alert", "state = 'resolved' and name = 'Disk is full'") == 1


@pytest.mark.parametrize(
    ("dialect", "path", "sample"),
    [
        ("change", "/v1/ingest/changes", "generic_change.json"),
        ("github", "/v1/ingest/changes/github", "github_deployment_status.json"),
        ("gitlab", "/v1/ingest/changes/gitlab", "gitlab_deployment.json"),
        ("argocd", "/v1/ingest/changes/argocd", "argocd_sync.json"),
        ("pagerduty", "/v2/change/enqueue", "pagerduty_change.json"),
    ],
)
async def test_changes_are_replayed_as_their_doors_would_take_them(
    api18: Api, dialect: str, path: str, sample: str
) -> None:
    admin = api18.client()
    key = {"change": "ci"}.get(dialect, dialect)
    chosen = {"change": "generic"}.get(dialect, dialect)
    token = (await admin.add("sources", {"key": key, "dialect": chosen}))["token"]
    headers = {"Authorization": f"Bearer {token}", "X-GitHub-Event": "deployment_status"}
    good = (Path(__file__).parents[1] / "data" / sample).read_bytes()
    async with httpx.AsyncClient(base_url=api18.url, headers=headers) as http:
        assert (await http.post(path, content=good[:-9])).status_code == 400
    (kept,) = (await admin.quarantine())["items"]
    assert (kept["source"], kept["state"], bool(kept["error"])) == (key, "open", True)
    with pytest.raises(InvalidInput):
        await admin.replay_quarantined(kept["id"])
    await admin.fix_quarantined(kept["id"], good.decode())
    done = await admin.replay_quarantined(kept["id"], key="once")
    assert (done["state"], done["alerts"], done["incidents"]) == ("replayed", 0, [])
    assert len(done["changes"]) == done["new"] == api18.count("change_event")
    assert done["changes"]
    assert await admin.replay_quarantined(kept["id"], key="once") == done
    with pytest.raises(Refused):
        await admin.replay_quarantined(kept["id"])
    again = await admin.replay_quarantined(kept["id"], again=True)
    assert (again["new"], again["changes"]) == (0, done["changes"])
    assert (await admin.quarantine())["items"] == []
    code, out, _ = await warroom("quarantine", "list", "--all", **login(api18))
    assert (code, "replayed" in out) == (0, True)
    assert (await admin.verify_audit())["verified"] is True
