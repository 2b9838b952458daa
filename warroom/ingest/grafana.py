"""What Grafana's webhook says beyond Alertmanager's: told apart by its ``orgId``.

Grafana sends payload version "1" with the same groups and alerts, and a few fields more on each
alert.  They are worth having in an incident, so they become annotations of the same names; an
annotation of the rule's author with that name wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from warroom.domain.validate import shorten
from warroom.ingest.common import MAX_ANNOTATION, MAX_URL, read_text, wrong

VERSION: Final = "1"
_FIELDS: Final = (
    ("valueString", MAX_ANNOTATION),
    ("imageURL", MAX_URL),
    ("silenceURL", MAX_URL),
    ("dashboardURL", MAX_URL),
    ("panelURL", MAX_URL),
)


def is_grafana(message: Mapping[str, Any]) -> bool:
    """Say whether a webhook is Grafana's.

    Raises:
        InvalidInput: it has an ``orgId`` that is none.
    """
    if "orgId" not in message:
        return False
    org = message["orgId"]
    if isinstance(org, bool) or not isinstance(org, int):
        raise wrong("orgId", "a whole number")
    return True


def annotations_of(raw: Mapping[str, Any], path: str) -> dict[str, str]:
    """Return the annotations that Grafana's own fields of an alert become.

    Args:
        raw: the alert's JSON object.
        path: where it stands, for errors.

    Raises:
        InvalidInput: one of the fields is no text.
    """
    found = {name: read_text(raw.get(name), f"{path}.{name}") for name, _ in _FIELDS}
    return {name: shorten(found[name], longest) for name, longest in _FIELDS if found[name]}
