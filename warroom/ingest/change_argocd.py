"""Argo CD's notifications, in the template of ``docs/changes.md``.

Argo CD has no body of its own: a template makes it.  Ours sends the application and its last
operation as they are (``app``: the Application resource's metadata, spec and status), so that what
is read here is Argo CD's documented resource.  Service: the label ``warroom.io/service`` or
``app.kubernetes.io/name``, else the application's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from warroom.domain.change import ChangeKind, ChangeStatus, IncomingChange
from warroom.ingest.change_fields import Told, build, read_moment, read_number, read_services
from warroom.ingest.common import read_object, read_text, wrong
from warroom.ingest.json_body import read_json

STATUSES: Mapping[str, ChangeStatus] = MappingProxyType(
    {
        "Running": ChangeStatus.STARTED,
        "Terminating": ChangeStatus.STARTED,
        "Succeeded": ChangeStatus.SUCCEEDED,
        "Failed": ChangeStatus.FAILED,
        "Error": ChangeStatus.FAILED,
    }
)
SERVICE_LABELS = ("warroom.io/service", "app.kubernetes.io/name")


def parse(body: bytes, _headers: Mapping[str, str], now: datetime) -> tuple[IncomingChange, ...]:
    """Translate one notification.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    message = read_object(read_json(body), "")
    app = read_object(message.get("app"), "app")
    metadata = read_object(app.get("metadata"), "app.metadata")
    status = read_object(app.get("status") or {}, "app.status")
    operation = read_object(status.get("operationState"), "app.status.operationState")
    phase = read_text(operation.get("phase"), "app.status.operationState.phase")
    if phase not in STATUSES:
        raise wrong("app.status.operationState.phase", f"one of {', '.join(STATUSES)}")
    name = read_text(metadata.get("name"), "app.metadata.name")
    labels = read_object(metadata.get("labels") or {}, "app.metadata.labels")
    begun = read_moment(operation.get("startedAt"), "app.status.operationState.startedAt")
    ended = read_moment(operation.get("finishedAt"), "app.status.operationState.finishedAt")
    revision = _revision(operation, status)
    link = read_text(message.get("link"), "link")
    reached = STATUSES[phase]
    told = Told(
        # One operation of one application; its start tells one sync from the next.
        dedup_key=f"argocd:{_text(metadata, 'namespace')}/{name}:{revision}:"
        f"{begun.isoformat() if begun else ''}" if name else "",
        kind=_kind(operation),
        status=reached,
        title=f"sync {name} to {revision[:12] or 'its target'}",
        services=_services(labels) or (name,),
        at=begun,
        status_at=ended or begun,
        ended_at=ended if reached is not ChangeStatus.STARTED else None,
        environment=read_text(message.get("environment"), "environment")
        or _text(labels, "environment"),
        region=read_text(message.get("region"), "region"),
        release=revision[:12] if len(revision) == 40 else revision,
        by=_who(operation),
        link=link,
        labels={"application": name, "revision": revision,
                "message": read_text(operation.get("message"), "app.status.operationState.message"),
                "project": _text(read_object(app.get("spec") or {}, "app.spec"), "project")},
    )  # fmt: skip
    return (build(told, now),)


def _text(values: Mapping[str, Any], key: str) -> str:
    found = values.get(key)
    return found if isinstance(found, str) else ""


def _services(labels: Mapping[str, Any]) -> tuple[str, ...]:
    for label in SERVICE_LABELS:
        named = read_services(labels.get(label), f"app.metadata.labels.{label}")
        if any(n.strip() for n in named):
            return named
    return ()


def _inner(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        found = values.get(key)
        values = found if isinstance(found, dict) else {}
    return values


def _revision(operation: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    done = read_number(_inner(operation, "syncResult").get("revision"), "revision")
    return done or read_number(_inner(status, "sync").get("revision"), "revision")


def _who(operation: Mapping[str, Any]) -> str:
    by = _inner(operation, "operation", "initiatedBy")
    return "argocd" if by.get("automated") is True else _text(by, "username") or "argocd"


def _kind(operation: Mapping[str, Any]) -> ChangeKind:
    # `argocd app rollback` syncs to an earlier entry of the history and says so.
    info = _inner(operation, "operation").get("info")
    named = [i for i in info if isinstance(i, dict)] if isinstance(info, list) else []
    said = " ".join(_text(i, "value") for i in named).lower()
    return ChangeKind.ROLLBACK if "rollback" in said else ChangeKind.DEPLOY
