"""The commands on an incident over HTTP: parse, call one service, answer."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Response

from warroom.api import command_models as bodies
from warroom.api import models
from warroom.api.auth import Commander, State
from warroom.api.problems import RESPONSES
from warroom.db.uow import Answer
from warroom.services import (
    clocks,
    entries,
    incident_merge,
    incident_moves,
    incident_roles,
    incident_services,
    undo,
)

router = APIRouter(prefix="/v1/incidents", tags=["commands"], responses=RESPONSES)
Ref = Annotated[str, Path(max_length=80, description="INC-12, 12 or an id")]
EntryId = Annotated[UUID, Path(description="an entry of its timeline")]


def _send(response: Response, answer: Answer) -> dict[str, Any]:
    response.status_code = answer.status
    return answer.body


@router.post("/{ref}/assign", response_model=models.Incident)
async def assign(
    ref: Ref,
    body: bodies.Assign,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Give it to a person, or to nobody."""
    return _send(
        response,
        await incident_moves.assign(state.db, ctx, ref, version=body.version, owner=body.owner),
    )


@router.post("/{ref}/severity", response_model=models.Incident)
async def severity(
    ref: Ref,
    body: bodies.Severity,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Rate the harm anew."""
    return _send(
        response,
        await incident_moves.set_severity(
            state.db, ctx, ref, version=body.version, severity=body.severity, reason=body.reason
        ),
    )


@router.post("/{ref}/status", response_model=models.Incident)
async def status(
    ref: Ref,
    body: bodies.SetStatus,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Move it through the state machine."""
    return _send(
        response,
        await incident_moves.set_status(
            state.db, ctx, ref, version=body.version, status=body.status, note=body.note
        ),
    )


@router.post("/{ref}/drill", response_model=models.Incident)
async def drill(
    ref: Ref,
    body: bodies.Drill,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Mark it as an exercise, or as real."""
    return _send(
        response,
        await incident_moves.set_drill(state.db, ctx, ref, version=body.version, drill=body.drill),
    )


@router.post("/{ref}/false-alarm", response_model=models.Incident)
async def false_alarm(
    ref: Ref,
    body: bodies.Note,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Resolve it as something that never was."""
    return _send(
        response,
        await incident_moves.false_alarm(state.db, ctx, ref, version=body.version, note=body.note),
    )


@router.post("/{ref}/restrict", response_model=models.Incident)
async def restrict(
    ref: Ref,
    body: bodies.Restrict,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Say who may see it."""
    return _send(
        response,
        await incident_moves.restrict(
            state.db, ctx, ref, version=body.version, visibility=body.visibility, people=body.people
        ),
    )


@router.post("/{ref}/roles/take", response_model=models.Incident)
async def take_role(
    ref: Ref,
    body: bodies.TheRole,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Take a role that nobody holds."""
    return _send(
        response,
        await incident_roles.take(state.db, ctx, ref, version=body.version, role=body.role),
    )


@router.post("/{ref}/roles/release", response_model=models.Incident)
async def release_role(
    ref: Ref,
    body: bodies.TheRole,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Give a role up."""
    return _send(
        response,
        await incident_roles.release(state.db, ctx, ref, version=body.version, role=body.role),
    )


@router.post("/{ref}/roles/offer", response_model=models.Incident)
async def offer_role(
    ref: Ref,
    body: bodies.OfferRole,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Offer a role to somebody, with a brief."""
    return _send(
        response,
        await incident_roles.offer(
            state.db, ctx, ref, version=body.version, role=body.role, to=body.to, brief=body.brief
        ),
    )


@router.post("/{ref}/roles/answer", response_model=models.Incident)
async def answer_role(
    ref: Ref,
    body: bodies.AnswerRole,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Accept or decline a role that one was offered."""
    return _send(
        response,
        await incident_roles.answer(
            state.db, ctx, ref, version=body.version, role=body.role, accept=body.accept
        ),
    )


@router.post("/{ref}/merge", response_model=models.Incident)
async def merge(
    ref: Ref,
    body: bodies.Merge,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Merge it into another incident."""
    return _send(
        response,
        await incident_merge.merge(state.db, ctx, ref, version=body.version, into=body.into),
    )


@router.post("/{ref}/split", status_code=201, response_model=models.Incident)
async def split(
    ref: Ref,
    body: bodies.Split,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Split services and alerts off into a new incident."""
    return _send(
        response,
        await incident_merge.split(
            state.db,
            ctx,
            ref,
            version=body.version,
            title=body.title,
            severity=body.severity,
            services=body.services,
            alerts=body.alerts,
        ),
    )


@router.post("/{ref}/services", response_model=models.Incident)
async def set_service(
    ref: Ref,
    body: bodies.ServiceState,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Say how a service is on this incident."""
    return _send(
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
    return _send(
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
    return _send(
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
    return _send(response, await entries.pin(state.db, ctx, ref, entry_id, pinned=True))


@router.post("/{ref}/entries/{entry_id}/unpin", response_model=models.Incident)
async def unpin(
    ref: Ref,
    entry_id: EntryId,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Take an entry from the top of the timeline."""
    return _send(response, await entries.pin(state.db, ctx, ref, entry_id, pinned=False))


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
    return _send(
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
    return _send(
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
    return _send(
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
    return _send(
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
    return _send(
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
    return _send(response, await incident_services.remove_link(state.db, ctx, ref, url=body.url))


@router.post("/{ref}/fields", response_model=models.Incident)
async def set_field(
    ref: Ref,
    body: bodies.SetField,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Set a custom field."""
    return _send(
        response,
        await incident_services.set_field(
            state.db, ctx, ref, version=body.version, field=body.field, value=body.value
        ),
    )


@router.post("/{ref}/undo", response_model=models.Incident)
async def undo_last(
    ref: Ref,
    body: bodies.Version,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Undo one's own last command on it."""
    return _send(response, await undo.undo(state.db, ctx, ref, version=body.version))
