"""What a source may ask for, when it is quiet, how fast it may be, and how a refusal is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from warroom.api.buckets import LONGEST_S, Bucket, Buckets, Pace, as_told
from warroom.api.lanes import BatchSize
from warroom.api.limits import Bodies, Holding, NoRoom
from warroom.domain.source import Lane, check_wishes, quiet_since
from warroom.errors import DatabaseUnavailable, InvalidInput, Overloaded, SourcePaused, Throttled

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ID = UUID(int=7)
WEBHOOK, V2, EVENTS = "/v1/ingest/alertmanager", "/api/v2/alerts", "/v2/enqueue"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def pace(**more: Any) -> Pace:
    chosen: dict[str, Any] = {
        "rate_per_s": None, "burst": None, "lane": Lane.ORDINARY, "paused_at": None
    }  # fmt: skip
    return Pace(ID, "am", **(chosen | more), asked_at=NOW)


def test_the_databases_time_goes_on_by_the_steady_clock() -> None:
    asked = pace(heard_at=100.0)
    assert asked.now(100.0) == NOW
    assert asked.now(161.5) == NOW + timedelta(seconds=61.5)  # a body that took a minute to come
    assert asked.now(99.0) == NOW


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"rate_per_s": 0}, "rate_per_s"),
        ({"rate_per_s": True}, "rate_per_s"),
        ({"burst": 10_000_001}, "burst"),
        ({"lane": "fast"}, "lane"),
        ({"lane": None}, "lane"),
        ({"quiet_after_s": 119}, "quiet_after_s"),
        ({"environment": ""}, "environment"),
        ({"environment": "a\0"}, "environment"),
    ],
)
def test_a_wish_that_cannot_be_is_named(wishes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_wishes(wishes)
    assert caught.value.field == field


def test_wishes_are_those_that_are_named() -> None:
    assert check_wishes({}) == {}
    assert check_wishes({"rate_per_s": None, "lane": "critical", "key": 1}) == {
        "rate_per_s": None, "lane": "critical"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "begun", "after", "since"),
    [
        (ago(10), ago(9999), None, None),
        (ago(301), ago(9999), 300, ago(301)),
        (ago(300), ago(9999), 300, None),
        (None, ago(301), 300, ago(301)),  # it has never spoken at all
        (None, ago(299), 300, None),
        (ago(9000), ago(100), 300, None),  # it goes on after a pause: it has a whole time anew
    ],
)
def test_a_source_is_quiet(
    seen: datetime | None, begun: datetime, after: int | None, since: datetime | None
) -> None:
    assert quiet_since(seen, begun, after, NOW) == since


def test_a_bucket_lets_a_burst_in_and_then_its_rate() -> None:
    bucket = Bucket(10, 20, 0.0)
    assert bucket.wait(0.0) == 0
    bucket.charge(20, 0.0)
    assert bucket.wait(0.0) == pytest.approx(0.1)
    assert bucket.wait(0.1) == 0
    bucket.charge(100_000, 0.1)  # a grouped post is let in whole, and paid for a minute
    assert 0 < bucket.wait(0.1) <= LONGEST_S
    assert bucket.wait(0.1 + LONGEST_S) == 0
    assert bucket.wait(1e6) == 0
    bucket.charge(20, 1e6)  # it never holds more than the burst
    assert bucket.wait(1e6) > 0


@pytest.mark.parametrize(
    ("path", "paused", "fast"),
    [
        (WEBHOOK, Overloaded, Overloaded),
        (V2, Overloaded, Overloaded),
        ("/v1/ingest/changes/github/gh", SourcePaused, Throttled),
        (EVENTS, SourcePaused, Throttled),
        ("/v2/alerts", SourcePaused, Throttled),
        ("/v2/alerts/x/close", SourcePaused, Throttled),
    ],
)
def test_a_refusal_is_told_as_the_senders_understand_it(
    path: str, paused: type[Exception], fast: type[Exception]
) -> None:
    buckets = Buckets(lambda: 0.0)
    with pytest.raises(paused, match="paused at 11:50 UTC"):
        buckets.admit("POST", path, pace(paused_at=ago(600)))
    slow = pace(rate_per_s=1, burst=1)
    buckets.meet(slow)
    buckets.admit("POST", path, slow)
    buckets.charge(ID, 5)
    with pytest.raises(fast) as caught:
        buckets.admit("POST", path, slow)
    assert caught.value.retry_after_s == 6  # type: ignore[attr-defined]  # both have it
    buckets.admit("GET", path, slow)
    buckets.admit("POST", "/v1/freeze", pace(paused_at=NOW))
    assert buckets.take_counts() == {(ID, "paused"): 1, (ID, "rate"): 1}
    assert buckets.take_counts() == {}
    assert buckets.refused == {"paused": 1, "rate": 1}


def test_only_an_ordinary_source_s_alerts_are_refused_without_asking_who_it_is() -> None:
    buckets = Buckets(lambda: 0.0)
    token = b"t" * 32
    assert buckets.brings_alerts("POST", WEBHOOK, token) is None  # nobody has asked about it yet
    buckets.meet(pace(), token)
    assert buckets.brings_alerts("POST", WEBHOOK, token) == ID
    for method, path in (("GET", WEBHOOK), ("POST", "/v1/ingest/changes/gitlab"), ("POST", "/v1")):
        assert buckets.brings_alerts(method, path, token) is None
    buckets.meet(pace(lane=Lane.CRITICAL), token)
    assert buckets.brings_alerts("POST", WEBHOOK, token) is None


def test_a_limit_that_is_taken_away_or_changed_holds_at_once() -> None:
    buckets = Buckets(lambda: 0.0)
    slow = pace(rate_per_s=1, burst=1)
    buckets.meet(slow)
    buckets.charge(ID, 50)
    buckets.meet(slow)  # met again it still owes
    with pytest.raises(Overloaded):
        buckets.admit("POST", WEBHOOK, slow)
    free = pace()
    buckets.meet(free)
    buckets.admit("POST", WEBHOOK, free)
    assert buckets.lane_of(ID) is Lane.ORDINARY
    buckets.meet(pace(lane=Lane.CRITICAL))
    assert buckets.lane_of(ID) is Lane.CRITICAL


def test_a_full_queue_is_told_as_the_dialect_repeats_it() -> None:
    full = Overloaded("full", remedy="later")
    assert as_told(WEBHOOK, full) is full
    told = as_told(EVENTS, full)
    assert isinstance(told, Throttled)
    assert (told.message, told.remedy, told.retry_after_s) == ("full", "later", 2)
    assert as_told("/v1/incidents", full) is full
    away = DatabaseUnavailable("away")
    assert as_told(EVENTS, away) is away


def test_a_batch_is_as_large_as_can_be_stored_in_a_second() -> None:
    size = BatchSize(1000)
    size.took(0.2, 1000)
    assert size.now == 1000
    size.took(5.0, 1000)
    assert size.now == 500
    for _ in range(9):
        size.took(5.0, size.now)
    assert size.now == 50
    size.took(0.1, 3)  # a small batch tells nothing of a large one
    assert size.now == 50
    size.took(0.7, 50)
    assert size.now == 50
    for _ in range(9):
        size.took(0.1, size.now)
    assert size.now == 1000
    assert BatchSize(1).now == 1


def test_critical_sources_have_room_for_bodies_that_others_cannot_take() -> None:
    bodies = Bodies(100)
    large = Holding(bodies, critical=False)
    large.reach(500)  # alone it always has room
    with pytest.raises(NoRoom):
        Holding(bodies, critical=True).reach(1)
    large.give_back()
    first = Holding(bodies, critical=False)
    first.reach(60)
    first.reach(100)
    with pytest.raises(NoRoom):
        Holding(bodies, critical=False).reach(1)
    urgent = Holding(bodies, critical=True)
    urgent.reach(25)
    with pytest.raises(NoRoom):
        urgent.reach(26)
    urgent.give_back()
    first.give_back()
    assert bodies.held == 0
