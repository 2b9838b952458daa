"""The directory over HTTP and from the command line: pages, shapes, and commands asked again."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.lossy_http import LossyHttp
from tests.api.test_commands import login
from tests.typist import warroom
from warroom.client import Client
from warroom.errors import InvalidInput

STEP = {"delay_s": 60, "target_kind": "team", "target": "owner"}
# What makes the n-th of each noun, and by which field its list is ordered.
NOUNS: dict[str, tuple[Any, str]] = {
    "people": (lambda n: {"name": f"Zoë {n}"}, "name"),
    "teams": (lambda n: {"key": f"t{n}", "name": f"T {n}"}, "key"),
    "services": (lambda n: {"key": f"Größe {n}"}, "key"),
    "policies": (lambda n: {"key": f"p{n}", "name": f"P {n}", "steps": [STEP]}, "key"),
    "sources": (lambda n: {"key": f"s{n}"}, "key"),
    "channels": (lambda n: {"key": f"c{n}", "url": f"https://hooks.example/{n}"}, "key"),
    "fields": (lambda n: {"key": f"f{n}", "label": f"F {n}", "type": "date"}, "key"),
    "tokens": (lambda n: {"person": "ana", "name": f"n{n}", "scopes": ["read"]}, "id"),
}


async def pages(client: Client, noun: str, limit: int) -> list[list[dict[str, Any]]]:
    found = []
    cursor: str | None = None
    while True:
        page = await client.list_of(noun, limit=limit, cursor=cursor)
        found.append(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("noun", list(NOUNS))
async def test_a_list_comes_in_pages_without_gaps_or_repeats(api: Api, noun: str) -> None:
    make, order = NOUNS[noun]
    client = api.client()
    for n in range(5):
        await client.add(noun, make(n))
    whole = (await client.list_of(noun, limit=500))["items"]
    assert len(whole) >= 5
    for limit in (1, 2, len(whole)):
        parts = await pages(client, noun, limit)
        assert [item for part in parts for item in part] == whole
        assert all(len(part) == limit for part in parts[:-1])
    names = [item[order] for item in whole]
    assert len(set(names)) == len(names)
    # One that comes meanwhile and belongs to a page already read moves nothing.
    first = await client.list_of(noun, limit=3)
    await client.add(noun, make(9))
    rest = await client.list_of(noun, limit=500, cursor=first["next_cursor"])
    assert [i[order] for i in first["items"]] == names[:3]
    assert set(names[3:]) <= {i[order] for i in rest["items"]}
    assert (await client.all_of(noun))["items"] == (await client.list_of(noun, limit=500))["items"]


NO_TEXT = ("!", "AA", "gA", "YQ=")  # not base64, NUL, half a character, not as we write it


@pytest.mark.parametrize(
    ("noun", "cursor"),
    [(noun, cursor) for noun in (*NOUNS, "incidents") for cursor in NO_TEXT]
    + [(noun, cursor) for noun in ("tokens", "incidents") for cursor in ("4pyT", "ICA", "wrI")],
)
async def test_a_cursor_that_is_none_of_ours_is_named(api18: Api, noun: str, cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await api18.client().list_of(noun, cursor=cursor)
    assert caught.value.field == "cursor"


async def test_the_description_names_every_field_of_the_directory(api18: Api) -> None:
    async with httpx.AsyncClient(base_url=api18.url) as http:
        document = (await http.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "directory" not in operation.get("tags", []):
                continue
            good = next(v for k, v in operation["responses"].items() if k.startswith("2"))
            schema = good["content"]["application/json"]["schema"]
            assert "$ref" in schema, f"{method} {path} has an answer without a shape"
            shape = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            if method == "get" and "items" in shape["properties"]:
                assert "$ref" in shape["properties"]["items"]["items"], path


async def test_a_lost_answer_is_asked_for_again_and_makes_nothing_twice(api18: Api) -> None:
    async with LossyHttp(api18.url).open() as door:
        env = login(api18) | {"WARROOM_API_URL": door.url}
        door.lose = 2
        code, out, err = await warroom("team", "add", "web", **env)
        assert (code, err) == (0, "")
        assert "key: web" in out
        assert door.lost == 2
        door.lose = 1
        code, _, err = await warroom("user", "add", "mira", **env)
        assert code == 0
        assert "the answer with its token was lost" in err
        assert "warroom token add" in err
        door.lose = 1
        code, out, err = await warroom("token", "add", "mira", "--json", **env)
        made = json.loads(out)
        assert (made["token"], "Revoke it" in err) == (None, True)
        door.lose = 1
        code, out, _ = await warroom("token", "revoke", made["id"], **env)
        assert (code, door.lose) == (0, 0)
        assert "revoked: True" in out
    assert api18.count("team", "key = 'web'") == 1
    assert api18.count("principal", "name = 'mira'") == 1
    assert api18.count("api_token", "revoked_at is not null") == 1


async def test_the_command_line_lists_beyond_the_first_page(api18: Api) -> None:
    with api18.pg.connect() as conn:
        conn.execute(
            "insert into warroom.team (key, name) select 't' || n, 'T'"
            " from generate_series(1, 620) n"
        )
    code, out, _ = await warroom("team", "list", **login(api18))
    assert (code, len(out.splitlines())) == (0, 1 + 620 + 1)  # the head, and "unassigned"
