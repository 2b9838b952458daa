"""GitHub's webhooks ``deployment`` and ``deployment_status``, and the signature of their bodies.

Source: GitHub, "Webhook events and payloads".  A deployment's ``payload`` is the deployer's own:
``service``, ``services``, ``region``, ``approved_by``, ``approval``, ``emergency`` and ``kind`` are
read from it where they are there.  Without a service there, the repository's name is the service.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from warroom.domain.change import ChangeKind, ChangeStatus, IncomingChange
from warroom.errors import InvalidInput
from warroom.ingest.change_fields import (
    Told,
    build,
    read_flag,
    read_moment,
    read_number,
    read_services,
)
from warroom.ingest.common import read_object, read_text, wrong
from warroom.ingest.json_body import read_json

SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
STATUSES: Mapping[str, ChangeStatus] = MappingProxyType(
    {
        "pending": ChangeStatus.PLANNED,
        "queued": ChangeStatus.PLANNED,
        "waiting": ChangeStatus.PLANNED,
        "in_progress": ChangeStatus.STARTED,
        "success": ChangeStatus.SUCCEEDED,
        "failure": ChangeStatus.FAILED,
        "error": ChangeStatus.FAILED,
    }
)
# "inactive" says that a newer deployment took its place: nothing that happened to this one.
PASSED_OVER = frozenset({"inactive"})
_KINDS = (
    ("rollback", ChangeKind.ROLLBACK), ("migrat", ChangeKind.MIGRATION),
    ("config", ChangeKind.CONFIG), ("infra", ChangeKind.INFRASTRUCTURE),
)  # fmt: skip


def signed(secret: str, body: bytes, signature: str) -> bool:
    """Say whether ``X-Hub-Signature-256`` is the body's, in constant time."""
    if not SIGNATURE.fullmatch(signature):
        return False
    made = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"sha256={made}", signature)


def parse_kept(
    body: bytes, _headers: Mapping[str, str], now: datetime
) -> tuple[IncomingChange, ...]:
    """Translate a body that was kept without its headers: what it is about says which event it is.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    message = read_object(read_json(body), "")
    event = "deployment_status" if "deployment_status" in message else "deployment"
    if "deployment" not in message and "zen" in message:
        event = "ping"
    return parse(body, {"x-github-event": event}, now)


def parse(body: bytes, headers: Mapping[str, str], now: datetime) -> tuple[IncomingChange, ...]:
    """Translate one webhook request; ``ping`` and superseded deployments tell of no change.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault, or the header ``X-GitHub-Event``.
    """
    event = headers.get("x-github-event", "")
    message = read_object(read_json(body), "")
    if event == "ping":
        return ()
    if event not in ("deployment", "deployment_status"):
        raise InvalidInput(
            "X-GitHub-Event must be deployment or deployment_status.",
            field="X-GitHub-Event",
            remedy="Choose just these two events in the webhook's settings.",
        )
    deployment = read_object(message.get("deployment"), "deployment")
    status: dict[str, Any] = {}
    state = "queued"
    if event == "deployment_status":
        status = read_object(message.get("deployment_status"), "deployment_status")
        state = read_text(status.get("state"), "deployment_status.state")
    if state in PASSED_OVER:
        return ()
    if state not in STATUSES:
        raise wrong("deployment_status.state", f"one of {', '.join(STATUSES)}")
    return (build(_told(message, deployment, status, STATUSES[state]), now),)


def _told(
    message: dict[str, Any],
    deployment: dict[str, Any],
    status: dict[str, Any],
    reached: ChangeStatus,
) -> Told:
    repository = read_object(message.get("repository"), "repository")
    name = read_text(repository.get("name"), "repository.name")
    full = read_text(repository.get("full_name"), "repository.full_name") or name
    number = read_number(deployment.get("id"), "deployment.id")
    own = _payload(deployment.get("payload"))
    services = read_services(own.get("service"), "deployment.payload.service")
    services += read_services(own.get("services"), "deployment.payload.services")
    creator = read_object(deployment.get("creator") or {}, "deployment.creator")
    task = read_text(deployment.get("task"), "deployment.task") or "deploy"
    ref = read_text(deployment.get("ref"), "deployment.ref")
    sha = read_text(deployment.get("sha"), "deployment.sha")
    production = deployment.get("production_environment")
    begun = read_moment(deployment.get("created_at"), "deployment.created_at")
    text = read_text(deployment.get("description"), "deployment.description")
    link = (
        read_text(status.get("log_url"), "deployment_status.log_url")
        or read_text(status.get("target_url"), "deployment_status.target_url")
        or read_text(repository.get("html_url"), "repository.html_url")
    )
    return Told(
        dedup_key=f"github:{full}:{number}" if number else "",
        kind=_kind(task, own),
        status=reached,
        title=text or f"{task} {ref or sha[:12]} of {full}",
        services=tuple(s for s in services if s.strip()) or (name,),
        at=begun,
        status_at=read_moment(
            status.get("created_at") or deployment.get("updated_at"), "deployment_status.created_at"
        ),
        environment=read_text(deployment.get("environment"), "deployment.environment"),
        # False only says "not marked": GitHub knows one environment of that mark by name.
        production=True if production is True else None,
        region=read_text(own.get("region"), "deployment.payload.region"),
        release=ref if ref and ref != "main" else sha[:12],
        by=read_text(creator.get("login"), "deployment.creator.login"),
        link=link,
        approved_by=read_text(own.get("approved_by"), "deployment.payload.approved_by"),
        approval_ref=read_text(own.get("approval"), "deployment.payload.approval"),
        emergency=read_flag(own.get("emergency"), "deployment.payload.emergency"),
        labels={"repository": full, "sha": sha, "ref": ref, "task": task},
    )


def _payload(value: Any) -> dict[str, Any]:
    """Return the deployer's own object; GitHub also passes it on as a text."""
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            value = read_json(value.encode())
        except InvalidInput:
            return {}
    return value if isinstance(value, dict) else {}


def _kind(task: str, own: Mapping[str, Any]) -> ChangeKind:
    said = own.get("kind")
    if isinstance(said, str) and said in set(ChangeKind):
        return ChangeKind(said)
    lower = task.lower()
    return next((kind for word, kind in _KINDS if word in lower), ChangeKind.DEPLOY)
