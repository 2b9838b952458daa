"""Alerts are looked up with the sentence that says what became of each, by whoever may see them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_commands import login
from tests.api.test_doors import alert, source, webhook
from tests.typist import warroom
from warroom.errors import Forbidden, InvalidInput, NotFound

Json = dict[str, Any]
HOSTILE = "\x1b]0;owned\x07[red]Disk[/red]\u202efull"


async def names(api: Api, **asked: Any) -> list[str]:
    return [one["name"] for one in (await api.client().alerts(**asked))["items"]]


async def test_what_opened_nothing_is_found_with_its_sentence(api: Api) -> None:
    client, door = api.client(), api.client(await source(api))
    await client.add_rule(
        "staging", "declare", matches={"environment": ["staging"]}, spec={"outcome": "record"}
    )
    await client.add_silence(["service=loud"], "planned", for_s=600)
    quiet = await door.post_alerts(webhook(alert("Quiet", "shop", environment="staging")))
    assert quiet["incidents"] == []
    await door.post_alerts(webhook(alert("Down", "shop")))
    await door.post_alerts(webhook(alert("Held", "loud")))
    await door.post_alerts(webhook(alert("Down", "shop", "resolved")))
    held, down, recorded = (await client.alerts())["items"]
    assert (recorded["name"], recorded["disposition"], recorded["incident"]) == (
        "Quiet", "recorded", None,
    )  # fmt: skip
    assert "staging" in recorded["decision"]
    assert (recorded["service"], recorded["source"], recorded["state"], recorded["count"]) == (
        "shop", "am", "firing", 1,
    )  # fmt: skip
    assert (down["incident"], down["state"]) == ("INC-1", "resolved")
    assert down["decision"] == "opened INC-1: first alert of shop"
    assert down["since"] < down["ended_at"]
    assert "silence" in held["decision"]
    assert recorded["ended_at"] is None
    for asked, found in (
        ({"state": "firing"}, ["Held", "Quiet"]),
        ({"service": "shop"}, ["Down", "Quiet"]),
        ({"service": "nowhere"}, []),
        ({"name": "Down"}, ["Down"]),
        ({"source": "am", "state": "resolved"}, ["Down"]),
        ({"source": "other"}, []),
        ({"disposition": "recorded"}, ["Quiet"]),
        ({"incident": "INC-1"}, ["Down"]),
        ({"incident": "99"}, []),
        ({"id_end": recorded["id"][-12:].upper()}, ["Quiet"]),
    ):
        assert await names(api, **asked) == found, asked
    one = await client.alert(recorded["id"])
    assert {n: one[n] for n in recorded} == recorded
    assert one["labels"]["environment"] == "staging"
    assert one["annotations"] == {"summary": "Quiet is wrong"}


async def test_pages_have_all_of_them_once(api18: Api) -> None:
    door = api18.client(await source(api18))
    await door.post_alerts(webhook(*(alert(f"A{n}", "shop", n=str(n)) for n in range(7))))
    found: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = await api18.client().alerts(limit=3, cursor=cursor)
        found += [one["name"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert sorted(found) == [f"A{n}" for n in range(7)]


async def test_nobody_finds_what_they_may_not_see(api: Api) -> None:
    guards = api.client(await source(api, "guards"))
    with api.pg.connect() as conn:
        conn.execute("update warroom.source set visibility = 'security' where key = 'guards'")
    await api.client(await source(api)).post_alerts(webhook(alert("Open", "shop")))
    await guards.post_alerts(webhook(alert("Theft", "vault")))
    luc, eve = (api.client(api.token(name, "read")) for name in ("luc", "eve"))
    with api.pg.connect() as conn:
        conn.execute("update warroom.principal set sees_security = true where name = 'eve'")
    assert [one["name"] for one in (await eve.alerts())["items"]] == ["Theft", "Open"]
    (theft,) = (await eve.alerts(name="Theft"))["items"]
    assert [one["name"] for one in (await luc.alerts())["items"]] == ["Open"]
    for asked in ({"id_end": theft["id"][-6:]}, {"service": "vault"}, {"incident": "INC-2"}):
        assert (await luc.alerts(**asked))["items"] == []
    with pytest.raises(NotFound):
        await luc.alert(theft["id"])
    with api.pg.connect() as conn:
        conn.execute("update warroom.principal set units = '{other}' where name = 'luc'")
    assert (await luc.alerts())["items"] == []
    with pytest.raises(Forbidden):
        await guards.alerts()


async def test_what_cannot_be_looked_for_is_refused(api18: Api) -> None:
    client = api18.client()
    for asked in (
        {"state": "odd"}, {"disposition": "odd"}, {"name": "a\0b"}, {"name": ""},
        {"incident": "x"}, {"id_end": "%"}, {"id_end": ""}, {"cursor": "x"}, {"limit": 0},
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            await client.alerts(**asked)
    with pytest.raises(InvalidInput):
        await client.alert("x")
    with pytest.raises(NotFound):
        await client.alert("00000000-0000-7000-8000-00000000ffff")


async def test_the_command_line_lists_and_shows_them_harmlessly(api18: Api) -> None:
    env, client = login(api18), api18.client()
    door = api18.client(await source(api18))
    assert (await warroom("alert", "list", **env))[1] == "There is no such alert.\n"
    bad = alert(HOSTILE, "shop", note=HOSTILE)
    bad["annotations"] = {"summary": HOSTILE, "description": f"one\n{HOSTILE}"}
    await door.post_alerts(webhook(bad, alert("Other", "else")))
    (one,) = (await client.alerts(service="shop"))["items"]
    code, out, err = await warroom("alert", "list", "--service", "shop", **env)
    assert (code, err) == (0, "")
    assert one["decision"] in out
    assert "Other" not in out
    shown = (await warroom("alert", "show", one["id"][-5:], **env))[1]
    assert one["decision"] in shown
    room = (await warroom("incident", "show", one["incident"], **env))[1]
    assert one["decision"] in room
    for text in (out, shown, room):
        assert "[red]Disk" in text
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
    code, out, _ = await warroom("alert", "list", "--limit", "1", **env)
    assert "There are more" in out
    found = json.loads((await warroom("alert", "list", "--json", **env))[1])
    assert len(found["items"]) == 2
    found = json.loads((await warroom("incident", "show", one["incident"], "--json", **env))[1])
    assert [a["decision"] for a in found["alerts"]] == [one["decision"]]
    code, _, err = await warroom("alert", "show", "0000000", **env)
    assert (code, "there is none" in err) == (1, True)
    code, _, err = await warroom("alert", "show", "nonsense", **env)
    assert code != 0
