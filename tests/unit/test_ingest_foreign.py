"""The dialects of other tools: recorded payloads, wrong fields, and arbitrary JSON."""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain.alert import AlertState, IncomingAlert
from warroom.errors import InvalidInput
from warroom.ingest import cloudevents, generic, nagios, opsgenie, pagerduty_events
from warroom.ingest.common import IngestOptions
from warroom.ingest.mapping import compile_mapping
from warroom.ingest.spoken import Ending, Reader, Spoken

DATA = Path(__file__).parents[1] / "data"
NOW = datetime(2026, 11, 21, 2, 41, tzinfo=UTC)
OPTIONS = IngestOptions()
UPTIME = compile_mapping(tomllib.loads((DATA / "generic_uptime.toml").read_text("utf-8")))


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return found


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def say(reader: Reader, value: Any, options: IngestOptions = OPTIONS) -> Spoken:
    return reader(body(value), options, NOW)


def one(spoken: Spoken) -> IncomingAlert:
    (alert,) = spoken.alerts
    return alert


PD = partial(pagerduty_events.read, new_key="made")
OG = partial(opsgenie.read, new_alias="made")
CE = partial(cloudevents.read, mapping=None)
MAPPED = partial(generic.read, mapping=UPTIME)
READERS: dict[str, tuple[Callable[..., Spoken], Any]] = {
    "pagerduty": (PD, document("pagerduty_trigger")),
    "opsgenie": (OG, document("opsgenie_create")),
    "nagios": (nagios.read, document("nagios_service_problem")),
    "cloudevents": (CE, document("cloudevents_github")),
    "generic": (MAPPED, document("generic_uptime")),
}


def test_pagerdutys_own_example() -> None:
    spoken = say(PD, document("pagerduty_trigger"))
    alert = one(spoken)
    assert spoken.key == "srv01/mysql"
    assert alert.fingerprint == pagerduty_events.mark_of("srv01/mysql")
    assert (alert.name, alert.service_key, alert.service_label) == (
        "disk",
        "prod-datapipe",
        "group",
    )
    assert alert.summary == "DISK at 99% on machine prod-datapipe03.example.com"
    assert (alert.severity, alert.severity_reason) == (1, "label severity critical is SEV1")
    assert (alert.state, alert.starts_at, alert.expires_at) == (AlertState.FIRING, NOW, None)
    assert alert.labels["component"] == "mysql"
    assert alert.labels["load avg"] == "0.75"
    assert alert.annotations["links"] == "http://pagerduty.example.com An example link."
    assert alert.annotations["images"].startswith("https://chart.googleapis.com/")
    assert alert.annotations["dedup_key"] == "srv01/mysql"
    assert alert.annotations["timestamp"] == "2015-07-17T08:42:58.315+0000"
    assert alert.generator_url == "https://monitoring.service.com"
    assert "routing_key" not in alert.raw


@pytest.mark.parametrize(
    ("word", "severity"), [("critical", 1), ("error", 2), ("warning", 3), ("info", 5), ("Error", 2)]
)
def test_pagerdutys_words_and_the_sources_own(word: str, severity: int) -> None:
    event = document("pagerduty_trigger")
    event["payload"]["severity"] = word
    assert one(say(PD, event)).severity == severity
    own = replace(OPTIONS, severities={word.lower(): 4}, severity_label="level")
    assert one(say(PD, event, own)).severity == 4


def test_pagerduty_ends_by_its_key_and_an_acknowledgement_is_a_remark() -> None:
    mark = pagerduty_events.mark_of("k")
    resolve = {"routing_key": "r", "event_action": "resolve", "dedup_key": "k"}
    assert say(PD, resolve).endings == (Ending(mark, NOW),)
    spoken = say(PD, resolve | {"event_action": "acknowledge", "client": "Zabbix"})
    assert (spoken.alerts, spoken.endings) == ((), ())
    (remark,) = spoken.remarks
    assert (remark.fingerprint, remark.text) == (mark, "was acknowledged by Zabbix at its source")
    event = document("pagerduty_trigger")
    del event["dedup_key"]
    assert say(PD, event).key == "made"


def test_a_configured_label_names_the_service_and_hostile_links_are_left_out() -> None:
    event = document("pagerduty_trigger")
    event["payload"]["custom_details"] = {"app": "shop", "stack": {"a": [1]}, "text": "a\nb"}
    event["links"] = [{"href": "javascript:alert(1)", "text": "x"}]
    event["client_url"] = "file:///etc/passwd"
    alert = one(say(PD, event))
    assert (alert.service_key, alert.service_label) == ("shop", "app")
    assert (alert.annotations["stack"], alert.annotations["text"]) == ('{"a": [1]}', "a\nb")
    assert "links" not in alert.annotations
    assert alert.generator_url == ""
    event["payload"]["custom_details"] = "only a text"
    assert one(say(PD, event)).annotations["custom_details"] == "only a text"


@pytest.mark.parametrize("written", ['"abc123"', '"\\u0061bc123"'])
def test_the_routing_key_is_taken_out_however_it_is_written(written: str) -> None:
    sent = f'{{"routing_key": {written}, "dedup_key": "abc"}}'.encode()
    left = pagerduty_events.without_key(sent)
    assert json.loads(left) == {"routing_key": "[the token]", "dedup_key": "abc"}
    assert pagerduty_events.without_key(b"{") == b"{"


def test_opsgenies_own_example() -> None:
    spoken = say(OG, document("opsgenie_create"))
    alert = one(spoken)
    assert spoken.key == "Life is too short for no alias"
    assert alert.fingerprint == opsgenie.mark_of(spoken.key)
    assert (alert.name, alert.summary) == ("An example alert message",) * 2
    assert alert.description == "Every alert needs a description"
    assert (alert.severity, alert.severity_reason) == (1, "label priority P1 is SEV1")
    assert (alert.service_key, alert.service_label) == ("checkout", "service")
    assert alert.labels["key1"] == "value1"
    assert alert.annotations["tags"] == "OverwriteQuietHours, Critical, service:checkout"
    assert "team NOC, user bb4d" in alert.annotations["responders"]
    assert "user trinity@opsgenie.com" in alert.annotations["responders"]


def test_opsgenies_defaults() -> None:
    spoken = say(OG, {"message": "m"})
    assert (spoken.key, one(spoken).severity, one(spoken).service_key) == ("made", 3, None)
    assert one(say(OG, {"message": "m", "entity": "pg"})).service_key == "pg"
    told = {"message": "m", "details": {"severity": "critical"}}
    assert one(say(OG, told)).severity == 1
    assert one(say(OG, told | {"priority": "p4"})).severity == 4


@pytest.mark.parametrize(
    ("action", "sent", "endings", "remark"),
    [
        ("close", {}, 1, None),
        ("close", {"user": "ana", "note": "done"}, 1, "was closed at its source by ana: done"),
        ("acknowledge", {}, 0, "was acknowledged at its source"),
        ("acknowledge", {"user": "ana"}, 0, "was acknowledged by ana at its source"),
        ("notes", {"note": "a\n b"}, 0, "has a note at its source: a b"),
    ],
)
def test_opsgenies_actions(
    action: str, sent: dict[str, str], endings: int, remark: str | None
) -> None:
    kept = opsgenie.wrap(action, "x/y", body(sent))
    spoken = opsgenie.read(kept, OPTIONS, NOW)
    assert (spoken.key, len(spoken.endings), spoken.alerts) == ("x/y", endings, ())
    assert [r.text for r in spoken.remarks] == ([remark] if remark else [])
    assert opsgenie.wrap(action, "x", b"") == opsgenie.wrap(action, "x", b"{}")


def test_a_service_on_a_host_that_icinga_reports() -> None:
    alert = one(say(nagios.read, document("nagios_service_problem")))
    assert (alert.name, alert.service_key) == ("disk /var", "checkout")
    assert alert.summary.startswith("web-7/disk /var is CRITICAL: DISK CRITICAL - free space")
    assert alert.summary.endswith('"quoted" \\ and `ticks`')
    assert (alert.severity, alert.severity_reason) == (1, "label state CRITICAL is SEV1")
    assert alert.starts_at == datetime.fromtimestamp(1795225246.312, UTC)
    assert alert.labels["instance"] == "192.0.2.7"
    assert alert.generator_url.startswith("https://icinga.example/")
    over = document("nagios_service_problem") | {
        "notification_type": "RECOVERY", "state": "OK", "since": "1795225300"
    }  # fmt: skip
    ended = one(say(nagios.read, over))
    assert (ended.state, ended.fingerprint) == (AlertState.RESOLVED, alert.fingerprint)
    assert ended.ends_at == datetime.fromtimestamp(1795225300, UTC)


@pytest.mark.parametrize(
    ("state", "severity"), [("DOWN", 2), ("UNREACHABLE", 3), ("WARNING", 3), ("UNKNOWN", 3)]
)
def test_states_by_the_table(state: str, severity: int) -> None:
    told = {"notification_type": "PROBLEM", "host": "web-7", "service": "$SERVICEDESC$",
            "state": state, "since": "$LASTHOSTSTATECHANGE$"}  # fmt: skip
    alert = one(say(nagios.read, told))
    assert (alert.severity, alert.service_key, alert.name) == (severity, "web-7", "host web-7")
    assert alert.fingerprint == nagios.mark_of("web-7", "")
    assert alert.starts_at == NOW


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("ACKNOWLEDGEMENT", "was acknowledged by ana at its source: on it"),
        ("FLAPPINGSTART", "began to flap by ana at its source: on it"),
        ("FlappingEnd", "stopped flapping by ana at its source: on it"),
        ("DOWNTIMESTART", "went into a downtime by ana at its source: on it"),
        ("DowntimeRemoved", "had its downtime removed by ana at its source: on it"),
        ("CUSTOM", "has a notice by ana at its source: on it"),
    ],
)
def test_what_is_no_problem_and_no_recovery_is_a_remark(kind: str, said: str) -> None:
    told = {"notification_type": kind, "host": "h", "service": "s", "state": "CRITICAL",
            "author": "ana", "comment": "on it"}  # fmt: skip
    spoken = say(nagios.read, told)
    assert (spoken.alerts, spoken.endings) == ((), ())
    assert [(r.fingerprint, r.text) for r in spoken.remarks] == [(nagios.mark_of("h", "s"), said)]


def test_what_alertmanagers_receivers_sent() -> None:
    fired = say(PD, document("alertmanager_pagerduty_firing"))
    alert = one(fired)
    assert (alert.severity, alert.service_key) == (3, "orders")
    assert alert.summary == "[FIRING:1] QueueStuck (orders warning)"
    assert alert.annotations["firing"].startswith("Labels:\n - alertname = QueueStuck")
    (ending,) = say(PD, document("alertmanager_pagerduty_resolve")).endings
    assert ending.fingerprint == alert.fingerprint
    told = one(say(OG, document("alertmanager_opsgenie_firing")))
    assert (told.name, told.severity, told.service_key) == ("QueueStuck", 2, "orders")
    assert told.annotations["tags"] == "a, b"


def test_what_icinga_sent() -> None:
    reader = nagios.read
    later = datetime(2026, 11, 22, tzinfo=UTC)
    alert = one(reader(body(document("icinga2_problem")), OPTIONS, later))
    assert (alert.name, alert.service_key, alert.severity) == ("disk", "checkout", 1)
    assert alert.starts_at == datetime.fromtimestamp(1795274835, UTC)


def event(kind: str = "disk.full", **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "/hosts/web-7", "type": kind} | more


def test_a_cloudevent_whose_data_is_a_text() -> None:
    alert = one(say(CE, document("cloudevents_github")))
    assert (alert.name, alert.summary) == ("com.github.pull_request", '<much wow="xml"/>')
    assert alert.starts_at == datetime(2018, 4, 5, 17, 31, tzinfo=UTC)
    assert (alert.service_key, alert.labels["subject"]) == ("123", "123")


@pytest.mark.parametrize(
    ("kind", "data", "over"),
    [
        ("disk.full", {}, False),
        ("disk.full.fired", {}, False),
        ("disk.full.resolved", {}, True),
        ("disk.full", {"status": "resolved"}, True),
        ("disk.full.resolved", {"status": "firing"}, False),
        ("resolved", {}, True),
    ],
)
def test_begin_and_end_of_an_event_are_one_alert(
    kind: str, data: dict[str, str], over: bool
) -> None:
    alert = one(say(CE, event(kind, data=data | {"severity": "error", "service": "shop"})))
    assert alert.state is (AlertState.RESOLVED if over else AlertState.FIRING)
    assert (alert.severity, alert.service_key) == (2, "shop")
    if kind != "resolved":
        assert alert.fingerprint == one(say(CE, event("disk.full"))).fingerprint


def test_the_three_modes_say_the_same() -> None:
    plain = event(data={"summary": "ü"}, subject="a b")
    batch = say(CE, [plain, plain | {"subject": "c"}])
    assert [a.labels["subject"] for a in batch.alerts] == ["a b", "c"]
    headers = {
        "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/hosts/web-7", "ce-type": "disk.full",
        "ce-subject": "a%20b", "content-type": "application/json; charset=utf-8", "host": "x",
    }  # fmt: skip
    binary = cloudevents.structured(body({"summary": "ü"}), headers)
    told = cloudevents.read(binary, OPTIONS, NOW)
    assert one(told).fingerprint == one(say(CE, plain)).fingerprint
    assert (one(told).summary, one(told).labels["subject"]) == ("ü", "a b")
    text = cloudevents.structured(b"hello", headers | {"content-type": "text/plain"})
    assert one(cloudevents.read(text, OPTIONS, NOW)).summary == "hello"
    odd = cloudevents.structured(b"\xff", headers | {"content-type": "image/png"})
    assert json.loads(odd)["data_base64"] == "/w=="
    for kind in (cloudevents.STRUCTURED, cloudevents.BATCH):
        assert cloudevents.structured(b"{}", {"content-type": f"{kind}; charset=utf-8"}) == b"{}"
    for wrong in ("application/json", "application/cloudevents+avro", ""):
        with pytest.raises(InvalidInput) as caught:
            cloudevents.structured(b"{}", {"content-type": wrong})
        assert caught.value.field == "Content-Type"


def changed(name: str, **more: Any) -> bytes:
    return body(READERS[name][1] | more)


PAYLOAD = document("pagerduty_trigger")["payload"]


@pytest.mark.parametrize(
    ("name", "sent", "field"),
    [
        ("pagerduty", b"[]", "body"),
        ("pagerduty", b"", "body"),
        ("pagerduty", changed("pagerduty", event_action="fire"), "event_action"),
        ("pagerduty", changed("pagerduty", dedup_key=5), "dedup_key"),
        ("pagerduty", changed("pagerduty", dedup_key="k" * 256), "dedup_key"),
        ("pagerduty", body({"event_action": "resolve"}), "dedup_key"),
        ("pagerduty", changed("pagerduty", payload=None), "payload"),
        ("pagerduty", changed("pagerduty", payload=PAYLOAD | {"summary": " "}), "payload.summary"),
        ("pagerduty", changed("pagerduty", payload=PAYLOAD | {"source": None}), "payload.source"),
        ("pagerduty", changed("pagerduty", payload=PAYLOAD | {"severity": "x"}),
         "payload.severity"),
        ("pagerduty", changed("pagerduty", links={}), "links"),
        ("pagerduty", changed("pagerduty", links=[{"href": 1}]), "links[0].href"),
        ("opsgenie", b"[]", "body"),
        ("opsgenie", body({}), "message"),
        ("opsgenie", changed("opsgenie", alias="a" * 513), "alias"),
        ("opsgenie", changed("opsgenie", priority="P6"), "priority"),
        ("opsgenie", changed("opsgenie", tags="x"), "tags"),
        ("opsgenie", changed("opsgenie", details=[1]), "details"),
        ("opsgenie", changed("opsgenie", responders=[1]), "responders[0]"),
        ("opsgenie", opsgenie.wrap("notes", "a", b"{}"), "note"),
        ("opsgenie", opsgenie.wrap("delete", "a", b"{}"), "action"),
        ("nagios", changed("nagios", notification_type="X"), "notification_type"),
        ("nagios", changed("nagios", host="$HOSTNAME$"), "host"),
        ("nagios", changed("nagios", state="PENDING"), "state"),
        ("nagios", changed("nagios", output=[]), "output"),
        ("cloudevents", b"5", "body"),
        ("cloudevents", changed("cloudevents", specversion="0.3"), "specversion"),
        ("cloudevents", changed("cloudevents", id=""), "id"),
        ("cloudevents", changed("cloudevents", time="soon"), "time"),
        ("cloudevents", body([event(), event(source=None)]), "[1].source"),
        ("generic", body({"incidents": [{}, {}]}), "alerts[0].key"),
        ("generic", body({"incidents": [5]}), "alert"),
        ("generic", body({"incidents": [{"check": {"name": "n"}}]}), "alert.key"),
        ("generic", body({"incidents": [{"id": 1, "check": {"name": "n"}, "status": "odd"}]}),
         "alert.state"),
        ("generic", body({"incidents": [{"id": 1, "check": {"name": "n"}, "since": "x"}]}),
         "alert.starts_at"),
    ],
)  # fmt: skip
def test_the_field_at_fault_is_named(name: str, sent: bytes, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        READERS[name][0](sent, OPTIONS, NOW)
    assert caught.value.field == field


LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ANY = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_whatever_stands_in_a_field_it_is_read_or_refused(name: str, data: st.DataObject) -> None:
    reader, sample = READERS[name]
    sent = json.loads(json.dumps(sample))
    holder = sent["payload"] if name == "pagerduty" and data.draw(st.booleans()) else sent
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(ANY)
    spoken = Spoken()
    with contextlib.suppress(InvalidInput):
        spoken = reader(body(sent), OPTIONS, NOW)
    for alert in spoken.alerts:
        assert 1 <= len(alert.fingerprint) <= 64
        assert len(alert.name) <= 200
        assert alert.starts_at <= NOW
        assert alert.ends_at is None or alert.starts_at <= alert.ends_at <= NOW
