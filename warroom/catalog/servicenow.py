"""ServiceNow's CMDB: exports of configuration items and of ``cmdb_rel_ci``, as CSV or JSON.

A JSON file is what the Table API or the list export gives: ``{"result": [...]}`` or
``{"records": [...]}``; a reference is a text or ``{display_value, value}``.  The parent of
"Depends on::Used by" depends on its child.  Columns that begin with ``u_`` are one's own in
ServiceNow: those that we write, we read back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from warroom.catalog.collect import Collector, quoted, team_key
from warroom.catalog.csv_text import read_rows, write_rows
from warroom.catalog.json_text import read_json_text
from warroom.domain.catalogue import Catalogue, CatalogueFile, ServiceEntry, links_as_json
from warroom.errors import InvalidInput

FORMAT: Final = "servicenow"
DEPENDS: Final = frozenset({"depends on::used by", "uses::used by", "uses::is used by"})
GONE: Final = frozenset({"retired", "6", "7", "non-operational; retired"})
KIND_OF_CLASS: Final = (
    ("database", "datastore"), ("db_", "datastore"), ("_db", "datastore"),
    ("storage", "datastore"), ("queue", "queue"), ("topic", "queue"), ("netgear", "network"),
    ("lb", "network"), ("dns", "network"), ("job", "job"), ("zone", "zone"), ("region", "region"),
)  # fmt: skip
OWN: Final = ("kind", "tier", "zone", "host", "provider", "slo", "customers", "user_share",
              "runbook_url", "dashboard_url", "system")  # fmt: skip
CI_COLUMNS: Final = (
    "sys_id", "name", "sys_class_name", "business_criticality", "support_group", "location",
    "u_warroom_key", *(f"u_{name}" for name in OWN), "u_links",
)  # fmt: skip
REL_COLUMNS: Final = ("sys_id", "parent", "type", "child", "u_hardness", "u_sync",
                      "u_redundancy_group", "u_redundancy_needed")  # fmt: skip
Row = Mapping[str, Any]


def read(files: Sequence[CatalogueFile]) -> Catalogue:
    """Return the items that are not retired and the dependencies between them."""
    collector = Collector(FORMAT)
    items: list[tuple[Row, str]] = []
    relations: list[tuple[Row, str]] = []
    for file in files:
        try:
            for line, row in _rows(file):
                place = f"{file.name}:{line}"
                (relations if "parent" in row and "child" in row else items).append((row, place))
        except InvalidInput as error:
            collector.find("error", "bad-file", f"cannot be read: {error}", file.name)
    names: dict[str, str] = {}
    retired: set[str] = set()
    for row, place in items:
        _item(row, place, collector, names, retired)
    passed: dict[str, int] = {}
    for row, place in relations:
        sort = _text(row.get("type"))
        if sort.lower() not in DEPENDS:
            passed[sort] = passed.get(sort, 0) + 1
            continue
        parent, child = (_text(row.get(end)) for end in ("parent", "child"))
        if {parent, child} & retired:
            continue
        raw = {
            "service": names.get(parent, parent), "depends_on": names.get(child, child),
            "hardness": _text(row.get("u_hardness")), "sync": _text(row.get("u_sync")),
            "group": _text(row.get("u_redundancy_group")),
            "needed": _text(row.get("u_redundancy_needed")),
        }  # fmt: skip
        collector.dependency(raw, place)
    for sort, count in sorted(passed.items()):
        collector.find("warning", "relation", f"{count:,} relations of the type {quoted(sort)} are"
                       " no dependencies and are passed over.")  # fmt: skip
    return collector.done()


def _rows(file: CatalogueFile) -> Iterator[tuple[int, Row]]:
    if not file.text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        yield from read_rows(file.text)
        return
    document = read_json_text(file.text)
    if isinstance(document, dict):
        document = document.get("result", document.get("records"))
    if not isinstance(document, list):
        raise InvalidInput('it has no list under "result" or "records".')
    for number, row in enumerate(document, 1):
        if not isinstance(row, dict):
            raise InvalidInput(f"record {number} is no object.")
        yield number, row


def _text(value: object) -> str:
    """Return a field as it is shown; a reference is its display value."""
    if isinstance(value, Mapping):
        value = value.get("display_value") or value.get("value")
    return "" if value is None else str(value).strip()


def _item(
    row: Row, place: str, collector: Collector, names: dict[str, str], retired: set[str]
) -> None:
    name, sys_id = _text(row.get("name")), _text(row.get("sys_id"))
    key = _text(row.get("u_warroom_key")) or name
    known_as = {sys_id, name} - {""}
    status = (row.get("operational_status"), row.get("install_status"))
    if any(_text(s).lower() in GONE for s in status):
        retired |= known_as
        return
    sort = _text(row.get("sys_class_name")).lower().removeprefix("cmdb_ci_")
    critical = _text(row.get("business_criticality"))[:1]
    raw: dict[str, object] = {own: _text(row.get(f"u_{own}")) for own in OWN}
    raw["key"], raw["name"] = key, name
    raw["kind"] = raw["kind"] or next((k for part, k in KIND_OF_CLASS if part in sort), "service")
    raw["tier"] = raw["tier"] or (critical if critical.isdigit() else None)
    raw["region"] = _text(row.get("location"))
    team = _text(row.get("support_group")) or _text(row.get("assignment_group"))
    raw["team"] = (team_key(team) or team) if team else None
    raw["links"] = _links(_text(row.get("u_links")), place, collector)
    if collector.service(raw, place) is not None:
        names.update(dict.fromkeys(known_as, key))


def _links(text: str, place: str, collector: Collector) -> object:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        collector.find("error", "bad-value", "u_links is no JSON list.", place)
        return None


def write(catalogue: Catalogue) -> tuple[CatalogueFile, ...]:
    """Return ``cmdb_ci_service.csv`` and ``cmdb_rel_ci.csv``; relations name items by sys_id."""
    outside = {d.depends_on for d in catalogue.dependencies} | {
        d.service for d in catalogue.dependencies
    }
    outside -= {s.key for s in catalogue.services}
    relations = (
        {
            "sys_id": _sys_id(f"{d.service}\n{d.depends_on}"),
            "parent": d.service if d.service in outside else _sys_id(d.service),
            "type": "Depends on::Used by",
            "child": d.depends_on if d.depends_on in outside else _sys_id(d.depends_on),
            "u_hardness": d.hardness, "u_sync": d.sync, "u_redundancy_group": d.group,
            "u_redundancy_needed": d.needed,
        }
        for d in catalogue.dependencies
    )  # fmt: skip
    return (
        CatalogueFile(
            "cmdb_ci_service.csv", write_rows(CI_COLUMNS, map(_cells, catalogue.services))
        ),
        CatalogueFile("cmdb_rel_ci.csv", write_rows(REL_COLUMNS, relations)),
    )


def _cells(service: ServiceEntry) -> dict[str, object]:
    links = links_as_json(service.links)
    return {
        "sys_id": _sys_id(service.key), "name": service.name or service.key,
        "sys_class_name": "cmdb_ci_service", "support_group": service.team,
        "location": service.region, "u_warroom_key": service.key,
        "business_criticality": None if service.tier is None else str(service.tier),
        **{f"u_{name}": getattr(service, name) for name in OWN},
        "u_links": json.dumps(links) if links else None,
    }  # fmt: skip


def _sys_id(text: str) -> str:
    """Return 32 hexadecimal digits, as a sys_id has; the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
