"""The keys of the impact pane: page an owner, judge a change, restart; and the estate's map."""

from __future__ import annotations

from dataclasses import replace

from textual.screen import Screen

from screens.commands import Kind
from screens.desk import desk_of
from screens.work import Work, wish
from warroom.domain.panes import ImpactNode, Pane, PaneWatch
from warroom.domain.picture import BoardPicture, IncidentRow
from warroom.domain.reasoned import Suspect
from widgets.impact_tree import ImpactTree


class ImpactWork(Work):
    """Actions on what an incident takes down, and the screens that cover the room."""

    def __init__(self) -> None:
        super().__init__()
        self._watch_now = PaneWatch()
        self._lent = False

    @property
    def impact(self) -> ImpactTree:
        """The impact pane."""
        return self.query_one(ImpactTree)

    def board(self) -> BoardPicture | None:
        """Return the board as it was read last."""
        raise NotImplementedError

    def action_page_owner(self) -> None:
        """Page the team that owns the chosen service or suspect."""
        row = self.subject("paged")
        if row is not None:
            self.flow(self._page(row))

    async def _page(self, row: IncidentRow) -> None:
        service = self.impact.chosen_service or await self._which(row)
        if service is None:
            return
        note = await self.one_line(
            f"Page the owner of {service} · {row.ref}", self._owner_of(service) or row.title,
            "What should they know? (may stay empty)", "pages them", required=False,
        )  # fmt: skip
        if note is not None:
            order = wish(
                Kind.PAGE, f"page the owner of {service}", f"owner of {service} paged",
                service=service, note=note or None,
            )  # fmt: skip
            await self.send_to((row,), order)

    async def _which(self, row: IncidentRow) -> str | None:
        """Ask for one of the services that are hit, or any other."""
        from screens.choices import Choice

        nodes = self._hit_services(row)
        choices = tuple(
            Choice(f"={n.key}", n.key, f"{n.name} · {n.state} · {n.team}") for n in nodes
        )
        picked = await self.pick(
            f"Page an owner · {row.ref}", row.title, "The owner of which service?", choices,
            free=True,
        )  # fmt: skip
        return picked.removeprefix("=") if picked is not None else None

    def _owner_of(self, service: str) -> str:
        picture = self.impact.picture
        for node in picture.nodes if picture else ():
            if node.key == service:
                return f"{node.name or node.key}: {node.state}, tier {node.tier}, team {node.team}"
        suspects = picture.suspects if picture else ()
        found = next((s for s in suspects if s.key == service and s.team), None)
        return f"{found.name or found.key}: team {found.team}" if found else ""

    def _hit_services(self, row: IncidentRow) -> tuple[ImpactNode, ...]:
        picture = self.impact.picture
        if picture is None or picture.incident_id != row.id:
            return ()
        return tuple(node for node in picture.nodes if not node.elsewhere)

    def action_link_change(self) -> None:
        """Say what a change is: suspected, the cause, or cleared."""
        row = self.subject("linked")
        if row is None:
            return
        chosen = self.impact.chosen_suspect
        if chosen is not None and chosen.change is not None:
            self.flow(self._judge_suspect(row, chosen))
        else:
            self.flow(self._pick_change(row))

    def _changes(self, row: IncidentRow) -> tuple[Suspect, ...]:
        picture = self.impact.picture
        mine = picture is not None and picture.incident_id == row.id
        suspects = picture.suspects if picture and mine else ()
        return tuple(suspect for suspect in suspects if suspect.change is not None)

    async def _pick_change(self, row: IncidentRow) -> None:
        """Ask for a change: a suspect, one that is near, another of the last, or one by its id."""
        from screens.pick_change import ChangePickScreen, change_about, change_name

        suspects = self._changes(row)
        question = ChangePickScreen(row, suspects)
        panes = self._watch_now.panes | {Pane.CHANGES}
        self._lent = True
        desk_of(self).watch_panes(replace(self._watch_now, panes=panes, incident=row.id))
        try:
            picked = await self._ask(question)
        finally:
            self._take_back(None)
        if picked is None:
            return
        suspect = next((s for s in suspects if str(s.change) == picked), None)
        found = question.row_of(picked)
        if found is not None:
            await self._judge_change(row, picked, change_name(found), change_about(found))
        elif suspect is not None:
            await self._judge_suspect(row, suspect)
        else:
            await self._judge_change(row, picked, f"change {picked}", "")

    async def _judge_suspect(self, row: IncidentRow, suspect: Suspect) -> None:
        await self._judge_change(
            row, str(suspect.change), suspect.name or suspect.key, _first(suspect)
        )

    async def _judge_change(self, row: IncidentRow, change: str, name: str, about: str) -> None:
        from screens.choices import Choice

        verdict = await self.choose(
            f"{name} · {row.ref}", about or row.title,
            Choice("suspected", "suspected", "it may have done it", "s"),
            Choice("cause", "the cause", "it did it", "c"),
            Choice("cleared", "cleared", "it had nothing to do with it", "x"),
        )  # fmt: skip
        if verdict is None:
            return
        said = "the cause" if verdict == "cause" else verdict
        order = wish(
            Kind.CHANGE, f"{name} {said}", f"{name} is {said}",
            change=change, verdict=verdict,
        )  # fmt: skip
        await self.send_to((row,), order)

    def action_waves(self) -> None:
        """Show in which order to bring it back."""
        row = self.subject("shown")
        if row is None:
            return
        from screens.restart import RestartScreen

        picture = self.impact.picture
        mine = picture if picture is not None and picture.incident_id == row.id else None
        watch = PaneWatch(frozenset({Pane.IMPACT}), row.id)
        self.lend(watch, RestartScreen(row, self.board(), mine))

    def action_estate(self) -> None:
        """Show the map of the whole estate."""
        from screens.estate import EstateScreen

        self.lend(PaneWatch(frozenset({Pane.ESTATE})), EstateScreen(self.board()))

    def action_triage(self) -> None:
        """Show what waits for a person's word."""
        from screens.triage import TriageScreen

        self.lend(PaneWatch(frozenset({Pane.TRIAGE})), TriageScreen(self.board()))

    def action_silences(self) -> None:
        """Show the silences, and what they hold back."""
        from screens.silences import SilencesScreen

        self.lend(PaneWatch(frozenset({Pane.SILENCES})), SilencesScreen(self.board()))

    def lend(self, watch: PaneWatch, screen: Screen[None]) -> None:
        """Show a screen that covers the room: only what it watches is read, until it has gone."""
        self._lent = True
        desk_of(self).watch_panes(watch)
        self.app.push_screen(screen, self._take_back)

    def _take_back(self, _: None) -> None:
        self._lent = False
        desk_of(self).watch_panes(self._watch_now)


def _first(suspect: Suspect) -> str:
    return suspect.reasons[0] if suspect.reasons else ""
