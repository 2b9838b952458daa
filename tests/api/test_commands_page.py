"""`docs/commands.md` names every command: its route, client method, words and rules."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from tests.unit.rules_written import rules_in_the_source
from warroom.api import incident_commands, incident_parts, incident_recovery, incidents
from warroom.cli import incident
from warroom.client import Client

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| `[a-z-]+(/|`)", line)
]


def routes() -> dict[str, tuple[int, bool]]:
    """Return of each command's route its status of success and whether it takes a version."""
    found: dict[str, tuple[int, bool]] = {}
    routers = (
        incidents.router,
        incident_commands.router,
        incident_parts.router,
        incident_recovery.router,
    )
    for route in (route for router in routers for route in router.routes):
        path = str(getattr(route, "path", ""))
        if "POST" not in getattr(route, "methods", ()) or "{ref}/" not in path:
            continue
        field = getattr(route, "body_field", None)
        body = field.field_info.annotation if field else None
        versioned = body is not None and "version" in body.model_fields
        status = getattr(route, "status_code", None) or 200
        found[path.removeprefix("/v1/incidents/{ref}/")] = (status, versioned)
    return found


def test_every_route_stands_there_with_its_marks() -> None:
    told = {}
    for row in ROWS:
        name, marks = re.fullmatch(r"`([^`]+)`(.*)", row[0]).groups()  # type: ignore[union-attr]
        told[name] = (201 if "+" in marks else 200, "○" not in marks)
    assert told == routes()


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_row_names_what_there_is(row: list[str]) -> None:
    _, method, words, rules, writes = row
    assert callable(getattr(Client, method.strip("`")))
    assert writes
    spoken = [word for word in re.findall(r"`([^`]+)`", words) if word[0].islower()]
    verbs = {name for table in incident.TABLES for name in table}
    assert any(any(spoken[0].startswith(f"{verb} ") for verb in verbs) for _ in spoken)
    known = rules_in_the_source()
    for rule in re.findall(r"[a-z]+(?:-[a-z]+)+|^[a-z]+$|(?<=, )[a-z]+(?=,|$)", rules):
        assert rule in known, rule


def test_every_rule_and_every_verb_stands_there() -> None:
    cells = " ".join(row[3] for row in ROWS)
    # What is no command of an incident stands below the table.
    cells += " " + PAGE[PAGE.index("No command of an incident") :]
    assert {r for r in rules_in_the_source() if not re.search(rf"\b{r}\b", cells)} == set()
    words = " ".join(row[2] for row in ROWS)
    for table in incident.TABLES:
        for verb in table:
            assert f"`{verb} REF" in words, verb


def test_the_words_are_those_of_the_parser() -> None:
    parser = argparse.ArgumentParser(prog="warroom")
    incident.add_parser(parser.add_subparsers(dest="group"))
    sample = {"REF": "1", "NAME": "ana", "N": "2", "STATUS": "closed", "ROLE": "scribe",
              "VISIBILITY": "normal", "INTO": "2", "TITLE": "t", "KEY": "pg", "STATE": "down",
              "TEXT": "x", "ENTRY": "e", "FATE": "open", "URL": "https://x", "STEP": "2",
              "KEY=VALUE": "a=1", "ID": "i", "KIND": "fact", "CHANGE": "c",
              "VERDICT": "cause", "ACT": "restart"}  # fmt: skip
    for row in ROWS:
        first = re.findall(r"`([^`]+)`", row[2])[0].replace("[", "").replace("]", "")
        words = [sample.get(word, word) for word in first.split()]
        if words[0] == "link":
            words = [{"fact": "bridge"}.get(word, word) for word in words]
        args = parser.parse_args(["incident", *words])
        assert args.named in (words[0], " ".join(words[:2])), first
