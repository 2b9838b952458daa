"""What the database's health is alerted for: nothing that lasted for a moment only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from warroom.db.engine import Database
from warroom.domain.health import Limits, Standing
from warroom.domain.panes import Verdict
from warroom.domain.principal import INGEST_PRINCIPAL, CommandContext, Principal, PrincipalKind
from warroom.services.health import HELD, HELD_FOR, Sample, Sampler

NOW = datetime(2031, 5, 4, 10, 41, tzinfo=UTC)
WHO = Principal(INGEST_PRINCIPAL, "ingest", PrincipalKind.AUTOMATION)
CTX = CommandContext(WHO, "test", "test")


def sampler(reading: str, standing: Standing) -> Sampler:
    """Return one whose last sample stands so; it is asked for nothing of a database."""
    made = Sampler(Database.open("postgresql://", role="engine"), CTX, Limits())
    detail = {"standing": {reading: standing.as_json()}}
    made._last = {"primary": Sample("primary", "primary", "running", detail)}
    return made


@pytest.mark.parametrize("reading", sorted(HELD))
def test_what_is_bad_for_a_moment_is_no_alert(reading: str) -> None:
    made = sampler(reading, Standing(Verdict.BAD, NOW, 90.0))
    assert made._crossings(NOW) == []
    (crossing,) = made._crossings(NOW + HELD_FOR)
    assert (crossing.reading, crossing.standing.verdict) == (reading, Verdict.BAD)


@pytest.mark.parametrize("reading", ["gone", "lag", "lost", "retained", "transaction"])
def test_what_has_lasted_by_its_nature_is_one_at_once(reading: str) -> None:
    made = sampler(reading, Standing(Verdict.BAD, NOW, 2.0))
    assert [c.reading for c in made._crossings(NOW)] == [reading]


def test_an_alert_ends_when_its_reading_has_been_well_for_as_long() -> None:
    made = sampler("pool", Standing(Verdict.OK, NOW, 90.0, alerted=True))
    assert made._crossings(NOW + timedelta(seconds=1)) == []
    assert len(made._crossings(NOW + HELD_FOR)) == 1
