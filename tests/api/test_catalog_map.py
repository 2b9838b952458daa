"""Observed edges, corrections, short-lived workloads, coverage: over HTTP and as people type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_catalog_import import DATA, csv, edges
from tests.api.test_commands import login
from tests.typist import warroom
from warroom.client import Client
from warroom.db.engine import Database
from warroom.domain.principal import ENGINE_PRINCIPAL, CommandContext, Principal, PrincipalKind
from warroom.errors import Forbidden, InvalidInput, NotFound, Refused
from warroom.services.catalog import workloads

SERVICES = csv(s="key\ncheckout\norders\nmailer\npg-main\n")
GRAPH = [{"name": "g.json", "text": (DATA / "service-graph.json").read_text("utf-8")}]
PAIR = {"service": "checkout", "depends_on": "orders"}


async def seen(api: Api) -> Client:
    client = api.client()
    await client.import_catalog(SERVICES)
    await client.import_catalog(GRAPH)
    return client


async def states(client: Client, state: str = "all") -> dict[tuple[str, str], str]:
    items = (await client.observed(state=state))["items"]
    return {(i["service"], i["depends_on"]): i["state"] for i in items}


# Observed edges -----------------------------------------------------------------------------


async def test_what_was_seen_counts_only_once_a_person_confirms_it(api: Api) -> None:
    client = await seen(api)
    assert set((await states(client)).values()) == {"open"}
    assert len(await states(client)) == 3
    assert [e["counts"] for e in (await edges(client)).values()] == [False] * 3
    assert await client.decide_observed("confirm", [PAIR], hardness="soft") == {
        "verdict": "confirm", "decided": 1,
    }  # fmt: skip
    rest = [{"service": "orders", "depends_on": d} for d in ("mailer", "pg-main")]
    await client.decide_observed("reject", rest)
    assert await states(client, "open") == {}
    assert await states(client, "confirmed") == {("checkout", "orders"): "confirmed"}
    found = await edges(client)
    assert set(found) == {("checkout", "orders")}
    assert (found["checkout", "orders"]["counts"], found["checkout", "orders"]["hardness"]) == (
        True, "soft",
    )  # fmt: skip
    before = api.count("history")
    again = await client.import_catalog(GRAPH)
    assert (again["applied"], again["counts"]["dependencies_unchanged"]) == (False, 3)
    assert api.count("history") == before
    # A verdict can be changed.
    await client.decide_observed("reject", [PAIR])
    await client.decide_observed("confirm", rest[:1])
    assert await states(client, "confirmed") == {("orders", "mailer"): "confirmed"}
    assert (await client.verify_audit())["verified"] is True


async def test_nothing_is_decided_when_one_edge_was_not_seen(api18: Api) -> None:
    client = await seen(api18)
    with pytest.raises(NotFound, match="Nobody has observed"):
        await client.decide_observed(
            "confirm", [PAIR, {"service": "mailer", "depends_on": "orders"}]
        )
    assert set((await states(client)).values()) == {"open"}
    luc = api18.client(api18.token("luc", "read", "respond"))
    with pytest.raises(Forbidden):
        await luc.decide_observed("confirm", [PAIR])


async def test_what_people_declared_is_not_offered_again(api18: Api) -> None:
    client = api18.client()
    await client.import_catalog([*SERVICES, *csv(d="service,depends_on\ncheckout,orders\n")])
    done = await client.import_catalog(GRAPH)
    assert (done["counts"]["dependencies_added"], done["counts"]["dependencies_unchanged"]) == (
        2,
        1,
    )
    assert ("checkout", "orders") not in await states(client)
    # Declared after it was seen, it needs nobody's verdict any more.
    await client.add("dependencies", {"service": "orders", "depends_on": "mailer"})
    assert await states(client, "open") == {("orders", "pg-main"): "open"}
    assert (await states(client))["orders", "mailer"] == "declared"


async def test_names_that_only_traffic_knows_are_not_invented(api18: Api) -> None:
    done = await api18.client().import_catalog(GRAPH)
    assert {f["code"] for f in done["findings"]} == {"dangling"}
    assert (done["applied"], api18.count("dependency")) == (False, 0)


async def test_observed_edges_on_the_command_line(api18: Api) -> None:
    client = await seen(api18)
    env = login(api18)
    code, out, _ = await warroom("catalog", "observed", "list", **env)
    assert (code, out.count("open")) == (0, 3)
    code, out, _ = await warroom("catalog", "observed", "confirm", "checkout", "orders", **env)
    assert (code, out) == (0, "confirmed: 1\n")
    code, out, _ = await warroom("catalog", "observed", "reject", "--all", "--json", **env)
    assert json.loads(out) == {"verdict": "reject", "decided": 2}
    assert (await warroom("catalog", "observed", "confirm", **env))[0] == 2
    assert (await warroom("catalog", "observed", "confirm", "a", "b", **env))[0] == 1
    assert set((await states(client)).values()) == {"confirmed", "rejected"}


# Corrections --------------------------------------------------------------------------------


async def test_a_correction_that_an_incident_taught_changes_the_catalogue_once_accepted(
    api: Api,
) -> None:
    client = api.client()
    await client.import_catalog(SERVICES)
    incident = await client.declare("Orders fail", 2, services=["orders"])
    luc = api.client(api.token("luc", "read", "respond"))
    made = await luc.propose(
        "add-dependency", "orders", depends_on="pg-main", change={"hardness": "soft"},
        note="It was the pool", incident=incident["ref"],
    )  # fmt: skip
    assert made["sentence"] == "orders depends on pg-main: hardness becomes 'soft'"
    assert await edges(client) == {}
    with pytest.raises(Forbidden):
        await luc.decide_proposal(made["id"], "accept")
    (item,) = (await client.proposals())["items"]
    assert (item["incident"], item["proposed_by"]) == (incident["ref"], "luc")
    done = await client.decide_proposal(made["id"], "accept")
    assert done["state"] == "accepted"
    assert (await edges(client))["orders", "pg-main"]["hardness"] == "soft"
    with pytest.raises(Refused, match="accepted already"):
        await client.decide_proposal(made["id"], "reject")
    (file,) = (await client.proposal_patch())["files"]
    assert f"# {incident['ref']}: orders depends on pg-main" in file["text"]
    assert "component:default/pg-main" in file["text"]
    assert (await client.verify_audit())["verified"] is True


async def test_every_sort_of_correction(api18: Api) -> None:
    client = api18.client()
    await client.add("teams", {"key": "data", "name": "Data"})
    await client.import_catalog([*SERVICES, *csv(d="service,depends_on\norders,pg-main\n")])

    async def accept(action: str, service: str, **more: Any) -> None:
        made = await client.propose(action, service, **more)
        await client.decide_proposal(made["id"], "accept")

    await accept("change-dependency", "orders", depends_on="pg-main",
                 change={"sync": False, "group": "db", "needed": 2})  # fmt: skip
    edge = (await edges(client))["orders", "pg-main"]
    assert (edge["sync"], edge["redundancy_group"], edge["redundancy_needed"]) == (False, "db", 2)
    await accept("change-dependency", "orders", depends_on="pg-main", change={"group": None})
    assert (await edges(client))["orders", "pg-main"]["redundancy_group"] is None
    await accept("change-service", "orders", change={
        "tier": 0, "team": "data", "zone": "eu-1", "slo": 99.9,
        "links": [{"kind": "runbook", "url": "https://example.com/r"}],
    })  # fmt: skip
    items = {i["key"]: i for i in (await client.all_of("services"))["items"]}
    orders = items["orders"]
    assert (orders["tier"], orders["team"], orders["zone"], orders["slo"]) == (
        0,
        "data",
        "eu-1",
        99.9,
    )
    await accept("change-service", "orders", change={"zone": None, "links": None})
    items = {i["key"]: i for i in (await client.all_of("services"))["items"]}
    assert items["orders"]["zone"] is None
    await accept("remove-dependency", "orders", depends_on="pg-main")
    assert await edges(client) == {}
    assert (await client.verify_audit())["verified"] is True


@pytest.mark.parametrize(
    ("action", "more", "error"),
    [
        ("add-dependency", {}, InvalidInput),
        ("add-dependency", {"depends_on": "orders"}, InvalidInput),
        ("add-dependency", {"depends_on": "nowhere"}, NotFound),
        ("change-service", {}, InvalidInput),
        ("change-service", {"change": {"hardness": "soft"}}, InvalidInput),
        ("change-service", {"change": {"tier": 9}}, InvalidInput),
        ("change-service", {"change": {"name": None}}, InvalidInput),
        ("change-service", {"change": {"runbook_url": "javascript:alert(1)"}}, InvalidInput),
        ("change-service", {"change": {"tier": 1}, "incident": "INC-77"}, NotFound),
        ("remove-dependency", {"depends_on": "pg-main", "change": {"needed": 1}}, InvalidInput),
    ],
)
async def test_what_cannot_be_proposed(
    api18: Api, action: str, more: dict[str, Any], error: type[Exception]
) -> None:
    client = api18.client()
    await client.import_catalog(SERVICES)
    with pytest.raises(error):
        await client.propose(action, "orders", **more)
    assert api18.count("catalog_proposal") == 0


async def test_a_correction_that_would_change_nothing_stays_open(api18: Api) -> None:
    client = api18.client()
    await client.import_catalog([*SERVICES, *csv(d="service,depends_on\norders,pg-main\n")])
    made = await client.propose("add-dependency", "orders", depends_on="pg-main")
    with pytest.raises(Refused, match="already"):
        await client.decide_proposal(made["id"], "accept")
    made = await client.propose("remove-dependency", "orders", depends_on="mailer")
    with pytest.raises(Refused, match="does not depend"):
        await client.decide_proposal(made["id"], "accept")
    assert api18.count("catalog_proposal", "state = 'open'") == 2


async def test_corrections_on_the_command_line(api18: Api, tmp_path: Path) -> None:
    await api18.client().import_catalog(SERVICES)
    env = login(api18)
    code, out, err = await warroom(
        "catalog", "proposal", "add", "change-service", "orders", "--set", "tier=0",
        "--set", "region=eu\x1b[31m", "--note", "seen\nin\x1b[2J", "--json", **env,
    )  # fmt: skip
    assert (code, err) == (0, "")
    made = json.loads(out)
    listed = (await warroom("catalog", "proposal", "list", **env))[1]
    assert "orders: tier becomes 0" in listed
    assert "\x1b" not in listed
    assert (await warroom("catalog", "proposal", "accept", made["id"], **env))[0] == 0
    code, out, _ = await warroom("catalog", "proposal", "patch", "--out", str(tmp_path), **env)
    text = (tmp_path / "catalog-patch.yaml").read_text("utf-8")
    assert (code, text.startswith("# orders: tier becomes 0")) == (0, True)
    assert "\x1b" not in text
    code, out, _ = await warroom("catalog", "import", str(tmp_path), **env)
    assert (code, "nothing to change" in out) == (0, True)


# Short-lived workloads ----------------------------------------------------------------------


async def forget(api: Api) -> str:
    url = f"postgresql://warroom_engine@/{api.pg.name}?host={api.pg.server.cluster.socket_dir}"
    db = Database.open(url, role="engine", pool_size=2)
    engine = Principal(ENGINE_PRINCIPAL, "engine", PrincipalKind.AUTOMATION)
    try:
        return await workloads.forget_expired(db, CommandContext(engine, "test", "test"))
    finally:
        await db.close()


def age(api: Api, key: str) -> None:
    with api.pg.connect() as conn:
        conn.execute(
            "update warroom.service set expires_at = now() - interval '1 s', version = version + 1"
            " where key = %s",
            (key,),
        )


async def test_a_workload_comes_is_renewed_and_goes(api: Api) -> None:
    client = api.client()
    await client.import_catalog(SERVICES)
    made = await client.register_workload("job-1", 3600, region="eu", depends_on=["pg-main"])
    assert ("job-1", "pg-main") in await edges(client)
    history = api.count("history")
    soon = await client.register_workload("job-1", 3600, depends_on=["pg-main"])
    assert soon["id"] == made["id"]
    assert (soon["expires_at"], api.count("history")) == (made["expires_at"], history)
    later = await client.register_workload("job-1", 7200)
    assert later["expires_at"] > made["expires_at"]
    assert await forget(api) == "no workload has expired"
    age(api, "job-1")
    assert await forget(api) == "removed 1 expired workloads"
    assert api.count("service", "key = 'job-1'") == 0
    assert (await client.verify_audit())["verified"] is True


async def test_an_expired_workload_stays_while_something_names_it(api18: Api) -> None:
    client = api18.client()
    await client.register_workload("job-1", 3600)
    await client.register_workload("job-2", 3600)
    await client.declare("job-1 hangs", 3, services=["job-1"])
    age(api18, "job-1")
    age(api18, "job-2")
    assert await forget(api18) == (
        "removed 1 expired workloads; 1 stay because something names them"
    )
    assert api18.count("service", "key = 'job-1'") == 1
    await client.register_workload("job-1", 3600)
    assert await forget(api18) == "no workload has expired"


async def test_what_lives_without_end_is_not_registered_for_a_while(api18: Api) -> None:
    client = api18.client()
    await client.import_catalog(SERVICES)
    with pytest.raises(Refused, match="lives without end"):
        await client.register_workload("orders", 3600)
    with pytest.raises(Forbidden):
        await api18.client(api18.token("eve", "read")).register_workload("x", 3600)
    exported = await client.export_catalog("csv")
    await client.register_workload("job-1", 3600)
    assert await client.export_catalog("csv") == exported
    env = login(api18)
    code, out, _ = await warroom("catalog", "register", "job-3", "--ttl", "1h", "--tier", "4",
                                 "--needs", "pg-main", **env)  # fmt: skip
    assert (code, "key: job-3" in out) == (0, True)


# Coverage -----------------------------------------------------------------------------------


async def test_dependencies_by_hand(api18: Api) -> None:
    await api18.client().import_catalog(SERVICES)
    env = login(api18)
    code, out, err = await warroom(
        "dependency", "add", "orders", "mailer", "--soft", "--async", "--group", "mail",
        "--needed", "1", **env,
    )  # fmt: skip
    assert (code, err) == (0, "")
    code, out, _ = await warroom("dependency", "list", "--json", **env)
    (item,) = json.loads(out)["items"]
    shown = {k: v for k, v in item.items() if k not in ("id", "service", "depends_on", "source")}
    assert shown == {
        "hardness": "soft", "sync": False, "redundancy_group": "mail", "redundancy_needed": 1,
        "origin": "declared", "counts": True,
    }  # fmt: skip
    assert (await warroom("dependency", "add", "orders", "pg-main", "--needed", "1", **env))[0] == 2
    code, out, _ = await warroom("dependency", "remove", "orders", "mailer", **env)
    assert (code, "removed: True" in out) == (0, True)
    code, _, err = await warroom("dependency", "remove", "orders", "mailer", **env)
    assert (code, "does not depend on" in err) == (1, True)


async def test_a_service_by_hand_knows_where_it_runs(api18: Api) -> None:
    env = login(api18)
    code, _, err = await warroom(
        "service", "add", "acme", "--kind", "third_party", "--provider", "Acme", "--zone", "z",
        "--host", "h", "--slo", "99.9", "--system", "pay", "--dashboard-url", "https://x.example",
        "--link", "runbook=https://r.example", **env,
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert (
        api18.count(
            "service",
            "key = 'acme' and provider = 'Acme' and slo = 99.9 and system = 'pay' and zone = 'z'"
            ' and links @> \'[{"kind": "runbook"}]\'',
        )
        == 1
    )
    code, _, err = await warroom("service", "add", "x", "--dashboard-url", "file:///etc", **env)
    assert (code, "no address" in err) == (2, True)
