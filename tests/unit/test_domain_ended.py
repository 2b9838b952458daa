"""An incident that has ended is not commanded any more; what is learned late is still written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.rooms import ANA, ANA_, LUC_, MIRA, NOW, entry, incident
from tests.unit.test_domain_refusals import ENDED, GONE, GUESS, OTHER, escalate, page
from warroom.domain import (
    clocks,
    incident_merge,
    incident_moves,
    incident_roles,
    incident_services,
    log_book,
)
from warroom.domain.incident import Command, Status
from warroom.errors import Refused


@pytest.mark.parametrize(
    "call",
    [
        lambda: incident_moves.assign(ENDED, ANA, NOW, owner=LUC_),
        lambda: incident_moves.set_drill(ENDED, ANA, NOW, drill=True),
        lambda: incident_moves.false_alarm(ENDED, ANA, NOW),
        lambda: incident_merge.merge(ENDED, OTHER, ANA, NOW),
        lambda: incident_merge.split(ENDED, ANA, NOW, new_ref="INC-13", services=["pg"], alerts=0),
        lambda: incident_roles.take(ENDED, ANA, NOW, role="scribe"),
        lambda: incident_roles.offer(ENDED, ANA, NOW, role="scribe", to=MIRA, brief="x"),
        lambda: incident_roles.answer(ENDED, ANA, NOW, role="scribe", accept=True),
        lambda: clocks.set_update_due(ENDED, ANA, NOW, in_s=60),
        lambda: clocks.snooze(ENDED, ANA, NOW, for_s=60, reason="x"),
        lambda: escalate(ENDED, "now"),
        lambda: page(ENDED, "db"),
    ],
)
def test_what_has_ended_is_not_commanded_but_written_about(call: Callable[[], object]) -> None:
    with pytest.raises(Refused) as caught:
        call()
    assert (caught.value.rule, caught.value.message) == ("not-ended", GONE.replace("ana", "you"))


def test_what_is_learned_after_the_end_belongs_to_the_record() -> None:
    for decision in (
        incident_moves.set_severity(ENDED, ANA, NOW, severity=1),
        incident_moves.restrict(ENDED, ANA, NOW, visibility="security"),
        incident_roles.release(
            incident(Status.CLOSED, roles={"scribe": ANA_}), ANA, NOW, role="scribe"
        ),
        incident_services.set_service(ENDED, ANA, NOW, service="pg", to="recovered"),
        incident_services.detach_service(ENDED, ANA, NOW, service="pg"),
        log_book.judge(ENDED, ANA, NOW, hypothesis=GUESS, fate="confirmed"),
        log_book.pin(ENDED, ANA, NOW, entry=entry(), pinned=True),
        log_book.correct(ENDED, ANA, NOW, entry=entry(), text="x"),
        incident_services.link(ENDED, ANA, NOW, kind="ticket", label="T", gone=False),
    ):
        assert decision.status is (Status.CLOSED if decision.command is Command.ROLE_RELEASE
                                   else Status.RESOLVED)  # fmt: skip
