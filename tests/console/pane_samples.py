"""Pictures of the panes beside the board: those of SCREEN's sketch, and hostile ones."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from tests.console.hostile import TEXTS
from tests.console.samples import NOW, ago, ahead
from warroom.domain.panes import (
    HealthPicture,
    Hypothesis,
    ImpactNode,
    ImpactPicture,
    ImpactTotals,
    LogRow,
    Node,
    Picture,
    Reading,
    TimelinePicture,
    TimerRow,
    TimersPicture,
    Verdict,
)
from warroom.domain.reasoned import (
    RestartStep,
    RestartWave,
    SharedDomain,
    Suggestion,
    Suspect,
)

INCIDENT = UUID(int=2041)


def service(key: str, state: str, depth: int, tier: int = 1, **other: object) -> ImpactNode:
    node = ImpactNode(
        key=key,
        name=key,
        state=state,
        tier=tier,
        team="commerce",
        depth=depth,
        why=str(other.pop("why", "hard on ↑" if depth else "first alert")),
        since=ago(minutes=11),
    )
    return node._replace(**other)  # type: ignore[arg-type] # a test's shorthand


def impact() -> ImpactPicture:
    nodes = (
        service("pg-main", "down", 0, 0, team="databases", since=ago(minutes=12), region="eu",
                kind="datastore"),
        service("orders", "down", 1),
        service("checkout", "expected-down", 2, why="hard on orders ← hard on pg-main",
                user_share=62.0, customers=1200),
        service("basket", "suspected", 2),
        service("catalogue", "degraded", 1, 2, why="soft on ↑"),
        service("reports", "expected-degraded", 1, 3, team="data", why="soft on ↑"),
        service("checkout", "expected-down", 2, elsewhere=True),
        service("search", "recovered", 0, 2, team="search"),
        service("acmepay", "degraded", 0, 1, team="payments", kind="third_party", region="us"),
        service("refunds", "expected-degraded", 1, 3, team="payments"),
    )  # fmt: skip
    totals = ImpactTotals(14, 3, 62.0, 1200, ("eu", "us"), 1, "checkout down")
    return ImpactPicture(
        INCIDENT, 2041, nodes, totals, NOW, computed_at=NOW, suspects=suspects(), waves=waves(),
        shared=(SharedDomain("zone", "eu-1a", 5, 6, 2, "down"),
                SharedDomain("region", "eu", 9, 12, 2)),
        suggestion=Suggestion(1, "3 tier 0–1 services are down and ~62 % of users feel it"),
    )  # fmt: skip


def suspects() -> tuple[Suspect, ...]:
    return (
        Suspect(
            "service", "pg-main", "pg-main", 0.93,
            (
                "the deepest that is down: all 13 others depend on it",
                "its alert was the first, 10:34:58",
                "like INC-1987 of 12 February, fixed there: a pool that gave no connection back",
            ),
            "databases", 0, ago(minutes=12), ("pg-main", "orders", "checkout"),
        ),
        Suspect(
            "change", "orders", "deploy orders 4.18", 0.61,
            ("deployed 4 min before the first alert, 1 dependency away", "by sara, not approved"),
            "commerce", 1, ago(minutes=16), ("orders", "checkout"), UUID(int=418),
            "https://ci.example.org/orders/418",
        ),
        Suspect(
            "third-party", "acmepay", "AcmePay", 0.22,
            ("its status page says degraded since 10:40", "it came after the first alert"),
            "payments", 1, ago(minutes=7), ("acmepay", "checkout"),
        ),
        Suspect("domain", "zone:eu-1a", "zone eu-1a", 0.1, ("5 of its 6 services are hit",)),
    )  # fmt: skip


def waves() -> tuple[RestartWave, ...]:
    def step(key: str, state: str, verify: str, tier: int = 1, **done: object) -> RestartStep:
        found = RestartStep(key, key, tier, "commerce", state, verify)
        return replace(found, **done)  # type: ignore[arg-type] # a test's shorthand

    return (
        RestartWave(1, (step("pg-main", "down", "Connections below 300 of 500, lag under 1 s.", 0,
                             done_by="mira", done_at=ago(minutes=2)),)),
        RestartWave(2, (
            step("orders", "down", "Orders a minute back above 400; no 5xx for 2 minutes."),
            step("catalogue", "degraded", "p95 of a page under 300 ms.", 2),
        ), ("basket needs orders and orders needs basket (soft): basket waits",)),
        RestartWave(3, (
            step("checkout", "expected-down", "A test order goes through in all regions."),
            step("basket", "suspected", "Baskets are kept over a new login."),
            step("reports", "expected-degraded", "Tonight's run begins.", 3),
        )),
    )  # fmt: skip


def timer(number: int, kind: str, at_zero: str, target: str, left_s: float) -> TimerRow:
    return TimerRow(
        id=UUID(int=number * 100 + len(kind)),
        number=number,
        severity=1 + number % 4,
        drill=False,
        kind=kind,
        step=2 if kind == "escalate" else 0,
        due_at=ahead(seconds=left_s),
        at_zero=at_zero,
        target=target,
    )


def timers() -> TimersPicture:
    paused = timer(2031, "mitigation-expiry", "mitigation ends", "Zoë", 700)
    rows = (
        timer(2039, "update-due", "update due", "nobody", -31),
        timer(2041, "escalate", "escalates", "Mira (db)", 102),
        timer(2044, "ack-timeout", "ack times out", "luc", 490),
        timer(2041, "update-due", "update due", "ana", 768),
        timer(2041, "regulatory", "legal deadline", "privacy", 256_368),
        replace(paused, state="paused", paused_at=ago(minutes=2)),
    )
    return TimersPicture(rows, NOW, len(rows))


def entry(number: int, kind: str, text: str, age_s: float, author: str = "ana") -> LogRow:
    """Return an entry; a larger number is a newer one."""
    return LogRow(
        id=UUID(int=number),
        kind=kind,
        text=text,
        happened_at=ago(seconds=age_s),
        recorded_at=ago(seconds=age_s),
        author=author,
        source="console",
    )


def log() -> TimelinePicture:
    hypothesis = replace(
        entry(3, "hypothesis", "Pool leak in orders 4.18", 250), hypothesis=Hypothesis("open", 2, 1)
    )
    wrong = replace(entry(4, "fact", "Failover at 10:43", 200, "luc"), corrected_by=UUID(int=6))
    late = replace(entry(2, "status", "acknowledged → investigating", 342), recorded_at=ago())
    rows = (
        entry(7, "decision", "Fail over to pg-b once lag < 1 s. Not rolling back.", 32),
        replace(entry(6, "fact", "Failover at 10:44", 90, "luc"), corrects=UUID(int=4)),
        replace(
            entry(5, "evidence", "Connections 500/500, 430 idle in transaction", 120, "luc"),
            about=UUID(int=3),
            stance="for",
        ),
        wrong,
        hypothesis,
        late,
        entry(1, "fact", "alert pg-main: too many connections", 732, "alertmanager"),
    )
    pin = replace(entry(8, "communication", "Status page: checkout is degraded", 700), pinned=True)
    return TimelinePicture(INCIDENT, 2041, rows, NOW, pins=(pin,))


def health() -> HealthPicture:
    far = "pg-c is 4.2 s behind: over the 2 s target since 10:41"
    nodes = (
        Node("pg-a", "primary", "primary", Verdict.OK, "", timeline=7),
        Node("pg-b", "standby", "streaming", Verdict.OK, "", "sync", 12_000, 0.1, "b", 300_000),
        Node("pg-c", "standby", "streaming", Verdict.WARN, far, "async", 31_000_000, 4.2),
    )
    remedy = (
        "pg_stat_statements is not installed: add it to shared_preload_libraries, restart, and "
        "CREATE EXTENSION pg_stat_statements"
    )
    readings = (
        Reading("alerts waiting", "none", sentence="every alert that was taken is on the board"),
        Reading("connections", "12 of 40"),
        Reading("engine's pool", "1 of 10"),
        Reading("longest transaction", "430 s", Verdict.BAD, "a transaction is open since 10:40"),
        Reading("WAL rate", "3.1 MB/s"),
        Reading("slots", "300 kB"),
        Reading("dead rows", "1204"),
        Reading("vacuum age", "12 min"),
        Reading("database size", "61.0 GB"),
        Reading("growth", "28.8 MB in 12 min"),
        Reading("slow now", "none"),
        Reading("slow statements", "", Verdict.UNKNOWN, remedy),
    )
    rates = (1e6, 2e6, 3.4e6, 2e6, 3.1e6)
    return HealthPicture(nodes, readings, NOW, ago(seconds=2), rates, standby_configured=True)


def hostile_panes() -> tuple[ImpactPicture, TimersPicture, TimelinePicture, HealthPicture]:
    """Return pictures whose every text is hostile, about the incident with the id 1."""
    first = UUID(int=1)
    nodes = tuple(
        ImpactNode(t, t, t, 1, t, place % 20, t, ago(minutes=1), t, t)
        for place, t in enumerate(TEXTS)
    )
    clocks = tuple(
        replace(timer(place, t, t, t, 60 + place), id=UUID(int=place), state="armed")
        for place, t in enumerate(TEXTS, start=1)
    )
    rows = tuple(
        replace(entry(place, t, t, place * 90, t), recorded_at=NOW, source=t, stance=t)
        for place, t in enumerate(TEXTS, start=1)
    )[::-1]
    servers = tuple(Node(t, "standby", t, Verdict.BAD, t, t, 1, 1.0, t, 1, 1) for t in TEXTS)
    figures = tuple(Reading(t, t, v, t) for t in TEXTS for v in Verdict)
    totals = ImpactTotals(9, 9, 9.0, 9, (TEXTS[0],), 9, TEXTS[1])
    evil = tuple(
        Suspect(
            ("service", "change", "domain", t)[place % 4], t, t, 0.5, (t, t), t, 1, ago(), (t, "b"),
            UUID(int=place), t,
        )
        for place, t in enumerate(TEXTS)
    )  # fmt: skip
    return (
        ImpactPicture(
            first,
            1,
            nodes,
            totals,
            NOW,
            NOW,
            suspects=evil,
            waves=(hostile_wave(),),
            shared=tuple(SharedDomain(t, t, 1, 2, 3) for t in TEXTS),
            suggestion=Suggestion(2, TEXTS[0]),
        ),
        TimersPicture(clocks, NOW, len(clocks)),
        TimelinePicture(first, 1, rows, NOW, pins=rows[:3]),
        HealthPicture(servers, figures, NOW, NOW, (1.0,), standby_configured=True),
    )


def hostile_wave() -> RestartWave:
    steps = tuple(RestartStep(t, t, 1, t, t, t, t, NOW) for t in TEXTS)
    return RestartWave(1, steps, TEXTS)


def about(picture: Picture, incident: UUID | None) -> Picture:
    """Return the picture under another incident, where it belongs to one."""
    if incident is not None and isinstance(picture, ImpactPicture | TimelinePicture):
        return replace(picture, incident_id=incident)
    return picture
