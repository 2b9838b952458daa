"""The catalogue as Backstage entities, so that reading them back changes nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from warroom.catalog.backstage import ANNOTATED, PREFIX
from warroom.catalog.yaml_text import yaml_lines
from warroom.domain.catalogue import Catalogue, CatalogueFile, DependencyEntry, ServiceEntry

NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
TYPE_OF_KIND: Final = {
    "service": ("Component", "service"), "job": ("Component", "job"),
    "datastore": ("Resource", "database"), "queue": ("Resource", "queue"),
    "network": ("Resource", "network"), "third_party": ("Resource", "third-party"),
    "region": ("Resource", "region"), "zone": ("Resource", "zone"), "system": ("System", None),
}  # fmt: skip
_FILE: Final = "catalog-info.yaml"


def entity_names(keys: Iterable[str]) -> dict[str, str]:
    """Return a Backstage name for each key: the key itself where it may be one; never two alike."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in sorted(keys, key=lambda k: (not NAME.fullmatch(k), k)):
        name = key
        if not NAME.fullmatch(key) or key.lower() in taken:
            slug = re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")[:46] or "x"
            name = f"{slug}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        taken.add(name.lower())
        names[key] = name
    return names


def write(catalogue: Catalogue) -> tuple[CatalogueFile, ...]:
    """Return one file with an entity for each team and service."""
    return (CatalogueFile(_FILE, "---\n".join(entities(catalogue))),)


def entities(catalogue: Catalogue, notes: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """Return each entity as YAML text; ``notes`` are comment lines by service's key."""
    kinds = {s.key: s.kind or "service" for s in catalogue.services}
    outside = {d.depends_on for d in catalogue.dependencies} - set(kinds)
    names = entity_names([*kinds, *outside])
    needs: dict[str, list[DependencyEntry]] = {}
    for d in catalogue.dependencies:
        needs.setdefault(d.service, []).append(d)
    found = []
    for team in catalogue.teams:
        document = {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Group",
            "metadata": {"name": team.key},
            "spec": {"type": "team", "profile": {"displayName": team.name}},
        }
        found.append(_text(document))
    for service in catalogue.services:
        document = _entity(service, names, kinds, needs.get(service.key, ()))
        comments = "".join(f"# {line}\n" for line in (notes or {}).get(service.key, ()))
        found.append(comments + _text(document))
    return found


def _text(document: Mapping[str, Any]) -> str:
    return "".join(f"{line}\n" for line in yaml_lines(dict(document)))


def _entity(
    service: ServiceEntry,
    names: Mapping[str, str],
    kinds: Mapping[str, str],
    needs: Sequence[DependencyEntry],
) -> dict[str, Any]:
    kind, sort = TYPE_OF_KIND[service.kind or "service"]
    name = names[service.key]
    system = service.system if service.system and NAME.fullmatch(service.system) else None
    # Names compare without case: a system may be spelt as no entity here is.
    system = system if names.get(system or "", system) == system and kind != "System" else None
    annotations: dict[str, Any] = {}
    if name != service.key:
        annotations[PREFIX + "key"] = service.key
    for annotation, attribute in ANNOTATED.items():
        value = getattr(service, attribute)
        if annotation in ("kind", "team") or value is None:
            continue
        if annotation == "system" and system is not None:
            continue
        annotations[PREFIX + annotation] = _number(value)
    said = [line for d in needs if (line := _said(d))]
    if said:
        annotations[PREFIX + "dependencies"] = "\n".join(said)
    spec: dict[str, Any] = {
        "type": sort,
        "lifecycle": "production" if sort is not None and kind == "Component" else None,
        "owner": service.team,
        "system": system,
        "dependsOn": [f"{_kind(kinds.get(d.depends_on))}:default/{names[d.depends_on]}"
                      if d.depends_on in kinds else _outside(d.depends_on) for d in needs],
    }  # fmt: skip
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": kind,
        "metadata": {
            "name": name,
            "title": service.name if service.name != name else None,
            "annotations": annotations,
            "links": [
                {"url": link.url, "title": link.label or None, "type": link.kind}
                for link in service.links or ()
            ],
        },
        "spec": spec if any(spec.values()) else {"owner": "unassigned"},
    }


def _kind(kind: str | None) -> str:
    return TYPE_OF_KIND[kind or "service"][0].lower()


def _outside(key: str) -> str:
    """Return a reference to what is not among the entities."""
    return f"component:{key}" if "/" in key else f"component:default/{key}"


def _number(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _said(d: DependencyEntry) -> str:
    """Return the line about a dependency that is not plainly hard and synchronous; "" if it is."""
    words = []
    if d.hardness is not None:
        words.append(d.hardness)
    if d.sync is not None:
        words.append("sync" if d.sync else "async")
    if d.group is not None:
        words.append(f"group={quote(d.group, safe='')}")
    if d.needed is not None:
        words.append(f"needed={d.needed}")
    return f"{quote(d.depends_on, safe='')} {' '.join(words)}" if words else ""
