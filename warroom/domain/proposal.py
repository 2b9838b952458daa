"""Corrections of the catalogue that an incident taught: what may be proposed, and how it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from warroom.domain.catalogue import (
    ATTRIBUTES,
    EDGE_ATTRIBUTES,
    check_attribute,
    check_edge_attribute,
)
from warroom.domain.catalogue_plan import said_plainly
from warroom.domain.validate import check_text
from warroom.errors import InvalidInput

ACTIONS: Final = ("add-dependency", "remove-dependency", "change-dependency", "change-service")
NEVER_EMPTY: Final = frozenset({"name", "kind", "tier", "team", "hardness"})


@dataclass(frozen=True, slots=True)
class Proposal:
    """A correction: ``change`` holds attributes by name, None takes one away.

    ``depends_on`` is None for the action change-service, and only for that.
    """

    action: str
    service: str
    depends_on: str | None
    change: Mapping[str, Any]
    note: str


def check_proposal(values: Mapping[str, Any]) -> Proposal:
    """Return what is proposed, if it can be.

    Args:
        values: action, service, depends_on, change, note.

    Raises:
        InvalidInput: no such action, attributes that there are not, or a change of nothing.
    """
    action = values.get("action")
    if action not in ACTIONS:
        raise InvalidInput(
            "action is not known.", field="action", remedy=f"Choose one of {', '.join(ACTIONS)}."
        )
    service = check_text(values.get("service"), "service", longest=200, shortest=1)
    needs = values.get("depends_on")
    about_edge = action != "change-service"
    if about_edge != (needs is not None):
        said = "needs depends_on" if about_edge else "takes no depends_on"
        raise InvalidInput(f"{action} {said}.", field="depends_on")
    if needs is not None:
        needs = check_text(needs, "depends_on", longest=200, shortest=1)
        if needs == service:
            raise InvalidInput("A service does not depend on itself.", field="depends_on")
    change = _change(values.get("change") or {}, about_edge=about_edge)
    if action == "remove-dependency" and change:
        raise InvalidInput("remove-dependency changes no attributes.", field="change")
    if action.startswith("change") and not change:
        raise InvalidInput("change is empty.", field="change", remedy="Say what becomes what.")
    note = check_text(values.get("note") or "", "note", longest=2000)
    return Proposal(action, service, needs, change, note)


def _change(given: Mapping[str, Any], *, about_edge: bool) -> dict[str, Any]:
    known = EDGE_ATTRIBUTES if about_edge else ATTRIBUTES
    check = check_edge_attribute if about_edge else check_attribute
    found = {}
    for name, value in given.items():
        if name not in known:
            raise InvalidInput(
                f"{name} cannot be changed.", field="change",
                remedy=f"Choose from {', '.join(known)}.",
            )  # fmt: skip
        checked = said_plainly(check(name, value))
        if checked is None and name in NEVER_EMPTY:
            raise InvalidInput(f"{name} cannot be taken away.", field="change")
        found[name] = checked
    return found


def sentence(proposal: Proposal) -> str:
    """Return a proposal as one line for people."""
    about = ", ".join(f"{n} becomes {v!r}" for n, v in proposal.change.items())
    what = {
        "add-dependency": f"{proposal.service} depends on {proposal.depends_on}",
        "remove-dependency": f"{proposal.service} does not depend on {proposal.depends_on}",
        "change-dependency": f"{proposal.service} on {proposal.depends_on}",
        "change-service": proposal.service,
    }[proposal.action]
    return f"{what}: {about}" if about else what
