"""The keys for clocks: when the next update is due, snooze, and what escalation does."""

from __future__ import annotations

from datetime import timedelta

from screens.commands import Kind
from screens.work import Work, title_of, which, wish
from warroom.domain.picture import IncidentRow
from warroom.domain.span import parse_span
from warroom.domain.validate import say_duration
from warroom.errors import InvalidInput

_UPDATES = ((300, "1"), (600, "2"), (900, "3"), (1800, "4"), (3600, "5"))
_SNOOZES = ((900, "1"), (1800, "2"), (3600, "3"), (7200, "4"), (14400, "5"), (28800, "6"))
_UPDATE_LONGEST_S = 7 * 86_400
_SNOOZE_LONGEST_S = 86_400


class ClockWork(Work):
    """Actions on the clocks of incidents."""

    def action_update_due(self) -> None:
        """Say when the next update is due."""
        rows = self.subjects("set")
        if rows:
            self.flow(self._update_due(rows))

    async def _update_due(self, rows: tuple[IncidentRow, ...]) -> None:
        from screens.choices import Choice

        choices = [Choice(str(s), f"in {_said(s)}", "", key) for s, key in _UPDATES]
        choices.append(Choice("other", "another time", "such as 45m or 2h", "t"))
        choices.append(Choice("never", "no update is due", "the clock stops", "0"))
        wanted = await self.choose(f"Next update of {which(rows)}", title_of(rows), *choices)
        if wanted == "other":
            wanted = await self._span("Next update in", title_of(rows), 1, _UPDATE_LONGEST_S)
        if wanted is None:
            return
        if wanted == "never":
            order = wish(Kind.UPDATE_DUE, "no update due", "has no update due", in_s=None)
        else:
            words = _said(float(wanted))
            order = wish(
                Kind.UPDATE_DUE, f"update due in {words}", f"update due in {words}",
                in_s=float(wanted),
            )  # fmt: skip
        await self.send_to(rows, order)

    def action_snooze(self) -> None:
        """Let escalation wait for a while, with a reason."""
        rows = self.subjects("snoozed")
        if rows:
            self.flow(self._snooze(rows))

    async def _snooze(self, rows: tuple[IncidentRow, ...]) -> None:
        from screens.choices import Choice

        choices = [Choice(str(s), f"for {_said(s)}", "", key) for s, key in _SNOOZES]
        choices.append(Choice("other", "for another time", "such as 45m or 12h", "t"))
        choices.append(Choice("wake", "wake it", "escalation goes on", "0"))
        wanted = await self.choose(f"Snooze {which(rows)}", title_of(rows), *choices)
        if wanted == "other":
            wanted = await self._span("Snooze for", title_of(rows), 60, _SNOOZE_LONGEST_S)
        if wanted is None:
            return
        if wanted == "wake":
            await self.send_to(rows, wish(Kind.SNOOZE, "wake", "is awake", for_s=0))
            return
        words = _said(float(wanted))
        reason = await self.one_line(
            f"Snooze {which(rows)} for {words}", title_of(rows), "Why may it wait?", "snoozes it"
        )
        if reason is not None:
            order = wish(
                Kind.SNOOZE, f"snooze for {words}", f"sleeps for {words}",
                for_s=float(wanted), reason=reason,
            )  # fmt: skip
            await self.send_to(rows, order)

    async def _span(self, title: str, about: str, shortest: float, longest: float) -> str | None:
        from screens.form import Field, Form

        def check(answers: dict[str, str]) -> tuple[str, str] | None:
            try:
                seconds = parse_span(answers["span"])
            except InvalidInput as error:
                return "span", f"{error.message} {error.remedy}."
            if not shortest <= seconds <= longest:
                return "span", f"It can be {_said(shortest)} to {_said(longest)}."
            return None

        field = Field("span", "How long: 45m, 2h, 1h30m", "", "A time is needed.", longest=20)
        answers = await self.fill_in(Form(title, about, (field,), "take it", check))
        return None if answers is None else str(parse_span(answers["span"]))

    def action_escalation(self) -> None:
        """Escalate now, pause, resume, or skip to a step."""
        rows = self.subjects("escalated")
        if rows:
            self.flow(self._escalation(rows))

    async def _escalation(self, rows: tuple[IncidentRow, ...]) -> None:
        from screens.choices import Choice

        clock = rows[0].next_timer if len(rows) == 1 else None
        to = f"pages {clock.target} at once" if clock and clock.kind == "escalate" else "at once"
        what = await self.choose(
            f"Escalation of {which(rows)}", title_of(rows),
            Choice("now", "escalate now", to, "x"),
            Choice("pause", "pause", "the clock stands still", "p"),
            Choice("resume", "resume", "it goes on with what was left", "r"),
            Choice("skip", "skip to a step", "of its policy", "s"),
        )  # fmt: skip
        if what is None:
            return
        step = None
        if what == "skip":
            from screens.form import Field, Form

            field = Field(
                "step", "Step of the policy, 1 to 50", "", "A step is needed.", 2, r"[0-9]*"
            )
            answers = await self.fill_in(
                Form(f"Skip to a step · {which(rows)}", title_of(rows), (field,), "skip")
            )
            if answers is None:
                return
            step = int(answers["step"])
        done = {"now": "escalated", "pause": "escalation paused", "resume": "escalation goes on"}
        words = f"skip to step {step}" if step else f"escalation {what}"
        order = wish(Kind.ESCALATION, words, done.get(what, f"at step {step}"), do=what, step=step)
        await self.send_to(rows, order)


def _said(seconds: float) -> str:
    return say_duration(timedelta(seconds=seconds))
