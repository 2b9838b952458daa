"""A token that was good a moment ago is looked at again when what it brought is stored."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.test_doors import alert, source, webhook
from tests.api.test_sources import post
from tests.helpers import wait_until
from warroom.api.auth import PROVEN_WHEN_STORED
from warroom.api.ingest import DOORS
from warroom.api.said import Said
from warroom.api.token_lookup import TokenLookup

PROMETHEUS = "/api/v2/alerts"
WEBHOOK = "/v1/ingest/alertmanager"


def of_prometheus(name: str) -> list[dict[str, object]]:
    return [{"labels": {"alertname": name, "service": "shop"}}]


def revoke_all(api: Api) -> None:
    """Revoke every source's token behind the API's back."""
    with api.pg.connect() as conn:
        conn.execute(
            "update warroom.api_token set revoked_at = now() where principal_id in"
            " (select principal_id from warroom.source)"
        )


async def heard(api: Api, token: str) -> None:
    """Bring one alert, so that the API has just been told whose the token is."""
    assert (await post(api, PROMETHEUS, of_prometheus("Before"), token)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [(PROMETHEUS, of_prometheus("After")), (WEBHOOK, webhook(alert("After", "shop")))],
)
async def test_a_revoked_token_is_refused_with_the_next_post(
    api: Api, path: str, body: object
) -> None:
    token = await source(api)
    await heard(api, token)
    revoke_all(api)
    answer = await post(api, path, body, token)
    assert answer.status_code == 401
    assert "This token was revoked" in answer.text
    assert (api.count("alert"), api.count("delivery")) == (1, 1)


async def test_the_time_goes_on_while_a_token_is_known(
    api18: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a token's row says of the time is as old as the row."""
    token = await source(api18)
    await heard(api18, token)
    said = TokenLookup.recent

    def long_ago(lookup: TokenLookup, digest: bytes) -> Said | None:
        found = said(lookup, digest)
        return found and Said(found.heard_at - 3600, found.row)

    monkeypatch.setattr(TokenLookup, "recent", long_ago)
    assert (await post(api18, PROMETHEUS, of_prometheus("After"), token)).status_code == 200
    assert api18.count("alert", "name = 'After' and starts_at > now() + interval '50 min'") == 1


async def test_what_a_revoked_token_brings_is_not_kept_in_quarantine_either(api18: Api) -> None:
    token = await source(api18)
    await heard(api18, token)
    revoke_all(api18)
    assert (await post(api18, PROMETHEUS, {"no": "list"}, token)).status_code == 401
    assert api18.count("delivery") == 1


async def test_a_neighbour_in_the_same_batch_is_stored(api18: Api) -> None:
    mine, other = await source(api18), await source(api18, "other")
    for token in (mine, other):
        await heard(api18, token)
    with api18.pg.connect() as conn:
        conn.execute(
            "update warroom.api_token set revoked_at = now() where principal_id ="
            " (select principal_id from warroom.source where key = 'am')"
        )
    answers = await asyncio.gather(
        *(
            post(api18, PROMETHEUS, of_prometheus(f"{n}"), token)
            for n in range(8)
            for token in (mine, other)
        )
    )
    assert [a.status_code for a in answers] == [401, 200] * 8
    await wait_until(lambda: api18.count("intake") == 0, what="the alerts that wait")
    assert api18.count("alert") == 2 + 8


async def test_what_a_source_may_now_holds_at_once(api18: Api) -> None:
    admin = api18.client()
    token = await source(api18)
    await heard(api18, token)
    await admin.change_source("am", {"service_label": "shelf"})
    body = [{"labels": {"alertname": "Read", "service": "shop", "shelf": "wine"}}]
    assert (await post(api18, PROMETHEUS, body, token)).status_code == 200
    with api18.pg.connect() as conn:
        row = conn.execute(
            "select s.key from warroom.alert a join warroom.service s on s.id = a.service_id"
            " where a.name = 'Read'"
        ).fetchone()
    assert row == ("wine",)


def test_what_is_believed_for_a_moment_is_for_doors_that_prove_it() -> None:
    assert set(DOORS) == PROVEN_WHEN_STORED


async def test_the_straight_doors_answer_as_they_are_described(api18: Api) -> None:
    token = await source(api18)
    async with httpx.AsyncClient(base_url=api18.url) as http:
        described = (await http.get("/openapi.json")).json()["paths"]
    assert {"post", "get"} <= set(described[PROMETHEUS])
    assert "post" in described[WEBHOOK]
    answer = await post(api18, PROMETHEUS, of_prometheus("A"), token)
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"delivery", "alerts", "new", "incidents"}
    wrong = await post(api18, PROMETHEUS, [{"labels": {}}], token)
    assert wrong.status_code == 400
    assert "at least one label" in wrong.json()  # Alertmanager's clients read one JSON string
    person = api18.token("luc", "ingest")
    assert (await post(api18, PROMETHEUS, [], person)).status_code == 403
