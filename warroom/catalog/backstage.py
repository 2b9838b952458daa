"""Backstage's ``catalog-info.yaml``: entities to services, and what they need.

Components, Resources and Systems are services; Groups are teams; an API stands for whoever
provides it; Domains, Users and Templates say nothing here.  ``docs/catalogue.md`` has the table.
Written from the Backstage descriptor format; nothing is fetched: a Location names files that must
have been given as well.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from warroom.catalog.collect import Collector, quoted, team_key
from warroom.catalog.yaml_text import read_yaml
from warroom.domain.catalogue import Catalogue, CatalogueFile
from warroom.errors import InvalidInput

FORMAT: Final = "backstage"
PREFIX: Final = "warroom.dev/"
API_GROUP: Final = "backstage.io/"
SERVICES: Final = ("component", "resource", "system")
SILENT: Final = frozenset({"domain", "user", "template", "location", "group", "api"})
KIND_OF_TYPE: Final = {
    "database": "datastore", "datastore": "datastore", "cache": "datastore",
    "storage": "datastore", "s3-bucket": "datastore", "bucket": "datastore", "queue": "queue",
    "topic": "queue", "kafka-topic": "queue", "message-queue": "queue", "broker": "queue",
    "network": "network", "load-balancer": "network", "dns": "network", "cdn": "network",
    "job": "job", "cronjob": "job", "pipeline": "job", "third-party": "third_party",
    "saas": "third_party", "external": "third_party", "region": "region", "zone": "zone",
    "system": "system",
}  # fmt: skip
LINK_OF_TYPE: Final = {"runbook": "runbook", "dashboard": "dashboard", "code": "code",
                       "repository": "code", "chat": "chat"}  # fmt: skip
ANNOTATED: Final = {
    "kind": "kind", "tier": "tier", "team": "team", "region": "region", "zone": "zone",
    "host": "host", "provider": "provider", "slo": "slo", "customers": "customers",
    "user-share": "user_share", "runbook": "runbook_url", "dashboard": "dashboard_url",
    "system": "system",
}  # fmt: skip
Ref = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Entity:
    kind: str
    namespace: str
    name: str
    meta: dict[str, Any]
    spec: dict[str, Any]
    place: str

    @property
    def ref(self) -> Ref:
        return self.kind, self.namespace, self.name.lower()

    def annotation(self, name: str) -> str | None:
        found = self.meta.get("annotations")
        value = found.get(PREFIX + name) if isinstance(found, dict) else None
        return value if isinstance(value, str) else None

    @property
    def key(self) -> str:
        said = self.annotation("key")
        if said is not None:
            return said
        return self.name if self.namespace == "default" else f"{self.namespace}/{self.name}"

    def listed(self, name: str) -> list[str]:
        """Return a list of texts of the spec; one text is a list of one."""
        value = self.spec.get(name)
        values = value if isinstance(value, list) else [value]
        return [v for v in values if isinstance(v, str) and v.strip()]


def parse_ref(text: str, namespace: str) -> tuple[str | None, str, str]:
    """Return (kind or None, namespace, name) of ``[kind:][namespace/]name``; case is ignored."""
    kind, colon, rest = text.strip().partition(":")
    if not colon:
        kind, rest = "", text.strip()
    place, slash, name = rest.partition("/")
    if not slash:
        place, name = namespace, rest
    return (kind.strip().lower() or None), place.strip().lower(), name.strip().lower()


def read(files: Sequence[CatalogueFile]) -> Catalogue:
    """Return what the entities of all files say.

    A file without ``backstage.io/`` in it is none of these and is passed over with a warning, so
    that a whole folder can be given.
    """
    collector = Collector(FORMAT)
    entities = _entities(files, collector)
    index: dict[Ref, _Entity] = {}
    for entity in entities:
        first = index.setdefault(entity.ref, entity)
        if first is not entity:
            collector.find(
                "error", "duplicate",
                f"The {entity.kind} {quoted(entity.key)} is there twice; the first is at"
                f" {first.place}.", entity.place,
            )  # fmt: skip
    _Reading(collector, index).run()
    return collector.done()


def _entities(files: Sequence[CatalogueFile], collector: Collector) -> list[_Entity]:
    found = []
    names = {posixpath.normpath(f.name.replace("\\", "/")) for f in files}
    for file in files:
        if API_GROUP not in file.text:
            collector.find("warning", "passed-over", "holds no Backstage entity.", file.name)
            continue
        try:
            documents = read_yaml(file.text)
        except InvalidInput as error:
            collector.find("error", "bad-file", f"cannot be read as YAML: {error}", file.name)
            continue
        for document in documents:
            place = f"{file.name}:{document.line}"
            entity = _entity(document.value, place, collector)
            if entity is not None:
                found.append(entity)
                if entity.kind == "location":
                    _targets(entity, file.name, names, collector)
    return found


def _entity(value: Any, place: str, collector: Collector) -> _Entity | None:
    if value is None:
        return None
    group = value.get("apiVersion") if isinstance(value, dict) else None
    if not isinstance(group, str) or API_GROUP not in group:
        collector.find("warning", "passed-over", "is no Backstage entity.", place)
        return None
    meta, spec = value.get("metadata"), value.get("spec") or {}
    kind = value.get("kind")
    name = meta.get("name") if isinstance(meta, dict) else None
    if not isinstance(kind, str) or not isinstance(name, str) or not isinstance(spec, dict):
        collector.find("error", "bad-value", "has no kind, metadata.name or spec.", place)
        return None
    namespace = meta.get("namespace")
    namespace = namespace.lower() if isinstance(namespace, str) and namespace else "default"
    return _Entity(kind.lower(), namespace, name, meta, spec, place)


def _targets(entity: _Entity, file: str, names: set[str], collector: Collector) -> None:
    folder = posixpath.dirname(file.replace("\\", "/"))
    for target in [*entity.listed("targets"), *entity.listed("target")]:
        if "://" in target:
            said = f"{quoted(target)} is not fetched: give its file as well."
        elif posixpath.normpath(posixpath.join(folder, target)) in names:
            continue
        else:
            said = f"{quoted(target)} is not among the files that were given."
        collector.find("warning", "location", said, entity.place)


class _Reading:
    def __init__(self, collector: Collector, index: dict[Ref, _Entity]) -> None:
        self._collector = collector
        self._index = index
        self._libraries: set[Ref] = set()
        self._keys: dict[Ref, str] = {}
        self._known: frozenset[str] = frozenset()
        self._providers: dict[Ref, list[Ref]] = {}

    def run(self) -> None:
        entities = list(self._index.values())
        for entity in entities:
            if entity.kind == "group":
                self._group(entity)
            elif entity.kind in ("component", "resource"):
                self._service(entity)
        for entity in entities:
            if entity.kind == "system":
                # A system that is called like its main component is that component.
                if self._collector.has_service(entity.key):
                    self._keys[entity.ref] = entity.key
                else:
                    self._service(entity)
            elif entity.kind not in SERVICES and entity.kind not in SILENT:
                said = f"{quoted(entity.kind)} is no kind that the map knows."
                self._collector.find("warning", "passed-over", said, entity.place)
        for entity in entities:
            for api in entity.listed("providesApis"):
                ref = self._find(api, entity, ("api",)) or _as_api(api, entity)
                self._providers.setdefault(ref, []).append(entity.ref)
        self._known = frozenset(self._keys.values())
        for entity in entities:
            if entity.ref in self._keys:
                self._edges(entity)

    def _group(self, entity: _Entity) -> None:
        profile = entity.spec.get("profile")
        shown = profile.get("displayName") if isinstance(profile, dict) else None
        name = shown or entity.meta.get("title") or entity.name
        self._collector.team(team_key(entity.annotation("key") or entity.name), str(name),
                             entity.place)  # fmt: skip

    def _service(self, entity: _Entity) -> None:
        sort = str(entity.spec.get("type") or "").lower()
        if entity.kind == "component" and sort == "library":
            self._libraries.add(entity.ref)
            said = f"{quoted(entity.name)} is a library: it does not run."
            self._collector.find("warning", "passed-over", said, entity.place)
            return
        raw: dict[str, object] = {
            "key": entity.key,
            "name": entity.meta.get("title") or entity.name,
            "kind": "system" if entity.kind == "system" else KIND_OF_TYPE.get(sort, "service"),
            "team": self._owner(entity),
            "system": self._system(entity),
            "links": self._links(entity),
        }
        for annotation, attribute in ANNOTATED.items():
            said_value = entity.annotation(annotation)
            if said_value is not None:
                raw[attribute] = said_value
        key = self._collector.service(raw, entity.place)
        if key is not None:
            self._keys[entity.ref] = key

    def _owner(self, entity: _Entity) -> str | None:
        owner = entity.spec.get("owner")
        if not isinstance(owner, str) or not owner.strip():
            return None
        kind, namespace, name = parse_ref(owner, entity.namespace)
        if kind == "user":
            said = f"{quoted(entity.name)} belongs to a person, {quoted(owner)}, and to no team."
            self._collector.find("warning", "owner", said, entity.place)
            return None
        group = self._index.get(("group", namespace, name))
        if group is not None and (said_key := group.annotation("key")) is not None:
            return team_key(said_key) or said_key
        return team_key(name) or name

    def _system(self, entity: _Entity) -> str | None:
        said = entity.spec.get("system")
        if not isinstance(said, str) or entity.kind == "system":
            return None
        _, namespace, name = parse_ref(said, entity.namespace)
        system = self._index.get(("system", namespace, name))
        return system.key if system is not None else said.rpartition("/")[2].rpartition(":")[2]

    def _links(self, entity: _Entity) -> list[dict[str, object]] | None:
        found: list[dict[str, object]] = []
        listed = entity.meta.get("links")
        for link in listed if isinstance(listed, list) else ():
            if not isinstance(link, dict):
                continue
            sort = str(link.get("type") or link.get("icon") or "").lower()
            found.append({"kind": LINK_OF_TYPE.get(sort, "document"), "url": link.get("url"),
                          "label": link.get("title") or ""})  # fmt: skip
        return found or None

    def _find(self, text: str, entity: _Entity, kinds: Sequence[str]) -> Ref | None:
        kind, namespace, name = parse_ref(text, entity.namespace)
        for wanted in (kind,) if kind else kinds:
            if (wanted, namespace, name) in self._index:
                return wanted, namespace, name
        return None

    def _edges(self, entity: _Entity) -> None:
        said = self._said(entity)
        usual = entity.annotation("hardness")
        for text in entity.listed("dependsOn"):
            target = self._find(text, entity, (*SERVICES, "api"))
            if target is not None and target[0] == "api":
                self._consumes(entity, text, said, usual)
            elif target in self._libraries:
                continue
            else:
                self._edge(entity, text, target, said, usual)
        for text in entity.listed("consumesApis"):
            self._consumes(entity, text, said, usual)
        # Those that stand nowhere else are dependencies too; the others are said once more.
        for needs, about in said.items():
            raw = {"service": entity.key, "depends_on": needs, "hardness": usual} | about
            self._collector.dependency(raw, entity.place)
        for text in entity.listed("dependencyOf"):
            target = self._find(text, entity, SERVICES)
            above = self._keys.get(target) if target else None
            raw = {"service": above or _plain_key(text, entity), "depends_on": entity.key}
            if target not in self._libraries:
                self._collector.dependency(raw | {"hardness": usual}, entity.place)

    def _consumes(
        self, entity: _Entity, text: str, said: dict[str, dict[str, object]], usual: str | None
    ) -> None:
        ref = self._find(text, entity, ("api",)) or _as_api(text, entity)
        providers = [p for p in self._providers.get(ref, ()) if p in self._keys]
        for provider in providers:
            if provider != entity.ref:
                self._edge(entity, text, provider, said, usual)
        if not providers:
            # Some write the provider where the API belongs, as Backstage's own examples do.
            target = self._find(text, entity, SERVICES)
            if target is not None:
                self._edge(entity, text, target, said, usual)
            else:
                sentence = f"nobody among the files provides the API {quoted(text)}."
                self._collector.find("warning", "dangling", f"{quoted(entity.key)}: {sentence}",
                                     entity.place)  # fmt: skip

    def _edge(
        self, entity: _Entity, text: str, target: Ref | None,
        said: dict[str, dict[str, object]], usual: str | None,
    ) -> None:  # fmt: skip
        needs = self._keys.get(target) if target else None
        needs = needs or _plain_key(text, entity)
        raw: dict[str, object] = {"service": entity.key, "depends_on": needs, "hardness": usual}
        self._collector.dependency(raw | said.get(needs, {}), entity.place)

    def _said(self, entity: _Entity) -> dict[str, dict[str, object]]:
        """Return what the annotation ``dependencies`` says of each, by the key of what is needed.

        A line is ``KEY soft async group=x``; KEY may be a reference.
        """
        found: dict[str, dict[str, object]] = {}
        known = self._known
        for line in (entity.annotation("dependencies") or "").splitlines():
            key, *words = line.split()[:10] or [""]
            if not key:
                continue
            about: dict[str, object] = {}
            for word in words:
                name, _, value = word.partition("=")
                if word in ("hard", "soft"):
                    about["hardness"] = word
                elif word in ("sync", "async"):
                    about["sync"] = word
                elif name in ("group", "needed") and value:
                    about[name] = unquote(value)
                else:
                    sentence = f"{quoted(word)} is not understood in {PREFIX}dependencies."
                    self._collector.find("error", "bad-value", sentence, entity.place)
            key = unquote(key)
            target = None if key in known else self._find(key, entity, SERVICES)
            if target in self._libraries:
                continue
            if target is not None:
                key = self._keys.get(target, key)
            elif key not in known and key.partition(":")[0].lower() in SERVICES:
                key = _plain_key(key, entity)
            found[key] = about
        return found


def _as_api(text: str, entity: _Entity) -> Ref:
    _, namespace, name = parse_ref(text, entity.namespace)
    return "api", namespace, name


def _plain_key(text: str, entity: _Entity) -> str:
    """Return the key that a reference to something outside the files has."""
    rest = text.strip().partition(":")[2] or text.strip()
    namespace, slash, name = rest.partition("/")
    if not slash:
        namespace, name = entity.namespace, rest
    return name if namespace.lower() == "default" else f"{namespace.lower()}/{name}"
