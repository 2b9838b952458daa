"""A source's own words for severity: set, listed, and used from the next message on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.api.conftest import Api
from tests.api.test_commands import login
from tests.api.test_doors import alert, source, webhook
from tests.typist import warroom
from warroom.domain.severity import judge, stored_table
from warroom.errors import Forbidden, InvalidInput, NotFound


async def opened(api: Api, token: str, name: str, word: str) -> dict[str, Any]:
    """Send one alert about a service of its own and return the incident that it opens."""
    sent = await api.client(token).post_alerts(webhook(alert(name, name, severity=word)))
    return await api.client().incident(sent["incidents"][0])


async def test_the_sources_own_table_wins_from_the_next_message_on(api: Api) -> None:
    admin = api.client()
    token = await source(api)
    other = await source(api, "other")
    assert (await opened(api, token, "a", "critical"))["severity"] == 1
    done = await admin.set_severities("am", {"CRITICAL": 4, "Rosa Alarm": 2})
    assert done["severities"] == {"critical": 4, "rosaalarm": 2}
    assert (await opened(api, token, "b", "critical"))["severity"] == 4
    assert (await opened(api, token, "c", "rosa-alarm"))["severity"] == 2
    # What the table does not name is judged as before, and so is another source.
    assert (await opened(api, token, "d", "warning"))["severity"] == 3
    assert (await opened(api, other, "e", "critical"))["severity"] == 1
    listed = {s["key"]: s for s in (await admin.list_of("sources"))["items"]}
    assert listed["am"]["severities"] == {"critical": 4, "rosaalarm": 2}
    assert listed["other"]["severities"] == {}
    # The whole table is new each time, and an empty one is none.
    await admin.set_severities("am", {"page": 1})
    assert (await opened(api, token, "f", "critical"))["severity"] == 1
    await admin.set_severities("am", {})
    assert (await opened(api, token, "g", "page"))["severity"] == 2
    assert (await admin.verify_audit())["verified"] is True
    assert api.count("audit", "command = 'source.severities' and table_name = 'source'") == 3


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ({"x": 0}, "severities.x"),
        ({"x": 6}, "severities.x"),
        ({"X": 1, "x": 2}, "severities.x"),
        ({" ": 1}, "severities"),
        ({"a\0b": 1}, "severities"),
        ({"w" * 101: 1}, "severities"),
        ({"x": "1"}, "severities.x"),
        ({"x": True}, "severities.x"),
    ],
)
async def test_a_table_that_cannot_be_used_is_named(
    api18: Api, table: dict[str, Any], where: str
) -> None:
    await source(api18)
    with pytest.raises(InvalidInput) as caught:
        await api18.client().set_severities("am", table)
    assert caught.value.field == where
    assert api18.count("source", "severity_map <> '{}'") == 0


async def test_only_administrators_set_it_and_only_of_sources_there_are(api18: Api) -> None:
    await source(api18)
    with pytest.raises(Forbidden):
        await api18.client(api18.token("luc", "respond")).set_severities("am", {"x": 1})
    with pytest.raises(NotFound):
        await api18.client().set_severities("nobody", {"x": 1})


@pytest.mark.parametrize("stored", [["x"], {"x": 9, "page": 4, "y": "1"}, "x", {"x": True}])
async def test_a_table_that_somebody_spoiled_by_sql_refuses_no_alert(
    api18: Api, stored: object
) -> None:
    token = await source(api18)
    with api18.pg.connect() as conn:
        conn.execute(
            "update warroom.source set severity_map = %s where key = 'am'", (Jsonb(stored),)
        )
    wanted = 4 if isinstance(stored, dict) and "page" in stored else 2
    assert (await opened(api18, token, "a", "page"))["severity"] == wanted
    await api18.client().list_of("sources")


def test_the_verdict_says_that_the_sources_table_decided() -> None:
    verdict = judge("Critical", stored_table({"critical": 4}))
    assert (verdict.severity, verdict.table) == (4, "source")
    assert stored_table(None) == {}


async def test_the_command_line_sets_and_clears(api18: Api) -> None:
    await source(api18)
    env = login(api18)
    code, out, _ = await warroom("source", "severity", "am", "critical=1", "a=b=3", **env)
    assert code == 0
    assert "severities: critical=1 a=b=3" in out
    listed = (await warroom("source", "list", **env))[1]
    assert "critical=1" in listed
    for wrong in (["critical=6"], ["=1"], ["critical"]):
        code, _, err = await warroom("source", "severity", "am", *wrong, **env)
        assert (code, "WORD=N" in err) == (2, True)
    for wrong in ([], ["page=1", "--clear"]):
        code, _, err = await warroom("source", "severity", "am", *wrong, **env)
        assert (code, "--clear" in err) == (2, True)
    code, out, _ = await warroom("source", "severity", "am", "--clear", "--json", **env)
    assert (code, json.loads(out)["severities"]) == (0, {})
