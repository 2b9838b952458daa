"""What the figures of causes stand on: intervals, baselines, fair outages, metrics to alerts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bench.outages import REPORT, TUNING, outage
from bench.petshop import measure, rank
from bench.petshop_alerts import alerts, rows_until
from bench.petshop_data import Issue, Metrics, Scenario, scenarios
from bench.ranking import BASELINES, Case, Tally, judged, wilson
from tests.unit.impact_graphs import HARD, NOON, alert, estate
from warroom.impact.graph import Seed

NAMES = ["web", "app", "db", "side"]
CALLS = [("web", "app"), ("web", "side"), ("app", "db")]
STEP_S = 300


def test_wilson_is_the_interval_of_the_book() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 20)[0] == 0.0
    assert wilson(20, 20)[1] == 1.0


def test_each_baseline_names_what_it_says() -> None:
    graph = estate(("web", HARD, "app"), ("app", HARD, "db"))
    signals = (
        alert("web", 0), alert("web", 5, name="b"), alert("app", 20), alert("db", 40),
        alert("web", 9, name="c"),
    )  # fmt: skip
    case = Case(graph, (Seed("web", "down"),), signals, NOON)
    assert BASELINES["earliest alert"](case) == ["web", "app", "db"]
    assert BASELINES["most alerts"](case)[0] == "web"
    assert BASELINES["deepest unhealthy"](case)[0] == "db"


def test_a_tally_counts_the_first_and_the_first_three() -> None:
    tally = Tally()
    tally.add(["a", "b"], "a")
    tally.add(["b", "c", "a"], "a")
    tally.add(["b", "c", "d", "a"], "a")
    assert (tally.share(1), tally.share(3)) == (1 / 3, 2 / 3)
    figures = judged("x", dict.fromkeys(["suspects", *BASELINES], tally))
    assert [f.name for f in figures] == ["x.top1", "x.top3"]


def test_outages_are_the_same_again_and_reported_on_others_than_tuned_on() -> None:
    assert not set(TUNING) & set(REPORT)
    assert len(REPORT) == 200
    for seed in (1, 2, 3):
        once, again = outage(seed), outage(seed)
        assert once.accepted == again.accepted
        assert once.case.signals == again.case.signals
        assert once.case.changes == again.case.changes
        keys = {s.key for s in once.case.graph.services}
        assert {s.service for s in once.case.signals} <= keys
        assert once.cause == "zone" or once.accepted <= keys


def metrics(changed: dict[tuple[str, str], list[float]], rows: int) -> Metrics:
    """Make rows in which all is well but for what is given by component and metric."""
    found = Metrics([float(n * STEP_S) for n in range(rows)])
    for name in NAMES:
        for metric, statistic, usual in (
            ("latency", "Average", 0.1),
            ("availability", "Average", 100.0),
            ("requests", "Sum", 90.0),
        ):  # fmt: skip
            wander = [usual * (1 + 0.01 * (n % 3)) if metric == "latency" else usual
                      for n in range(rows)]  # fmt: skip
            found.values[name, metric, statistic] = changed.get((name, metric), wander)
    return found


def write(path: Path, found: Metrics) -> None:
    path.parent.mkdir(parents=True)
    keys = sorted(found.values)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        for part, title in enumerate(("microservice", "metric", "statistic")):
            rows.writerow([title, *(key[part] for key in keys)])
        rows.writerow(["unix_timestamp", *("" for _ in keys)])
        for number, stamp in enumerate(found.stamps):
            rows.writerow([stamp, *(found.values[key][number] for key in keys)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "some_traffic"
    home.mkdir()
    with (home / "graph.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["", *NAMES])
        rows.writerows([[a, *(float((a, b) in CALLS) for b in NAMES)] for a in NAMES])
    write(home / "noissue" / "metrics.csv", metrics({}, 30))
    slow = [0.1, 0.1, 0.6, 0.6, 0.1]
    for number, (split, slowed) in enumerate([("train", "db"), ("test1", "app")]):
        chain = {"db": ["db", "app", "web"], "app": ["app", "web"]}[slowed]
        issue = home / split / f"issue_{number}"
        write(issue / "metrics.csv", metrics({(n, "latency"): slow for n in chain}, 5))
        target = {"node": "web", "metric": "latency", "agg": "Average", "timestamp": 400}
        cause = {"target": target, "root_cause": {"node": slowed, "metric": None}}
        (issue / "target.json").write_text(json.dumps(cause))
    return tmp_path


def test_every_split_of_a_folder_is_ranked(folder: Path) -> None:
    found = measure(folder)["some_traffic"]
    assert found["suspects"].count == 2
    assert found["suspects"].share(1) == 1.0
    # Who has seen all answers and looks at nothing is right half of the time here.
    assert found["constant guess"].share(1) == 0.5


def test_nothing_after_the_row_of_the_symptom_is_seen(folder: Path) -> None:
    assert rows_until([0, 300, 600, 900], 400) == 3
    assert rows_until([0, 300, 600, 900], 300) == 3
    assert rows_until([0, 300], 999) == 2
    (scenario,) = scenarios(folder)
    issue = scenario.issues[1]
    mask = {n: n for n in NAMES}
    before = alerts(scenario, issue, mask)
    for values in issue.metrics.values.values():
        values[3:] = [7e9] * 2
    assert alerts(scenario, issue, mask).signals == before.signals


def test_a_name_tells_nothing(folder: Path) -> None:
    (scenario,) = scenarios(folder)
    renamed = {n: f"x{n[::-1]}" for n in NAMES}

    def rename(found: Metrics) -> Metrics:
        return Metrics(found.stamps, {(renamed[c], m, s): v
                                      for (c, m, s), v in found.values.items()})  # fmt: skip

    issue = next(i for i in scenario.issues if i.cause == "db")
    other = Issue(issue.name, rename(issue.metrics), renamed["web"], "latency", "Average",
                  issue.at, renamed["db"])  # fmt: skip
    assert scenario.normal is not None
    strange = Scenario(
        scenario.name, tuple(renamed[n] for n in scenario.components),
        tuple((renamed[a], renamed[b]) for a, b in scenario.calls),
        rename(scenario.normal), (other,),
    )  # fmt: skip
    ours = rank(scenario, issue)["suspects"]
    assert [renamed[n] for n in ours][:3] == rank(strange, other)["suspects"][:3]


def test_missing_numbers_and_missing_normals_are_borne(folder: Path) -> None:
    (scenario,) = scenarios(folder)
    issue = next(i for i in scenario.issues if i.cause == "db")
    for metric in ("latency", "availability", "requests"):
        statistic = "Sum" if metric == "requests" else "Average"
        issue.metrics.values["side", metric, statistic] = [float("nan")] * 5
        del issue.metrics.values["app", metric, statistic]
    alone = Scenario(scenario.name, scenario.components, scenario.calls, None, (issue,))
    assert rank(alone, issue)["suspects"][0] == "db"
