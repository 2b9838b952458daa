"""Opsgenie's Alert API: create, close, acknowledge, note.

Source: Opsgenie, "Alert API".  An alert is known by its alias within the source; where it has
none, one is made.  Priority P1 to P5 are severities 1 to 5; without one the word of the configured
severity label among ``details`` is judged, else it is P3 as Opsgenie has it.  Service: a configured
label among ``details``, a tag ``service:checkout``, else ``entity``.

Close, acknowledge and note have what they are about in their address.  ``wrap`` puts it beside
their body, so that what is kept of a request says all that it said.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from warroom.domain.ids import fingerprint
from warroom.domain.validate import shorten
from warroom.ingest.common import IngestOptions, read_object, read_text, wrong
from warroom.ingest.json_body import read_json
from warroom.ingest.spoken import (
    MAX_REMARK,
    Ending,
    Remark,
    Spoken,
    ToldAlert,
    build_told,
    split_details,
)

MAX_ALIAS = 512
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
DEFAULT_PRIORITY = "P3"
ACTIONS = ("close", "acknowledge", "notes")
SAID = {"acknowledge": "was acknowledged", "notes": "has a note"}
OWN = ("tags", "responders", "alias", "user", "note", "actions", "description")
"""The annotations that are fields of an Opsgenie alert; all others were ``details``."""


def mark_of(alias: str) -> str:
    """Return the fingerprint of an alias."""
    return fingerprint({"opsgenie alias": alias})


def wrap(action: str, alias: str, body: bytes) -> bytes:
    """Return an action's body together with what stood in its address.

    Raises:
        InvalidInput: the body is neither empty nor a JSON object.
    """
    document = read_object(read_json(body), "") if body.strip() else {}
    about = {"action": action, "alias": alias, "body": document}
    return json.dumps({"warroom_request": about}, ensure_ascii=False).encode()


def unwrap(body: bytes) -> tuple[str, str, dict[str, Any]]:
    """Return (action, alias, document) of a kept body; ``create`` for one that was not wrapped.

    Raises:
        InvalidInput: it is no JSON object.
    """
    document = read_object(read_json(body), "")
    inner = document.get("warroom_request")
    if not isinstance(inner, dict):
        return "create", read_text(document.get("alias"), "alias"), document
    action = read_text(inner.get("action"), "action")
    if action not in ACTIONS:
        raise wrong("action", f"one of {', '.join(ACTIONS)}")
    return action, read_text(inner.get("alias"), "alias"), read_object(inner.get("body"), "body")


def read(body: bytes, options: IngestOptions, now: datetime, *, new_alias: str = "") -> Spoken:
    """Translate one request: a creation, or an action that ``wrap`` has put together.

    Args:
        body: the request's body, decompressed.
        options: how the source is read.
        now: our clock.
        new_alias: the alias of a new alert that brings none.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    action, alias, document = unwrap(body)
    alias = alias.strip() or (new_alias if action == "create" else "")
    if not alias:
        raise wrong("alias", "a text")
    if len(alias) > MAX_ALIAS:
        raise wrong("alias", f"at most {MAX_ALIAS} characters")
    mark = mark_of(alias)
    if action == "create":
        told = _created(document, alias, mark, options)
        return Spoken(alerts=(build_told(told, "", options, now),), key=alias)
    user = read_text(document.get("user"), "user")
    note = " ".join(read_text(document.get("note"), "note").split())
    if action == "close":
        said = f"was closed at its source{_by(user)}: {note}"
        remarks = (Remark(mark, shorten(said, MAX_REMARK)),) if note else ()
        return Spoken(endings=(Ending(mark, now),), remarks=remarks, key=alias)
    if action == "notes" and not note:
        raise wrong("note", "a text")
    said = f"{SAID[action]}{_by(user)} at its source" + (f": {note}" if note else "")
    return Spoken(remarks=(Remark(mark, shorten(said, MAX_REMARK)),), key=alias)


def _by(user: str) -> str:
    return f" by {user}" if user.strip() else ""


def _created(document: dict[str, Any], alias: str, mark: str, options: IngestOptions) -> ToldAlert:
    message = read_text(document.get("message"), "message")
    if not message.strip():
        raise wrong("message", "a text")
    details, annotations = split_details(read_object(document.get("details") or {}, "details"))
    priority = read_text(document.get("priority"), "priority").upper()
    if priority and priority not in PRIORITIES:
        raise wrong("priority", f"one of {', '.join(PRIORITIES)}")
    if not priority and options.severity_label not in details:
        priority = DEFAULT_PRIORITY
    tags = _texts(document.get("tags"), "tags")
    labels = _tag_labels(tags) | details
    labels |= {
        name: text for name in ("entity", "source") if (text := read_text(document.get(name), name))
    }
    if priority:
        labels["priority"] = priority
    annotations |= {
        "alias": alias,
        "tags": ", ".join(tags),
        "responders": ", ".join(_responders(document.get("responders"))),
        "actions": ", ".join(_texts(document.get("actions"), "actions")),
        "user": read_text(document.get("user"), "user"),
        "note": read_text(document.get("note"), "note"),
    }
    return ToldAlert(
        fingerprint=mark,
        name=details.get("alertname", "") or message,
        summary=message,
        description=read_text(document.get("description"), "description"),
        labels=labels or {"alias": alias},
        annotations=annotations,
        fallbacks=("entity",),
        severity_label="priority" if priority else "",
        raw=document,
    )


def _texts(value: Any, path: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong(path, "a list of texts")
    return [read_text(item, f"{path}[{index}]") for index, item in enumerate(value)]


def _tag_labels(tags: list[str]) -> dict[str, str]:
    """Return what tags of the form ``service:checkout`` or ``service=checkout`` say."""
    found: dict[str, str] = {}
    for tag in tags:
        for sign in (":", "="):
            name, has, value = tag.partition(sign)
            if has and name.strip() and value.strip() and "/" not in name:
                found.setdefault(name.strip(), value.strip())
                break
    return found


def _responders(value: Any) -> list[str]:
    """Return whom Opsgenie would have called: kept as text, because our own rota decides here."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong("responders", "a list")
    found: list[str] = []
    for index, item in enumerate(value):
        entry = read_object(item, f"responders[{index}]")
        kind = read_text(entry.get("type"), f"responders[{index}].type")
        for name in ("name", "username", "id"):
            if text := read_text(entry.get(name), f"responders[{index}].{name}"):
                found.append(f"{kind} {text}".strip())
                break
    return found
