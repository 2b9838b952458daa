"""What the demo's people do: one call of the public API for each line of the script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from warroom.client import Client, retry_until_known
from warroom.embedded.demo.data import Act

Json = dict[str, Any]
SHORTEST_S = 10.0
SHORTEST_SNOOZE_S = 60.0


class NothingToDo(Exception):
    """The act has lost its subject: the incident has ended or the entry was never written."""


@dataclass(slots=True)
class Stage:
    """What acts share: the speed of the day and the entries that were given a name."""

    speed: float
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


async def find(person: Client, service: str) -> Json:
    """Return the newest open incident of a service.

    Raises:
        NothingToDo: there is none.
    """
    page = await person.incidents(limit=200)
    for item in page["items"]:
        if any(link["key"] == service for link in item["services"]):
            found: Json = item
            return found
    raise NothingToDo(f"no open incident of {service}")


async def do(person: Client, act: Act, stage: Stage, key: str) -> None:
    """Carry out one act under one idempotency key.

    Raises:
        NothingToDo: its subject is gone.
        WarRoomError: the API's own answer.
    """
    if act.do == "declare":
        await retry_until_known(lambda: _declare(person, act, key))
        return
    # Looked up once: whoever asks again with one key has to ask the very same.
    incident = await find(person, act.on)
    target = await find(person, act.words["into"]) if "into" in act.words else {}
    if target and target["ref"] == incident["ref"]:
        raise NothingToDo("they are one incident already")
    call = _VERBS[act.do]
    await retry_until_known(lambda: call(person, incident | {"into": target}, act, stage, key))


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
    "false_alarm": lambda p, i, a, _s, k: p.false_alarm(
        i["ref"], i["version"], note=a.words["note"], key=k
    ),
    "judge": lambda p, i, a, s, k: p.judge(
        i["ref"], s.entry(a.words["entry"]), a.words["fate"], key=k
    ),
    "log": _log,
    "merge": lambda p, i, _a, _s, k: p.merge(i["ref"], i["version"], i["into"]["ref"], key=k),
    "offer_role": lambda p, i, a, _s, k: p.offer_role(
        i["ref"], i["version"], a.words["role"], a.words["to"], a.words["brief"], key=k
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
}  # fmt: skip
