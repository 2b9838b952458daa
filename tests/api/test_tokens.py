"""Tokens that end by themselves: made, listed, refused with a sentence that says why."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timedelta

import pytest

from tests.api.conftest import Api
from tests.api.room import verified
from tests.api.test_commands import login
from tests.api.test_doors import alert, webhook
from tests.typist import warroom
from warroom.cli.duration import seconds
from warroom.errors import Forbidden, InvalidInput, NotFound, Refused, Unauthenticated

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("30d", 30 * DAY),
        ("12h", 12 * 3600),
        (" 90M ", 5400),
        ("45s", 45),
        ("2w", 14 * DAY),
        ("1d 1h", DAY + 3600),
    ],
)
def test_a_length_of_time_as_people_type_it(text: str, found: int) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5h", "1y", "١d", "1h1d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="45m, 2h"):
        seconds(text)


def lapse(api: Api, token_id: str) -> None:
    """Let the time of a token be over, as the database's clock will one day say itself."""
    with api.pg.connect() as conn:
        conn.execute(
            "update warroom.api_token set expires_at = now() - interval '1 minute' where id = %s",
            (token_id,),
        )


async def test_a_token_is_good_until_its_time_and_then_says_so(api: Api) -> None:
    admin = api.client()
    made = await admin.add(
        "tokens",
        {"person": "ana", "name": "ci", "scopes": ["read"], "expires_in_s": 30 * DAY},
    )
    listed = {t["id"]: t for t in (await admin.list_of("tokens"))["items"]}[made["id"]]
    lasts = datetime.fromisoformat(listed["expires_at"]) - datetime.fromisoformat(
        listed["created_at"]
    )
    assert lasts == timedelta(days=30)
    assert datetime.fromisoformat(made["expires_at"]) == datetime.fromisoformat(
        listed["expires_at"]
    )
    client = api.client(made["token"])
    assert (await client.me())["name"] == "ana"
    lapse(api, made["id"])
    with pytest.raises(Unauthenticated, match=r"This token expired (at|on) .* UTC\.") as caught:
        await client.me()
    assert "warroom token add" in (caught.value.remedy or "")


async def test_every_reason_of_a_refusal_has_its_sentence(api: Api) -> None:
    admin = api.client()
    with pytest.raises(Unauthenticated, match=r"This token is unknown\."):
        await api.client("wr_t_nobody").me()
    luc = await admin.add("people", {"name": "luc", "expires_in_s": DAY})
    assert luc["expires_at"] is not None
    tokens = (await admin.list_of("tokens"))["items"]
    mine = next(t for t in tokens if t["person"] == "luc")
    with api.pg.connect() as conn:
        conn.execute("update warroom.principal set disabled_at = now() where name = 'luc'")
    with pytest.raises(Unauthenticated, match="is disabled"):
        await api.client(luc["token"]).me()
    await admin.revoke_token(mine["id"])
    lapse(api, mine["id"])
    with pytest.raises(Unauthenticated, match="This token was revoked"):
        await api.client(luc["token"]).me()


@pytest.mark.parametrize("in_s", [0, 59, -1, 315_360_001, 1.5, "30d"])
async def test_a_lifetime_out_of_bounds_is_refused(api18: Api, in_s: object) -> None:
    body = {"person": "ana", "name": "x", "scopes": ["read"], "expires_in_s": in_s}
    with pytest.raises(InvalidInput) as caught:
        await api18.client().add("tokens", body)
    assert caught.value.field == "expires_in_s"


async def test_a_source_gets_another_token_and_keeps_the_old_one(api18: Api) -> None:
    admin = api18.client()
    first = await admin.add("sources", {"key": "am"})
    second = await admin.add_source_token("am", expires_in_s=DAY)
    assert first["token"] != second["token"]
    for made in (first, second):
        answer = await api18.client(made["token"]).post_alerts(webhook(alert("A", "shop")))
        assert answer["alerts"] == 1
    lapse(api18, second["id"])
    with pytest.raises(Unauthenticated, match="expired"):
        await api18.client(second["token"]).post_alerts(webhook())
    await api18.client(first["token"]).post_alerts(webhook())
    with pytest.raises(NotFound):
        await admin.add_source_token("nobody")
    with pytest.raises(Refused, match="own source"):
        await admin.add_source_token("war-room")


async def test_the_command_line_makes_lists_and_revokes(api18: Api) -> None:
    env = login(api18)
    code, out, _ = await warroom("token", "add", "ana", "--name", "ci", "--expires", "30d", **env)
    assert code == 0
    assert "expires_at: 20" in out
    assert out.endswith("The token is shown this once.\n")
    code, _, err = await warroom("token", "add", "ana", "--expires", "soon", **env)
    assert code == 2
    assert "30d" in err
    listed = json.loads((await warroom("token", "list", "--json", **env))[1])["items"]
    ci = next(t for t in listed if t["name"] == "ci")
    assert "expires_at" in (await warroom("token", "list", **env))[1].splitlines()[0]
    assert (await warroom("token", "revoke", ci["id"], **env))[0] == 0
    code, _, err = await warroom("token", "revoke", ci["id"], **env)
    assert (code, "no such token" in err) == (1, True)
    code, out, _ = await warroom("source", "add", "am", **env)
    assert code == 0
    code, out, _ = await warroom("source", "token", "am", "--expires", "1d", "--json", **env)
    assert json.loads(out)["token"].startswith("wr_s_")


async def test_a_persons_token_may_bring_alerts_as_those_of_a_source(api18: Api) -> None:
    admin = api18.client()
    await admin.add("sources", {"key": "by-hand", "name": "By hand"})
    both = {"person": "ana", "name": "amtool", "scopes": ["read", "ingest"]}
    for wrong in (both, both | {"scopes": ["read"], "source": "by-hand"}):
        with pytest.raises(InvalidInput, match="go together"):
            await admin.add("tokens", wrong)
    with pytest.raises(NotFound):
        await admin.add("tokens", both | {"source": "nowhere"})
    made = await admin.add("tokens", both | {"source": "by-hand"})
    client = api18.client(made["token"])
    await client.post_alerts(webhook(alert("Down", "pay")))
    assert (await client.me())["name"] == "ana"
    assert len((await client.incidents())["items"]) == 1
    with pytest.raises(Forbidden):
        await client.declare("x", 1)
    listed = {t["id"]: t for t in (await admin.list_of("tokens"))["items"]}
    assert listed[made["id"]]["source"] == "by-hand"
    # The source's rotation ends it with the rest.
    await admin.rotate_source("by-hand", grace_s=0)
    with pytest.raises(Unauthenticated):
        await client.me()
    await verified(api18)
