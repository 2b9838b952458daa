"""The commands that move an incident over HTTP: parse, call one service, answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from warroom.api import command_models as bodies
from warroom.api import models
from warroom.api.auth import Commander, State
from warroom.api.problems import RESPONSES
from warroom.db.uow import Answer
from warroom.services import (
    incident_merge,
    incident_moves,
    incident_roles,
    undo,
)

router = APIRouter(prefix="/v1/incidents", tags=["commands"], responses=RESPONSES)
Ref = Annotated[str, Path(max_length=80, description="INC-12, 12 or an id")]


def send(response: Response, answer: Answer) -> dict[str, Any]:
    """Answer with the status and the body that the service found."""
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
    return send(
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
    return send(
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
    return send(
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
    return send(
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
    return send(
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
    return send(
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
    return send(
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
    return send(
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
    return send(
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
    return send(
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
    return send(
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
    return send(
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


@router.post("/{ref}/undo", response_model=models.Incident)
async def undo_last(
    ref: Ref,
    body: bodies.Version,
    ctx: Commander,
    state: State,
    response: Response,
) -> dict[str, Any]:
    """Undo one's own last command on it."""
    return send(response, await undo.undo(state.db, ctx, ref, version=body.version))
