"""The catalogue as files hold it: entries, what was found about them, and what they may be.

One shape for every format (``warroom.catalog``), for the comparison with what the database has
(``warroom.domain.catalogue_plan``) and for what is written out again.  ``None`` means "not said":
an import leaves what is there, and a new service gets the usual.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from warroom.domain.validate import check_text
from warroom.errors import InvalidInput

SERVICE_KINDS: Final = (
    "service", "datastore", "queue", "system", "job", "network", "third_party", "region", "zone",
)  # fmt: skip
LINK_KINDS: Final = ("runbook", "dashboard", "document", "code", "chat")
MAX_ENTRIES: Final = 100_000
"""The most services, dependencies and teams together that one import may hold."""
MAX_LINKS: Final = 50


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """A file that was read or is to be written: its name and its text.

    ``problem`` is why it could not be read, empty when it could; its text is nothing then.
    """

    name: str
    text: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ServiceLink:
    """A runbook, dashboard or other address of a service."""

    kind: str
    url: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A service as a file says it.

    ``tier`` 0 (most important) to 5; ``team`` the owner's key; ``slo`` and ``user_share`` per
    cent; ``provider`` whose it is when it is a third party's; ``system`` what it is a part of;
    ``place`` the file and line.
    """

    key: str
    name: str | None = None
    kind: str | None = None
    tier: int | None = None
    team: str | None = None
    region: str | None = None
    zone: str | None = None
    host: str | None = None
    provider: str | None = None
    slo: float | None = None
    customers: int | None = None
    user_share: float | None = None
    runbook_url: str | None = None
    dashboard_url: str | None = None
    system: str | None = None
    links: tuple[ServiceLink, ...] | None = None
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class DependencyEntry:
    """``service`` needs ``depends_on`` (both keys).

    Those of one service with the same ``group`` stand in for each other; ``needed`` of them must
    be up (1 when not said).  ``sync`` False: what it sends waits in between, so it hurts later.
    """

    service: str
    depends_on: str
    hardness: str | None = None
    sync: bool | None = None
    group: str | None = None
    needed: int | None = None
    place: str = field(default="", compare=False)

    @property
    def pair(self) -> tuple[str, str]:
        """Return what makes it unique."""
        return self.service, self.depends_on


@dataclass(frozen=True, slots=True)
class TeamEntry:
    """A team that the files themselves define."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to report: ``level`` error (nothing is changed) or warning.

    ``code`` names the sort (duplicate, dangling, cycle, ...), ``place`` the file and line.
    """

    level: str
    code: str
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that a set of files says.

    ``observed``: the edges were seen in traffic, nobody declared them.
    """

    format: str
    services: tuple[ServiceEntry, ...] = ()
    dependencies: tuple[DependencyEntry, ...] = ()
    teams: tuple[TeamEntry, ...] = ()
    findings: tuple[Finding, ...] = ()
    observed: bool = False


TEXTS: Final[Mapping[str, int]] = {
    "name": 200, "region": 63, "zone": 63, "host": 253, "provider": 200, "system": 200,
}  # fmt: skip
"""The free texts of a service, and how long each may be."""
ADDRESSES: Final = ("runbook_url", "dashboard_url")
ATTRIBUTES: Final = (
    "name", "kind", "tier", "team", "region", "zone", "host", "provider", "slo", "customers",
    "user_share", "runbook_url", "dashboard_url", "system", "links",
)  # fmt: skip
"""What an import or a proposal may say of a service, in the order in which it is shown."""
EDGE_ATTRIBUTES: Final = ("hardness", "sync", "group", "needed")


def check_attribute(name: str, value: object) -> Any:
    """Return one attribute of a service as it is stored; None and "" are "not said".

    Numbers may come as texts, as they stand in files.

    Raises:
        InvalidInput: it cannot be that; ``field`` is ``name``.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if name in TEXTS:
        return check_text(value, name, longest=TEXTS[name])
    if name in ADDRESSES:
        return check_address(value, name)
    if name == "kind":
        return check_kind(value)
    if name == "tier":
        return _whole(value, name, 0, 5)
    if name == "customers":
        return _whole(value, name, 0, 2**53)
    if name in ("slo", "user_share"):
        return _percent(value, name)
    if name == "team":
        return check_text(value, name, longest=63)
    if name == "links":
        return check_links(value)
    raise InvalidInput(f"{name} is no attribute of a service.", field=name)


def check_edge_attribute(name: str, value: object) -> Any:
    """Return one attribute of a dependency as it is stored; None and "" are "not said".

    Raises:
        InvalidInput: it cannot be that.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if name == "hardness":
        word = str(value).strip().lower()
        if word not in ("hard", "soft"):
            raise InvalidInput("hardness must be hard or soft.", field=name)
        return word
    if name == "sync":
        return check_truth(value, name)
    if name == "group":
        return check_text(value, name, longest=100)
    if name == "needed":
        return _whole(value, name, 1, 32_767)
    raise InvalidInput(f"{name} is no attribute of a dependency.", field=name)


def check_kind(value: object) -> str:
    """Return a kind of service.

    Raises:
        InvalidInput: there is no such kind.
    """
    word = str(value).strip().lower().replace("-", "_")
    if word not in SERVICE_KINDS:
        raise InvalidInput(
            "kind is not known.", field="kind", remedy=f"Choose one of {', '.join(SERVICE_KINDS)}."
        )
    return word


def check_truth(value: object, name: str) -> bool:
    """Return yes or no, from a boolean or the words that files use.

    Raises:
        InvalidInput: neither.
    """
    word = str(value).strip().lower()
    if word in ("true", "yes", "1", "sync", "synchronous"):
        return True
    if word in ("false", "no", "0", "async", "asynchronous"):
        return False
    raise InvalidInput(f"{name} must be true or false.", field=name)


def check_address(value: object, name: str) -> str:
    """Return an http(s) address that a person can open.

    Raises:
        InvalidInput: another scheme, no host, or white space or control characters in it.
    """
    address = check_text(value, name, longest=2000, shortest=1)
    try:
        parts = urlsplit(address)
        usable = parts.scheme.lower() in ("http", "https") and bool(parts.netloc)
    except ValueError:
        usable = False
    if not usable or any(c.isspace() or not c.isprintable() for c in address):
        raise InvalidInput(
            f"{name} is no address that can be opened.",
            field=name,
            remedy="Begin it with https:// and leave out spaces.",
        )
    return address


def check_links(value: object) -> tuple[ServiceLink, ...]:
    """Return links from ``ServiceLink``s or ``{kind, url, label}`` objects.

    Raises:
        InvalidInput: not a list of those, too many, or an address that cannot be opened.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidInput("links must be a list of kind, url and label.", field="links")
    if len(value) > MAX_LINKS:
        raise InvalidInput(f"links has more than {MAX_LINKS} of them.", field="links")
    found = []
    for item in value:
        if isinstance(item, ServiceLink):
            item = {"kind": item.kind, "url": item.url, "label": item.label}
        if not isinstance(item, Mapping) or set(item) - {"kind", "url", "label"}:
            raise InvalidInput("links must be a list of kind, url and label.", field="links")
        kind = str(item.get("kind") or "document")
        if kind not in LINK_KINDS:
            raise InvalidInput(
                "The kind of a link is not known.",
                field="links",
                remedy=f"Choose one of {', '.join(LINK_KINDS)}.",
            )
        label = check_text(item.get("label") or "", "links", longest=200)
        found.append(ServiceLink(kind, check_address(item.get("url"), "links"), label))
    return tuple(found)


def links_as_json(links: Sequence[ServiceLink] | None) -> list[dict[str, str]] | None:
    """Return links as they are stored and answered."""
    if links is None:
        return None
    return [{"kind": one.kind, "url": one.url, "label": one.label} for one in links]


def _whole(value: object, name: str, least: int, most: int) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or len(text) > 20:
        raise InvalidInput(f"{name} must be a whole number.", field=name)
    try:
        number = int(text) if isinstance(value, int | str) else -1
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise InvalidInput(f"{name} must be a whole number from {least} to {most}.", field=name)
    return number


def _percent(value: object, name: str) -> float:
    text = str(value).strip().removesuffix("%").strip()
    try:
        number = float(text) if not isinstance(value, bool) and len(text) <= 40 else math.nan
    except ValueError:
        number = math.nan
    if not 0 <= number <= 100:
        raise InvalidInput(f"{name} must be a number from 0 to 100 per cent.", field=name)
    # As many places as the database keeps, so that what was stored compares equal.
    return round(number, 4 if name == "slo" else 2)
