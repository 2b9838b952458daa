"""Catalogue files in and out over HTTP."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, State
from warroom.api.auth import Reader as Asker
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.catalog import formats
from warroom.domain.catalogue import CatalogueFile
from warroom.domain.principal import Scope
from warroom.services.access import require
from warroom.services.catalog import importing, known

ADDRESS: Final = "/v1/catalog/import"
router = APIRouter(prefix="/v1/catalog", tags=["catalog"], responses=RESPONSES)
Json = dict[str, Any]
OutFormat = Literal["backstage", "csv", "servicenow", "otel", "jaeger", "dot", "mermaid"]


class File(Strict):
    """One file: its name (which findings name) and its text."""

    name: str = Field(min_length=1, max_length=500)
    text: str
    problem: str = Field(
        default="", max_length=500,
        description="why whoever sends it could not read it: an error of the report",
    )  # fmt: skip


class Import(Strict):
    """Files of one format."""

    format: Literal["auto", "backstage", "csv", "servicenow", "otel", "jaeger"] = "auto"
    source: str | None = Field(
        default=None, min_length=1, max_length=63, pattern=r"^[a-z0-9][a-z0-9._-]*$",
        description="under which name it goes (the format's by default): only what came under it"
        " before can be gone",
    )  # fmt: skip
    files: list[File] = Field(min_length=1, max_length=10_000)
    prune: bool = Field(default=False, description="remove what is gone and nothing names")
    make_teams: bool = Field(default=False, description="make owners into teams")
    strict: bool = Field(default=False, description="unknown names and circles are errors too")


class Finding(BaseModel):
    """Something about the files; an error forbids the import."""

    level: str
    code: str
    text: str
    place: str


class Edge(BaseModel):
    """A dependency; what nobody said is not there."""

    service: str
    depends_on: str
    hardness: str | None = None
    sync: bool | None = None
    group: str | None = None
    needed: int | None = None


class Report(BaseModel):
    """What an import changes; the first of each sort, the counts are of all."""

    source: str
    format: str
    digest: str
    dry_run: bool
    ok: bool
    applied: bool
    observed: bool
    counts: dict[str, int]
    services_added: list[str]
    services_changed: list[Json]
    services_gone: list[str]
    services_kept: list[str]
    dependencies_added: list[Edge]
    dependencies_changed: list[Json]
    dependencies_gone: list[Edge]
    teams_added: list[str]
    cycles: list[list[str]]
    findings: list[Finding]


class ImportListed(BaseModel):
    """An import that changed something; ``digest`` is the SHA-256 of its files."""

    id: UUID
    source: str
    format: str
    digest: str
    counts: dict[str, int]
    imported_by: str
    imported_at: datetime


class FileOut(BaseModel):
    """One file that was written."""

    name: str
    text: str


class Export(BaseModel):
    """The catalogue as files."""

    format: str
    files: list[FileOut]


@router.post("/import", response_model=Report)
async def import_files(
    body: Import,
    ctx: Commander,
    state: State,
    dry_run: Annotated[bool, Query(description="only say what it would do")] = False,
) -> Json:
    """Import catalogue files, whole or not at all; 422 with the report when they have errors."""
    require(ctx, Scope.ADMIN)
    files = [CatalogueFile(f.name, f.text, f.problem) for f in body.files]
    # Seconds for a large estate: other requests go on meanwhile.
    catalogue = await asyncio.to_thread(formats.read, files, body.format)
    options = importing.Options(
        body.source or catalogue.format, body.prune, body.make_teams, body.strict
    )
    digest = importing.digest_of(files)
    if dry_run:
        return await importing.show(state.db, ctx, catalogue, options, digest)
    return (await importing.apply(state.db, ctx, catalogue, options, digest)).body


@router.get("/imports", response_model=PageOf[ImportListed])
async def list_imports(ctx: Asker, state: State, limit: Limit = 100, cursor: Cursor = None) -> Json:
    """List the imports that changed something."""
    after = decode_id_cursor(cursor) or UUID(int=0)
    found = await importing.list_imports(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "id")


@router.get("/export", response_model=Export)
async def export_files(
    ctx: Asker,
    state: State,
    format: Annotated[OutFormat, Query()],  # noqa: A002 - the parameter's name in the address
    source: Annotated[str | None, Query(max_length=63)] = None,
) -> Json:
    """Write the catalogue in a format; importing it back changes nothing."""
    observed = format in ("otel", "jaeger")
    catalogue = await known.whole(state.db, ctx, source=source, observed=observed)
    files = await asyncio.to_thread(formats.write, catalogue, format)
    return {"format": format, "files": [{"name": f.name, "text": f.text} for f in files]}
