"""Services on an incident, each with its own state, and the links of an incident."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from warroom.domain.incident import Command, Decision, IncidentState, check
from warroom.domain.principal import Principal
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.validate import check_text
from warroom.errors import InvalidInput, Refused

SERVICE_STATES = ("suspected", "degraded", "down", "recovered")
LINK_KINDS = ("bridge", "channel", "dashboard", "ticket", "document")
LINK_SCHEMES = ("https", "http", "tel", "sip", "sips", "xmpp", "irc", "ircs")


def set_service(
    state: IncidentState, actor: Principal, now: datetime, *, service: str, to: object
) -> Decision:
    """Decide what follows when a service's state on this incident is said; attaches it if new.

    Raises:
        InvalidInput: no such state.
        Refused: it has that state here already.
    """
    if to not in SERVICE_STATES:
        raise InvalidInput(
            "state is not known.",
            field="state",
            remedy=f"Choose one of {', '.join(SERVICE_STATES)}.",
        )
    check(Command.SERVICE, state, actor, now)
    before = state.services.get(service)
    if before == to:
        raise Refused(f"{service} is {to} on {state.ref} already.", rule="service-differs")
    well = sum(1 for s in {**state.services, service: to}.values() if s == "recovered")
    total = len({*state.services, service})
    part = f" ({well} of {total} services recovered)" if to == "recovered" and total > 1 else ""
    text = f"service {service}: {before or 'attached'} → {to} by {actor.name}{part}"
    return Decision(
        command=Command.SERVICE,
        status=state.status,
        changes={},
        entries=(EntryDraft(EntryKind.STATUS, text, now),),
        sentence=f"{state.ref}: {service} is {to}{part}.",
    )


def detach_service(
    state: IncidentState, actor: Principal, now: datetime, *, service: str
) -> Decision:
    """Decide what follows when a service turns out to have no part in it.

    Raises:
        Refused: it is not attached.
    """
    check(Command.SERVICE_DETACH, state, actor, now)
    if service not in state.services:
        raise Refused(f"{service} is not attached to {state.ref}.", rule="service-attached")
    return Decision(
        command=Command.SERVICE_DETACH,
        status=state.status,
        changes={},
        entries=(EntryDraft(EntryKind.STATUS, f"service {service} detached by {actor.name}", now),),
        sentence=f"{state.ref}: {service} has no part in it any more.",
    )


def check_link(kind: object, url: object, label: object) -> tuple[str, str, str]:
    """Return (kind, address, label) of a link, if it is one that may be shown.

    Raises:
        InvalidInput: no such kind, no address of a known scheme, or no label.
    """
    if kind not in LINK_KINDS:
        raise InvalidInput(
            "kind is not known.", field="kind", remedy=f"Choose one of {', '.join(LINK_KINDS)}."
        )
    address = check_text(url, "url", longest=2000, shortest=1)
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme.lower() not in LINK_SCHEMES or not (parts.netloc or parts.path):
        raise InvalidInput(
            "url is no address that can be opened.",
            field="url",
            remedy=f"Begin it with one of {', '.join(f'{s}:' for s in LINK_SCHEMES)}",
        )
    if any(ord(c) <= 32 or 127 <= ord(c) < 160 for c in address):
        raise InvalidInput("url contains a space or a control character.", field="url")
    return str(kind), address, check_text(label, "label", longest=200, shortest=1)


def link(
    state: IncidentState, actor: Principal, now: datetime, *, kind: str, label: str, gone: bool
) -> Decision:
    """Decide what follows when a link is added or removed."""
    command = Command.UNLINK if gone else Command.LINK
    check(command, state, actor, now)
    said = "removed" if gone else "added"
    return Decision(
        command=command,
        status=state.status,
        changes={},
        entries=(EntryDraft(EntryKind.STATUS, f"{kind} {said} by {actor.name}: {label}", now),),
        sentence=f"{state.ref}: {kind} {said}.",
    )
