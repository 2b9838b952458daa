"""Commands over HTTP: what they change, what refuses them, and that each happens once."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.api.conftest import Api
from warroom.client import new_key
from warroom.errors import (
    Forbidden,
    IdempotencyMismatch,
    InvalidInput,
    NotFound,
    Refused,
    Unauthenticated,
    VersionConflict,
)


async def test_declare_acknowledge_log_resolve(api: Api) -> None:
    client = api.client()
    await client.add("services", {"key": "pg-main", "name": "Main", "tier": 0})
    made = await client.declare("Checkout [bold]fails", 1, services=["pg-main"], summary="x")
    assert (made["ref"], made["status"], made["version"]) == ("INC-1", "triggered", 1)
    assert made["next_timer"]["kind"] == "escalate"
    acked = await client.acknowledge("INC-1", 1)
    assert (acked["status"], acked["version"], acked["owner"]["name"]) == ("acknowledged", 2, "ana")
    assert acked["next_timer"] is None
    await client.log_entry("inc-1", "hypothesis", "pool leak", confidence=0.5)
    done = await client.resolve("1", 2, note="restarted")
    assert (done["status"], done["version"]) == ("resolved", 3)
    entries = (await client.timeline("INC-1"))["items"]
    assert [e["kind"] for e in entries].count("status") == 3
    assert {"pool leak", "restarted"} <= {e["text"] for e in entries}
    verdict = await client.verify_audit()
    assert verdict["verified"] is True
    assert verdict["problems"] == []
    # Every command stands in the audit under its name, with its actor.
    assert api.count("audit", "command = 'incident.acknowledge' and actor_kind = 'person'") >= 3


async def test_a_stale_version_conflicts_and_shows_both_states(api: Api) -> None:
    client = api.client()
    await client.declare("x", 2)
    with pytest.raises(VersionConflict, match="you saw version 7, it is 1") as caught:
        await client.acknowledge("INC-1", 7)
    assert caught.value.current is not None
    assert caught.value.current["status"] == "triggered"


async def test_a_rule_refuses_with_a_sentence(api: Api) -> None:
    client = api.client()
    await client.declare("x", 2)
    await client.acknowledge("INC-1", 1)
    with pytest.raises(Refused, match="already acknowledged by you") as caught:
        await client.acknowledge("INC-1", 2)
    assert caught.value.rule == "not-acknowledged"
    assert caught.value.current is not None
    assert caught.value.current["version"] == 2


async def test_one_key_is_one_effect_however_often_and_at_once(api: Api) -> None:
    client = api.client()
    key = new_key()
    answers = await asyncio.gather(
        *(client.declare("once", 3, key=key) for _ in range(16)), return_exceptions=True
    )
    known = [a for a in answers if isinstance(a, dict)]
    assert known
    assert {a["ref"] for a in known} == {"INC-1"}
    assert (await client.declare("once", 3, key=key))["ref"] == "INC-1"
    assert api.count("incident") == 1


async def test_a_key_with_another_body_is_refused(api: Api) -> None:
    client = api.client()
    await client.declare("once", 3, key="k")
    with pytest.raises(IdempotencyMismatch):
        await client.declare("twice", 3, key="k")
    assert api.count("incident") == 1


async def test_a_refusal_is_not_stored_under_its_key(api: Api) -> None:
    client = api.client()
    with pytest.raises(InvalidInput, match="no service"):
        await client.declare("x", 3, services=["new"], key="k")
    await client.add("services", {"key": "new"})
    assert (await client.declare("x", 3, services=["new"], key="k"))["ref"] == "INC-1"


async def test_a_command_without_a_key_is_refused_and_named(api18: Api) -> None:
    async with httpx.AsyncClient(base_url=api18.url) as http:
        answer = await http.post(
            "/v1/incidents",
            json={"title": "x", "severity": 1},
            headers={"Authorization": f"Bearer {api18.admin_token}"},
        )
    problem = answer.json()
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["field"] == "Idempotency-Key"
    assert problem["remedy"]
    assert problem["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": "", "severity": 1}, "title"),
        ({"title": "x" * 201, "severity": 1}, "title"),
        ({"title": "x", "severity": 0}, "severity"),
        ({"title": "x", "severity": "1"}, "severity"),
        ({"title": "x", "severity": 1, "tittle": "y"}, "tittle"),
        ({"title": "a\x00b", "severity": 1}, "title"),
        ({"title": "\ud800", "severity": 1}, "title"),
    ],
)
async def test_bad_input_names_the_field(api18: Api, body: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await api18.client().request("POST", "/v1/incidents", body=body, key=new_key())
    assert caught.value.field == field
    assert api18.count("incident") == 0


async def test_tokens_scopes_and_revocation(api: Api) -> None:
    reader = api.client(api.token("rita", "read"))
    assert (await reader.incidents())["items"] == []
    with pytest.raises(Forbidden, match="respond"):
        await reader.declare("x", 1)
    with pytest.raises(Unauthenticated):
        await api.client("wrong").me()
    admin = api.client()
    made = await admin.add("people", {"name": "luc"})
    luc = api.client(made["token"])
    assert (await luc.me())["name"] == "luc"
    with pytest.raises(Forbidden, match="admin"):
        await luc.add("teams", {"key": "t", "name": "T"})
    tokens = {t["person"]: t["id"] for t in (await admin.list_of("tokens"))["items"]}
    await admin.revoke_token(tokens["luc"])
    with pytest.raises(Unauthenticated, match="revoked"):
        await luc.me()
    # A token stands nowhere in the database but as its hash.
    with api.pg.connect() as conn:
        rows = conn.execute("select payload from warroom.audit").fetchall()
        keys = conn.execute("select answer::text from warroom.idempotency").fetchall()
    assert made["token"] not in str(rows) + str(keys)


async def test_pages_hold_every_incident_once(api: Api) -> None:
    client = api.client()
    for number in range(7):
        await client.declare(f"i{number}", 3)
    seen: list[str] = []
    cursor = None
    while True:
        page = await client.incidents(limit=3, cursor=cursor)
        seen += [item["ref"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"INC-{n}" for n in range(7, 0, -1)]
    with pytest.raises(InvalidInput) as caught:
        await client.incidents(cursor="!!!")
    assert caught.value.field == "cursor"


async def test_what_is_not_there_is_not_found(api18: Api) -> None:
    client = api18.client()
    for ref in ("INC-99", "00000000-0000-7000-8000-000000000009"):
        with pytest.raises(NotFound):
            await client.incident(ref)
    for ref in ("nonsense", "99999999999999999999"):
        with pytest.raises(InvalidInput):
            await client.incident(ref)


async def test_a_person_sees_only_their_unit(api: Api) -> None:
    admin = api.client()
    await admin.declare("ours", 1)
    made = await admin.add("people", {"name": "ola", "units": ["other"]})
    ola = api.client(made["token"])
    assert (await ola.incidents())["items"] == []
    with pytest.raises(NotFound):
        await ola.incident("INC-1")
    with pytest.raises(NotFound):
        await ola.acknowledge("INC-1", 1)
