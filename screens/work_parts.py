"""The keys for what an incident consists of: services, links, fields, merge and split, new ones."""

from __future__ import annotations

from screens.commands import Command, Kind
from screens.desk import desk_of
from screens.work import Work, wish
from warroom.domain.picture import IncidentDetail, IncidentRow, Names
from warroom.domain.safe_text import safe_text

_LINKS = (
    ("bridge", "b", "a call or meeting"),
    ("channel", "c", "a chat"),
    ("dashboard", "d", "figures"),
    ("ticket", "t", "in another system"),
    ("document", "o", "a runbook, a paper"),
)

_TYPES = {"text": "a text", "number": "a number", "date": "a date like 2031-05-04"}


def _now(value: str | None) -> str:
    return "" if value is None else f"now {value}"


class PartWork(Work):
    """Actions on the parts of incidents."""

    def action_declare(self) -> None:
        """Open the form for a new incident."""
        self.flow(self._declare())

    async def _declare(self) -> None:
        from secrets import token_urlsafe

        from screens.form import Field, Form

        form = Form("Declare an incident", "", (
            Field("title", "What hurts, in one line", "", "A title is needed.", 200),
            Field("severity", "Severity 1 (worst) to 5", "3", "A severity from 1 to 5 is needed.",
                  1, "[1-5]?"),
            Field("service", "Service (its key; may stay empty)", longest=100),
            Field("summary", "What is known so far (may stay empty)"),
        ), "declare")  # fmt: skip
        answers = await self.fill_in(form)
        if answers is None:
            return
        order = wish(
            Kind.DECLARE, "declare", "declared", title=answers["title"],
            severity=int(answers["severity"]), summary=answers["summary"],
            services=[answers["service"]] if answers["service"] else [],
        )  # fmt: skip
        desk_of(self).submit(Command(order, token_urlsafe(18), safe_text("new incident")))

    def action_service(self) -> None:
        """Say how a service is on this incident; attaches it when it is new."""
        row = self.subject("changed")
        if row is not None:
            self.flow(self._service(row))

    async def _service(self, row: IncidentRow) -> None:
        from screens.choices import Choice

        here = {link.key: link for link in row.services}
        service = self.chosen_service()
        if service is None:

            def offered(names: Names) -> tuple[Choice, ...]:
                there = [Choice(f"={s.key}", s.key, f"{s.name} · {s.state}") for s in row.services]
                others = [Choice(f"={k}", k, name) for k, name in names.services if k not in here]
                return (*there, *others)

            picked = await self.pick_name(
                f"Service of {row.ref}", row.title, "Which service?", offered
            )
            if picked is None:
                return
            service = picked.removeprefix("=")
        states = (
            ("suspected", "s", "it may be hit"),
            ("degraded", "d", "slow, or partly failing"),
            ("down", "x", "does not work"),
            ("recovered", "r", "works again"),
        )
        choices = [Choice(state, state, hint, key) for state, key, hint in states]
        now = "not attached yet"
        if service in here:
            now = f"now {here[service].state}"
            choices.append(Choice("detach", "detach", "it had nothing to do with it", "-"))
        state = await self.choose(f"{service} on {row.ref}", now, *choices)
        if state == "detach":
            order = wish(
                Kind.SERVICE_DETACH, f"detach {service}", f"{service} detached",
                service=service,
            )  # fmt: skip
        elif state is not None:
            order = wish(
                Kind.SERVICE, f"{service} {state}", f"{service} is {state}",
                service=service, state=state,
            )  # fmt: skip
        else:
            return
        await self.send_to((row,), order)

    def action_link(self) -> None:
        """Add a link: a bridge, a chat, a dashboard, a ticket; or take one away."""
        row = self.subject("linked")
        if row is not None:
            self.flow(self._link(row))

    async def _link(self, row: IncidentRow) -> None:
        from screens.choices import Choice
        from screens.form import Field, Form

        def kinds(detail: IncidentDetail | None) -> tuple[Choice, ...]:
            found = [Choice(kind, kind, hint, key) for kind, key, hint in _LINKS]
            if detail is not None and detail.links:
                hint = f"{len(detail.links)} are there"
                found.append(Choice("remove", "take one away", hint, "-"))
            return tuple(found)

        kind = await self.choose_about(row, f"Link · {row.ref}", kinds)
        detail = self.detail_of(row)
        links = detail.links if detail else ()
        if kind == "remove":
            there = tuple(Choice(link.url, link.label, f"{link.kind} {link.url}") for link in links)
            url = await self.pick(f"Take a link away · {row.ref}", row.title, "Which?", there)
            if url is not None:
                await self.send_to(
                    (row,), wish(Kind.UNLINK, "take a link away", "link removed", url=url)
                )
            return
        if kind is None:
            return
        form = Form(f"Link a {kind} · {row.ref}", row.title, (
            Field("url", "Its address: https://…, tel:…", "", "An address is needed."),
            Field("label", "What people will read", kind, "A label is needed.", 200),
        ), "link it")  # fmt: skip
        answers = await self.fill_in(form)
        if answers is not None:
            order = wish(Kind.LINK, f"link a {kind}", f"{kind} linked", kind=kind, **answers)
            await self.send_to((row,), order)

    def action_field(self) -> None:
        """Set a custom field."""
        row = self.subject("changed")
        if row is not None:
            self.flow(self._field(row))

    async def _field(self, row: IncidentRow) -> None:
        from screens.choices import Choice

        def choices(detail: IncidentDetail | None) -> tuple[Choice, ...]:
            there = dict(detail.custom) if detail else {}
            known = {field.key: field for field in self._names.fields}
            said = {key: f"{field.label} · {field.type}" for key, field in known.items()}
            said |= {key: said.get(key, "") for key in there}
            return tuple(
                Choice(key, key, " · ".join(w for w in (about, _now(there.get(key))) if w))
                for key, about in said.items()
            )

        desk_of(self).want_names()
        key = await self.pick_about(
            row, f"Custom field · {row.ref}", "Which field of the registry?", choices
        )
        if key is None:
            return
        detail = self.detail_of(row)
        value = await self._value(row, key, dict(detail.custom).get(key, "") if detail else "")
        if value is not None:
            words = f"{key} = {value or 'nothing'}"
            order = wish(Kind.FIELD, words, words, field=key, value=value or None)
            await self.send_to((row,), order)

    async def _value(self, row: IncidentRow, key: str, now: str) -> str | None:
        """Ask for a field's value as its type has it; empty takes the field away."""
        from screens.choices import Choice
        from screens.form import Field, Form

        title = f"{key} · {row.ref}"
        field = next((f for f in self._names.fields if f.key == key), None)
        offered = field.choices if field else ()
        if field and field.type == "boolean":
            offered = ("true", "false")
        if field is not None and offered:
            there = [Choice(f"={v}", v, "now" if v.lower() == now.lower() else "") for v in offered]
            if now and not field.required:
                there.append(Choice("=", "take it away", "the field is empty then"))
            picked = await self.pick(title, row.title, f"{field.label}: which?", tuple(there))
            return None if picked is None else picked.removeprefix("=")
        what = f"{field.label}, {_TYPES.get(field.type, field.type)}" if field else key
        line = Field("value", f"{what}; empty takes it away", now)
        answers = await self.fill_in(Form(title, row.title, (line,), "set it"))
        return None if answers is None else answers["value"]

    def action_merge(self) -> None:
        """Merge this incident into another, or the marked ones into the chosen one."""
        row = self.subject("merged")
        if row is not None:
            self.flow(self._merge(row, tuple(m for m in self.marked() if m.id != row.id)))

    async def _merge(self, row: IncidentRow, marked: tuple[IncidentRow, ...]) -> None:
        from screens.choices import Choice

        if marked:
            into, ones = row.ref, marked
        else:
            others = [r for r in self.open_rows() if r.id != row.id]
            choices = tuple(Choice(f"={r.ref}", r.ref, r.title) for r in others)
            picked = await self.pick(
                f"Merge {row.ref} into …", row.title, "Into which?", choices, free=True
            )
            if picked is None:
                return
            into, ones = picked.removeprefix("="), (row,)
        order = wish(Kind.MERGE, f"merge it into {into}", f"merged into {into}", into=into)
        if not self.marked():
            line = f"{row.ref}  {row.title}"
            sentence = "Its alerts and services go there; it is resolved. Undo takes it back."
            if not await self.agree(f"Merge {row.ref} into {into}", line, sentence):
                return
        await self.send_to(ones, order)

    def open_rows(self) -> tuple[IncidentRow, ...]:
        """Return all open incidents that are known."""
        return ()

    def action_split(self) -> None:
        """Split some services off into an incident of their own."""
        row = self.subject("split")
        if row is not None:
            self.flow(self._split(row))

    async def _split(self, row: IncidentRow) -> None:
        from screens.form import Field, Form

        names = ", ".join(s.key for s in row.services)
        form = Form(f"Split off {row.ref}", f"It has {names or 'no service'}", (
            Field("title", "Title of the new incident", "", "A title is needed.", 200),
            Field("services", "Services that go along, with commas between", self.chosen_service()
                  or "", "At least one service must go along."),
            Field("severity", "Severity 1 to 5 (empty: the same)", "", "", 1, "[1-5]?"),
        ), "split")  # fmt: skip
        answers = await self.fill_in(form)
        if answers is not None:
            services = [key.strip() for key in answers["services"].split(",") if key.strip()]
            severity = int(answers["severity"]) if answers["severity"] else None
            order = wish(
                Kind.SPLIT, f"split {', '.join(services)} off", f"split off from {row.ref}",
                title=answers["title"], services=services, severity=severity,
            )  # fmt: skip
            await self.send_to((row,), order)
