"""Mappings: what they make of somebody's JSON, and how their mistakes are named."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from warroom.domain.alert import AlertState, IncomingAlert
from warroom.errors import InvalidInput
from warroom.ingest import generic
from warroom.ingest.common import IngestOptions
from warroom.ingest.mapping import compile_mapping
from warroom.ingest.spoken import Reader, Spoken

DATA = Path(__file__).parents[1] / "data"
NOW = datetime(2026, 11, 21, 2, 41, tzinfo=UTC)
UPTIME = compile_mapping(tomllib.loads((DATA / "generic_uptime.toml").read_text("utf-8")))
MAPPED = partial(generic.read, mapping=UPTIME)


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return found


def say(reader: Reader, value: Any) -> Spoken:
    return reader(json.dumps(value).encode(), IngestOptions(), NOW)


def one(spoken: Spoken) -> IncomingAlert:
    (alert,) = spoken.alerts
    return alert


def test_anybodys_json_by_its_mapping() -> None:
    down, over = say(MAPPED, document("generic_uptime")).alerts
    assert (down.name, down.summary) == ("Checkout page", "Checkout page is DOWN")
    assert (down.service_key, down.service_label) == ("checkout", "service")
    assert (down.severity, down.severity_reason) == (1, "label severity critical is SEV1")
    assert (down.state, over.state) == (AlertState.FIRING, AlertState.RESOLVED)
    assert down.starts_at == datetime.fromtimestamp(1795225246, UTC)
    assert down.expires_at == NOW + timedelta(hours=1)
    assert over.ends_at == datetime.fromtimestamp(1795225240, UTC)
    assert down.generator_url == "https://uptime.example/i/4711"
    assert down.labels["region"] == over.labels["region"] == "eu-west-1"
    assert (down.labels["tags"], down.labels["tier"]) == ("shop, edge", "1")
    assert "tags" not in over.labels
    assert (over.service_key, over.severity) == ("search", 3)
    assert down.fingerprint != over.fingerprint
    again = document("generic_uptime")
    again["incidents"] = [again["incidents"][0] | {"status": "RECOVERED", "level": 1}]
    assert one(say(MAPPED, again)).fingerprint == down.fingerprint


def test_a_mapping_without_a_key_tells_alerts_apart_by_their_labels() -> None:
    mapping = compile_mapping({"fields": {"name": "n", "severity": "s"}, "labels": {"h": "h"}})
    reader = partial(generic.read, mapping=mapping)
    first = one(say(reader, {"n": "x", "h": "a", "s": "critical"}))
    assert first.fingerprint == one(say(reader, {"n": "x", "h": "a", "s": "info"})).fingerprint
    assert first.fingerprint != one(say(reader, {"n": "x", "h": "b"})).fingerprint
    assert (first.labels["alertname"], first.state) == ("x", AlertState.FIRING)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", "1"),
        ("a", '{"b": 1}'),
        ("l[1]", "y"),
        ("l[*]", "x, y"),
        ("l[9]", ""),
        ('["odd key"].x', "z"),
        ("a.nothing.there", ""),
        ("$.top", "t"),
        ("top", ""),
        ("yes", "true"),
    ],
)
def test_paths(path: str, found: str) -> None:
    mapping = compile_mapping({"alerts": "item", "fields": {"name": {"const": "n"}},
                               "annotations": {"x": path}})  # fmt: skip
    inner = {"a": {"b": 1}, "l": ["x", "y"], "odd key": {"x": "z"}, "yes": True}
    alert = one(say(partial(generic.read, mapping=mapping), {"item": inner, "top": "t"}))
    assert alert.annotations.get("x", "") == found


@pytest.mark.parametrize(
    ("alerts", "sent", "gap"),
    [
        ("incidents[*]", {"incident": [{"n": "x"}]}, "'incidents'"),
        ("incidents[*]", {"incidents": None}, "'incidents'"),
        ("incidents[*]", {"incidents": "no list"}, "'incidents'"),
        ("incidents[*]", "hello", "'incidents'"),
        ("$[*]", "hello", "'$'"),
        ("groups[*].alerts[*]", {"groups": [{"alerts": []}, {}]}, "'groups[*].alerts'"),
        ("groups[*].alert", {"groups": [{"alert": {"n": "x"}}, {"n": "y"}]}, "'groups[*].alert'"),
        ("incident", {"a": 1}, "'incident'"),
        ('["odd key"][0]', {"odd key": []}, "'[\"odd key\"][0]'"),
    ],
)
def test_a_body_without_the_place_of_the_alerts_is_refused(
    alerts: str, sent: Any, gap: str
) -> None:
    """Taken as no alerts, they would be lost behind a 200."""
    mapping = compile_mapping({"alerts": alerts, "fields": {"name": "n"}})
    with pytest.raises(InvalidInput) as caught:
        say(partial(generic.read, mapping=mapping), sent)
    assert caught.value.field == "body"
    assert f" {gap}, " in caught.value.message


@pytest.mark.parametrize(
    ("alerts", "sent"),
    [
        ("incidents[*]", {"incidents": []}),
        ("incidents[*]", {"incidents": {}}),
        ("$[*]", []),
        ("groups[*].alerts[*]", {"groups": []}),
        ("groups[*].alerts[*]", {"groups": [{"alerts": []}]}),
    ],
)
def test_a_list_that_is_there_and_empty_is_no_alert(alerts: str, sent: Any) -> None:
    mapping = compile_mapping({"alerts": alerts, "fields": {"name": "n"}})
    assert say(partial(generic.read, mapping=mapping), sent).alerts == ()


def test_many_alerts_that_all_look_at_one_long_list_are_read_soon() -> None:
    mapping = compile_mapping(
        {"alerts": "a[*]", "fields": {"name": "n"}, "labels": {"x": "$.l[*]"}}
    )
    sent = {"a": [{"n": f"n{i}"} for i in range(2_000)], "l": list(range(20_000))}
    found = say(partial(generic.read, mapping=mapping), sent).alerts
    assert len(found) == 2_000
    assert found[0].labels["x"].count(",") == 99


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ([], "mapping"),
        ({}, "mapping.fields"),
        ({"fields": {"name": "a"}, "x": 1}, "mapping.x"),
        ({"fields": {"nam": "a"}}, "mapping.fields.nam"),
        ({"fields": {"name": "a", "prio": "b"}}, "mapping.fields.prio"),
        ({"fields": {"name": ""}}, "mapping.fields.name"),
        ({"fields": {"name": "a b"}}, "mapping.fields.name"),
        ({"fields": {"name": "a[x]"}}, "mapping.fields.name"),
        ({"fields": {"name": "$a"}}, "mapping.fields.name"),
        ({"fields": {"name": {"path": "a", "const": "b"}}}, "mapping.fields.name"),
        ({"fields": {"name": {"values": {}}}}, "mapping.fields.name"),
        ({"fields": {"name": {"path": "a", "with": "b"}}}, "mapping.fields.name.with"),
        ({"fields": {"name": {"first": []}}}, "mapping.fields.name.first"),
        ({"fields": {"name": {"first": ["a", 5]}}}, "mapping.fields.name.first[1]"),
        ({"fields": {"name": {"path": "a", "values": {"x": []}}}}, "mapping.fields.name.values.x"),
        ({"fields": {"name": "a"}, "labels": {"*": {"const": "x"}}}, "mapping.labels.*"),
        ({"fields": {"name": "a"}, "expires_after_s": 5}, "mapping.expires_after_s"),
        ({"fields": {"name": "a"}, "expires_after_s": True}, "mapping.expires_after_s"),
        ({"fields": {"name": {"const": "x" * 1001}}}, "mapping.fields.name.const"),
        ({"fields": {"name": "a" + ".b" * 40}}, "mapping.fields.name"),
        ({"fields": {"name": "a"}, "labels": {"x": {"path": "y" * 20_000}}}, "mapping"),
    ],
)
def test_a_mapping_that_cannot_be_used_names_the_place(mapping: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        compile_mapping(mapping)
    assert caught.value.field == field


def test_a_mapping_nested_without_end_is_refused() -> None:
    inner: Any = "a"
    for _ in range(20):
        inner = {"first": [inner]}
    with pytest.raises(InvalidInput, match="nested at most"):
        compile_mapping({"fields": {"name": inner}})
