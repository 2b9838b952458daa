"""Every dialect's reader by the word under which its deliveries are kept.

Whoever has a kept body and its dialect can read it again: for a rehearsal, or for a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final
from uuid import uuid4

from warroom.domain.alert import IncomingAlert
from warroom.errors import InvalidInput
from warroom.ingest import (
    alertmanager_v2,
    alertmanager_webhook,
    change_argocd,
    change_generic,
    change_github,
    change_gitlab,
    change_pagerduty,
    cloudevents,
    generic,
    nagios,
    opsgenie,
    pagerduty_events,
)
from warroom.ingest.change_fields import ChangeParser
from warroom.ingest.common import IngestOptions
from warroom.ingest.mapping import Compiled
from warroom.ingest.spoken import Reader, Spoken

DIALECTS: Final = (
    "alertmanager", "alertmanager-v2", "pagerduty", "opsgenie", "nagios", "cloudevents", "generic"
)  # fmt: skip
# What the doors of changes keep.  The headers are gone; GitHub's bodies say which event they are.
CHANGES: Final[Mapping[str, ChangeParser]] = {
    "change": change_generic.parse,
    "github": change_github.parse_kept,
    "gitlab": change_gitlab.parse,
    "argocd": change_argocd.parse,
    "pagerduty-change": change_pagerduty.parse,
}
Parser = Callable[[bytes, IngestOptions, datetime], tuple[IncomingAlert, ...]]


def guess(dialect: str, body: bytes) -> str:
    """Return the dialect of a body of a source: an Alertmanager source may send either of two."""
    if dialect == "alertmanager" and body.lstrip()[:1] == b"[":
        return "alertmanager-v2"
    return dialect


def reader_of(dialect: str, mapping: Compiled | None) -> Reader:
    """Return the reader of a dialect.

    Args:
        dialect: one of ``DIALECTS``.
        mapping: the source's own, for the dialects that ask for one.

    Raises:
        InvalidInput: there is no such dialect of alerts, or it needs a mapping and has none.
    """
    if dialect == "alertmanager":
        return _whole(alertmanager_webhook.parse)
    if dialect == "alertmanager-v2":
        return _whole(alertmanager_v2.parse)
    if dialect == "pagerduty":
        return partial(pagerduty_events.read, new_key=uuid4().hex)
    if dialect == "opsgenie":
        return partial(opsgenie.read, new_alias=str(uuid4()))
    if dialect == "nagios":
        return nagios.read
    if dialect == "cloudevents":
        return partial(cloudevents.read, mapping=mapping)
    if dialect != "generic":
        raise InvalidInput(
            "dialect is none of alerts.", field="dialect",
            remedy=f"Choose one of {', '.join(DIALECTS)}.",
        )  # fmt: skip
    if mapping is None:
        raise InvalidInput(
            "This source has no mapping.", field="mapping",
            remedy="`warroom source mapping SOURCE FILE` gives it one.",
        )  # fmt: skip
    return partial(generic.read, mapping=mapping)


def _whole(parse: Parser) -> Reader:
    """Return the reader of a dialect that tells every alert whole."""

    def read(body: bytes, options: IngestOptions, now: datetime) -> Spoken:
        return Spoken(alerts=parse(body, options, now))

    return read
