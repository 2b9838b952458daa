"""The two Alertmanager dialects: recorded payloads, wrong fields, and arbitrary JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain.alert import AlertState, IncomingAlert
from warroom.domain.ids import fingerprint
from warroom.domain.severity import check_table
from warroom.errors import InvalidInput
from warroom.ingest import alertmanager_v2, alertmanager_webhook
from warroom.ingest.common import IngestOptions

DATA = Path(__file__).parents[1] / "data"
NOW = datetime(2026, 11, 21, 2, 41, 0, tzinfo=UTC)
STARTED = datetime(2026, 11, 21, 2, 40, 48, 646_000, tzinfo=UTC)
OPTIONS = IngestOptions()
Parse = Callable[[bytes, IngestOptions, datetime], tuple[IncomingAlert, ...]]


def recorded(name: str) -> bytes:
    return (DATA / f"{name}.json").read_bytes()


def webhook(*alerts: Any, **fields: Any) -> bytes:
    envelope = {"version": "4", "status": "firing", "alerts": list(alerts)} | fields
    return json.dumps(envelope).encode()


def alert_json(**fields: Any) -> dict[str, Any]:
    return {"status": "firing", "labels": {"alertname": "Up"}, "annotations": {}} | fields


def posted(**fields: Any) -> IncomingAlert:
    body = json.dumps([{"labels": {"alertname": "Up"}} | fields]).encode()
    (alert,) = alertmanager_v2.parse(body, OPTIONS, NOW)
    return alert


def test_what_alertmanager_sent_when_it_fired() -> None:
    (alert,) = alertmanager_webhook.parse(recorded("alertmanager_webhook_firing"), OPTIONS, NOW)
    assert alert.fingerprint == "bc9af283b72ad7e2"
    assert (alert.name, alert.summary) == ("CheckoutErrors", "Checkout answers 5xx")
    assert alert.description.startswith("Over 5 % of requests fail – since checkout-1")
    assert (alert.service_key, alert.service_label) == ("checkout", "service")
    assert (alert.severity, alert.severity_word) == (1, "critical")
    assert alert.severity_reason == "label severity critical is SEV1"
    assert alert.state is AlertState.FIRING
    assert (alert.starts_at, alert.ends_at, alert.expires_at) == (STARTED, None, None)
    assert alert.generator_url.startswith("http://prometheus.example:9090/graph?")
    assert alert.raw["endsAt"] == "0001-01-01T00:00:00Z"
    assert alert.notes == ()


def test_a_group_without_the_label_falls_back_to_job_or_to_nothing() -> None:
    queue, watchdog = alertmanager_webhook.parse(
        recorded("alertmanager_webhook_firing_group"), OPTIONS, NOW
    )
    assert (queue.service_key, queue.service_label) == ("orders-worker", "job")
    assert queue.summary == 'Queue "orders" grows [bold]fast[/bold] 🚒'
    assert (watchdog.service_key, watchdog.service_label) == (None, None)
    assert (watchdog.severity, watchdog.summary) == (5, "Watchdog")


def test_what_alertmanager_sent_when_it_was_over() -> None:
    (alert,) = alertmanager_webhook.parse(recorded("alertmanager_webhook_resolved"), OPTIONS, NOW)
    # Our clock may be behind the sender's: an end is never in our future.
    assert alert.state is AlertState.RESOLVED
    assert alert.ends_at == NOW
    later = NOW + timedelta(hours=1)
    (alert,) = alertmanager_webhook.parse(recorded("alertmanager_webhook_resolved"), OPTIONS, later)
    assert alert.ends_at == datetime(2026, 11, 21, 2, 41, 27, 646_000, tzinfo=UTC)


def test_what_prometheus_posts_expires_and_ends() -> None:
    (fires,) = alertmanager_v2.parse(recorded("prometheus_v2_firing"), OPTIONS, NOW)
    assert fires.state is AlertState.FIRING
    assert fires.expires_at == datetime(2026, 11, 21, 2, 41, 39, 646_000, tzinfo=UTC)
    assert fires.fingerprint == fingerprint(fires.labels)
    later = NOW + timedelta(minutes=1)
    (over,) = alertmanager_v2.parse(recorded("prometheus_v2_resolved"), OPTIONS, later)
    assert over.state is AlertState.RESOLVED
    assert over.ends_at == datetime(2026, 11, 21, 2, 41, 27, 646_000, tzinfo=UTC)
    assert over.fingerprint == fires.fingerprint
    queue, watchdog = alertmanager_v2.parse(recorded("prometheus_v2_heartbeat"), OPTIONS, later)
    assert queue.state is watchdog.state is AlertState.FIRING
    assert watchdog.annotations == {}


@pytest.mark.parametrize("zero", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "", None])
def test_unset_times_mean_now_and_five_minutes(zero: str | None) -> None:
    alert = posted(startsAt=zero, endsAt=zero)
    assert alert.state is AlertState.FIRING
    assert (alert.starts_at, alert.ends_at) == (NOW, None)
    assert alert.expires_at == NOW + timedelta(minutes=5)


def test_an_end_without_a_start_is_both() -> None:
    alert = posted(endsAt="2026-11-21T02:00:00+01:00")
    assert alert.starts_at == alert.ends_at == datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


def test_nanoseconds_are_read() -> None:
    assert posted(startsAt="2026-11-21T02:40:48.646123999Z").starts_at.microsecond == 646_123


def test_the_webhook_may_be_told_to_expire() -> None:
    options = IngestOptions(webhook_expiry=timedelta(hours=5))
    (alert,) = alertmanager_webhook.parse(webhook(alert_json()), options, NOW)
    assert alert.expires_at == NOW + timedelta(hours=5)


def test_an_end_before_the_start_is_repaired_in_the_webhook_and_refused_in_v2() -> None:
    times = {"startsAt": "2026-11-21T02:00:00Z", "endsAt": "2026-11-21T01:00:00Z"}
    body = webhook(alert_json(status="resolved", **times))
    (alert,) = alertmanager_webhook.parse(body, OPTIONS, NOW)
    assert alert.ends_at == alert.starts_at
    with pytest.raises(InvalidInput) as caught:
        posted(**times)
    assert caught.value.field == "[0].endsAt"


def test_the_configured_label_wins_and_the_sources_own_words() -> None:
    options = IngestOptions.for_service_label("team_service")
    assert options.service_labels == ("team_service", "service", "app", "job")
    labels = {"alertname": "Up", "service": "b", "team_service": " a \t b ", "level": "Page-Me"}
    options = IngestOptions(
        service_labels=options.service_labels,
        severity_label="level",
        severities=check_table({"page me": 2}),
    )
    (alert,) = alertmanager_webhook.parse(webhook(alert_json(labels=labels)), options, NOW)
    assert (alert.service_key, alert.service_label) == ("a b", "team_service")
    assert (alert.severity, alert.severity_reason) == (
        2,
        "label level Page-Me is SEV2 for this source",
    )


def test_too_much_is_cut_and_said_but_the_fingerprint_is_of_the_whole() -> None:
    labels = {f"l{i:04d}": "x" for i in range(300)} | {"alertname": "A" * 9_000}
    alert = posted(labels=labels, annotations={"summary": "s" * 20_000, "n" * 500: "long name"})
    assert alert.fingerprint == fingerprint(labels)
    assert len(alert.labels) == 128
    assert len(alert.labels["alertname"]) == 4_096
    assert len(alert.name) == 200
    assert len(alert.summary) == 1_000
    assert alert.notes == (
        "173 of 301 labels left out",
        "1 labels cut to 4,096 characters",
        "1 of 2 annotations left out",
        "1 annotations cut to 10,000 characters",
    )
    assert len(alert.raw["labels"]) == 301


def test_long_service_names_stay_apart() -> None:
    one, two = (posted(labels={"service": "s" * 300 + end}).service_key or "" for end in "ab")
    assert one != two
    assert len(one) == len(two) == 200


def test_empty_labels_count_as_not_there() -> None:
    alert = posted(labels={"service": "", "app": "shop", "alertname": ""})
    assert alert.labels == {"app": "shop"}
    assert alert.name == "app=shop"
    assert alert.fingerprint == fingerprint({"app": "shop"})


def test_a_group_that_the_sender_cut_says_so_once() -> None:
    body = webhook(alert_json(), alert_json(), truncatedAlerts=12)
    first, second = alertmanager_webhook.parse(body, OPTIONS, NOW)
    assert first.notes == ("the sender left 12 more alerts out of this group (max_alerts)",)
    assert second.notes == ()


def test_no_alerts_are_no_error() -> None:
    assert alertmanager_webhook.parse(webhook(), OPTIONS, NOW) == ()
    assert alertmanager_v2.parse(b"[]", OPTIONS, NOW) == ()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", "body"),
        (b"{}", "version"),
        (webhook(version="3"), "version"),
        (webhook(version=4), "version"),
        (webhook(status="burning"), "status"),
        (webhook(receiver=1), "receiver"),
        (webhook(groupLabels=[]), "groupLabels"),
        (webhook(commonLabels={"a b": 1}), 'commonLabels["a b"]'),
        (webhook(truncatedAlerts=-1), "truncatedAlerts"),
        (webhook(truncatedAlerts=True), "truncatedAlerts"),
        (webhook(alerts=None), "alerts"),
        (webhook(alerts={}), "alerts"),
        (webhook("x"), "alerts[0]"),
        (webhook(alert_json(), alert_json(status="x")), "alerts[1].status"),
        (webhook(alert_json(labels={"alertname": 1})), "alerts[0].labels.alertname"),
        (webhook(alert_json(labels={"": "x"})), "alerts[0].labels"),
        (webhook(alert_json(labels={})), "alerts[0].labels"),
        (webhook(alert_json(labels={"a": ""})), "alerts[0].labels"),
        (webhook(alert_json(annotations={"s": None})), "alerts[0].annotations.s"),
        (webhook(alert_json(startsAt=5)), "alerts[0].startsAt"),
        (webhook(alert_json(startsAt="yesterday")), "alerts[0].startsAt"),
        (webhook(alert_json(startsAt="2026-11-21T02:40:48")), "alerts[0].startsAt"),
        (webhook(alert_json(startsAt="2026-02-30T00:00:00Z")), "alerts[0].startsAt"),
        (webhook(alert_json(startsAt="２０26-02-20T00:00:00Z")), "alerts[0].startsAt"),
        (webhook(alert_json(endsAt="9999-12-31T23:59:59-05:00")), "alerts[0].endsAt"),
        (webhook(alert_json(generatorURL={})), "alerts[0].generatorURL"),
        (webhook(alert_json(fingerprint=7)), "alerts[0].fingerprint"),
        (webhook(alert_json(fingerprint="f" * 65)), "alerts[0].fingerprint"),
        (webhook(alert_json(fingerprint="\x1b[2J")), "alerts[0].fingerprint"),
    ],
)
def test_the_webhook_names_the_field_at_fault(body: bytes, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        alertmanager_webhook.parse(body, OPTIONS, NOW)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "body"),
        (b"[3]", "[0]"),
        (b'[{"labels": {"a": "b"}}, {"labels": {"a": 1}}]', "[1].labels.a"),
        (b'[{"labels": null}]', "[0].labels"),
        (b'[{"labels": {"a": "b"}, "annotations": 1}]', "[0].annotations"),
        (b'[{"labels": {"a": "b"}, "endsAt": "soon"}]', "[0].endsAt"),
    ],
)
def test_v2_names_the_field_at_fault(body: bytes, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        alertmanager_v2.parse(body, OPTIONS, NOW)
    assert caught.value.field == field


LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["4", "firing", "resolved", "0001-01-01T00:00:00Z", "2026-11-21T02:40:48Z"])
)
KEY = (
    st.sampled_from(
        [
            "version",
            "status",
            "alerts",
            "labels",
            "annotations",
            "startsAt",
            "endsAt",
            "fingerprint",
            "generatorURL",
            "truncatedAlerts",
            "groupLabels",
            "alertname",
        ]
    )
    | st.text()
)
TREE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=6),
    max_leaves=25,
)
NEARLY_ALERT = st.fixed_dictionaries(
    {"labels": st.dictionaries(st.text(), st.text() | LEAF, max_size=3)},
    optional={
        "status": LEAF,
        "startsAt": LEAF,
        "endsAt": LEAF | st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
        "annotations": st.dictionaries(KEY, st.text(), max_size=3) | LEAF,
        "fingerprint": LEAF,
    },
)


@pytest.mark.parametrize("parse", [alertmanager_webhook.parse, alertmanager_v2.parse])
@given(value=TREE | st.lists(NEARLY_ALERT, max_size=3), wrap=st.booleans())
def test_arbitrary_json_is_read_or_refused(parse: Parse, value: Any, wrap: bool) -> None:
    body = webhook(alerts=value) if wrap else json.dumps(value).encode()
    try:
        alerts = parse(body, OPTIONS, NOW)
    except InvalidInput as error:
        # Whatever is said must be sendable: no lone surrogate may reach the answer.
        f"{error.field}: {error}".encode()
        return
    for alert in alerts:
        assert 1 <= alert.severity <= 5
        assert alert.name
        assert alert.fingerprint
        assert (alert.state is AlertState.RESOLVED) == (alert.ends_at is not None)
        assert alert.ends_at is None or alert.starts_at <= alert.ends_at <= NOW
        json.dumps(dict(alert.raw), ensure_ascii=False).encode("utf-8")


def test_grafanas_webhook_is_told_apart_by_its_org() -> None:
    memory, missing = alertmanager_webhook.parse(recorded("grafana_webhook"), OPTIONS, NOW)
    assert (memory.name, memory.service_key, memory.severity) == (
        "High memory usage",
        "checkout",
        1,
    )
    assert memory.fingerprint == "c6eadffa33fcdf37"
    assert memory.state is AlertState.FIRING
    assert memory.annotations["imageURL"] == "https://mine.example/kept.png"
    assert memory.annotations["panelURL"].endswith("viewPanel=2")
    assert memory.annotations["silenceURL"].startswith("https://play.grafana.org/alerting/silence/")
    assert memory.annotations["valueString"].startswith("[ var='B'")
    assert memory.notes == ("the sender left 3 more alerts out of this group (max_alerts)",)
    assert dict(missing.annotations) == {}
    assert (missing.name, missing.service_key) == ("DatasourceNoData", None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": "4"}, "version"),
        ({"orgId": "one"}, "orgId"),
        ({"orgId": True}, "orgId"),
        ({"alerts": [alert_json(valueString=3)]}, "alerts[0].valueString"),
        ({"alerts": [alert_json(imageURL=["x"])]}, "alerts[0].imageURL"),
    ],
)
def test_what_grafana_never_sends_is_refused(change: dict[str, Any], field: str) -> None:
    message = json.loads(recorded("grafana_webhook")) | change
    with pytest.raises(InvalidInput) as caught:
        alertmanager_webhook.parse(json.dumps(message).encode(), OPTIONS, NOW)
    assert caught.value.field == field
