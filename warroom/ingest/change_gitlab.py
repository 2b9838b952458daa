"""GitLab's deployment events (``Deployment Hook``).

Source: GitLab, "Webhook events".  The project's name is the service; the environment's tier says
whether it is production where GitLab sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from warroom.domain.change import ChangeKind, ChangeStatus, IncomingChange
from warroom.errors import InvalidInput
from warroom.ingest.change_fields import Told, build, read_moment, read_number
from warroom.ingest.common import read_object, read_text, wrong
from warroom.ingest.json_body import read_json

STATUSES: Mapping[str, ChangeStatus] = MappingProxyType(
    {
        "created": ChangeStatus.PLANNED,
        "blocked": ChangeStatus.PLANNED,
        "running": ChangeStatus.STARTED,
        "success": ChangeStatus.SUCCEEDED,
        "failed": ChangeStatus.FAILED,
        "canceled": ChangeStatus.CANCELLED,
        "skipped": ChangeStatus.CANCELLED,
    }
)


def parse(body: bytes, _headers: Mapping[str, str], now: datetime) -> tuple[IncomingChange, ...]:
    """Translate one webhook request.

    Raises:
        InvalidInput: ``field`` is the JSON path at fault.
    """
    message = read_object(read_json(body), "")
    if message.get("object_kind") != "deployment":
        raise InvalidInput(
            'object_kind must be "deployment".',
            field="object_kind",
            remedy="Choose just the deployment events in the webhook's settings.",
        )
    state = read_text(message.get("status"), "status")
    if state not in STATUSES:
        raise wrong("status", f"one of {', '.join(STATUSES)}")
    project = read_object(message.get("project"), "project")
    user = read_object(message.get("user") or {}, "user")
    name = read_text(project.get("name"), "project.name")
    full = read_text(project.get("path_with_namespace"), "project.path_with_namespace") or name
    number = read_number(message.get("deployment_id"), "deployment_id")
    environment = read_text(message.get("environment"), "environment")
    tier = read_text(message.get("environment_tier"), "environment_tier")
    ref = read_text(message.get("ref"), "ref")
    sha = read_text(message.get("short_sha"), "short_sha")
    path = full.rpartition("/")[2]
    told = Told(
        dedup_key=f"gitlab:{full}:{number}" if number else "",
        kind=ChangeKind.ROLLBACK if "rollback" in environment.lower() else ChangeKind.DEPLOY,
        status=STATUSES[state],
        title=read_text(message.get("commit_title"), "commit_title")
        or f"deploy {ref or sha} of {full}",
        services=(path or name,),
        at=None,
        status_at=read_moment(message.get("status_changed_at"), "status_changed_at"),
        environment=environment,
        production=tier == "production" if tier else None,
        release=sha or ref,
        by=read_text(user.get("username"), "user.username")
        or read_text(user.get("name"), "user.name"),
        link=read_text(message.get("deployable_url"), "deployable_url")
        or read_text(project.get("web_url"), "project.web_url"),
        labels={"project": full, "ref": ref, "sha": sha, "tier": tier},
    )
    return (build(told, now),)
