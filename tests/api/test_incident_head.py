"""The head of an incident, as the console shows it, says who, what is linked and who is asked."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from tests.api.conftest import Api
from warroom.db.reads import read_board, read_incident
from widgets.incident_record import _record
from widgets.words import people_words


async def head(api: Api, number: int) -> list[str]:
    """Return the lines of an incident up to its timeline, 70 columns wide."""
    async with await psycopg.AsyncConnection.connect(api.pg.conninfo(), autocommit=True) as conn:
        detail = await read_incident(conn, number)
        then = await read_incident(conn, number, as_of=datetime.now(UTC))
    assert detail is not None
    assert then is not None
    lines = ["".join(str(c.shown) for c in line.cells).rstrip() for line in _record(detail, 70)]
    rule = next(n for n, line in enumerate(lines) if line.startswith("──"))
    past = ["".join(str(c.shown) for c in line.cells).rstrip() for line in _record(then, 70)]
    assert past[:rule] == lines[:rule], "the past of this moment is the present"
    return lines[:rule]


async def test_the_owner_stands_first_whoever_holds_a_role(api: Api) -> None:
    client = api.client()
    luc, mira = (api.client(api.token(name, "read", "respond")) for name in ("luc", "mira"))
    ref = (await client.declare("Checkout fails", 1))["ref"]
    assert await head(api, 1) == ["who     owner nobody", "alerts  none"]
    made = await luc.acknowledge(ref, 1)
    made = await mira.take_role(ref, made["version"], "commander")
    await client.add_link(ref, "bridge", "https://meet.example.org/x", "War room \x1b[2J")
    await client.add_link(ref, "ticket", "https://t.example.org/7", "https://t.example.org/7")
    made = await client.incident(ref)
    await mira.offer_role(ref, made["version"], "commander", "ana", "all [b]of[/b] it")
    assert await head(api, 1) == [
        "who     owner luc · commander mira",
        "asked   ana to be commander, by mira: all [b]of[/b] it",
        "alerts  none",
        "links   bridge War room ␛[2J https://meet.example.org/x",
        "        ticket https://t.example.org/7",
    ]
    async with await psycopg.AsyncConnection.connect(api.pg.conninfo(), autocommit=True) as conn:
        row = (await read_board(conn)).rows[0]
    assert people_words(row)[0] == "luc ◆mira →ana?"


async def test_what_was_merged_and_what_few_may_see_says_so(api: Api) -> None:
    client = api.client()
    one, other = await client.declare("one", 1), await client.declare("other", 1)
    await client.merge(one["ref"], one["version"], other["ref"])
    assert (await head(api, 1))[0] == "state   merged into INC-2"
    await client.restrict("INC-2", 2, "restricted", [])
    assert (await head(api, 2))[0] == "state   restricted: only some may see it"
