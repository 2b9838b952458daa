"""Pictures for the console's tests: the room of SCREEN's sketch, and hostile and large ones."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from warroom.domain.picture import (
    BoardPicture,
    IncidentDetail,
    IncidentRow,
    NextTimer,
    ServiceLink,
    TimelineRow,
)

NOW = datetime(2026, 3, 2, 10, 47, 12, tzinfo=UTC)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def ahead(**span: float) -> datetime:
    return NOW + timedelta(**span)


def incident(number: int, title: str, severity: int = 3, **other: object) -> IncidentRow:
    """Return a row with sensible defaults; ``other`` replaces any field."""
    row = IncidentRow(
        id=UUID(int=number),
        number=number,
        title=title,
        severity=severity,
        status="triggered",
        version=1,
        opened_at=ago(minutes=4),
        updated_at=NOW,
    )
    return replace(row, **other)  # type: ignore[arg-type] # a test's shorthand


def link(name: str, state: str = "degraded", tier: int = 2) -> ServiceLink:
    return ServiceLink(name, name, state, tier)


def room() -> tuple[IncidentRow, ...]:
    """Return six incidents as on a bad morning."""
    services = (link("pg-main", "down", 0), link("checkout", "down", 1), link("orders", "down", 1))
    return (
        incident(
            2041,
            "Checkout failing: pg-main out of connections",
            1,
            status="investigating",
            opened_at=ago(minutes=12),
            owner="ana",
            commander="ana",
            services=services,
            service_count=14,
            next_timer=NextTimer("escalate", ahead(minutes=1, seconds=42), "Mira (db)"),
        ),
        incident(
            2044,
            "Card payments slow at AcmePay (third party)",
            2,
            status="acknowledged",
            owner="luc",
            services=(link("payments"),),
            service_count=1,
            next_timer=NextTimer("ack-timeout", ahead(minutes=8, seconds=10), "luc"),
        ),
        incident(
            2045,
            "Login errors above 5 % in region eu-central",
            2,
            opened_at=ago(seconds=50),
            services=(link("identity", "degraded", 1),),
            service_count=1,
            next_timer=NextTimer("escalate", ahead(minutes=4, seconds=10), "Ops on call"),
        ),
        incident(
            2039,
            "Search index lag over 10 min",
            3,
            status="monitoring",
            opened_at=ago(hours=1, minutes=9),
            services=(link("search"),),
            service_count=1,
            next_timer=NextTimer("update-due", ago(seconds=31), ""),
        ),
        incident(
            2031,
            "Nightly report job retries",
            4,
            status="mitigating",
            opened_at=ago(days=3),
            owner="Zoë",
            commander="Jürgen",
            services=(link("reports", "degraded", 3),),
            service_count=1,
        ),
        incident(
            2040,
            "Region eu-west lost (exercise)",
            1,
            drill=True,
            status="investigating",
            owner="noc",
            opened_at=ago(minutes=33),
        ),
    )


def board(rows: tuple[IncidentRow, ...] | None = None, **other: object) -> BoardPicture:
    rows = room() if rows is None else rows
    picture = BoardPicture(rows=rows, read_at=NOW, open_count=len(rows))
    return replace(picture, **other)  # type: ignore[arg-type] # a test's shorthand


def detail(row: IncidentRow | None = None) -> IncidentDetail:
    """Return the whole of the first incident."""
    row = row or room()[0]
    lines = (
        ("decision", 32, "ana", "Fail over to pg-b once lag < 1 s. Not rolling back."),
        ("evidence", 120, "luc", "Connections 500/500, 430 idle in transaction"),
        ("hypothesis", 250, "ana", "Pool leak in orders 4.18"),
        ("status", 342, "", "acknowledged → investigating"),
        ("fact", 732, "alertmanager", "alert pg-main: too many connections (alertmanager)"),
    )
    timeline = tuple(
        TimelineRow(
            id=UUID(int=number),
            kind=kind,
            text=text,
            happened_at=ago(seconds=age),
            recorded_at=ago(seconds=age),
            author=author,
            source="console",
        )
        for number, (kind, age, author, text) in enumerate(lines)
    )
    return IncidentDetail(
        row=row,
        summary="pg-main refuses connections since 10:34; all of commerce is affected.",
        timeline=timeline,
        alerts=(),
        roles=(("commander", "ana"), ("operations", "luc")),
        timers=(row.next_timer,) if row.next_timer else (),
        read_at=NOW,
    )


def many(count: int) -> tuple[IncidentRow, ...]:
    """Return ``count`` incidents, the same for every run."""
    chance = random.Random(7)
    words = ("checkout", "pg-main", "search", "payments", "identity", "queue", "漢字", "mail 🔥")
    return tuple(
        incident(
            number,
            f"{chance.choice(words)} is slow in rack {number}",
            1 + min(number * 5 // count, 4),
            owner=chance.choice((None, "ana", "luc", "mira")),
            opened_at=ago(minutes=chance.randrange(1, 4000)),
            services=(link(chance.choice(words)),),
            service_count=chance.randrange(1, 20),
            next_timer=NextTimer("escalate", ahead(seconds=chance.randrange(5, 5000)), "ops"),
        )
        for number in range(1, count + 1)
    )
