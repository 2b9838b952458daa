"""What becomes of an alert, from the door to the record: rules, causes, flapping, triage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.api.conftest import Api, serving
from tests.api.room import texts, verified
from tests.api.test_doors import alert, source, webhook
from tests.e2e.test_engine import an_engine, run
from tests.pgfixtures import TestDatabase
from warroom.client import Client
from warroom.engine.runner import Engine
from warroom.errors import AlreadyExists, InvalidInput, NotFound, VersionConflict

Json = dict[str, Any]


@pytest_asyncio.fixture
async def api(pg18: TestDatabase) -> AsyncIterator[Api]:
    """The API, with checkout hard on payments hard on pg-main, and search soft on it."""
    async with serving(pg18) as running:
        client = running.client()
        await client.add("services", {"key": "pg-main", "tier": 0, "region": "eu"})
        for key in ("payments", "checkout"):
            await client.add("services", {"key": key, "tier": 1, "region": "eu"})
        for key in ("search", "blog"):
            await client.add("services", {"key": key, "region": "us"})
        for key, needs, hardness in (
            ("payments", "pg-main", "hard"),
            ("checkout", "payments", "hard"),
            ("search", "pg-main", "soft"),
        ):
            await client.add(
                "dependencies", {"service": key, "depends_on": needs, "hardness": hardness}
            )
        yield running


@pytest_asyncio.fixture
async def engine(pg18: TestDatabase) -> AsyncIterator[Engine]:
    """An engine whose cycles the test runs itself."""
    made = an_engine(pg18)
    yield made
    await made._db.close()


@pytest_asyncio.fixture
async def door(api: Api) -> Client:
    """A client with the token of a source."""
    return api.client(await source(api))


def fates(api: Api) -> dict[str, Json]:
    """Return what is kept of every alert, by name."""
    with api.pg.connect() as conn:
        cursor = conn.execute(
            "select a.name, i.number, a.decision, a.disposition, a.priority, a.priority_reason,"
            " a.flapping, a.visibility, a.decide_at is not null from warroom.alert a"
            " left join warroom.incident i on i.id = a.incident_id"
        )
        return {
            r[0]: {"on": r[1], "why": r[2], "fate": r[3], "priority": r[4], "reason": r[5],
                   "flaps": r[6], "seen": r[7], "waits": r[8]}
            for r in cursor.fetchall()
        }  # fmt: skip


def sql(api: Api, statement: str) -> None:
    with api.pg.connect() as conn:
        conn.execute(statement)


# Causes


async def test_what_depends_hard_joins_the_incident_of_what_failed(api: Api, door: Client) -> None:
    await door.post_alerts(webhook(alert("PgDown", "pg-main")))
    one = await api.client().incident("INC-1")
    await api.client().set_service("INC-1", one["version"], "pg-main", "down")
    await door.post_alerts(webhook(alert("Errors", "checkout"), alert("Lag", "search")))
    found = fates(api)
    assert found["Errors"]["on"] == 1
    since = found["Errors"]["why"].rpartition("down since ")[2]
    assert found["Errors"]["why"] == (
        f"joined INC-1: checkout depends hard on pg-main through payments, down since {since}"
    )
    # Whatever comes later, the reason stays on it.
    await door.post_alerts(webhook(alert("Errors", "checkout"), alert("Errors", "checkout")))
    await door.post_alerts(webhook(alert("Errors", "checkout", "resolved")))
    assert fates(api)["Errors"]["why"] == found["Errors"]["why"]
    # Soft is not hard, and what nothing depends on stays alone.
    assert found["Lag"]["on"] == 2
    after = await api.client().incident("INC-1")
    assert {s["key"] for s in after["services"]} == {"pg-main"}  # the others are its impact
    assert after["alert_count"] == 2
    await verified(api)


async def test_one_body_with_cause_and_consequences_opens_one_incident(
    api: Api, door: Client
) -> None:
    await door.post_alerts(
        webhook(alert("A", "checkout"), alert("B", "payments"), alert("C", "pg-main"))
    )
    assert {name: f["on"] for name, f in fates(api).items()} == {"A": 1, "B": 1, "C": 1}
    one = await api.client().incident("INC-1")
    assert (one["alert_count"], one["title"]) == (3, "pg-main: C is wrong")
    # The impact knows what the incident was opened for, and what joined.
    assert {s["key"] for s in one["services"]} == {"pg-main"}


@pytest.mark.parametrize("end", ["resolved", "recovered", "mild"])
async def test_a_cause_that_is_over_or_mild_takes_nothing_in(
    api: Api, door: Client, end: str
) -> None:
    word = "warning" if end == "mild" else "critical"
    await door.post_alerts(webhook(alert("PgDown", "pg-main", severity=word)))
    one = await api.client().incident("INC-1")
    if end == "resolved":
        await api.client().resolve("INC-1", one["version"])
    elif end == "recovered":
        await api.client().set_service("INC-1", one["version"], "pg-main", "recovered")
    await door.post_alerts(webhook(alert("Errors", "payments")))
    assert fates(api)["Errors"]["on"] == 2


async def test_a_redundant_dependency_is_no_cause_alone(api: Api, door: Client) -> None:
    client = api.client()
    for key in ("cache-a", "cache-b"):
        await client.add("services", {"key": key})
        await client.add(
            "dependencies",
            {"service": "blog", "depends_on": key, "redundancy_group": "cache",
             "redundancy_needed": 1},
        )  # fmt: skip
    await door.post_alerts(webhook(alert("Down", "cache-a")))
    await door.post_alerts(webhook(alert("Slow", "blog")))
    assert fates(api)["Slow"]["on"] == 2


async def test_a_cause_that_comes_late_merges_what_it_explains(
    api: Api, door: Client, engine: Engine
) -> None:
    await door.post_alerts(webhook(alert("Errors", "checkout")))
    await door.post_alerts(webhook(alert("Other", "blog")))
    assert await run(engine, "late causes") == "no late cause"
    await door.post_alerts(webhook(alert("PgDown", "pg-main", severity="error")))
    assert {f["on"] for f in fates(api).values()} == {1, 2, 3}
    assert await run(engine, "late causes") == "1 incidents merged into that of their cause"
    found = fates(api)
    assert {name: f["on"] for name, f in found.items()} == {"Errors": 3, "Other": 2, "PgDown": 3}
    assert found["Errors"]["why"].startswith(
        "moved to INC-3 with INC-1: checkout depends hard on pg-main through payments, failing"
        " since "
    )
    gone = await api.client().incident("INC-1")
    assert (gone["status"], gone["resolution"], gone["merged_into"]) == (
        "resolved", "merged", "INC-3",
    )  # fmt: skip
    # The worse of the two is what the common one is.
    assert (await api.client().incident("INC-3"))["severity"] == 1
    # What follows from the cause is its impact, as if it had come after it.
    assert [x["key"] for x in (await api.client().incident("INC-3"))["services"]] == ["pg-main"]
    assert "checkout" in {n["key"] for n in (await api.client().impact("INC-3"))["nodes"]}
    assert any("merged into this by engine" in t for t in await texts(api, "INC-3"))
    told = "payload->>'type' = 'incident.merge' and payload->>'text' like 'INC-1 is part of INC-3%'"
    assert api.count("outbox", told) == api.count("channel") > 0
    assert await run(engine, "late causes") == "no late cause"
    await verified(api)


async def test_what_somebody_works_on_is_left_where_it_is(
    api: Api, door: Client, engine: Engine
) -> None:
    await door.post_alerts(webhook(alert("Errors", "checkout")))
    one = await api.client().incident("INC-1")
    await api.client().set_status("INC-1", one["version"], "investigating")
    await door.post_alerts(webhook(alert("PgDown", "pg-main")))
    assert await run(engine, "late causes") == "no late cause"


# Rules


async def test_rules_are_read_and_changed_while_alerts_come(api: Api, door: Client) -> None:
    client = api.client()
    made = await client.add_rule("region", "group", spec={"by": ["region"], "window_s": 900})
    with pytest.raises(AlreadyExists):
        await client.add_rule("region", "group")
    with pytest.raises(NotFound):
        await client.add_rule("p", "declare", spec={"policy": "nobody"})
    with pytest.raises(InvalidInput):
        await client.add_rule("q", "group", matches={"colour": ["red"]})
    await door.post_alerts(webhook(alert("A", "search"), alert("B", "blog")))
    await door.post_alerts(webhook(alert("C", "blog")))
    found = fates(api)
    assert {f["on"] for f in found.values()} == {1}
    assert found["C"]["why"] == "joined INC-1: region=us (rule region), within 15 min"
    assert (await client.try_rules({"service": "blog", "labels": {"a": "b"}}))["grouped_by"] == (
        "region: region=us"
    )
    off = await client.set_rule("region", made["version"], {"enabled": False})
    with pytest.raises(VersionConflict) as caught:
        await client.remove_rule("region", made["version"])
    assert (caught.value.current or {})["version"] == off["version"] == 2
    await door.post_alerts(webhook(alert("D", "payments", severity="warning")))
    assert fates(api)["D"]["why"] == "opened INC-2: first alert of payments"
    assert (await client.remove_rule("region", off["version"]))["key"] == "region"
    assert (await client.list_of("alert-rules"))["items"] == []
    assert api.count("audit", "table_name = 'alert_rule' and command like 'rule.%'") == 3
    assert api.count("history", "table_name = 'alert_rule'") == 2
    await verified(api)


async def test_a_group_by_region_reads_the_label_where_the_catalogue_is_silent(
    api: Api, door: Client
) -> None:
    await api.client().add_rule(
        "region", "group", matches={"label:grp": ["*"]}, spec={"by": ["region"], "window_s": 900}
    )
    await door.post_alerts(
        webhook(alert("A", "n1", region="ap", grp="g"), alert("B", "n2", region="af", grp="g"))
    )
    await door.post_alerts(webhook(alert("C", "n3", region="ap", grp="g")))
    # What the catalogue says of a service counts more than a label.
    await door.post_alerts(webhook(alert("D", "blog", region="ap", grp="g")))
    found = fates(api)
    assert found["C"]["on"] == found["A"]["on"]
    assert len({found[name]["on"] for name in "ABD"}) == 3


async def test_priority_is_the_businesss_and_lifts_a_mild_word(api: Api, door: Client) -> None:
    await door.post_alerts(
        webhook(
            alert("Notice", "pg-main", severity="info"),
            alert("Staged", "payments", env="staging"),
        )
    )
    found = fates(api)
    assert (found["Notice"]["priority"], found["Notice"]["reason"]) == (1, "tier 0")
    assert (await api.client().incident(f"INC-{found['Notice']['on']}"))["severity"] == 3
    assert (found["Staged"]["priority"], found["Staged"]["reason"]) == (
        5, "tier 1, but staging is not production",
    )  # fmt: skip
    # What breaks in staging is no consequence of production.
    assert found["Staged"]["on"] != found["Notice"]["on"]


async def test_an_alert_that_must_hold_is_decided_once_by_the_clock(
    api: Api, door: Client, engine: Engine
) -> None:
    await api.client().add_rule("slow", "declare", matches={"name": ["Slow*"]},
                                spec={"for_s": 300, "forgive_s": 60})  # fmt: skip
    await door.post_alerts(webhook(alert("SlowA", "blog"), alert("Down", "search")))
    found = fates(api)
    assert found["SlowA"] | {"priority": 0, "reason": ""} == {
        "on": None, "why": "waits 5 min more: it must hold for 5 min (rule slow)",
        "fate": "waiting", "priority": 0, "reason": "", "flaps": None, "seen": "normal",
        "waits": True,
    }  # fmt: skip
    assert found["Down"]["fate"] == "declared"
    assert await run(engine, "deferred") == "nothing waits for a decision that is due"
    await door.post_alerts(webhook(alert("SlowA", "blog")))  # a repeat changes nothing
    assert fates(api)["SlowA"]["fate"] == "waiting"
    sql(api, "update warroom.alert set decide_at = now() where name = 'SlowA'")
    assert await run(engine, "deferred") == "1 alerts decided, 1 incidents opened"
    assert await run(engine, "deferred") == "nothing waits for a decision that is due"
    assert fates(api)["SlowA"]["why"] == "opened INC-2: first alert of blog"
    assert (await api.client().incident("INC-2"))["alert_count"] == 1
    assert api.count("timer", "state = 'armed' and kind = 'escalate'") == 2
    await door.post_alerts(webhook(alert("SlowB", "blog"), alert("SlowB", "blog", "resolved")))
    sql(api, "update warroom.alert set decide_at = now() where name = 'SlowB'")
    # What is over by then opens nothing.
    assert await run(engine, "deferred") == "nothing waits for a decision that is due"


async def test_a_rate_is_counted_over_bodies_and_within_one(api: Api, door: Client) -> None:
    await api.client().add_rule("many", "declare", matches={"service": ["blog"]},
                                spec={"count": 4, "within_s": 600})  # fmt: skip
    await door.post_alerts(webhook(*(alert("E", "blog", instance=str(n)) for n in range(2))))
    assert api.count("incident") == 0
    assert fates(api)["E"]["why"] == "recorded only: 2 of 4 within 10 min (rule many)"
    await door.post_alerts(webhook(*(alert("E", "blog", instance=str(n)) for n in range(2, 5))))
    assert api.count("incident") == 1
    assert (await api.client().incident("INC-1"))["alert_count"] == 2


async def test_a_flapping_alert_opens_nothing_and_is_decided_when_it_is_steady(
    api: Api, door: Client, engine: Engine
) -> None:
    async def flip(times: int) -> None:
        for n in range(times):
            begun = alert("Flaps", "blog") | {"startsAt": f"2026-01-02T0{n}:00:00Z"}
            await door.post_alerts(webhook(begun))
            ended = begun | {"status": "resolved", "endsAt": f"2026-01-02T0{n}:30:00Z"}
            await door.post_alerts(webhook(ended))

    await flip(4)
    one = await api.client().incident("INC-1")
    said = await texts(api, "INC-1")
    assert sum("alert Flaps flaps: 6 changes in 15 min" in t for t in said) == 1
    assert sum(t.startswith("alert Flaps") for t in said) == 6
    assert fates(api)["Flaps"]["flaps"] is True
    await api.client().resolve("INC-1", one["version"])
    again = alert("Flaps", "blog") | {"startsAt": "2026-01-02T09:00:00Z"}
    await door.post_alerts(webhook(again))
    found = fates(api)["Flaps"]
    assert (found["on"], found["fate"], found["waits"]) == (None, "recorded", True)
    assert found["why"] == "recorded only: it flaps, 9 changes in 15 min"
    # It holds: its changes leave the window, and it is decided as if it had just begun.
    sql(api, "update warroom.alert set decide_at = now(), flips ="
             " (select array_agg(f - interval '1 hour') from unnest(flips) f)")  # fmt: skip
    assert await run(engine, "deferred") == "1 alerts decided, 1 incidents opened"
    found = fates(api)["Flaps"]
    assert (found["on"], found["flaps"], found["fate"]) == (2, None, "declared")


async def test_what_is_security_is_known_to_few_and_wakes_nobody(api: Api, door: Client) -> None:
    await api.client().add("channels", {"key": "ops", "url": "http://127.0.0.1:9/x"})
    await api.client().add_rule("sec", "declare", matches={"label:class": ["security"]},
                                spec={"classification": "security"})  # fmt: skip
    await door.post_alerts(webhook(alert("Breach", "blog", **{"class": "security"})))
    assert fates(api)["Breach"]["seen"] == "security"
    assert api.count("incident", "visibility = 'security'") == 1
    assert api.count("timeline", "visibility <> 'security'") == 0
    assert (api.count("timer"), api.count("outbox")) == (0, 0)
    with pytest.raises(NotFound):
        await api.client(api.token("luc", "read", "respond")).incident("INC-1")
    # The body as it came says the same, so it is for the same people.
    assert api.count("delivery", "visibility = 'security'") == api.count("delivery") == 1
    # An ordinary alert of the service goes its own way.
    await door.post_alerts(webhook(alert("Slow", "blog")))
    assert api.count("delivery", "visibility = 'normal'") == 1
    assert fates(api)["Slow"]["on"] == 2
    # And its end, too, is told to nobody else.
    await door.post_alerts(webhook(alert("Breach", "blog", "resolved", **{"class": "security"})))
    assert api.count("timeline", "visibility = 'security'") == 4
    assert api.count("outbox", "visibility = 'security'") == 0
    # Of a body with both kinds the narrower one holds; what joins a restricted incident follows it.
    both = [alert("Slow", "blog"), alert("Breach", "blog", **{"class": "security"})]
    kept = await door.post_alerts(webhook(*both))
    assert api.count("delivery", f"id = '{kept['delivery']}' and visibility = 'security'") == 1
    slow = await api.client().incident("INC-2")
    await api.client().restrict(slow["ref"], slow["version"], "restricted")
    kept = await door.post_alerts(webhook(*both))
    assert api.count("delivery", f"id = '{kept['delivery']}' and visibility = 'restricted'") == 1


# Triage
