"""What the demo's people do: one call of the public API for each line of the script."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from warroom.client import Client, retry_until_known
from warroom.embedded.demo.data import Act
from warroom.errors import NotFound, Refused, VersionConflict

Json = dict[str, Any]
SHORTEST_S = 10.0
SHORTEST_SNOOZE_S = 60.0
ROOM_S = 10.0
HELP = frozenset({"add_link", "correct", "judge", "log", "pin"})
"""What colleagues go on doing on an incident that the person at the keyboard has."""
CLOSED = "Nothing has fired for hours; closed at the end of the day"


class NothingToDo(Exception):
    """The act has lost its subject: the incident has ended, or an entry was not written."""


class NotYours(NothingToDo):
    """Somebody at a keyboard has the incident."""


class SomebodyIsAtIt(Exception):
    """Somebody at a keyboard has just done something on the incident; ``wait_s`` says how long."""

    def __init__(self, sentence: str, wait_s: float) -> None:
        super().__init__(sentence)
        self.wait_s = wait_s


@dataclass(slots=True)
class Stage:
    """What the acts of one day share.

    ``speed`` is that of the day; ``cast`` are the names of the demo's people, so that everybody
    else is somebody at a keyboard; for ``room_s`` seconds nobody touches an incident after such a
    person has; ``entries`` maps the names that the script gives to entries.
    """

    speed: float
    cast: frozenset[str] = frozenset()
    room_s: float = ROOM_S
    entries: dict[str, str] = field(default_factory=dict)

    def real_s(self, minutes: float, shortest: float = SHORTEST_S) -> float:
        """Return minutes of the day as real seconds, never less than what people can follow."""
        return max(minutes * 60.0 / self.speed, shortest)

    def entry(self, name: str) -> str:
        """Return the id of a named entry.

        Raises:
            NothingToDo: nobody has written it.
        """
        if name not in self.entries:
            raise NothingToDo(f"no entry {name!r}")
        return self.entries[name]

    def stranger(self, name: str | None) -> bool:
        """Say whether a person of that name is none of the demo's."""
        return name is not None and name not in self.cast


async def find(person: Client, service: str) -> Json:
    """Return the open incident of a service: the one with the fewest others on it, then the newest.

    Raises:
        NothingToDo: there is none.
    """
    page = await person.incidents(limit=200)
    found: list[Json] = [
        item for item in page["items"] if any(link["key"] == service for link in item["services"])
    ]
    if not found:
        raise NothingToDo(f"no open incident of {service}")
    return min(found, key=lambda item: (len(item["services"]), -item["number"]))


async def do(person: Client, act: Act, stage: Stage, key: str) -> None:
    """Carry out one act under one idempotency key.

    Raises:
        NothingToDo: its subject is gone, or somebody at a keyboard has it.
        SomebodyIsAtIt: not now.
        WarRoomError: the API's own answer.
    """
    if act.do == "declare":
        await retry_until_known(lambda: _declare(person, act, key))
        return
    if act.after:
        stage.entry(act.after)
    # Looked up once: whoever asks again with one key has to ask the very same.
    incident = await find(person, act.on)
    target = await find(person, act.words["into"]) if "into" in act.words else {}
    if target and target["ref"] == incident["ref"]:
        raise NothingToDo("they are one incident already")
    for one in (incident, target):
        if one:
            await make_room(person, one, act, stage)
    call = _VERBS[act.do]
    await retry_until_known(lambda: call(person, incident | {"into": target}, act, stage, key))


async def make_room(person: Client, incident: Json, act: Act, stage: Stage) -> None:
    """Leave an incident to the person at the keyboard.

    Whoever owns or commands it decides; colleagues go on telling what they find.  Where that
    person has just done something, nobody does anything for a while.

    Raises:
        NotYours: it is theirs.
        SomebodyIsAtIt: they are at it.
    """
    helps = act.do in HELP and act.words.get("kind") != "decision"
    if _held(incident, stage) and not helps:
        raise NotYours(f"{incident['ref']} is in somebody's hands")
    page = await person.timeline(incident["ref"], limit=50)
    for entry in page["items"]:
        since = datetime.now(UTC) - datetime.fromisoformat(entry["recorded_at"])
        left_s = stage.room_s - since.total_seconds()
        if _wrote(entry, stage) and left_s > 0:
            raise SomebodyIsAtIt(f"{entry['author']} is at {incident['ref']}", left_s)


def _held(incident: Json, stage: Stage) -> bool:
    holders = (incident["owner"], incident["commander"])
    return any(holder and stage.stranger(holder["name"]) for holder in holders)


def _wrote(entry: Json, stage: Stage) -> bool:
    return entry["author_kind"] == "person" and stage.stranger(entry["author"])


async def close_the_day(person: Client, stage: Stage, key: str) -> None:
    """End what was left open, quietly, so that the next day begins as this one did.

    Where an alert still fires, or somebody at a keyboard has had a hand in it, it stays.

    Raises:
        WarRoomError: the API's own answer.
    """
    page = await person.incidents(limit=200)
    for incident in page["items"]:
        if incident["firing_count"] or _held(incident, stage):
            continue
        log = await person.timeline(incident["ref"], limit=200)
        if any(_wrote(entry, stage) for entry in log["items"]):
            continue
        with contextlib.suppress(Refused, VersionConflict, NotFound):
            await _end(person, incident, f"{key}-{incident['ref']}")


async def _end(person: Client, incident: Json, key: str) -> None:
    ref = incident["ref"]
    if incident["acknowledged_at"] is None:
        version = incident["version"]
        incident = await retry_until_known(
            lambda: person.acknowledge(ref, version, key=f"{key}-ack")
        )
    now = incident["version"]
    await retry_until_known(lambda: person.resolve(ref, now, note=CLOSED, key=key))


async def _declare(person: Client, act: Act, key: str) -> None:
    words = act.words
    await person.declare(
        words["title"], words["severity"], services=words["services"], drill=words["drill"],
        key=key,
    )  # fmt: skip


async def _log(person: Client, incident: Json, act: Act, stage: Stage, key: str) -> None:
    words = act.words
    about = stage.entry(words["about"]) if "about" in words else None
    await person.log_entry(
        incident["ref"], words["kind"], words["text"], confidence=words.get("confidence"),
        about=about, stance=words.get("stance"), key=key,
    )  # fmt: skip
    if "name" in words:
        page = await person.timeline(incident["ref"], limit=50)
        for entry in page["items"]:
            if entry["text"] == words["text"]:
                stage.entries[words["name"]] = entry["id"]
                return


_Verb = Callable[[Client, Json, Act, Stage, str], Awaitable[object]]
_VERBS: dict[str, _Verb] = {
    "acknowledge": lambda p, i, _a, _s, k: p.acknowledge(i["ref"], i["version"], key=k),
    "add_link": lambda p, i, a, _s, k: p.add_link(
        i["ref"], a.words["kind"], a.words["url"], a.words["label"], key=k
    ),
    "answer_role": lambda p, i, a, _s, k: p.answer_role(
        i["ref"], i["version"], a.words["role"], accept=a.words["accept"], key=k
    ),
    "correct": lambda p, i, a, s, k: p.correct(
        i["ref"], s.entry(a.words["entry"]), a.words["text"], key=k
    ),
    "false_alarm": lambda p, i, a, _s, k: p.false_alarm(
        i["ref"], i["version"], note=a.words["note"], key=k
    ),
    "judge": lambda p, i, a, s, k: p.judge(
        i["ref"], s.entry(a.words["entry"]), a.words["fate"], key=k
    ),
    "link_change": lambda p, i, a, s, k: p.link_change(
        i["ref"], i["version"], s.entry(a.words["change"]), a.words["verdict"], key=k
    ),
    "log": _log,
    "merge": lambda p, i, _a, _s, k: p.merge(i["ref"], i["version"], i["into"]["ref"], key=k),
    "mitigate": lambda p, i, a, _s, k: p.mitigate(
        i["ref"], a.words["service"], a.words["what"], key=k
    ),
    "mitigated": lambda p, i, a, _s, k: p.mitigated(i["ref"], a.words["service"], key=k),
    "offer_role": lambda p, i, a, _s, k: p.offer_role(
        i["ref"], i["version"], a.words["role"], a.words["to"], a.words["brief"], key=k
    ),
    "page_owner": lambda p, i, a, _s, k: p.page_owner(
        i["ref"], a.words["service"], note=a.words.get("note"), key=k
    ),
    "pin": lambda p, i, a, s, k: p.pin(i["ref"], s.entry(a.words["entry"]), key=k),
    "resolve": lambda p, i, a, _s, k: p.resolve(
        i["ref"], i["version"], note=a.words["note"], key=k
    ),
    "set_service": lambda p, i, a, _s, k: p.set_service(
        i["ref"], i["version"], a.words["service"], a.words["state"], key=k
    ),
    "set_severity": lambda p, i, a, _s, k: p.set_severity(
        i["ref"], i["version"], a.words["severity"], key=k
    ),
    "set_status": lambda p, i, a, _s, k: p.set_status(
        i["ref"], i["version"], a.words["status"], note=a.words.get("note"), key=k
    ),
    "set_update_due": lambda p, i, a, s, k: p.set_update_due(
        i["ref"], i["version"], s.real_s(a.words["minutes"]), key=k
    ),
    "snooze": lambda p, i, a, s, k: p.snooze(
        i["ref"], i["version"], s.real_s(a.words["minutes"], SHORTEST_SNOOZE_S),
        a.words["reason"], key=k,
    ),
    "take_role": lambda p, i, a, _s, k: p.take_role(i["ref"], i["version"], a.words["role"], key=k),
    "tick_restart": lambda p, i, a, _s, k: p.tick_restart(
        i["ref"], a.words["service"], True, key=k
    ),
}  # fmt: skip
