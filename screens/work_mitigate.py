"""The key for mitigation: say that you are at a service, beside somebody, or done with it."""

from __future__ import annotations

from screens.commands import Kind
from screens.work import Work, wish
from warroom.domain.picture import IncidentRow, Names

_ACTS = (
    ("rollback", "b", "put the version before back"),
    ("restart", "r", "stop it and start it"),
    ("failover", "f", "let another one take over"),
    ("scale", "s", "more or fewer of it"),
    ("config", "c", "change a setting"),
    ("flag", "g", "turn a feature on or off"),
    ("other", "o", "the timeline says what"),
)


class MitigateWork(Work):
    """Actions on who is at which service."""

    def action_mitigate(self) -> None:
        """Say that one is at a service now: others see it, and ask before they touch it."""
        row = self.subject("mitigated")
        if row is not None:
            self.flow(self._mitigate(row))

    async def _mitigate(self, row: IncidentRow) -> None:
        from screens.choices import Choice

        here = {link.key for link in row.services}
        service = self.chosen_service()
        if service is None:

            def offered(names: Names) -> tuple[Choice, ...]:
                there = [Choice(f"={s.key}", s.key, f"{s.name} · {s.state}") for s in row.services]
                others = [Choice(f"={k}", k, name) for k, name in names.services if k not in here]
                return (*there, *others)

            picked = await self.pick_name(
                f"Mitigate on {row.ref}", row.title, "Which service?", offered
            )
            if picked is None:
                return
            service = picked.removeprefix("=")
        acts = [Choice(act, act, hint, key) for act, key, hint in _ACTS]
        more = [Choice("join", "join", "stand beside whoever is at it already", "+"),
                Choice("done", "done", "you are at it no more", "-")]  # fmt: skip
        about = "others are told, and refused unless they join"
        what = await self.choose(f"Mitigate {service} on {row.ref}", about, *acts, *more)
        join = what == "join"
        if join:
            what = await self.choose(f"Join at {service} on {row.ref}", "both are told", *acts)
        if what == "done":
            order = wish(Kind.MITIGATED, f"done with {service}", f"done with {service}",
                         service=service)  # fmt: skip
        elif what is not None:
            order = wish(Kind.MITIGATE, f"{what} of {service}", f"you are at {service} ({what})",
                         service=service, what=what, join=join)  # fmt: skip
        else:
            return
        self.send(row, order)
