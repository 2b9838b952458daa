"""Every format by its name: which one a set of files is, reading it, writing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from warroom.catalog import backstage, backstage_out, csv_format, drawings, observed, servicenow
from warroom.catalog.csv_text import heading
from warroom.domain.catalogue import Catalogue, CatalogueFile, Finding
from warroom.errors import InvalidInput

AUTO: Final = "auto"
READERS: Final[Mapping[str, Callable[[Sequence[CatalogueFile]], Catalogue]]] = {
    backstage.FORMAT: backstage.read,
    csv_format.FORMAT: csv_format.read,
    servicenow.FORMAT: servicenow.read,
    observed.OTEL: observed.read_otel,
    observed.JAEGER: observed.read_jaeger,
}
WRITERS: Final[Mapping[str, Callable[[Catalogue], tuple[CatalogueFile, ...]]]] = {
    backstage.FORMAT: backstage_out.write,
    csv_format.FORMAT: csv_format.write,
    servicenow.FORMAT: servicenow.write,
    observed.OTEL: observed.write_otel,
    observed.JAEGER: observed.write_jaeger,
    "dot": drawings.write_dot,
    "mermaid": drawings.write_mermaid,
}


def read(files: Sequence[CatalogueFile], format_name: str = AUTO) -> Catalogue:
    """Return what files say; those that could not be read are errors among its findings.

    Args:
        files: of one format.
        format_name: one of ``READERS``, or ``auto`` to look.

    Raises:
        InvalidInput: no files, no such format, or files of several formats.
        PayloadTooLarge: more entries than one import may hold.
    """
    if not files:
        raise InvalidInput("There are no files.", field="files", remedy="Name one or a folder.")
    readable = [f for f in files if not f.problem]
    unread = tuple(
        Finding("error", "bad-file", f"cannot be read: {f.problem}", f.name)
        for f in files if f.problem
    )  # fmt: skip
    if not readable:
        return Catalogue(format_name, findings=unread)
    chosen = detect(readable) if format_name == AUTO else format_name
    if chosen not in READERS:
        raise InvalidInput(
            "format is not known.", field="format", remedy=f"Choose one of {', '.join(READERS)}."
        )
    found = READERS[chosen](readable)
    return replace(found, findings=(*unread, *found.findings))


def write(catalogue: Catalogue, format_name: str) -> tuple[CatalogueFile, ...]:
    """Return the catalogue as files of a format, one of ``WRITERS``.

    Raises:
        InvalidInput: no such format.
    """
    if format_name not in WRITERS:
        raise InvalidInput(
            "format is not known.", field="format", remedy=f"Choose one of {', '.join(WRITERS)}."
        )
    return WRITERS[format_name](catalogue)


def detect(files: Sequence[CatalogueFile]) -> str:
    """Return the format of files by their names and beginnings.

    Raises:
        InvalidInput: none is known, or they are of several.
    """
    found = {name for name in map(_one, files) if name is not None}
    if len(found) == 1:
        return found.pop()
    said = f"are of several formats: {', '.join(sorted(found))}" if found else "are of no known one"
    raise InvalidInput(
        f"The files {said}.", field="format", remedy=f"Give one of {', '.join(READERS)}."
    )


def _one(file: CatalogueFile) -> str | None:
    name = file.name.lower()
    head = file.text[:4000].lstrip("\ufeff \t\r\n")
    if head.startswith(("{", "[")):
        if '"client"' in file.text and '"server"' in file.text:
            return observed.OTEL
        if '"callCount"' in file.text or ('"parent"' in head and '"data"' in head):
            return observed.JAEGER
        return servicenow.FORMAT if '"records"' in head or '"result"' in head else None
    if name.endswith((".yaml", ".yml")):
        return backstage.FORMAT
    if name.endswith((".csv", ".tsv", ".txt")):
        columns = set(heading(file.text))
        theirs = {"sys_id", "sys_class_name"} & columns or {"parent", "child"} <= columns
        return servicenow.FORMAT if theirs else csv_format.FORMAT
    return None
