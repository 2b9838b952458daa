"""What is said of the database's figures: every threshold has a verdict, a target and a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from warroom.domain.health import Limits, Standing, judge, node_sentence, seconds_beside
from warroom.domain.health_readings import figures, readings, sentence_of
from warroom.domain.panes import Reading, Verdict

AT = datetime(2026, 3, 5, 10, 41, tzinfo=UTC)
QUIET: dict[str, Any] = {
    "used": 8, "max": 100, "states": {"idle": 8}, "longest": None, "slots": [],
    "wal_rate": 100.0, "wal_mean": 90.0, "slow_ms": 500, "slow_now": [], "statements": [],
    "size": 20_000_000, "grown": 1000, "grown_s": 3600.0, "pool": {"used": 1, "size": 10},
    "intake": {"bodies": 0, "alerts": 0, "age_s": 0.0},
    "tables": [{"name": "warroom.alert", "dead": 7, "live": 900, "vacuum_age_s": 7200.0}],
}  # fmt: skip


def shown(change: dict[str, Any], limits: Limits | None = None) -> dict[str, Reading]:
    """Judge a sample as the engine does, and return its readings by name."""
    detail = {**QUIET, **change}
    judged = figures(detail, limits or Limits())
    detail["standing"] = {
        name: judge(value, bad, None, AT, warn=warn).as_json()
        for name, (value, bad, warn) in judged.items()
    }
    for name, (value, _, _) in judged.items():
        assert value is None or sentence_of(name, detail)
    return {r.name: r for r in readings(detail)}


def test_a_quiet_database_is_well_in_every_reading() -> None:
    found = shown({})
    assert {r.verdict for r in found.values()} == {Verdict.OK}
    assert found["vacuum age"].text == "2.0 h"
    assert found["growth"].text == "1.0 kB/h"
    assert found["engine's pool"].text == "1 of 10"
    assert "within 107.4 GB" in found["database size"].sentence
    assert found["alerts waiting"].text == "none"
    assert found["alerts waiting"].sentence == "every alert that was taken is on the board"


def table(dead: int, live: int, age: float | None) -> dict[str, Any]:
    row = {"name": "warroom.timer", "dead": dead, "live": live, "vacuum_age_s": age}
    return {"tables": [row]}


def waits(alerts: int, age_s: float, bodies: int = 2) -> dict[str, Any]:
    return {"intake": {"bodies": bodies, "alerts": alerts, "age_s": age_s}}


def slow(milliseconds: int) -> dict[str, Any]:
    row = {"ms": milliseconds, "application": "psql", "query": "select pg_sleep(7)"}
    return {"slow_now": [row]}


@pytest.mark.parametrize(
    ("change", "name", "verdict", "words"),
    [
        ({"used": 95}, "connections", Verdict.BAD, "95 of 100 connections used (8 idle): over 90"),
        ({"pool": {"used": 10, "size": 10}}, "engine's pool", Verdict.BAD, "over 90 %"),
        (waits(50, 0.4), "alerts waiting", Verdict.OK,
         "50 alerts are taken and not on the board yet; the oldest waits for 0.4 s: within 15 s"),
        (waits(1240, 12.0), "alerts waiting", Verdict.WARN,
         "1,240 alerts are taken and not on the board yet; the oldest waits for 12.0 s: near 15 s"),
        (waits(1, 15.04), "alerts waiting", Verdict.BAD,
         "1 alert is taken and not on the board yet; the oldest waits for 15.04 s: over 15 s"),
        (waits(90_000, 600.0), "alerts waiting", Verdict.BAD, "the oldest waits for 10 min: over"),
        (waits(0, 20.0, 1), "alerts waiting", Verdict.BAD, "1 delivery without alerts taken"),
        (waits(0, 20.0), "alerts waiting", Verdict.BAD, "2 deliveries without alerts taken"),
        ({"wal_mean": 60e6}, "WAL rate", Verdict.BAD, "60.0 MB of WAL a second"),
        ({"size": 150e9}, "database size", Verdict.BAD, "takes 150.0 GB: over 107.4 GB"),
        ({"grown": 11 * 10**9}, "growth", Verdict.BAD, "over 10.7 GB an hour"),
        ({"grown": 6 * 10**9}, "growth", Verdict.WARN, "near 10.7 GB an hour"),
        (table(120_000, 10, 60.0), "dead rows", Verdict.BAD, "over 100 000 dead rows"),
        (table(12_000, 10, 60.0), "dead rows", Verdict.WARN, "more dead than live"),
        (table(12_000, 10**6, 9e5), "dead rows", Verdict.OK, "beside 1000000 live ones: within"),
        (table(300, 10, 9000.0), "vacuum age", Verdict.BAD, "vacuumed 2.5 h ago and is due"),
        (table(300, 10**6, 9e5), "vacuum age", Verdict.OK, "vacuumed 10.4 d ago"),
        (table(300, 10, None), "vacuum age", Verdict.OK, "never vacuumed"),
        (slow(3761), "slow now", Verdict.WARN,
         "psql runs a statement for 3.8 s: over 500 ms since 10:41 UTC: select pg_sleep(7)"),
        (slow(6000), "slow now", Verdict.BAD, "over 5.0 s since 10:41 UTC"),
        ({"statements": [{"calls": 3, "mean_ms": 900.0, "query": "q"}]}, "slow statements",
         Verdict.WARN, "3 calls of 900 ms each: over 500 ms since 10:41 UTC: q"),
        ({"slots": [{"slot": "a", "retained_bytes": 1, "wal_status": "lost"}]}, "slots",
         Verdict.BAD, "has lost its WAL"),
    ],
)  # fmt: skip
def test_a_threshold_has_its_verdict_and_its_sentence(
    change: dict[str, Any], name: str, verdict: Verdict, words: str
) -> None:
    found = shown(change)[name]
    assert found.verdict is verdict
    assert words in found.sentence


def test_a_lag_over_its_target_is_never_said_with_a_figure_that_is_not() -> None:
    assert seconds_beside(4.2, 2.0) == "4.2 s"
    assert seconds_beside(2.04, 2.0) == "2.04 s"
    bad = judge(2.04, 2.0, None, AT)
    assert node_sentence("eu-2", "standby", "streaming", 2.04, bad, {}) == (
        "standby eu-2 is 2.04 s behind: over the 2 s target since 10:41 UTC"
    )
    still = judge(1.7, 2.0, bad, AT + timedelta(seconds=9))
    assert still.verdict is Verdict.BAD  # until it is well below
    said = node_sentence("eu-2", "standby", "streaming", 1.7, still, {})
    assert said == (
        "standby eu-2 is 1.7 s behind: under the 2 s target again, well below it not yet; "
        "it was over since 10:41 UTC"
    )


def test_alerts_that_wait_are_bad_until_they_are_well_below_what_is_wanted() -> None:
    before = judge(16.0, 15.0, None, AT)
    detail = {**QUIET, **waits(1240, 14.2)}
    still = judge(14.2, 15.0, before, AT + timedelta(seconds=9))
    said = sentence_of("intake", {**detail, "standing": {"intake": still.as_json()}})
    assert still.verdict is Verdict.BAD
    assert said == (
        "1,240 alerts are taken and not on the board yet; the oldest waits for 14.2 s: under 15 s "
        "again, well below it not yet; it was over since 10:41 UTC"
    )


def test_a_sample_that_did_not_ask_says_nothing_of_alerts_that_wait() -> None:
    assert "alerts waiting" not in shown({"intake": None})


def test_a_sample_from_before_a_threshold_existed_is_not_called_well() -> None:
    old = readings({**QUIET, "standing": {}})
    assert {r.verdict for r in old if r.name != "slots"} == {Verdict.UNKNOWN}
    assert Standing.from_json(None).verdict is Verdict.UNKNOWN
