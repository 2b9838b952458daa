"""The commands on what hangs on an incident: services, log, clocks, links, fields."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Response

from warroom.api import command_models as bodies
from warroom.api import models
from warroom.api.auth import Commander, State
from warroom.api.incident_commands import Ref, send
from warroom.api.problems import RESPONSES
from warroom.services import (
    clocks,
    entries,
    incident_changes,
    incident_services,
    mitigations,
)

router = APIRouter(prefix="/v1/incidents", tags=["commands"], responses=RESPONSES)
EntryId = Annotated[UUID, Path(description="an entry of its timeline")]


@router.post("/{ref}/services", response_model=models.Incident)
async def set_service(
    ref: Ref,
    body: bodies.ServiceState,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Say how a service is on this incident."""
    return send(
        response,
        await incident_services.set_service(
            state.db, ctx, ref, version=body.version, service=body.service, state=body.state
        ),
    )


@router.post("/{ref}/services/detach", response_model=models.Incident)
async def detach_service(
    ref: Ref,
    body: bodies.ServiceName,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Take a service off it."""
    return send(
        response,
        await incident_services.detach_service(
            state.db, ctx, ref, version=body.version, service=body.service
        ),
    )


@router.post("/{ref}/hypotheses/{entry_id}", response_model=models.Incident)
async def judge(
    ref: Ref,
    entry_id: EntryId,
    body: bodies.Judge,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Settle a hypothesis, or open it again."""
    return send(
        response,
        await entries.judge(state.db, ctx, ref, entry_id, fate=body.fate, reason=body.reason),
    )


@router.post("/{ref}/entries/{entry_id}/pin", response_model=models.Incident)
async def pin(
    ref: Ref,
    entry_id: EntryId,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Put an entry on top of the timeline."""
    return send(response, await entries.pin(state.db, ctx, ref, entry_id, pinned=True))


@router.post("/{ref}/entries/{entry_id}/unpin", response_model=models.Incident)
async def unpin(
    ref: Ref,
    entry_id: EntryId,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Take an entry from the top of the timeline."""
    return send(response, await entries.pin(state.db, ctx, ref, entry_id, pinned=False))


@router.post("/{ref}/entries/{entry_id}/correct", status_code=201, response_model=models.Incident)
async def correct(
    ref: Ref,
    entry_id: EntryId,
    body: bodies.Correct,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Put an entry right by a newer one."""
    return send(
        response,
        await entries.correct(
            state.db, ctx, ref, entry_id, text=body.text, happened_at=body.happened_at
        ),
    )


@router.post("/{ref}/update-due", response_model=models.Incident)
async def update_due(
    ref: Ref,
    body: bodies.UpdateDue,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Say when the next update is due."""
    return send(
        response,
        await clocks.set_update_due(state.db, ctx, ref, version=body.version, in_s=body.in_s),
    )


@router.post("/{ref}/snooze", response_model=models.Incident)
async def snooze(
    ref: Ref,
    body: bodies.Snooze,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Put it to sleep, or wake it."""
    return send(
        response,
        await clocks.snooze(
            state.db, ctx, ref, version=body.version, for_s=body.for_s, reason=body.reason
        ),
    )


@router.post("/{ref}/escalation", response_model=models.Incident)
async def escalation(
    ref: Ref,
    body: bodies.Escalation,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Escalate now, pause, resume, or skip to a step."""
    return send(
        response,
        await clocks.escalation(
            state.db, ctx, ref, version=body.version, do=body.do, step=body.step
        ),
    )


@router.post("/{ref}/links", status_code=201, response_model=models.Incident)
async def add_link(
    ref: Ref,
    body: bodies.Link,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Add a link."""
    return send(
        response,
        await incident_services.add_link(
            state.db, ctx, ref, kind=body.kind, url=body.url, label=body.label
        ),
    )


@router.post("/{ref}/links/remove", response_model=models.Incident)
async def remove_link(
    ref: Ref,
    body: bodies.Unlink,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Take a link off it."""
    return send(response, await incident_services.remove_link(state.db, ctx, ref, url=body.url))


@router.post("/{ref}/fields", response_model=models.Incident)
async def set_field(
    ref: Ref,
    body: bodies.SetField,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Set a custom field."""
    return send(
        response,
        await incident_services.set_field(
            state.db, ctx, ref, version=body.version, field=body.field, value=body.value
        ),
    )


@router.post("/{ref}/changes", response_model=models.Incident)
async def link_change(
    ref: Ref,
    body: bodies.LinkChange,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Say of a change that it is suspected, the cause, or cleared."""
    return send(
        response,
        await incident_changes.link_change(
            state.db, ctx, ref, version=body.version, change=body.change, verdict=body.verdict
        ),
    )


@router.post("/{ref}/mitigate", response_model=models.Incident)
async def mitigate(
    ref: Ref,
    body: bodies.Mitigate,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Say that one is at a service now, doing what."""
    return send(
        response,
        await mitigations.begin(
            state.db, ctx, ref, service=body.service, what=body.what, join=body.join,
            for_s=body.for_s,
        ),
    )  # fmt: skip


@router.post("/{ref}/mitigate/done", response_model=models.Incident)
async def mitigated(
    ref: Ref,
    body: bodies.Mitigated,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Say that one is done with a service."""
    return send(response, await mitigations.end(state.db, ctx, ref, service=body.service))
