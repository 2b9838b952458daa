"""`warroom incident` verbs on its log, services, links and fields."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from warroom.cli.incident_verbs import Aim, Json, Verb
from warroom.domain.incident import Command
from warroom.domain.incident_services import LINK_KINDS, SERVICE_STATES
from warroom.domain.log_book import FATES, STANCES

if TYPE_CHECKING:
    from warroom.client import Client

Parser = argparse.ArgumentParser
Args = argparse.Namespace


def read_field(pair: str) -> tuple[str, str | None]:
    """Read ``KEY=VALUE``: the text as it stands; nothing behind the ``=`` takes the field away.

    What the text means is the registry's word: only it knows that a field is a number.

    Raises:
        ArgumentTypeError: there is no ``=``.
    """
    key, sign, text = pair.partition("=")
    if not sign or not key:
        raise argparse.ArgumentTypeError(f"{pair[:80]!r} is not like KEY=VALUE")
    return key, text or None


def _log(parser: Parser, _many: bool) -> None:
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument("--kind", default="fact", help="fact, decision, hypothesis, evidence …")
    parser.add_argument("--confidence", type=float, help="0 to 1")
    parser.add_argument("--happened-at", metavar="TIME", help="like 2031-05-04T10:41:00Z")
    parser.add_argument("--about", metavar="ENTRY", help="the hypothesis that evidence is about")
    parser.add_argument("--stance", choices=STANCES)


def _hypothesis(parser: Parser, _many: bool) -> None:
    parser.add_argument("entry", metavar="ENTRY", help="its id; `show --ids` has it")
    parser.add_argument("fate", choices=FATES, metavar="FATE", help=f"one of {', '.join(FATES)}")
    parser.add_argument("--reason")


def _restart(parser: Parser, _many: bool) -> None:
    parser.add_argument("service", metavar="KEY", help="a service of the waves that is back")
    parser.add_argument("--undone", action="store_true", help="it is not back after all")


def _page(parser: Parser, _many: bool) -> None:
    parser.add_argument("service", metavar="KEY", help="whose owner is called")
    parser.add_argument("--note", help="what they should know")


def _pin(parser: Parser, _many: bool) -> None:
    parser.add_argument("entry", metavar="ENTRY", help="its id; `show --ids` has it")
    parser.add_argument("--remove", action="store_true", help="take it from the top again")


def _correct(parser: Parser, _many: bool) -> None:
    parser.add_argument("entry", metavar="ENTRY", help="its id; `show --ids` has it")
    parser.add_argument("text", metavar="TEXT", help="what should stand there")
    parser.add_argument("--happened-at", metavar="TIME", help="like 2031-05-04T10:41:00Z")


def _service(parser: Parser, many: bool) -> None:
    parser.add_argument("service", metavar="KEY")
    how = parser.add_mutually_exclusive_group(required=True)
    if many:  # a state behind many references could be taken for the key
        how.add_argument("--to", dest="state", choices=SERVICE_STATES)
    else:
        how.add_argument("state", nargs="?", choices=SERVICE_STATES, metavar="STATE",
                         help=f"one of {', '.join(SERVICE_STATES)}")  # fmt: skip
    how.add_argument("--detach", action="store_true", help="it has no part in it")


def _link(parser: Parser, _many: bool) -> None:
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--kind", default="dashboard", choices=LINK_KINDS)
    parser.add_argument("--label", help="what people see; the address itself")
    parser.add_argument("--remove", action="store_true", help="take it off again")


def _field(parser: Parser, _many: bool) -> None:
    parser.add_argument("pair", type=read_field, metavar="KEY=VALUE",
                        help="as it is typed, read by the field's type (a number, true, yes, "
                        "2031-05-04, one of its choices); nothing behind = takes it away"
                        )  # fmt: skip


def _send_pin(c: Client, a: Args, aim: Aim) -> Awaitable[Json]:
    return (c.unpin if a.remove else c.pin)(aim.ref, a.entry, key=aim.key)


def _send_service(c: Client, a: Args, aim: Aim) -> Awaitable[Json]:
    if a.detach:
        return c.detach_service(aim.ref, aim.version, a.service, key=aim.key)
    return c.set_service(aim.ref, aim.version, a.service, a.state, key=aim.key)


def _send_link(c: Client, a: Args, aim: Aim) -> Awaitable[Json]:
    if a.remove:
        return c.remove_link(aim.ref, a.url, key=aim.key)
    return c.add_link(aim.ref, a.kind, a.url, a.label or a.url[:200], key=aim.key)


def _services(found: Json) -> str:
    return ", ".join(f"{s['key']} {s['state']}" for s in found["services"]) or "no service"


def _links(found: Json) -> str:
    return ", ".join(f"{k['kind']} {k['url']}" for k in found["links"]) or "no link"


def _fields(found: Json) -> str:
    return ", ".join(f"{k} = {v}" for k, v in sorted(found["custom"].items())) or "no field"


VERBS = {
    "log": Verb(
        "add an entry to its timeline", Command.LOG,
        lambda c, a, aim: c.log_entry(
            aim.ref, a.kind, a.text, confidence=a.confidence, happened_at=a.happened_at,
            about=a.about, stance=a.stance, key=aim.key,
        ),
        _log, versioned=False,
    ),
    "hypothesis": Verb(
        "say what became of a hypothesis", Command.JUDGE,
        lambda c, a, aim: c.judge(aim.ref, a.entry, a.fate, reason=a.reason, key=aim.key),
        _hypothesis, versioned=False, batch=False,
    ),
    "pin": Verb(
        "put an entry on top of its timeline", Command.PIN, _send_pin, _pin,
        versioned=False, batch=False,
    ),
    "correct": Verb(
        "put an entry right; the old one stays", Command.CORRECT,
        lambda c, a, aim: c.correct(
            aim.ref, a.entry, a.text, happened_at=a.happened_at, key=aim.key
        ),
        _correct, versioned=False, batch=False,
    ),
    "service": Verb(
        "attach a service, or say how it is", Command.SERVICE, _send_service, _service, _services,
    ),
    "restart": Verb(
        "tick a service of the restart's waves", Command.RESTART,
        lambda c, a, aim: c.tick_restart(aim.ref, a.service, not a.undone, key=aim.key),
        _restart, versioned=False, batch=False,
    ),
    "page": Verb(
        "call the owner of a service", Command.PAGE,
        lambda c, a, aim: c.page_owner(aim.ref, a.service, note=a.note, key=aim.key),
        _page, versioned=False, batch=False,
    ),
    "link": Verb(
        "add a link, or take it off", Command.LINK, _send_link, _link, _links, versioned=False,
    ),
    "field": Verb(
        "set a custom field", Command.FIELD,
        lambda c, a, aim: c.set_field(aim.ref, aim.version, *a.pair, key=aim.key),
        _field, _fields,
    ),
}  # fmt: skip
"""What is said about an incident, by its words on the command line."""
