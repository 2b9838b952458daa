"""The map as a drawing: Graphviz DOT and Mermaid, with everything from outside escaped."""

from __future__ import annotations

from typing import Final

from warroom.domain.catalogue import Catalogue, CatalogueFile, ServiceEntry
from warroom.domain.safe_text import safe_text

_SHAPES: Final = {"datastore": "cylinder", "queue": "cds", "third_party": "component",
                  "network": "hexagon", "system": "box3d", "job": "note"}  # fmt: skip
_ENDS: Final = {"datastore": ("[(", ")]"), "queue": ("[/", "/]"), "third_party": ("[[", "]]"),
                "network": ("{{", "}}"), "system": ("[", "]"), "job": (">", "]")}  # fmt: skip
_LONGEST: Final = 120


def _said(service: ServiceEntry) -> str:
    name = service.name or service.key
    return name if service.tier is None else f"{name} (tier {service.tier})"


def _numbers(catalogue: Catalogue) -> dict[str, str]:
    keys = [s.key for s in catalogue.services]
    seen = dict.fromkeys(keys)
    for d in catalogue.dependencies:
        seen.update(dict.fromkeys((d.service, d.depends_on)))
    return {key: f"n{number}" for number, key in enumerate(seen)}


def _dot(text: str) -> str:
    """Return a quoted string of DOT; what steers a terminal or turns the writing is shown."""
    clean = str(safe_text(text, limit=_LONGEST))
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_dot(catalogue: Catalogue) -> tuple[CatalogueFile, ...]:
    """Return a digraph: an arrow from whoever needs to what is needed; soft ones are dashed."""
    numbers = _numbers(catalogue)
    services = {s.key: s for s in catalogue.services}
    lines = ["digraph services {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    for key, number in numbers.items():
        service = services.get(key, ServiceEntry(key))
        shape = _SHAPES.get(service.kind or "", "box")
        lines.append(f"  {number} [label={_dot(_said(service))}, shape={shape}];")
    for d in catalogue.dependencies:
        style = "dashed" if d.hardness == "soft" else "solid"
        head = "odot" if d.sync is False else "normal"
        label = f", label={_dot(d.group)}" if d.group else ""
        lines.append(
            f"  {numbers[d.service]} -> {numbers[d.depends_on]}"
            f" [style={style}, arrowhead={head}{label}];"
        )
    return (CatalogueFile("services.dot", "\n".join([*lines, "}", ""])),)


def _mermaid(text: str) -> str:
    """Return a quoted label; every character but letters, digits and a few becomes its number."""
    clean = str(safe_text(text, limit=_LONGEST))
    plain = (c if c.isalnum() or c in " _.-,()/" else f"#{ord(c)};" for c in clean)
    return '"' + "".join(plain) + '"'


def write_mermaid(catalogue: Catalogue) -> tuple[CatalogueFile, ...]:
    """Return a flowchart; soft dependencies are dotted."""
    numbers = _numbers(catalogue)
    services = {s.key: s for s in catalogue.services}
    lines = ["flowchart LR"]
    for key, number in numbers.items():
        service = services.get(key, ServiceEntry(key))
        begin, end = _ENDS.get(service.kind or "", ("(", ")"))
        lines.append(f"  {number}{begin}{_mermaid(_said(service))}{end}")
    for d in catalogue.dependencies:
        arrow = "-.->" if d.hardness == "soft" else "-->"
        label = f"|{_mermaid(d.group)}|" if d.group else ""
        lines.append(f"  {numbers[d.service]} {arrow}{label} {numbers[d.depends_on]}")
    return (CatalogueFile("services.mmd", "\n".join([*lines, ""])),)
