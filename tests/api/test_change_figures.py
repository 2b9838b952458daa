"""The change board's figures against a case counted by hand, and the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from psycopg import sql

from tests.api.conftest import Api
from tests.api.room import opened
from tests.api.test_commands import login
from tests.typist import warroom
from warroom.client import Client
from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.principal import CommandContext, Principal, PrincipalKind
from warroom.services.change_near import nearby

Json = dict[str, Any]


async def put(client: Client, name: str, *services: str, **more: Any) -> str:
    body = {"title": name, "services": list(services), "id": name, **more}
    return str((await client.add_change(body))["id"])


def began(api: Api, name: str, minutes: int, length: int | None = 0) -> None:
    """Move a change to so many minutes ago; without a length it has not ended."""
    with api.pg.connect() as conn:
        conn.execute(
            sql.SQL(
                "update warroom.change_event set at = now() - %(m)s * interval '1 minute',"
                " ended_at = now() - (%(m)s - %(l)s) * interval '1 minute' where title = %(n)s"
            ),
            {"m": minutes, "l": length, "n": name},
        )
        conn.execute(
            "update warroom.change_service s set at = c.at from warroom.change_event c"
            " where c.id = s.change_id"
        )


async def estate(api: Api) -> Client:
    client = api.client()
    for team in ("shop", "data"):
        await client.add("teams", {"key": team, "name": team})
    for key, team in (("web", "shop"), ("cart", "shop"), ("pg", "data")):
        await client.add("services", {"key": key, "team": team})
    await client.add("dependencies", {"service": "web", "depends_on": "pg"})
    return client


async def test_the_change_failure_rate_is_the_one_counted_by_hand(api: Api) -> None:
    client = await estate(api)
    await opened(api)
    await client.declare("an exercise", 3, drill=True)
    await client.declare("not so", 3)
    ids = {
        # Counted of shop: five, of which two failed; of data: two, of which one.
        "good": await put(client, "good", "web"),
        "cause": await put(client, "cause", "web"),
        "rolled": await put(client, "rolled", "cart", status="rolled-back"),
        "drill": await put(client, "drill", "cart", approved_by="mira"),
        "both": await put(client, "both", "cart", "pg", approval="CHG-1"),
        "suspect": await put(client, "suspect", "pg"),
        # Not counted: it never got there, is none of production, or puts another one back.
        "failed": await put(client, "failed", "web", status="failed"),
        "staging": await put(client, "staging", "web", environment="staging"),
        "back": await put(client, "back", "web", kind="rollback"),
        "unknown": await put(client, "unknown", "who-knows"),
    }
    for ref, name, verdict in (
        ("INC-1", "cause", "cause"), ("INC-1", "both", "suspected"), ("INC-1", "suspect", "cause"),
        ("INC-1", "good", "cleared"), ("INC-2", "drill", "cause"), ("INC-3", "good", "cause"),
    ):  # fmt: skip
        seen = await client.incident(ref)
        await client.link_change(ref, seen["version"], ids[name], verdict)
    seen = await client.incident("INC-3")
    await client.false_alarm("INC-3", seen["version"])
    found = await client.change_figures()
    assert found["all"] == {"changes": 7, "failed": 3, "rate": 0.4286}
    assert found["teams"] == [
        {"team": "data", "changes": 2, "failed": 1, "rate": 0.5},
        {"team": "shop", "changes": 5, "failed": 2, "rate": 0.4},
        {"team": "unknown", "changes": 1, "failed": 0, "rate": 0.0},
    ]
    naked = found["unapproved"]
    listed = {(i["title"], i["verdict"], tuple(i["incidents"])) for i in naked["items"]}
    # "both" has an approval, "good" is the cause of a false alarm only.
    assert listed == {("suspect", "cause", ("INC-1",)), ("cause", "cause", ("INC-1",))}
    assert naked["count"] == 2
    for name in ids:
        began(api, name, 31 * 24 * 60)
    empty = await client.change_figures()
    assert empty["all"] == {"changes": 0, "failed": 0, "rate": None}
    assert empty["teams"] == []


async def test_conflicts_are_pairs_that_overlap_on_a_service_or_its_dependency(api: Api) -> None:
    client = await estate(api)
    for name, service, minutes, length in (
        ("a", "web", 60, 20), ("b", "web", 45, 10), ("c", "web", 30, 5),
        ("d", "pg", 42, 2), ("e", "cart", 50, 30), ("f", "pg", 200, 10),
    ):  # fmt: skip
        await put(client, name, service)
        began(api, name, minutes, length)
    await put(client, "planned", "web", status="planned")
    await put(client, "cancelled", "web", status="cancelled")
    found = (await client.change_figures())["conflicts"]
    pairs = {(frozenset(c["title"] for c in p["changes"]), p["why"]) for p in found["items"]}
    assert pairs == {
        (frozenset("ab"), "web"), (frozenset("ad"), "web depends on pg"),
        (frozenset("bd"), "web depends on pg"),
    }  # fmt: skip
    assert found["count"] == 3


async def test_figures_are_of_what_one_may_see(api18: Api) -> None:
    client = await estate(api18)
    await put(client, "x", "web")
    with api18.pg.connect() as conn:
        conn.execute("update warroom.change_event set visibility = 'security'")
        conn.execute("update warroom.change_service set visibility = 'security'")
    assert (await client.change_figures())["all"]["changes"] == 1  # the administrator sees it
    luc = api18.client(api18.token("luc", "read"))
    assert (await luc.change_figures())["all"]["changes"] == 0
    assert (await luc.changes())["items"] == []


async def test_nearby_is_what_may_be_behind_incidents(api: Api) -> None:
    client = await estate(api)
    one = await opened(api)
    await client.set_service(one["ref"], one["version"], "web", "down")
    for name, service, minutes in (
        ("near", "web", 30), ("under", "pg", 100), ("old", "web", 300), ("beside", "cart", 10),
    ):  # fmt: skip
        await put(client, name, service)
        began(api, name, minutes)
    await put(client, "staging", "web", environment="staging")
    await put(client, "off", "web", status="cancelled")
    url = f"postgresql://warroom_api@/{api.pg.name}?host={api.pg.server.cluster.socket_dir}"
    db = Database.open(url, role="api")
    who = await client.me()
    ctx = CommandContext(Principal(who["id"], "ana", PrincipalKind.PERSON), "r", "test")

    async def ask(work: Work) -> list[tuple[str, str, int]]:
        now = await work.scalar("select now()")
        rows = await nearby(work, [one["id"]], before=now)
        cart = await work.scalar("select id from warroom.service where key = 'cart'")
        wider = await nearby(work, [one["id"]], [(one["id"], cart)], before=now)
        assert {r["title"] for r in wider} == {"near", "under", "beside"}
        assert await nearby(work, [], before=now) == []
        assert await nearby(work, [one["id"]], before=now - timedelta(hours=1)) != rows
        return [(r["title"], r["service"], r["steps"]) for r in rows]

    listed = (await client.changes_near("INC-1"))["items"]
    assert [(c["title"], c["steps"], c["verdict"]) for c in listed] == [
        ("near", 0, ""), ("under", 1, ""),
    ]  # fmt: skip
    assert all(c["minutes_before"] >= 0 for c in listed)
    try:
        assert await read(db, ctx, ask) == [("near", "web", 0), ("under", "pg", 1)]
    finally:
        await db.close()


async def test_the_command_line(api18: Api) -> None:
    env = login(api18)
    api18.token("luc", "read", "respond")
    client = await estate(api18)
    add = ("change", "add", "Raise \x1b[2Jpool", "--service", "pg", "--id", "c", "--kind", "config")
    code, out, _ = await warroom(*add, "--status", "started", **env)
    assert (code, out.endswith(" is started\n")) == (0, True)
    assert (await warroom(*add, **env))[1].endswith(" is succeeded, as before\n")
    code, out, _ = await warroom("change", "list", "--service", "pg", "--since", "4h", **env)
    assert (code, "Raise" in out, "\x1b" in out) == (0, True, False)
    assert "Raise" not in (await warroom("change", "list", "--service", "web", **env))[1]
    found = json.loads((await warroom("change", "list", "--json", **env))[1])["items"][0]
    await opened(api18)
    code, out, _ = await warroom(
        "incident", "change", "1", found["id"], "--verdict", "cause", **env
    )  # fmt: skip
    assert (code, out.endswith("pool cause\n")) == (0, True)
    code, out, _ = await warroom("change", "list", "--incident", "INC-1", **env)
    assert (code, "cause" in out, found["id"] in out) == (0, True, True)
    code, out, _ = await warroom("change", "figures", "--since", "30d", **env)
    assert (code, "100.0%" in out, "unapproved behind incidents: 1" in out) == (0, True, True)
    code, out, _ = await warroom("incident", "mitigate", "1", "pg", "--what", "rollback", **env)
    assert (code, out.endswith("ana at pg (rollback)\n")) == (0, True)
    assert (await warroom("incident", "mitigate", "1", "pg", "--what", "scale", **env))[0] == 1
    assert "mitigated: pg by ana (rollback)\n" in (await warroom("incident", "show", "1", **env))[1]
    code, out, _ = await warroom("incident", "mitigate", "1", "pg", "--done", **env)
    assert (code, out.endswith("nobody mitigates\n")) == (0, True)
    assert client is not None


async def test_a_pipeline_learns_free_frozen_wrong_and_unreachable_by_exit_status(
    api18: Api,
) -> None:
    env = login(api18)
    await estate(api18)
    api18.token("luc", "read", "respond")
    check = ("freeze", "check", "--service", "pg")
    assert (await warroom(*check, **env))[:2] == (0, "pg: free. Nothing freezes pg.\n")
    policy = ("freeze", "policy", "add", "worst", "--severity", "2", "--scope", "incident")
    assert (await warroom(*policy, **env))[:2] == (0, "policy worst is on\n")
    await api18.client().declare("pg is down", 1, services=["pg"])
    code, out, _ = await warroom(*check, "--service", "web", **env)
    assert (code, out.count("FROZEN"), out.count("free.")) == (3, 1, 1)
    code, out, _ = await warroom(*check, "--json", **env)
    assert (code, json.loads(out)["frozen"]) == (3, True)
    assert "worst" in (await warroom("freeze", "list", **env))[1]
    allow = ("freeze", "allow", "--service", "pg", "--reason", "rollback", "--approver")
    assert (await warroom(*allow, "ana", **env))[0] == 2
    code, out, _ = await warroom(*allow, "luc", "--for", "30m", "--json", **env)
    asked = json.loads(out)
    assert (code, asked["state"]) == (0, "asked")
    assert (await warroom("freeze", "approve", asked["id"], **env))[0] == 1  # not by the asker
    assert asked["id"] in (await warroom("freeze", "exceptions", **env))[1]
    assert (await warroom("freeze", "policy", "off", "worst", **env))[1] == "policy worst is off\n"
    assert "False" in (await warroom("freeze", "policy", "list", **env))[1]
    assert (await warroom(*check, **env))[0] == 0
    away = env | {"WARROOM_API_URL": "http://127.0.0.1:9"}
    code, _, err = await warroom(*check, **away)
    assert (code, "does not answer" in err) == (4, True)
    assert (await warroom(*check, **env | {"WARROOM_TOKEN": "wr_a_nobody"}))[0] == 2
    assert (await warroom("freeze", "check", **env))[0] == 2


async def test_a_change_on_what_is_hit_and_alerts_is_near_before_anybody_links_it(api: Api) -> None:
    client = await estate(api)
    one = await opened(api)
    await client.set_service(one["ref"], one["version"], "pg", "down")
    await put(client, "quiet", "web")
    began(api, "quiet", 30)
    assert (await client.changes_near(one["ref"]))["items"] == []
    with api.pg.connect() as conn:
        conn.execute(
            "insert into warroom.alert (source_id, fingerprint, name, severity, state, service_id,"
            " starts_at, unit, visibility) select (select min(o.id::text)::uuid from"
            " warroom.source o), 'web', 'Slow', 2, 'firing', s.id, now(), 'main', 'normal'"
            " from warroom.service s where s.key = 'web'"
        )
    listed = (await client.changes_near(one["ref"]))["items"]
    assert [(c["title"], c["service"], c["steps"]) for c in listed] == [("quiet", "web", None)]
