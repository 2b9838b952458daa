"""The keys that move an incident: status, severity, owner, roles, drill, visibility, undo."""

from __future__ import annotations

from screens.commands import Kind, Wish
from screens.work import Work, title_of, which, wish
from warroom.domain.incident import MOVES, Status
from warroom.domain.picture import IncidentDetail, IncidentRow, Names

_DRILL_MEANS = (
    "It stands below what is real and is counted apart.",
    "Whoever it concerns is still called: every message says DRILL.",
)
_STATUS_KEYS = {
    Status.TRIGGERED: "t",
    Status.ACKNOWLEDGED: "a",
    Status.INVESTIGATING: "i",
    Status.MITIGATING: "m",
    Status.MONITORING: "o",
    Status.RESOLVED: "r",
    Status.CLOSED: "c",
}
_STATUS_HINTS = {
    Status.TRIGGERED: "nobody has it: escalation runs",
    Status.ACKNOWLEDGED: "somebody has it",
    Status.INVESTIGATING: "looking for the cause",
    Status.MITIGATING: "the cause is believed known, working on it",
    Status.MONITORING: "mended, being watched",
    Status.RESOLVED: "over; asks what ended it",
    Status.CLOSED: "nothing more will be written",
}
_SEVERITIES = (
    "all or most users are hurt now",
    "many users are hurt, or soon all",
    "some users, or no redundancy left",
    "few notice",
    "for the record",
)
ROLES = (
    ("commander", "c"),
    ("scribe", "s"),
    ("communications", "m"),
    ("operations", "o"),
)


class MoveWork(Work):
    """Actions for state, harm and who has what."""

    def action_acknowledge(self) -> None:
        """Acknowledge: one key, no question."""
        rows = self.subjects("acknowledged")
        if rows:
            done = wish(Kind.ACKNOWLEDGE, "acknowledge", "acknowledged")
            if len(rows) == 1 and not self.marked():
                self.send(rows[0], done)
            else:
                self.flow(self.send_to(rows, done))

    def action_resolve(self) -> None:
        """Resolve: asks for one line first."""
        rows = self.subjects("resolved")
        if rows:
            self.flow(self._resolve(rows))

    async def _resolve(self, rows: tuple[IncidentRow, ...]) -> None:
        text = await self.one_line(
            f"Resolve {which(rows)}", title_of(rows), "What ended it?", "resolves it"
        )
        if text is not None:
            await self.send_to(rows, wish(Kind.RESOLVE, "resolve", "resolved", note=text))

    def action_status(self) -> None:
        """Move it through the state machine."""
        rows = self.subjects("moved")
        if rows:
            self.flow(self._move(rows))

    async def _move(self, rows: tuple[IncidentRow, ...]) -> None:
        from screens.choices import Choice

        # A newer server may have states that this console does not know: the rules are over there.
        known = {row.status for row in rows} & set(Status)
        ways = frozenset[Status](Status).intersection(*(MOVES[Status(now)] for now in known))
        choices = [
            Choice(status, status, _STATUS_HINTS[status], _STATUS_KEYS[status])
            for status in Status
            if status in ways
        ]
        said = " and ".join(sorted({row.status for row in rows}))
        wanted = await self.choose(f"Status of {which(rows)}", f"now {said}", *choices)
        if wanted is None:
            return
        if wanted == Status.RESOLVED:
            await self._resolve(rows)
            return
        await self.send_to(rows, wish(Kind.STATUS, f"to {wanted}", f"is {wanted}", status=wanted))

    def action_severity(self) -> None:
        """Rate the harm anew."""
        rows = self.subjects("rated")
        if rows:
            self.flow(self._severity(rows))

    async def _severity(self, rows: tuple[IncidentRow, ...]) -> None:
        from screens.choices import Choice

        choices = [
            Choice(str(number), f"SEV{number}", hint, str(number))
            for number, hint in enumerate(_SEVERITIES, 1)
        ]
        now = f"now SEV{rows[0].severity}" if len(rows) == 1 else title_of(rows)
        wanted = await self.choose(f"Severity of {which(rows)}", now, *choices)
        if wanted is not None:
            await self.send_to(
                rows,
                wish(Kind.SEVERITY, f"SEV{wanted}", f"is SEV{wanted}",
                     severity=int(wanted)),
            )  # fmt: skip

    def action_owner(self) -> None:
        """Give it to somebody."""
        rows = self.subjects("given to anybody")
        if rows:
            self.flow(self._owner(rows))

    async def _owner(self, rows: tuple[IncidentRow, ...]) -> None:
        from screens.choices import Choice

        def choices(names: Names) -> tuple[Choice, ...]:
            nobody = Choice("-", "nobody", "takes it from whoever has it")
            return (*(Choice(f"={name}", name) for name in names.people), nobody)

        picked = await self.pick_name(
            f"Owner of {which(rows)}", title_of(rows), "Who takes it?", choices
        )
        if picked is None:
            return
        owner = None if picked == "-" else picked.removeprefix("=")
        words = f"assign to {owner}" if owner else "take from its owner"
        done = f"belongs to {owner}" if owner else "belongs to nobody"
        await self.send_to(rows, wish(Kind.ASSIGN, words, done, owner=owner))

    def action_roles(self) -> None:
        """Take, hand over, accept or give up a role."""
        row = self.subject("changed")
        if row is not None:
            self.flow(self._roles(row))

    async def _roles(self, row: IncidentRow) -> None:
        from screens.choices import Choice

        me = self.me()

        def choices(detail: IncidentDetail | None) -> tuple[Choice, ...]:
            held = dict(detail.roles) if detail else {}
            found = []
            for role, key in ROLES:
                holder, offer = held.get(role), offered(detail, role)
                hint = f"held by {'you' if holder == me else holder}" if holder else "nobody"
                if offer:
                    hint += f", offered to {'you' if offer[1] == me else offer[1]}"
                found.append(Choice(role, role, hint, key))
            return tuple(found)

        chosen = await self.choose_about(row, f"Roles of {row.ref}", choices)
        if chosen is None:
            return
        detail = self.detail_of(row)
        held = dict(detail.roles) if detail else {}
        order = await self._role(row, chosen, held.get(chosen), offered(detail, chosen))
        if order is not None:
            await self.send_to((row,), order)

    async def _role(
        self, row: IncidentRow, role: str, holder: str | None, offer: tuple[str, str, str] | None
    ) -> Wish | None:
        """Ask what is to be done with a role; what cannot be is not offered."""
        from screens.choices import Choice

        me = self.me()
        choices = []
        if offer and offer[1] == me:
            choices = [
                Choice("accept", "accept", f"{offer[0]}: {offer[2]}", "a"),
                Choice("decline", "decline", "it stays where it is", "d"),
            ]
        elif holder == me and me:
            choices = [
                Choice("offer", "hand over", "with a brief, which the next one accepts", "h"),
                Choice("release", "give it up", "nobody has it then", "g"),
            ]
        elif holder is None:
            choices = [Choice("take", "take it", "you have it at once", "t")]
        else:
            choices = [Choice("release", "take it away", f"from {holder}", "g")]
        what = await self.choose(f"{role.capitalize()} of {row.ref}", row.title, *choices)
        if what == "take":
            return wish(Kind.ROLE_TAKE, f"take {role}", f"you are {role}", role=role)
        if what == "release":
            return wish(Kind.ROLE_RELEASE, f"give up {role}", f"has no {role}", role=role)
        if what in {"accept", "decline"}:
            yes = what == "accept"
            done = f"you are {role}" if yes else f"{role} declined"
            return wish(Kind.ROLE_ANSWER, f"{what} {role}", done, role=role, accept=yes)
        if what != "offer":
            return None
        to = await self.pick_name(
            f"Hand over {role} of {row.ref}", row.title, "To whom?",
            lambda names: tuple(Choice(name, name) for name in names.people if name != me),
        )  # fmt: skip
        if to is None:
            return None
        brief = await self.one_line(
            f"Hand over {role} of {row.ref} to {to}",
            row.title,
            "What must they know? State, what runs, what is next",
            "asks them",
        )
        if brief is None:
            return None
        return wish(
            Kind.ROLE_OFFER, f"hand {role} to {to}", f"{role} offered to {to}",
            role=role, to=to, brief=brief,
        )  # fmt: skip

    def action_drill(self) -> None:
        """Mark as an exercise, or as real."""
        rows = self.subjects("marked")
        if rows:
            self.flow(self._drill(rows))

    async def _drill(self, rows: tuple[IncidentRow, ...]) -> None:
        drill = not rows[0].drill
        words = "mark as a drill" if drill else "mark as real"
        if len(rows) == 1 and not self.marked():
            about = f"{rows[0].ref}  {rows[0].title}"
            warn = _DRILL_MEANS if drill else ()
            if not await self.agree(f"{rows[0].ref}: {words}", about, *warn):
                return
        done = "is a drill" if drill else "is real"
        await self.send_to(rows, wish(Kind.DRILL, words, done, drill=drill))

    def action_false_alarm(self) -> None:
        """Resolve it as something that never was."""
        rows = self.subjects("called a false alarm")
        if rows:
            self.flow(self._false_alarm(rows))

    async def _false_alarm(self, rows: tuple[IncidentRow, ...]) -> None:
        text = await self.one_line(
            f"False alarm: {which(rows)}", title_of(rows), "Why was there nothing?", "resolves it"
        )
        if text is not None:
            words = "call a false alarm"
            await self.send_to(rows, wish(Kind.FALSE_ALARM, words, "was a false alarm", note=text))

    def action_visibility(self) -> None:
        """Say who may see it."""
        row = self.subject("restricted")
        if row is not None:
            self.flow(self._visibility(row))

    async def _visibility(self, row: IncidentRow) -> None:
        from screens.choices import Choice

        wanted = await self.choose(
            f"Who may see {row.ref}", f"now {row.visibility} · {row.title}",
            Choice("normal", "normal", "everybody of the unit", "n"),
            Choice("restricted", "restricted", "only the people who are named", "r"),
            Choice("security", "security", "the security people and those named", "s"),
        )  # fmt: skip
        if wanted is None:
            return
        people: list[str] = []
        if wanted != "normal":
            typed = await self.one_line(
                f"{row.ref}: {wanted}", row.title, "Who else, beside you? Names, with commas",
                "hides it from all others", required=False,
            )  # fmt: skip
            if typed is None:
                return
            people = [name.strip() for name in typed.split(",") if name.strip()]
        order = wish(
            Kind.RESTRICT, f"make {wanted}", f"is {wanted}",
            visibility=wanted, people=people,
        )  # fmt: skip
        await self.send_to((row,), order)

    def action_undo(self) -> None:
        """Undo one's own last command, where the state machine allows it."""
        rows = self.subjects("undone")
        if rows:
            self.flow(self.send_to(rows, wish(Kind.UNDO, "undo", "undone")))

    def me(self) -> str:
        """Return the name of the person at the keys."""
        raise NotImplementedError


def offered(detail: IncidentDetail | None, role: str) -> tuple[str, str, str] | None:
    """Return who offered a role to whom, and the brief."""
    if detail is not None:
        for offer in detail.offers:
            if offer.role == role:
                return offer.giver, offer.to, offer.brief
    return None
