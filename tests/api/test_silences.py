"""Silences: what they hold back and what they never do, who may make them, and what is refused."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.room import verified
from tests.api.test_doors import alert, source, webhook
from warroom.cli.main import main
from warroom.errors import Forbidden, InvalidInput, NotFound, Refused

Json = dict[str, Any]
HOSTILE = '\x1b]0;gone\x07 \u202edrab\u200b "quoted" \\ \n [red]x[/red] né'


def one(api: Api, query: str, *args: object) -> Any:
    with api.pg.connect() as conn:
        return conn.execute(query, args).fetchone()


def decision(api: Api, name: str) -> tuple[str, str, bool]:
    """Return an alert's state, its decision, and whether it is on an incident."""
    row = one(
        api, "select state, decision, incident_id is not null from warroom.alert where name = %s",
        name,
    )  # fmt: skip
    return (row[0], row[1], row[2])


def as_client(api: Api, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=api.url, headers={"Authorization": f"Bearer {token}"})


def silence(**fields: object) -> Json:
    """Return a silence as amtool posts one."""
    until = datetime.now(UTC) + timedelta(hours=1)
    return {
        "matchers": [{"name": "service", "value": "pay", "isRegex": False, "isEqual": True}],
        "startsAt": datetime.now(UTC).isoformat(), "endsAt": until.isoformat(),
        "createdBy": "root", "comment": "planned",
    } | fields  # fmt: skip


async def test_a_silence_hides_new_incidents_and_nothing_else(api: Api) -> None:
    luc = api.client(api.token("luc", "read", "respond"))
    monitoring = api.client(await source(api))
    made = await luc.add_silence(['service=~"pay|cart"'], "planned work", for_s=3600)
    assert (made["state"], made["created_by"], made["matching"]) == ("active", "luc", 0)
    taken = await monitoring.post_alerts(webhook(alert("Down", "pay"), alert("Other", "shop")))
    assert (taken["new"], taken["incidents"]) == (2, ["INC-1"])
    state, why, attached = decision(api, "Down")
    assert (state, attached) == ("firing", False)
    assert why.startswith("silenced by luc until ")
    assert why.endswith(": planned work")
    # Repeats change nothing; each is on the record.
    await monitoring.post_alerts(webhook(alert("Down", "pay")))
    assert (api.count("incident"), api.count("alert_event")) == (1, 3)
    assert api.count("timer") == 1, "nobody is called for what is silenced"
    # The end is taken.
    await monitoring.post_alerts(webhook(alert("Down", "pay", "resolved")))
    assert decision(api, "Down")[0] == "resolved"
    await verified(api)


async def test_when_it_ends_what_still_fires_opens_its_incident(api: Api) -> None:
    luc = api.client(api.token("luc", "read", "respond"))
    monitoring = api.client(await source(api))
    made = await luc.add_silence(["service=pay"], "planned work", for_s=3600)
    await monitoring.post_alerts(webhook(alert("Down", "pay")))
    assert api.count("incident") == 0
    over = await luc.expire_silence(made["id"])
    assert (over["state"], over["expired_by"]) == ("expired", "luc")
    again = await luc.expire_silence(made["id"])
    assert (again["state"], again["version"]) == ("expired", over["version"])
    taken = await monitoring.post_alerts(webhook(alert("Down", "pay")))
    assert taken["incidents"] == ["INC-1"]
    assert decision(api, "Down")[2] is True
    await verified(api)


async def test_what_is_on_an_incident_stays_there_and_nothing_joins(api18: Api) -> None:
    luc = api18.client(api18.token("luc", "read", "respond"))
    monitoring = api18.client(await source(api18))
    await monitoring.post_alerts(webhook(alert("Down", "pay")))
    await luc.add_silence(["service=pay"], "planned work", for_s=3600)
    await monitoring.post_alerts(webhook(alert("Down", "pay"), alert("Slow", "pay")))
    assert decision(api18, "Down")[2] is True
    assert decision(api18, "Slow")[2] is False
    shown = await luc.incident("INC-1")
    assert (shown["alert_count"], shown["firing_count"]) == (1, 1)
    await monitoring.post_alerts(webhook(alert("Down", "pay", "resolved")))
    assert (await luc.incident("INC-1"))["firing_count"] == 0


async def test_the_time_of_a_silence_is_the_databases(api18: Api) -> None:
    luc = api18.client(api18.token("luc", "read", "respond"))
    monitoring = api18.client(await source(api18))
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = await luc.add_silence(["service=pay"], "later", starts_at=later, for_s=600)
    assert made["state"] == "pending"
    await monitoring.post_alerts(webhook(alert("Down", "pay")))
    assert api18.count("incident") == 1
    with api18.pg.connect() as conn:
        conn.execute(
            "update warroom.silence set starts_at = now() - interval '2 s',"
            " ends_at = now() - interval '1 s'"
        )
    assert (await luc.silences())["items"] == []
    assert [s["state"] for s in (await luc.silences(every=True))["items"]] == ["expired"]


async def test_its_past_can_be_read_and_every_change_is_audited(api: Api) -> None:
    luc = api.client(api.token("luc", "read", "respond"))
    made = await luc.add_silence(["service=pay"], "first reason", for_s=3600)
    (before,) = one(api, "select clock_timestamp()")
    async with as_client(api, api.token("mira", "respond")) as http:
        ends = (datetime.fromisoformat(made["ends_at"]) + timedelta(hours=2)).isoformat()
        body = silence(id=made["id"], comment="second reason", endsAt=ends,
                       startsAt=made["starts_at"])  # fmt: skip
        answer = await http.post("/api/v2/silences", json=body)
        assert answer.json() == {"silenceID": made["id"]}
        assert (await http.delete(f"/api/v2/silence/{made['id']}")).status_code == 200
    past = one(
        api, "select comment, expired_at from read_v1.silence_at(%s) where id = %s", before,
        made["id"],
    )  # fmt: skip
    assert past == ("first reason", None)
    now = one(api, "select comment, expired_at is null from read_v1.silence where true")
    assert now == ("second reason", False)
    with api.pg.connect() as conn:
        said = conn.execute(
            "select command, p.name from warroom.audit a join warroom.principal p"
            " on p.id = a.actor_id where table_name = 'silence' order by a.n"
        ).fetchall()
    assert said == [("silence.put", "luc"), ("silence.put", "mira"), ("silence.expire", "mira")]
    await verified(api)


async def test_the_same_asked_again_is_the_one_that_is_there(api: Api) -> None:
    """Alertmanager's clients send no idempotency key, and retry."""
    async with as_client(api, api.token("luc", "read", "respond")) as http:
        body = silence()
        answers = await asyncio.gather(
            *(http.post("/api/v2/silences", json=body) for _ in range(8))
        )
        assert {a.status_code for a in answers} == {200}
        assert len({a.json()["silenceID"] for a in answers}) == 1
        (found,) = (await http.get("/api/v2/silences")).json()
        # A changed one takes its place; an expired one is not brought back by a repeat.
        wider = silence(
            id=found["id"], matchers=[{"name": "service", "value": "p.*", "isRegex": True}]
        )
        other = (await http.post("/api/v2/silences", json=wider)).json()["silenceID"]
        assert other != found["id"]
        assert (await http.post("/api/v2/silences", json=wider)).json()["silenceID"] == other
        states = {
            s["id"]: s["status"]["state"] for s in (await http.get("/api/v2/silences")).json()
        }
        assert states == {found["id"]: "expired", other: "active"}
        fresh = (await http.post("/api/v2/silences", json=body)).json()["silenceID"]
        assert fresh not in states
    luc = api.client(api.token("mira", "respond"))
    first = await luc.add_silence(["service=x"], "planned", for_s=60, key="k")
    assert (await luc.add_silence(["service=x"], "planned", for_s=60, key="k"))["id"] == first["id"]
    await verified(api)


async def test_over_broad_silences_are_refused_by_name(api18: Api) -> None:
    luc = api18.client(api18.token("luc", "read", "respond"))
    monitoring = api18.client(await source(api18))
    many = [alert("Down", f"s{n}", zone="a" if n < 20 else "b") for n in range(30)]
    await monitoring.post_alerts(webhook(*many))
    reason = "the whole zone is drained for new switches"
    for matchers, rule in (
        (["service=~.*"], "silence-everything"), (["env!=test"], "silence-everything"),
        (["zone=a"], "silence-broad"), (["alertname=~.+"], "silence-broad"),
    ):  # fmt: skip
        with pytest.raises(Refused) as caught:
            await luc.add_silence(matchers, "planned", for_s=60)
        assert caught.value.rule == rule
    with pytest.raises(Refused) as long:
        await luc.add_silence(["zone=b"], "planned", for_s=8 * 86_400)
    assert long.value.rule == "silence-long"
    with pytest.raises(Refused):
        await luc.add_silence(["service=~.*"], reason, for_s=60)
    assert api18.count("silence") == 0
    assert (await luc.add_silence(["zone=a"], reason, for_s=60))["matching"] == 20
    assert (await luc.add_silence(["zone=b"], "planned", for_s=60))["matching"] == 10
    async with as_client(api18, api18.token("mira", "respond")) as http:
        anything = [{"name": "a", "value": ".*", "isRegex": True}]
        answer = await http.post("/api/v2/silences", json=silence(matchers=anything))
        assert answer.status_code == 400
        assert answer.json().startswith("At least one matcher must not match the empty string")
    for wrong in (["("], ["a=~("], [""], ["{"], ["a=b", "nonsense"]):
        with pytest.raises(InvalidInput):
            await luc.add_silence(wrong, "planned", for_s=60)
    with pytest.raises(InvalidInput):
        await luc.add_silence(["a=b"], "planned")
    with pytest.raises(InvalidInput):
        await luc.add_silence(["a=b"], "planned", ends_at="2020-01-01T00:00:00Z")
    with pytest.raises(NotFound):
        await luc.expire_silence("00000000-0000-7000-8000-000000000009")
    with pytest.raises(Forbidden):
        await api18.client(api18.token("ro", "read")).add_silence(["a=b"], "planned", for_s=60)


async def test_in_a_quiet_room_breadth_is_in_the_words(api18: Api) -> None:
    luc = api18.client(api18.token("luc", "read", "respond"))
    for matchers in (["alertname=~.+"], ["service=~..*", "env!=test"]):
        with pytest.raises(Refused) as caught:
            await luc.add_silence(matchers, "x", for_s=7 * 86_400)
        assert caught.value.rule == "silence-broad"
        made = await luc.add_silence(
            matchers, "the power of the whole site is off tonight", for_s=7 * 86_400
        )
        assert made["state"] == "active"


async def test_nobody_silences_what_they_may_not_see(api: Api) -> None:
    luc, eve = (api.client(api.token(name, "read", "respond")) for name in ("luc", "eve"))
    with api.pg.connect() as conn:
        conn.execute("update warroom.principal set units = '{other}' where name = 'luc'")
        conn.execute("update warroom.principal set sees_security = true where name = 'eve'")
    monitoring = api.client(await source(api))
    guards = api.client(await source(api, "guards"))
    with api.pg.connect() as conn:
        conn.execute("update warroom.source set visibility = 'security' where key = 'guards'")
    made = await luc.add_silence(["service=pay"], "not mine", for_s=600)
    assert (await eve.silences())["items"] == []
    with pytest.raises(NotFound):
        await eve.expire_silence(made["id"])
    mira_token = api.token("mira", "read", "respond")
    mira = api.client(mira_token)
    await mira.add_silence(["service=vault"], "noise", for_s=600)
    await monitoring.post_alerts(webhook(alert("Down", "pay")))
    await guards.post_alerts(webhook(alert("Theft", "vault")))
    assert api.count("incident") == 2, "neither was theirs to silence"
    door = await eve.add_silence(["service=door"], "a drill", for_s=600)
    await guards.post_alerts(webhook(alert("Open", "door")))
    assert api.count("incident") == 2
    # Whoever does not see all that it reaches does not prolong it, but may end it.
    async with as_client(api, mira_token) as http:
        answer = await http.post("/api/v2/silences", json=silence(id=door["id"]))
        assert (answer.status_code, "may not see" in answer.json()) == (403, True)
    assert (await mira.expire_silence(door["id"]))["expired_by"] == "mira"
    await verified(api)


async def test_the_command_line_makes_lists_and_ends_them(
    api18: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARROOM_API_URL", api18.url)
    monkeypatch.setenv("WARROOM_TOKEN", api18.token("luc", "read", "respond"))

    async def run(*words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, ["silence", *words])
        said = capsys.readouterr()
        # The API runs in this process, and logs its requests.
        lines = [line for line in said.out.splitlines(keepends=True) if " request " not in line]
        return code, "".join(lines), said.err

    assert (await run("list"))[1] == "No silence is in force.\n"
    code, out, _ = await run("add", 'service=~"pay.*"', "env=prod", "--for", "2h", "--reason",
                             HOSTILE, "--json")  # fmt: skip
    made = json.loads(out)
    assert (code, made["state"], len(made["matchers"])) == (0, "active", 2)
    code, out, _ = await run("list")
    assert '{env="prod", service=~"pay.*"}' in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    code, _, err = await run("add", "service=~.*", "--for", "1h", "--reason", "x")
    assert (code, "must not match the empty string" in err) == (1, True)
    code, _, err = await run("add", "nonsense", "--for", "1h", "--reason", "x")
    assert (code, "bad matcher format: nonsense" in err) == (2, True)
    code, out, _ = await run("expire", made["id"][-8:])  # the end of its id is enough
    assert (code, out.startswith(f"silence {made['id']} is over")) == (0, True)
    assert made["id"] in (await run("list", "--all"))[1]
