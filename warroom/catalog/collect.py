"""Where the entries of a set of files come together: checked one by one, counted, never twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from warroom.domain.catalogue import (
    ATTRIBUTES,
    EDGE_ATTRIBUTES,
    MAX_ENTRIES,
    Catalogue,
    DependencyEntry,
    Finding,
    ServiceEntry,
    TeamEntry,
    check_attribute,
    check_edge_attribute,
)
from warroom.domain.validate import check_text, shorten
from warroom.errors import InvalidInput, PayloadTooLarge

MAX_FINDINGS: Final = 1000
TEAM_KEY: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def quoted(text: object) -> str:
    """Return a name for a sentence; what is hostile in it is made safe where it is shown."""
    return f"“{shorten(str(text), 120)}”"


def team_key(name: str) -> str:
    """Return the key of a team that a file calls ``name``; "" when nothing of it is usable."""
    key = re.sub(r"[^a-z0-9._-]+", "-", name.strip().lower()).strip("-._")[:63]
    return key if TEAM_KEY.fullmatch(key) else ""


class Collector:
    """Takes entries as texts and keeps those that are usable; what is not becomes a finding.

    Args:
        format_name: stands in the catalogue.
        observed: the edges were seen in traffic.
    """

    def __init__(self, format_name: str, *, observed: bool = False) -> None:
        self._format = format_name
        self._observed = observed
        self._services: dict[str, ServiceEntry] = {}
        self._dependencies: dict[tuple[str, str], DependencyEntry] = {}
        self._teams: dict[str, TeamEntry] = {}
        self._findings: list[Finding] = []
        self._more = {"error": 0, "warning": 0}

    def find(self, level: str, code: str, text: str, place: str = "") -> None:
        """Report something; beyond a thousand only their number is kept."""
        if len(self._findings) >= MAX_FINDINGS:
            self._more[level] += 1
            return
        self._findings.append(Finding(level, code, text, place))

    def service(self, raw: Mapping[str, object], place: str) -> str | None:
        """Take a service: ``key`` and any of ``ATTRIBUTES``; return its key if it is usable."""
        try:
            key = check_text(raw.get("key"), "key", longest=200, shortest=1)
        except InvalidInput as error:
            self.find("error", "bad-value", str(error), place)
            return None
        before = self._services.get(key)
        if before is not None:
            self.find(
                "error", "duplicate",
                f"The service {quoted(key)} is there twice; the first is at {before.place}.", place,
            )  # fmt: skip
            return None
        values = {}
        for name in ATTRIBUTES:
            try:
                said = raw.get(name)
                values[name] = None if said is None else check_attribute(name, said)
            except InvalidInput as error:
                self.find("error", "bad-value", f"{quoted(key)}: {error}", place)
        self._services[key] = ServiceEntry(key=key, place=place, **values)
        self._count()
        return key

    def dependency(
        self, raw: Mapping[str, object], place: str, *, merge: bool = True
    ) -> tuple[str, str] | None:
        """Take a dependency: ``service``, ``depends_on`` and any of ``EDGE_ATTRIBUTES``.

        With ``merge`` a pair that comes again says the same edge (what was said first counts);
        without, it is an error.
        """
        try:
            service = check_text(raw.get("service"), "service", longest=200, shortest=1)
            needs = check_text(raw.get("depends_on"), "depends_on", longest=200, shortest=1)
            # Few say anything of an edge; asking costs, an estate has many.
            values: dict[str, Any] = {
                n: None if (said := raw.get(n)) is None else check_edge_attribute(n, said)
                for n in EDGE_ATTRIBUTES
            }
        except InvalidInput as error:
            self.find("error", "bad-value", str(error), place)
            return None
        if service == needs:
            self.find("warning", "self", f"{quoted(service)} cannot depend on itself.", place)
            return None
        entry = DependencyEntry(service=service, depends_on=needs, place=place, **values)
        before = self._dependencies.get(entry.pair)
        if before is None:
            self._dependencies[entry.pair] = entry
            self._count()
        elif merge:
            unsaid = {n: values[n] for n in EDGE_ATTRIBUTES if getattr(before, n) is None}
            self._dependencies[entry.pair] = replace(before, **unsaid)
        else:
            self.find(
                "error", "duplicate", f"{quoted(service)} depends on {quoted(needs)} twice;"
                f" the first is at {before.place}.", place,
            )  # fmt: skip
        return entry.pair

    def team(self, key: str, name: str, place: str) -> None:
        """Take a team that the files define."""
        if not TEAM_KEY.fullmatch(key):
            self.find("error", "bad-value", f"{quoted(key)} cannot be a team's key.", place)
        elif key not in self._teams:
            self._teams[key] = TeamEntry(key, shorten(name.strip() or key, 200))
            self._count()

    def has_service(self, key: str) -> bool:
        """Tell whether a service with this key was taken."""
        return key in self._services

    def done(self) -> Catalogue:
        """Return the catalogue; entries in the order in which they came."""
        for level, more in self._more.items():
            if more:
                self._findings.append(
                    Finding(level, "more", f"{more:,} more findings of this sort are left out.")
                )
        return Catalogue(
            self._format, tuple(self._services.values()), tuple(self._dependencies.values()),
            tuple(self._teams.values()), tuple(self._findings), self._observed,
        )  # fmt: skip

    def _count(self) -> None:
        entries = len(self._services) + len(self._dependencies) + len(self._teams)
        if entries > MAX_ENTRIES:
            raise PayloadTooLarge(
                f"The files hold more than {MAX_ENTRIES:,} services, dependencies and teams;"
                " nothing was changed.",
                field="files",
                remedy="Import them in parts, each under a source of its own.",
            )
