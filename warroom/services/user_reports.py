"""Reports by users: what they see goes into the triage queue, to a person's judgement."""

from __future__ import annotations

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import INGEST_PRINCIPAL, CommandContext, Scope
from warroom.domain.priority import Impact, priority
from warroom.domain.validate import check_severity, check_text
from warroom.errors import NotFound
from warroom.services.directory.common import Json

MILD = 4
_SERVICE = (
    "select id, unit, tier, customers, cast(user_share as float8) as user_share"
    " from warroom.service where key = :key"
)
_INSERT = (
    "insert into warroom.triage_item (kind, title, body, service_id, severity, priority,"
    " reported_by, why, unit, visibility) values ('report', :title, :body, :service, :severity,"
    " :priority, :by, :why, :unit, 'normal') returning id"
)


async def report(
    db: Database,
    ctx: CommandContext,
    *,
    title: str,
    body: str = "",
    service: str | None = None,
    severity: int = MILD,
    reported_by: str = "",
    by_form: bool = False,
) -> Answer:
    """Put a report into the queue; it opens nothing by itself.

    Args:
        db: the database.
        ctx: who sends it; anybody with a token of whatever scope may.
        title: what is wrong, one line.
        body: what they saw.
        service: the key of the service, if they know it.
        severity: how bad they think it is.
        reported_by: who it is, as they call themselves.
        by_form: it came by the open form: an unknown service is dropped instead of refused, so
            that nobody learns there which services exist.

    Raises:
        InvalidInput: a field cannot be used.
        NotFound: there is no such service.
    """
    heading = check_text(" ".join(title.split()), "title", longest=200, shortest=1)
    text = check_text(body, "body", longest=10_000)
    rated = check_severity(severity)
    who = check_text(" ".join(reported_by.split()), "reported_by", longest=200)
    asked: Json = {"title": heading, "body": text, "service": service, "severity": rated,
                   "reported_by": who}  # fmt: skip
    said = "reported by form" if by_form else f"reported by {ctx.principal.name}"

    async def handler(work: Work) -> Answer:
        row = await work.row(_SERVICE, {"key": service}) if service else None
        if service and row is None and not by_form:
            raise NotFound(f"There is no service {service[:80]!r}; nothing was stored.",
                           field="service")  # fmt: skip
        level = None if row is None else priority(
            Impact(row["tier"], row["customers"], row["user_share"]), ""
        ).level  # fmt: skip
        found = await work.scalar(
            _INSERT,
            {"title": heading, "body": text, "service": row["id"] if row is not None else None,
             "severity": rated, "priority": level, "by": who or ("somebody" if by_form else
             ctx.principal.name), "why": said, "unit": row["unit"] if row is not None else "main"},
        )  # fmt: skip
        return Answer(201, {"id": str(found)})

    return await run_command(
        db, ctx, "report.add", asked, handler, eyes=INGEST_PRINCIPAL if by_form else None
    )


def may_report(ctx: CommandContext) -> bool:
    """Say whether a token may report: one for anything, but not one without any scope."""
    return bool(ctx.principal.scopes & set(Scope))
