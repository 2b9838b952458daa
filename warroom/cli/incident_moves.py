"""`warroom incident` verbs that move an incident as a whole, or the people on it."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from warroom.cli.incident_verbs import Aim, Json, Verb, person
from warroom.domain.incident import Command, Status
from warroom.domain.incident_moves import VISIBILITIES
from warroom.domain.incident_roles import ROLES

if TYPE_CHECKING:
    from warroom.client import Client

Parser = argparse.ArgumentParser
Args = argparse.Namespace


def _note(parser: Parser, _many: bool) -> None:
    parser.add_argument("--note", help="what was done, or why")


def _assign(parser: Parser, many: bool) -> None:
    who = parser.add_mutually_exclusive_group(required=True)
    if many:  # a name behind many references could be one of them
        who.add_argument("--to", dest="owner", metavar="NAME", help="a person's name")
    else:
        who.add_argument("owner", nargs="?", metavar="NAME", help="a person's name")
    who.add_argument("--nobody", action="store_true")


def _severity(parser: Parser, _many: bool) -> None:
    parser.add_argument("severity", type=int, metavar="N", help="1 (worst) to 5")
    parser.add_argument("--reason")


def _status(parser: Parser, _many: bool) -> None:
    choices = [s.value for s in Status]
    parser.add_argument(
        "status", choices=choices, metavar="STATUS", help=f"one of {', '.join(choices)}"
    )
    parser.add_argument("--note", help="what was done, or why")


def _merge(parser: Parser, _many: bool) -> None:
    parser.add_argument("into", metavar="INTO", help="the incident that goes on, INC-13")


def _split(parser: Parser, _many: bool) -> None:
    parser.add_argument("title", metavar="TITLE", help="of the new incident")
    parser.add_argument("--service", action="append", default=[], dest="services", metavar="KEY")
    parser.add_argument("--alert", action="append", default=[], dest="alerts", metavar="ID")
    parser.add_argument("--severity", type=int, help="1 is worst; that of the old one")


def _drill(parser: Parser, _many: bool) -> None:
    parser.add_argument("drill", choices=("on", "off"))


def _restrict(parser: Parser, _many: bool) -> None:
    parser.add_argument("visibility", choices=VISIBILITIES)
    parser.add_argument("--person", action="append", default=[], dest="people", metavar="NAME")


def _role(parser: Parser, _many: bool) -> None:
    parser.add_argument("role", choices=ROLES, metavar="ROLE", help=f"one of {', '.join(ROLES)}")


def _offer(parser: Parser, many: bool) -> None:
    _role(parser, many)
    parser.add_argument("to", metavar="NAME", help="who is asked")
    parser.add_argument("--brief", required=True, help="what they must know")


def _roles(found: Json) -> str:
    held = [f"{r['role']} {r['name']}" for r in found["roles"]]
    asked = [f"{h['to']} is asked to become {h['role']}" for h in found["handovers"]]
    return ", ".join(held + asked) or "nobody holds a role"


def _answer(c: Client, a: Args, aim: Aim, accept: bool) -> Awaitable[Json]:
    return c.answer_role(aim.ref, aim.version, a.role, accept=accept, key=aim.key)


def _visible(found: Json) -> str:
    return f"visibility {found['visibility']}"


VERBS = {
    "ack": Verb(
        "acknowledge it", Command.ACKNOWLEDGE,
        lambda c, _, aim: c.acknowledge(aim.ref, aim.version, key=aim.key),
    ),
    "resolve": Verb(
        "say that the harm is over", Command.RESOLVE,
        lambda c, a, aim: c.resolve(aim.ref, aim.version, note=a.note, key=aim.key), _note,
    ),
    "assign": Verb(
        "say who owns it", Command.ASSIGN,
        lambda c, a, aim: c.assign(
            aim.ref, aim.version, None if a.nobody else a.owner, key=aim.key
        ),
        _assign, lambda found: f"{person(found['owner'])} owns it",
    ),
    "severity": Verb(
        "rate the harm anew", Command.SEVERITY,
        lambda c, a, aim: c.set_severity(
            aim.ref, aim.version, a.severity, reason=a.reason, key=aim.key
        ),
        _severity, lambda found: f"SEV{found['severity']}",
    ),
    "status": Verb(
        "move it through the state machine", Command.STATUS,
        lambda c, a, aim: c.set_status(aim.ref, aim.version, a.status, note=a.note, key=aim.key),
        _status,
    ),
    "role take": Verb(
        "take one that nobody holds", Command.ROLE_TAKE,
        lambda c, a, aim: c.take_role(aim.ref, aim.version, a.role, key=aim.key), _role, _roles,
    ),
    "role release": Verb(
        "give one up, or for one who is gone", Command.ROLE_RELEASE,
        lambda c, a, aim: c.release_role(aim.ref, aim.version, a.role, key=aim.key), _role, _roles,
    ),
    "role offer": Verb(
        "hand yours over, with a brief", Command.ROLE_OFFER,
        lambda c, a, aim: c.offer_role(
            aim.ref, aim.version, a.role, a.to, a.brief, key=aim.key
        ),
        _offer, _roles,
    ),
    "role accept": Verb(
        "take what you were offered", Command.ROLE_ANSWER,
        lambda c, a, aim: _answer(c, a, aim, True), _role, _roles,
    ),
    "role decline": Verb(
        "leave what you were offered", Command.ROLE_ANSWER,
        lambda c, a, aim: _answer(c, a, aim, False), _role, _roles,
    ),
    "merge": Verb(
        "let another one go on in its place", Command.MERGE,
        lambda c, a, aim: c.merge(aim.ref, aim.version, a.into, key=aim.key), _merge,
        lambda found: f"merged into {found['merged_into']}",
    ),
    "split": Verb(
        "let services and alerts go on as a new one", Command.SPLIT,
        lambda c, a, aim: c.split(
            aim.ref, aim.version, a.title, services=a.services, alerts=a.alerts,
            severity=a.severity, key=aim.key,
        ),
        _split, lambda found: f"split from {found['split_from']}", batch=False,
    ),
    "drill": Verb(
        "mark it as an exercise, or as real", Command.DRILL,
        lambda c, a, aim: c.set_drill(aim.ref, aim.version, drill=a.drill == "on", key=aim.key),
        _drill, lambda found: "a drill" if found["drill"] else "real",
    ),
    "false-alarm": Verb(
        "resolve it as something that never was", Command.FALSE_ALARM,
        lambda c, a, aim: c.false_alarm(aim.ref, aim.version, note=a.note, key=aim.key), _note,
        lambda _: "a false alarm",
    ),
    "restrict": Verb(
        "say who may see it", Command.RESTRICT,
        lambda c, a, aim: c.restrict(
            aim.ref, aim.version, a.visibility, a.people, key=aim.key
        ),
        _restrict, _visible,
    ),
    "undo": Verb(
        "put back what your last command on it changed", Command.UNDO,
        lambda c, _, aim: c.undo(aim.ref, aim.version, key=aim.key),
    ),
}  # fmt: skip
"""What moves an incident, by its words on the command line."""
