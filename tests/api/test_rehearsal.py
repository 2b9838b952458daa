"""A rehearsal shows what would happen, by the real rules, and nothing stays of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_change_doors import body, post, source
from tests.api.test_commands import login
from tests.api.test_doors import alert, webhook
from tests.typist import warroom
from warroom.errors import Forbidden, InvalidInput, NotFound

DATA = Path(__file__).parents[1] / "data"


def everything(api: Api) -> dict[str, Any]:
    """Count the rows of every table, and read the number that the next incident gets."""
    with api.pg.connect() as conn:
        names = [
            name
            for (name,) in conn.execute(
                "select relname from pg_class where relnamespace = 'warroom'::regnamespace"
                " and relkind in ('r', 'p') order by 1"
            )
        ]
        found: dict[str, Any] = {}
        for name in names:
            row = conn.execute(f"select count(*) from warroom.{name}").fetchone()
            found[name] = row
        found["next"] = conn.execute(
            "select last_value, is_called from warroom.incident_number"
        ).fetchone()
    return found


async def test_everything_is_decided_and_nothing_stays(api: Api) -> None:
    token = (await source(api, "alertmanager", "am"))["token"]
    await api.client(token).post_alerts(webhook(alert("Old", "shop")))
    over = alert("Old", "shop", "resolved")
    document = webhook(alert("New", "shop"), alert("Else", "unheard-of"), over)
    before = everything(api)
    found = await api.client().rehearse("am", json.dumps(document).encode())
    assert everything(api) == before
    joins, opens, ends = sorted(found["alerts"], key=lambda a: ["New", "Else", "Old"].index(
        a["name"]
    ))  # fmt: skip
    assert found["dialect"] == "alertmanager"
    assert (joins["incident"], joins["opens_incident"]) == ("INC-1", False)
    assert joins["decision"].startswith("joined INC-1")
    assert (joins["service"], joins["service_is_new"], joins["change"]) == ("shop", False, "new")
    assert (opens["incident"], opens["opens_incident"]) == (None, True)
    assert opens["decision"].startswith("opened a new incident: first alert of unheard-of")
    assert opens["service_is_new"] is True
    assert (opens["severity"], opens["severity_reason"]) == (1, "label severity critical is SEV1")
    assert (ends["state"], ends["change"], ends["incident"]) == ("resolved", "resolved", "INC-1")
    # The next real one takes the next number.
    sent = await api.client(token).post_alerts(webhook(alert("Else", "unheard-of")))
    assert sent["incidents"] == ["INC-2"]


async def test_every_dialect_can_be_rehearsed(api18: Api) -> None:
    samples = {
        "pagerduty": "pagerduty_trigger.json", "opsgenie": "opsgenie_create.json",
        "nagios": "nagios_service_problem.json", "cloudevents": "cloudevents_github.json",
        "alertmanager": "alertmanager_webhook_firing.json",
    }  # fmt: skip
    await source(api18, "pagerduty", "any")
    before = everything(api18)
    for dialect, name in samples.items():
        found = await api18.client().rehearse("any", body(name), dialect=dialect)
        assert [a["opens_incident"] for a in found["alerts"]] == [True], dialect
    end = json.dumps({"event_action": "resolve", "dedup_key": "nobody"}).encode()
    assert (await api18.client().rehearse("any", end))["unknown_endings"] == 1
    said = json.dumps({"event_action": "acknowledge", "dedup_key": "nobody"}).encode()
    (remark,) = (await api18.client().rehearse("any", said))["remarks"]
    assert remark["alert"] is None
    assert everything(api18) == before


async def test_what_cannot_be_read_is_refused_and_only_administrators_ask(api18: Api) -> None:
    await source(api18, "generic")
    client = api18.client()
    for kwargs, field in (
        ({"source": "generic", "body": b"{}"}, "mapping"),
        ({"source": "generic", "body": b"{}", "dialect": "odd"}, "dialect"),
        ({"source": "generic", "body": b"{", "dialect": "nagios"}, "body"),
        ({"source": "generic", "body": b"{}", "mapping": {"x": 1}}, "mapping.x"),
    ):
        with pytest.raises(InvalidInput) as caught:
            await client.rehearse(**kwargs)
        assert caught.value.field == field
    with pytest.raises(NotFound):
        await client.rehearse("nobody", b"{}")
    for scope in ("respond", "ingest"):
        with pytest.raises(Forbidden):
            await api18.client(api18.token(f"p-{scope}", scope)).rehearse("generic", b"{}")
    assert api18.count("delivery") == 0


async def test_a_mapping_is_written_tried_and_used(api18: Api, tmp_path: Path) -> None:
    token = (await source(api18, "generic", "uptime"))["token"]
    env = login(api18)
    sample, mapping = str(DATA / "generic_uptime.json"), str(DATA / "generic_uptime.toml")
    code, out, err = await warroom(
        "ingest", "test", sample, "--as", "uptime", "--mapping", mapping, **env
    )  # fmt: skip
    assert (code, err) == (0, "")
    for line in (
        "uptime as generic: 2 alerts; nothing was stored",
        "firing  Checkout page  (new)",
        "  service      checkout  by label service  (not in the catalogue: it would be made)",
        "  severity     SEV1: label severity critical is SEV1",
        "  incident     a new one  Checkout page is DOWN",
    ):
        assert line in out.splitlines(), out
    refused = await post(
        api18, "/v1/ingest/generic", body("generic_uptime.json"), Authorization=f"Bearer {token}"
    )  # fmt: skip
    assert (refused.status_code, refused.json()["field"]) == (400, "mapping")
    code, out, err = await warroom("source", "mapping", "uptime", mapping, **env)
    assert (code, err) == (0, "")
    taken = await post(
        api18, "/v1/ingest/generic", body("generic_uptime.json"), Authorization=f"Bearer {token}"
    )  # fmt: skip
    assert taken.json()["alerts"] == 2
    code, out, _ = await warroom("ingest", "test", sample, "--as", "uptime", "--json", **env)
    assert [a["change"] for a in json.loads(out)["alerts"]] == ["repeat", "repeat"]
    bad = tmp_path / "bad.toml"
    bad.write_text("fields = {name = 'a b'}")
    for words in (["mapping", "uptime", str(bad)], ["mapping", "uptime"],
                  ["mapping", "uptime", str(tmp_path / "none")]):  # fmt: skip
        code, _, err = await warroom("source", *words, **env)
        assert (code, bool(err)) == (2, True)
    code, _, err = await warroom("ingest", "test", str(tmp_path / "none"), "--as", "x", **env)
    assert (code, "cannot be read" in err) == (2, True)
    assert (await warroom("source", "mapping", "uptime", "--clear", **env))[0] == 0
    assert api18.count("source", "mapping is not null") == 0
    with pytest.raises(Forbidden):
        await api18.client(api18.token("luc", "respond")).set_mapping("uptime", None)
