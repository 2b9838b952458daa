"""`warroom incident …`: every verb as people type it, against a live API; and batches of them."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.room import entry_id, opened
from tests.typist import warroom, warroom_at
from warroom.cli.incident import TABLES
from warroom.domain.incident import Command

Json = dict[str, Any]
ON_INCIDENT = "command = 'incident.severity' and table_name = 'incident'"


@pytest.fixture
def typed(api18: Api, monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.setenv("WARROOM_API_URL", api18.url)
    monkeypatch.setenv("WARROOM_TOKEN", api18.admin_token)
    return Typed(api18)


class Typed:
    """Types `warroom incident …`."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        """Return the exit code, stdout and stderr."""
        return await warroom("incident", *words)

    async def ok(self, *words: str) -> Json:
        """Return the JSON of a command that must go well."""
        code, out, err = await self(*words, "--json")
        assert code == 0, (words, err)
        found: Json = json.loads(out)
        return found


def test_every_command_of_an_incident_has_a_verb() -> None:
    spoken = {verb.command for table in TABLES for verb in table.values()}
    # Pin and link take back by --remove, a service by --detach, mitigation ends by --done;
    # declare is a verb of its own.
    silent = {Command.DECLARE, Command.UNPIN, Command.UNLINK, Command.SERVICE_DETACH,
              Command.MITIGATED}  # fmt: skip
    assert spoken == set(Command) - silent


async def test_verbs_that_move_an_incident(typed: Typed) -> None:
    typed.api.token("luc", "read", "respond")
    await opened(typed.api, "pg-main", "orders")
    assert (await typed("severity", "INC-1", "1", "--reason", "all users"))[:2] == (
        0, "INC-1 is triggered (version 2): SEV1\n",
    )  # fmt: skip
    assert (await typed("assign", "1", "luc"))[1].endswith(": luc owns it\n")
    assert (await typed("assign", "1", "--nobody"))[1].endswith(": nobody owns it\n")
    assert (await typed.ok("undo", "1"))["owner"]["name"] == "luc"
    assert (await typed.ok("drill", "1", "on"))["drill"] is True
    assert (await typed.ok("drill", "1", "off"))["drill"] is False
    assert (await typed.ok("status", "1", "mitigating", "--note", "x"))["status"] == "mitigating"
    held = await typed("role", "take", "1", "commander")
    assert held[1].endswith(": commander ana\n")
    asked = await typed("role", "offer", "1", "commander", "luc", "--brief", "Pool is full.")
    assert asked[1].endswith(": commander ana, luc is asked to become commander\n")
    code, _, err = await typed("role", "accept", "1", "commander")
    assert (code, "You were not asked to become commander" in err) == (1, True)
    assert (await typed.ok("role", "release", "1", "commander"))["roles"] == []
    new = await typed.ok("split", "1", "Orders on its own", "--service", "orders")
    assert (new["ref"], new["split_from"]) == ("INC-2", "INC-1")
    assert (await typed("merge", "2", "INC-1"))[1].endswith(": merged into INC-1\n")
    hidden = await typed.ok("restrict", "1", "restricted", "--person", "luc")
    assert hidden["visibility"] == "restricted"
    done = await typed.ok("false-alarm", "1", "--note", "the prober")
    assert done["resolution"] == "false-alarm"
    shown = (await typed("show", "1"))[1]
    assert "marked: restricted, false-alarm\n" in shown
    assert "services: orders suspected, pg-main suspected\n" in shown


async def test_an_offer_is_answered(typed: Typed) -> None:
    luc = typed.api.client(typed.api.token("luc", "read", "respond"))
    await opened(typed.api)
    await luc.take_role("INC-1", 1, "scribe")
    for answer, holds in (("decline", "luc"), ("accept", "ana")):
        seen = await luc.incident("INC-1")
        await luc.offer_role("INC-1", seen["version"], "scribe", "ana", "Write it down.")
        done = await typed.ok("role", answer, "1", "scribe")
        assert [r["name"] for r in done["roles"]] == [holds]


async def test_verbs_on_the_log_and_what_hangs_on_it(typed: Typed) -> None:
    await opened(typed.api)
    await typed.api.client().add("services", {"key": "pg-main"})
    with typed.api.pg.connect() as conn:
        conn.execute(
            "insert into warroom.field_definition (noun, key, label, type) values"
            " ('incident', 'users', 'Users', 'number'), ('incident', 'code', 'Code', 'text')"
        )
    log = ("log", "1", "Pool leak", "--kind", "hypothesis", "--confidence", "0.5")
    await typed.ok(*log, "--happened-at", "2026-01-02T10:00:00Z")
    guess = await entry_id(typed.api, "INC-1", "Pool leak")
    evidence = ("log", "1", "500 of 500", "--kind", "evidence")
    await typed.ok(*evidence, "--about", guess, "--stance", "for")
    await typed.ok("hypothesis", "1", guess, "confirmed", "--reason", "4.19 mends it")
    await typed.ok("pin", "1", guess)
    await typed.ok("pin", "1", guess, "--remove")
    await typed.ok("correct", "1", guess, "Pool leak in orders")
    shown = (await typed("show", "1", "--ids"))[1]
    assert f"{guess}  2026-01-02T10:00:00Z  hypothesis " in shown
    assert "  [corrected above] Pool leak\n" in shown
    assert "  [correction] Pool leak in orders\n" in shown
    await typed.ok("pin", "1", await entry_id(typed.api, "INC-1", "Pool leak in orders"))
    assert "  [pinned, correction] Pool leak in orders\n" in (await typed("show", "1"))[1]
    assert (await typed("service", "1", "pg-main", "down"))[1].endswith(": pg-main down\n")
    assert (await typed("service", "1", "pg-main", "--detach"))[1].endswith(": no service\n")
    linked = await typed.ok("link", "1", "https://meet.example/1", "--kind", "bridge")
    assert linked["links"][0]["label"] == "https://meet.example/1"
    assert (await typed("link", "1", "https://meet.example/1", "--remove"))[1].endswith("no link\n")
    await typed.ok("field", "1", "users=4e3")
    assert (await typed.ok("field", "1", "code=42"))["custom"] == {"users": 4000.0, "code": "42"}
    assert (await typed.ok("field", "1", "users="))["custom"] == {"code": "42"}


async def test_verbs_on_clocks(typed: Typed) -> None:
    await opened(typed.api)
    assert (await typed.ok("update-due", "1", "1h30m"))["update_due_at"]
    assert (await typed("update-due", "1", "off"))[1].endswith(": next update due never\n")
    assert (await typed.ok("snooze", "1", "30m", "--reason", "vendor works"))["snoozed_until"]
    assert "sleeps until: 2" in (await typed("show", "1"))[1]
    assert (await typed("snooze", "1", "wake"))[1].endswith(": awake\n")
    assert (await typed.ok("escalate", "1", "--pause"))["escalation"]["state"] == "paused"
    assert (await typed.ok("escalate", "1", "--resume"))["escalation"]["state"] == "armed"
    assert (await typed.ok("escalate", "1", "--skip", "2"))["escalation"]["step"] == 2
    assert (await typed.ok("escalate", "1"))["escalation"]["state"] == "armed"
    for words in (("update-due", "1", "soon"), ("snooze", "1", ""), ("field", "1", "users")):
        assert (await typed(*words))[0] == 2


async def test_a_version_that_was_seen_and_a_key_that_was_used(typed: Typed) -> None:
    await opened(typed.api)
    words = ("severity", "1", "1", "--version", "1", "--key", "k1")
    first = await typed.ok(*words)
    assert await typed.ok(*words) == first, "asked again, done once"
    code, _, err = await typed("severity", "1", "3", "--version", "1")
    assert (code, "you saw version 1, it is 2" in err) == (1, True)


async def test_a_batch_is_one_command_an_incident_and_says_each_outcome(typed: Typed) -> None:
    client = typed.api.client()
    for title in ("one", "two", "three"):
        await client.declare(title, 3)
    await client.resolve("INC-2", 1)
    code, out, _ = await typed("batch", "ack", "INC-1", "2", "inc-3", "1", "INC-9", "--yes")
    lines = out.splitlines()
    assert code == 1
    assert [line.split()[:2] for line in lines] == [
        ["ref", "outcome"], ["INC-1", "done"], ["INC-2", "failed"], ["INC-3", "done"],
        ["INC-9", "failed"],
    ]  # fmt: skip
    assert "already resolved" in lines[2]
    code, out, _ = await typed("batch", "severity", "1", "3", "2", "--yes", "--json")
    outcomes = json.loads(out)["outcomes"]
    assert code == 0
    assert [(o["ref"], o["outcome"], o["version"]) for o in outcomes] == [
        ("INC-1", "done", 3), ("INC-3", "done", 3),
    ]  # fmt: skip
    assert len({o["key"] for o in outcomes}) == 2
    code, out, _ = await typed("batch", "severity", "1", "3", "2", "--yes", "--json")
    assert code == 1
    assert {o["rule"] for o in json.loads(out)["outcomes"]} == {"severity-differs"}
    # Each in a transaction of its own.
    assert typed.api.count("audit", ON_INCIDENT) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("assign", "1", "2", "--to", "ana"), ("service", "1", "2", "pg-main", "--to", "down"),
        ("role", "take", "1", "2", "scribe"), ("log", "1", "2", "Network is slow"),
        ("update-due", "1", "2", "30m"), ("status", "1", "2", "monitoring"),
        ("escalate", "1", "2", "--pause"), ("link", "1", "2", "https://x.example/"),
    ],
)  # fmt: skip
async def test_a_batch_takes_the_words_of_its_verb(typed: Typed, words: tuple[str, ...]) -> None:
    await opened(typed.api, "pg-main")
    await typed.api.client().declare("two", 3)
    code, out, err = await typed("batch", *words, "--yes", "--json")
    assert (code, [o["outcome"] for o in json.loads(out)["outcomes"]]) == (0, ["done"] * 2), err


async def test_without_a_terminal_what_may_hurt_needs_a_yes(typed: Typed) -> None:
    await opened(typed.api)
    await typed.api.client().declare("two", 3)
    code, out, err = await typed("batch", "resolve", "1", "2")
    assert (code, out) == (2, "")
    assert "resolve on 2 incidents" in err
    assert "--yes" in err
    assert typed.api.count("incident", "status = 'resolved'") == 0
    # What only adds to the record asks nobody.
    assert (await typed("batch", "log", "1", "2", "seen"))[0] == 0


@pytest.mark.parametrize(
    ("words", "answer", "sent"),
    [
        (("resolve", "1", "2"), "y", False), (("resolve", "1", "2"), "2", True),
        (("resolve", "1"), "y", True), (("ack", "1", "2"), "y", True),
        (("ack", "1", "2"), "", False), (("status", "1", "2", "resolved"), "y", False),
    ],
)  # fmt: skip
async def test_on_a_terminal_it_asks_in_proportion_to_the_harm(
    typed: Typed, words: tuple[str, ...], answer: str, sent: bool
) -> None:
    await opened(typed.api)
    await typed.api.client().declare("two", 3)
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        code, out, err = await warroom_at(theirs, "incident", "batch", *words)
    finally:
        os.close(ours)
        os.close(theirs)
    assert f"{words[0]} on {2 if '2' in words else 1} incident" in err
    assert code == (0 if sent else 1)
    assert ("done" in out) is sent
    assert (typed.api.count("incident", "version > 1") > 0) is sent


async def test_an_unknown_outcome_is_asked_again_with_the_same_key(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A door in front of the API takes the first command and loses its answer."""
    await opened(typed.api)
    host, _, port = typed.api.url.removeprefix("http://").partition(":")
    lost: list[bytes] = []

    async def serve(ours: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        losing = False

        async def forth() -> None:
            nonlocal losing
            while data := await ours.read(65536):
                if data.startswith(b"POST") and not lost:
                    losing = True
                    lost.append(data)
                writer.write(data)
                await writer.drain()

        async def home() -> None:
            while data := await reader.read(65536):
                if losing:
                    return
                back.write(data)
                await back.drain()

        both = {asyncio.ensure_future(forth()), asyncio.ensure_future(home())}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        writer.close()
        back.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as door:
        port_now = door.sockets[0].getsockname()[1]
        monkeypatch.setenv("WARROOM_API_URL", f"http://127.0.0.1:{port_now}")
        done = await typed.ok("severity", "1", "1")
    assert (done["severity"], done["version"]) == (1, 2)
    assert len(lost) == 1
    assert typed.api.count("audit", ON_INCIDENT) == 1
