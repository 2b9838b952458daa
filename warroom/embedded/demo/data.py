"""The estate and the day as checked, frozen data; read from the TOML files beside this one."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from warroom.errors import ConfigurationError

DOORS = ("webhook", "v2")
ACTS: Mapping[str, frozenset[str]] = {
    "acknowledge": frozenset(),
    "add_link": frozenset({"kind", "url", "label"}),
    "answer_role": frozenset({"role", "accept"}),
    "correct": frozenset({"entry", "text"}),
    "declare": frozenset({"title", "severity", "services", "drill"}),
    "false_alarm": frozenset({"note"}),
    "judge": frozenset({"entry", "fate"}),
    "link_change": frozenset({"change", "verdict"}),
    "log": frozenset({"kind", "text", "confidence", "name", "about", "stance"}),
    "merge": frozenset({"into"}),
    "mitigate": frozenset({"service", "what"}),
    "mitigated": frozenset({"service"}),
    "offer_role": frozenset({"role", "to", "brief"}),
    "page_owner": frozenset({"service", "note"}),
    "pin": frozenset({"entry"}),
    "resolve": frozenset({"note"}),
    "set_service": frozenset({"service", "state"}),
    "set_severity": frozenset({"severity"}),
    "set_status": frozenset({"status", "note"}),
    "set_update_due": frozenset({"minutes"}),
    "snooze": frozenset({"minutes", "reason"}),
    "take_role": frozenset({"role"}),
    "tick_restart": frozenset({"service"}),
}
"""What a person can do in the script, and the words that go with it."""
_OF_ALL = frozenset({"at", "who", "on", "do", "after"})


@dataclass(frozen=True, slots=True)
class Estate:
    """Who and what there is; each item is a body for the API, delays are minutes of the day."""

    teams: tuple[Mapping[str, Any], ...]
    people: tuple[Mapping[str, Any], ...]
    policies: tuple[Mapping[str, Any], ...]
    services: tuple[Mapping[str, Any], ...]
    dependencies: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts that start together. Times are minutes since the day began."""

    at: float
    over: float
    service: str
    severity: str
    name: str
    text: str
    host: str
    count: int = 1
    door: str = "webhook"
    flaps: int = 1
    every: float = 0.0


@dataclass(frozen=True, slots=True)
class Act:
    """What ``who`` does to the open incident of service ``on``; ``words`` go with ``do``.

    ``after`` is the name of an entry without which it makes no sense, empty for none.
    """

    at: float
    who: str
    on: str
    do: str
    words: Mapping[str, Any]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that delivery tells of at minute ``at``; it began ``ago`` real minutes before.

    ``name`` is how acts speak of it; ``by`` made it, ``approved_by`` is empty when nobody did.
    """

    at: float
    service: str
    kind: str
    title: str
    version: str
    by: str
    name: str
    ago: float = 0.0
    approved_by: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A script. ``length`` in minutes; after it the day begins again."""

    length: float
    alerts: tuple[Alerts, ...]
    acts: tuple[Act, ...]
    changes: tuple[Change, ...] = ()


def minutes(text: object) -> float:
    """Return ``h:mm`` as minutes.

    Raises:
        ConfigurationError: it is no such time.
    """
    hours, colon, rest = str(text).partition(":")
    if not (colon and hours.isdigit() and len(rest) == 2 and rest.isdigit() and int(rest) < 60):
        raise ConfigurationError(f"{text!r} is no time of the day's script.", remedy="Write h:mm.")
    return int(hours) * 60.0 + int(rest)


def load_estate() -> Estate:
    """Read and check ``estate.toml``.

    Raises:
        ConfigurationError: a service names a team, or a dependency a service, that is not there.
    """
    found = _toml("estate.toml")
    teams = {t["key"] for t in found["team"]}
    keys = {s["key"] for s in found["service"]}
    wanted = {"policies": "by tier"}
    for service in found["service"]:
        if service["team"] not in teams:
            raise _wrong("estate.toml", f"{service['key']}: no team {service['team']!r}", wanted)
    below: list[tuple[str, str, str]] = []
    for hardness in ("hard", "soft"):
        for service, depends_on in found["dependencies"][hardness]:
            if not {service, depends_on} <= keys:
                raise _wrong("estate.toml", f"{service} on {depends_on}: no such service", wanted)
            below.append((service, depends_on, hardness))
    return Estate(
        teams=tuple(found["team"]),
        people=tuple(found["person"]),
        policies=tuple(found["policy"]),
        services=tuple(found["service"]),
        dependencies=tuple(below),
    )


def load_day(estate: Estate) -> Day:
    """Read ``day.toml`` and check it against the estate.

    Raises:
        ConfigurationError: names the entry at fault.
    """
    found = _toml("day.toml")
    services = {s["key"] for s in estate.services}
    people = {p["name"] for p in estate.people}
    alerts = []
    for raw in found["alerts"]:
        burst = Alerts(**raw | {"at": minutes(raw["at"]), "over": minutes(raw["over"])})
        if burst.service not in services or burst.door not in DOORS or burst.over <= burst.at:
            raise _wrong("day.toml", f"alerts at {raw['at']}", raw)
        alerts.append(burst)
    acts = []
    for raw in found["act"]:
        words = {k: v for k, v in raw.items() if k not in _OF_ALL}
        act = Act(minutes(raw["at"]), raw["who"], raw["on"], raw["do"], words, raw.get("after", ""))
        known = act.do in ACTS and words.keys() <= ACTS[act.do]
        if not known or act.who not in people or act.on not in services | {""}:
            raise _wrong("day.toml", f"act at {raw['at']}", raw)
        acts.append(act)
    changes = []
    for raw in found.get("change", ()):
        change = Change(**raw | {"at": minutes(raw["at"])})
        if change.service not in services:
            raise _wrong("day.toml", f"change at {raw['at']}", raw)
        changes.append(change)
    names = {change.name for change in changes}
    for act in acts:
        if act.words.get("change", "") not in names | {""}:
            raise _wrong("day.toml", f"act at minute {act.at:g}", act.words)
    return Day(
        length=minutes(found["length"]),
        changes=tuple(sorted(changes, key=lambda c: c.at)),
        alerts=tuple(sorted(alerts, key=lambda a: a.at)),
        acts=tuple(sorted(acts, key=lambda a: a.at)),
    )


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _wrong(file: str, what: str, raw: Mapping[str, Any]) -> ConfigurationError:
    return ConfigurationError(f"{file}: {what} cannot be played: {dict(raw)!r}")
