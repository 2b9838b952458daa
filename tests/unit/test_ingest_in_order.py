"""Alerts that are in order are taken as they came; they must not differ from the others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.errors import InvalidInput
from warroom.ingest import alertmanager_v2, alertmanager_webhook
from warroom.ingest.common import (
    MAX_ANNOTATION,
    MAX_LABEL_NAME,
    MAX_LABEL_VALUE,
    MAX_LABELS,
    IngestOptions,
)

NOW = datetime(2026, 11, 21, 2, 41, 0, tzinfo=UTC)
OPTIONS = IngestOptions()
NAMES = st.sampled_from(("alertname", "service", "severity", "summary", "title")) | st.text(
    min_size=1, max_size=5
)
MAPS = st.dictionaries(NAMES, st.text(min_size=1, max_size=20), min_size=1, max_size=6)


def posted(labels: Any, annotations: Any) -> Any:
    body = json.dumps([{"labels": labels, "annotations": annotations}]).encode()
    (alert,) = alertmanager_v2.parse(body, OPTIONS, NOW)
    return replace(alert, raw={})


@given(MAPS, MAPS)
def test_an_empty_value_more_changes_nothing(
    labels: dict[str, str], annotations: dict[str, str]
) -> None:
    def roundabout(texts: dict[str, str]) -> dict[str, str]:
        return {**texts, "nothing said": ""}

    try:
        alert = posted(labels, annotations)
    except InvalidInput:  # NUL and the like
        return
    longer = posted(roundabout(labels), roundabout(annotations))
    assert longer == alert
    assert list(longer.labels) == list(alert.labels) == list(labels)
    assert list(longer.annotations) == list(alert.annotations)


@pytest.mark.parametrize("more", [0, 1])
def test_the_limits_are_exact(more: int) -> None:
    many = {f"n{index}": "x" for index in range(MAX_LABELS + more)}
    assert len(posted(many, {}).labels) == MAX_LABELS
    assert len(posted(many, {}).notes) == more
    named = {"x" * (MAX_LABEL_NAME + more): "x"}
    assert len(posted(named, {}).labels) == 1 - more
    long = posted({"a": "x" * (MAX_LABEL_VALUE + more)}, {"b": "x" * (MAX_ANNOTATION + more)})
    assert len(long.labels["a"]) == MAX_LABEL_VALUE
    assert len(long.annotations["b"]) == MAX_ANNOTATION
    assert len(long.notes) == 2 * more


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"labels": {"a": "b", "c": 1, "": "d"}}, "labels.c"),
        ({"labels": {"a": "b", "": "d", "c": 1}}, "labels"),
        ({"labels": {"a b": None}}, 'labels["a b"]'),
        ({"labels": {"a": ""}}, "labels"),
        ({"labels": []}, "labels"),
        ({"labels": 0}, "labels"),
        ({"labels": {}}, "labels"),
        ({"annotations": {"a": ["b"]}}, "annotations.a"),
        ({"annotations": ""}, "annotations"),
        ({"generatorURL": 1}, "generatorURL"),
        ({"startsAt": 1}, "startsAt"),
        ({"startsAt": "yesterday"}, "startsAt"),
        ({"endsAt": "2026-11-21T02:40:00"}, "endsAt"),
        ({"endsAt": "0001-01-01T00:00:00"}, "endsAt"),
        ({"endsAt": False}, "endsAt"),
    ],
)
def test_what_is_wrong_is_named_by_its_whole_path(wrong: dict[str, Any], field: str) -> None:
    good = {"status": "firing", "labels": {"alertname": "Up"}}
    with pytest.raises(InvalidInput) as caught:
        alertmanager_v2.parse(json.dumps([good, good | wrong]).encode(), OPTIONS, NOW)
    assert caught.value.field == f"[1].{field}"
    assert caught.value.message.startswith(f"[1].{field} must be ")
    group = {"version": "4", "status": "firing", "alerts": [good, good | wrong]}
    with pytest.raises(InvalidInput) as caught:
        alertmanager_webhook.parse(json.dumps(group).encode(), OPTIONS, NOW)
    assert caught.value.field == f"alerts[1].{field}"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"status": "gone"}, "status"),
        ({"status": ["firing"]}, "status"),
        ({"fingerprint": 1}, "fingerprint"),
        ({"fingerprint": "x" * 65}, "fingerprint"),
        ({"fingerprint": "with space"}, "fingerprint"),
    ],
)
def test_so_are_the_fields_that_only_the_webhook_has(wrong: dict[str, Any], field: str) -> None:
    good = {"status": "firing", "labels": {"alertname": "Up"}}
    group = {"version": "4", "status": "firing", "alerts": [good | wrong]}
    with pytest.raises(InvalidInput) as caught:
        alertmanager_webhook.parse(json.dumps(group).encode(), OPTIONS, NOW)
    assert caught.value.field == f"alerts[0].{field}"
