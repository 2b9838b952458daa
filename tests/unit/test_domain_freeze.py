"""What CI is told of freezes, and who may let an emergency change through."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.rooms import ANA, BOT, LUC, NOW
from warroom.domain.freeze import Frozen, Passing, Scope, check_ask, check_scope, say_frozen
from warroom.errors import InvalidInput

SINCE = NOW - timedelta(minutes=11)
OPEN = Frozen("worst", SINCE, "INC-12", 1)
HIDDEN = Frozen("worst", SINCE)


def passing(state: str) -> Passing:
    return Passing(state, "roll 4.12 back", "ana", "luc", NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("frozen", "exception", "wanted"),
    [
        ((), None, (False, "Nothing freezes pg.")),
        (
            (OPEN,), None,
            (True, "INC-12 (SEV1) freezes changes of pg since 10:30 UTC (policy worst)."),
        ),
        (
            (HIDDEN,), None,
            (
                True,
                (
                    "A restricted incident freezes changes of pg since 10:30 UTC"
                    " (policy worst)."
                ),
            ),
        ),
        (
            (OPEN,), passing("approved"),
            (
                False,
                (
                    "INC-12 (SEV1) freezes changes of pg since 10:30 UTC (policy worst); luc lets"
                    " an emergency change through until 11:41 UTC: roll 4.12 back"
                ),
            ),
        ),
        (
            (OPEN,), passing("asked"),
            (
                True,
                (
                    "INC-12 (SEV1) freezes changes of pg since 10:30 UTC (policy worst); ana has"
                    " asked luc for an exception."
                ),
            ),
        ),
        ((), passing("approved"), (False, "Nothing freezes pg.")),
    ],
)  # fmt: skip
def test_what_ci_is_told(
    frozen: tuple[Frozen, ...], exception: Passing | None, wanted: tuple[bool, str]
) -> None:
    assert say_frozen("pg", frozen, exception, NOW) == wanted


@given(
    frozen=st.lists(st.sampled_from([OPEN, HIDDEN]), max_size=4),
    state=st.sampled_from(["asked", "approved", None]),
)
def test_it_is_frozen_exactly_while_something_freezes_it_and_nobody_has_approved(
    frozen: list[Frozen], state: str | None
) -> None:
    told, sentence = say_frozen("pg", frozen, passing(state) if state else None, NOW)
    assert told == (bool(frozen) and state != "approved")
    assert ("INC-12" in sentence) == (OPEN in frozen)


def test_nobody_and_nothing_but_a_person_approves() -> None:
    assert check_ask(ANA, LUC, reason=" fix ", for_s=60) == ("fix", timedelta(seconds=60))
    for approver, reason, for_s, field in (
        (ANA, "fix", 60, "approver"), (BOT, "fix", 60, "approver"), (LUC, " ", 60, "reason"),
        (LUC, "fix", 59, "for_s"), (LUC, "fix", 86_401, "for_s"),
        (LUC, "fix", float("nan"), "for_s"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as caught:
            check_ask(ANA, approver, reason=reason, for_s=for_s)
        assert caught.value.field == field


def test_a_scope_has_values_exactly_where_it_names_some() -> None:
    assert check_scope("team", ["db", "db"]) == (Scope.TEAM, ("db",))
    assert check_scope("all", []) == (Scope.ALL, ())
    for scope, values in (("team", []), ("impact", ["x"]), ("odd", []), (None, []), ("team", [""])):
        with pytest.raises(InvalidInput):
            check_scope(scope, values)
