"""Hostile text for every field that comes from outside."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from screens.views import View
from tests.console.samples import ago, ahead, detail, incident
from warroom.domain.picture import (
    IncidentDetail,
    IncidentLink,
    IncidentRow,
    Names,
    NextTimer,
    RoleOffer,
    ServiceLink,
    TimelineRow,
)

TEXTS = (
    "\x1b[2J\x1b[Hcleared",
    "\x1b]52;c;ZXZpbA==\x07clipboard",
    "\x1b]0;title\x1b\\",
    "\x1bP+q544e\x1b\\dcs",
    "\x9b31mred\x9b0m \x9d52;c;ZXZpbA==\x9c",
    "\x07\x08\x08\x0d\x0a\x0b\x0c\x00\x7f",
    "user\u202egnp.exe\u202c \u2066x\u2069 \u200fright",
    "zero\u200bwidth\u200d\u2060\ufeff joined",
    "[bold red]markup[/] [@click=app.quit]click[/] [link=file:///etc/passwd]x[/link]",
    '[@click="app.exit(9)"]x[/]\\[ [[ ]] [/] $accent {0} %s',
    "漢字かな한글 👩\u200d🚒🇦🇹❤\ufe0f1\ufe0f\u20e3",
    "e" + "\u0301" * 50,
    "\ud800\udfff lone",
    "line\u2028separator\u2029paragraph\u0085next",
    "x" * 10_000,
    "漢" * 10_000,
    "\x1b" * 10_000,
    "\ue000\uffff\U000e0041\U0010ffff",
)


def hostile_rows() -> tuple[IncidentRow, ...]:
    """One incident for each text, with the text in every one of its fields."""
    return tuple(
        incident(
            number,
            text,
            1 + number % 5,
            status=text[:40] or "x",
            owner=text,
            commander=text,
            opened_at=ago(minutes=number),
            services=(ServiceLink(text, text, text, 1), ServiceLink("b", text, "down", 1)),
            service_count=12,
            next_timer=NextTimer(text, ahead(seconds=90 + number), text),
            # One of them is offered to the person at the keys, who is told so.
            offers=(RoleOffer("scribe", text, "ana" if number == 2 else text, text),),
        )
        for number, text in enumerate(TEXTS, start=1)
    )


def hostile_names() -> Names:
    """Return people and services with hostile names."""
    return Names(TEXTS, tuple((text, text) for text in TEXTS))


def hostile_views() -> tuple[View, ...]:
    """Return saved views with hostile names that show everything."""
    return tuple(View(text) for text in TEXTS)


def hostile_detail(row: IncidentRow) -> IncidentDetail:
    """Return a detail whose every text is hostile."""
    timeline = tuple(
        TimelineRow(
            id=UUID(int=number),
            kind=text[:20],
            text=text,
            happened_at=ago(seconds=number),
            recorded_at=ago(seconds=number),
            author=text,
            source=text,
        )
        for number, text in enumerate(TEXTS)
    )
    return replace(
        detail(row),
        summary="\n".join(TEXTS),
        timeline=timeline,
        roles=tuple((text, text) for text in TEXTS),
        custom=tuple((text, text) for text in TEXTS),
        links=tuple(IncidentLink(text, text, text) for text in TEXTS),
    )
