"""What is made quickly is the frozen dataclass itself."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from warroom.domain.alert import AlertState, IncomingAlert, new_incoming_alert

NOW = datetime(2026, 11, 21, 2, 41, tzinfo=UTC)
GIVEN: dict[str, Any] = {
    field.name: field.name
    for field in fields(IncomingAlert)
    if field.name not in {"notes", "ends_any"}
} | {"state": AlertState.FIRING, "starts_at": NOW, "labels": {"a": "b"}, "raw": {"c": [1]}}


def test_it_is_the_same_alert() -> None:
    quick, slow = new_incoming_alert(**GIVEN), IncomingAlert(**GIVEN)
    assert type(quick) is IncomingAlert
    assert quick == slow
    assert repr(quick) == repr(slow)
    assert (quick.notes, quick.ends_any) == ((), False)
    assert new_incoming_alert(**GIVEN, notes=("x",), ends_any=True).ends_any


def test_it_is_frozen_and_takes_nothing_more() -> None:
    alert = new_incoming_alert(**GIVEN)
    with pytest.raises(FrozenInstanceError):
        alert.name = "other"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        object.__setattr__(alert, "more", 1)


def test_it_can_be_replaced_copied_and_pickled() -> None:
    alert = new_incoming_alert(**GIVEN)
    assert replace(alert, name="other").name == "other"
    assert copy.deepcopy(alert) == alert
    assert pickle.loads(pickle.dumps(alert)) == alert


def test_a_field_too_few_or_too_many_is_an_error() -> None:
    with pytest.raises(TypeError):
        new_incoming_alert(**{name: value for name, value in GIVEN.items() if name != "raw"})
    with pytest.raises(TypeError):
        new_incoming_alert(**(GIVEN | {"more": 1}))
