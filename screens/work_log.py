"""The keys that write: entries of each kind, the fate of a hypothesis, pins, corrections."""

from __future__ import annotations

from screens.commands import Kind, Wish
from screens.work import Work, title_of, which, wish
from warroom.domain.panes import LogRow
from warroom.domain.picture import IncidentRow

_KINDS = {"!": "decision", "?": "hypothesis"}
_NO_ENTRY = "Choose an entry in the timeline first (its number key, then the arrows)."


class LogWork(Work):
    """Actions on the timeline of the chosen incident."""

    def action_log(self) -> None:
        """Write one line into the timeline."""
        rows = self.subjects("written to")
        if rows:
            self.flow(self._log(rows))

    async def _log(self, rows: tuple[IncidentRow, ...]) -> None:
        text = await self.one_line(
            f"Log an entry · {which(rows)}",
            title_of(rows),
            "What happened, or what was decided?",
            "writes it · begin with ! for a decision, ? for a hypothesis",
        )
        if text is not None:
            kind, body = _entry_kind(text)
            if body:
                await self.send_to(rows, entry_wish(kind, body))

    def action_decide(self) -> None:
        """Write a decision down."""
        row = self.subject("decided")
        if row is not None:
            self.flow(self._write(row, "decision", "Decision", "What was decided, and what not?"))

    async def _write(self, row: IncidentRow, kind: str, title: str, prompt: str) -> None:
        text = await self.one_line(f"{title} · {row.ref}", row.title, prompt, "writes it")
        if text is not None:
            await self.send_to((row,), entry_wish(kind, text))

    def action_hypothesis(self) -> None:
        """Write a hypothesis down; with one chosen in the timeline, say what became of it."""
        row = self.subject("supposed")
        if row is None:
            return
        entry = self.chosen_entry()
        if entry is not None and entry.hypothesis is not None:
            self.flow(self._judge(row, entry))
        else:
            self.flow(self._write(row, "hypothesis", "Hypothesis", "What could be the cause?"))

    async def _judge(self, row: IncidentRow, entry: LogRow) -> None:
        from screens.choices import Choice

        assert entry.hypothesis is not None
        now = entry.hypothesis.fate
        fates = (
            ("confirmed", "c", "it is the cause"),
            ("refuted", "r", "it is not the cause"),
            ("withdrawn", "w", "whoever had it takes it back"),
            ("open", "o", "not decided after all"),
        )
        choices = [Choice(fate, fate, hint, key) for fate, key, hint in fates if fate != now]
        choices.append(Choice("new", "a new one", "write another hypothesis down", "n"))
        said = f"{entry.hypothesis.evidence_for} for, {entry.hypothesis.evidence_against} against"
        fate = await self.choose(f"Hypothesis · {row.ref} · {now}, {said}", entry.text, *choices)
        if fate == "new":
            await self._write(row, "hypothesis", "Hypothesis", "What could be the cause?")
        elif fate is not None:
            reason = await self.one_line(
                f"Hypothesis {fate} · {row.ref}", entry.text, "Why? (may stay empty)",
                "writes it", required=False,
            )  # fmt: skip
            if reason is not None:
                order = wish(
                    Kind.JUDGE, f"call the hypothesis {fate}", f"hypothesis {fate}",
                    entry_id=str(entry.id), fate=fate, reason=reason or None,
                )  # fmt: skip
                await self.send_to((row,), order)

    def action_evidence(self) -> None:
        """Write evidence down, for or against a hypothesis."""
        row = self.subject("written to")
        if row is not None:
            self.flow(self._evidence(row))

    async def _evidence(self, row: IncidentRow) -> None:
        from screens.choices import Choice

        entry = self.chosen_entry()
        about = entry.id if entry is not None and entry.hypothesis is not None else None
        known = {e.id: e for e in self.entries() if e.hypothesis and e.hypothesis.fate == "open"}
        if about is None and known:
            choices = [Choice(str(e.id), e.text, e.author) for e in known.values()]
            choices.append(Choice("-", "none of them", "evidence that stands by itself"))
            picked = await self.pick(
                f"Evidence · {row.ref}", row.title, "About which hypothesis?", tuple(choices)
            )
            if picked is None:
                return
            about = None if picked == "-" else next(i for i in known if str(i) == picked)
        stance = None
        if about is not None:
            words = known[about].text if about in known else entry.text if entry else ""
            stance = await self.choose(
                f"Evidence · {row.ref}", words,
                Choice("for", "for it", "", "f"), Choice("against", "against it", "", "a"),
            )  # fmt: skip
            if stance is None:
                return
        title = f"Evidence {stance} it · {row.ref}" if stance else f"Evidence · {row.ref}"
        text = await self.one_line(title, row.title, "What was seen, and where?", "writes it")
        if text is not None:
            more = {"about": str(about), "stance": stance} if about is not None else {}
            await self.send_to((row,), entry_wish("evidence", text, **more))

    def action_pin(self) -> None:
        """Put the chosen entry on top of the timeline, or take it from there."""
        row, entry = self.subject("pinned"), self.chosen_entry()
        if row is None:
            return
        if entry is None:
            self.say(f"{_NO_ENTRY} Nothing was pinned.")
            return
        kind, words, done = (
            (Kind.UNPIN, "unpin", "entry unpinned")
            if entry.pinned
            else (Kind.PIN, "pin", "entry pinned")
        )
        self.send(row, wish(kind, words, done, entry_id=str(entry.id)))

    def action_correct(self) -> None:
        """Put the chosen entry right; the original stays."""
        row, entry = self.subject("corrected"), self.chosen_entry()
        if row is None:
            return
        if entry is None:
            self.say(f"{_NO_ENTRY} Nothing was corrected.")
        elif entry.corrected_by is not None:
            self.say("This entry has been corrected already: choose the newer one.")
        else:
            self.flow(self._correct(row, entry))

    async def _correct(self, row: IncidentRow, entry: LogRow) -> None:
        from screens.form import Field, Form

        field = Field(
            "text", "What should stand there; the original stays and is struck through",
            entry.text, "A correction needs words.", longest=10_000,
        )  # fmt: skip
        answers = await self.fill_in(
            Form(
                f"Correct an entry · {row.ref}",
                f"{entry.kind} by {entry.author}",
                (field,),
                "write",
            )
        )
        if answers is not None:
            order = wish(
                Kind.CORRECT, "correct an entry", "entry corrected",
                entry_id=str(entry.id), text=answers["text"],
            )  # fmt: skip
            await self.send_to((row,), order)


def entry_wish(kind: str, text: str, **more: object) -> Wish:
    """Return the wish to write one entry."""
    done = "entry written" if kind == "fact" else f"{kind} written"
    return wish(Kind.LOG, "log", done, kind=kind, text=text, **more)


def _entry_kind(text: str) -> tuple[str, str]:
    """Return (kind, body): a leading ``!`` is a decision, ``?`` a hypothesis."""
    return (_KINDS[text[0]], text[1:].strip()) if text[0] in _KINDS else ("fact", text)
