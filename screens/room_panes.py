"""The panes of the room as a part of its screen: places, keys, pictures, ages."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from screens.command_work import CommandWork
from screens.desk import desk_of
from screens.messages import OlderArrived, PaneArrived, PaneTrouble
from screens.room_layout import ORDER, Plan, plan
from screens.work_impact import ImpactWork
from warroom.domain.panes import (
    HealthPicture,
    ImpactPicture,
    LogRow,
    Pane,
    PaneWatch,
    TimelinePicture,
    TimersPicture,
    Verdict,
)
from warroom.domain.safe_text import safe_text
from widgets.cell_view import CellView
from widgets.cells import Role
from widgets.header import Header
from widgets.health_strip import LOOKS, HealthStrip
from widgets.impact_tree import ImpactTree
from widgets.live_list import LiveList
from widgets.pane_list import PaneList
from widgets.tabs import PaneTabs
from widgets.timeline_list import TimelineList
from widgets.timers_list import TimersList

_SIDES = frozenset({Pane.IMPACT, Pane.TIMERS, Pane.HEALTH})
_LETTERS = "asdfghjklqwertyuiopzxcvbnm"


class PaneWork(ImpactWork, CommandWork):
    """Lays the panes out, moves the focus, reads only what is visible."""

    DEFAULT_CSS = """
    PaneWork #panes { height: 1fr; }
    PaneWork #panes > * { position: absolute; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._focused = Pane.BOARD
        self._side = Pane.TIMERS
        self._zoomed = False
        self._plan: Plan | None = None

    def compose_panes(self) -> ComposeResult:
        """The five panes; where each stands is decided when the size is known."""
        yield PaneTabs(id="tabs")
        with Container(id="panes"):
            yield LiveList(id=Pane.BOARD, title="1 Active incidents", note="severity, then clock")
            yield ImpactTree(id=Pane.IMPACT, title="2 Impact")
            yield TimersList(id=Pane.TIMERS, title="3 Timers")
            yield TimelineList(id=Pane.TIMELINE, title="4 Timeline")
            yield HealthStrip(id=Pane.HEALTH, title="5 Replication health")

    def pane(self, pane: Pane) -> CellView:
        """Return the widget of a pane."""
        return self.query_one(f"#{pane}", CellView)

    @property
    def focused_pane(self) -> Pane:
        """The pane that has the keys."""
        return self._focused

    @property
    def timeline(self) -> TimelineList:
        """The timeline: its chosen entry is what pins and corrections are about."""
        return self.query_one(TimelineList)

    def entries(self) -> tuple[LogRow, ...]:
        """The entries of the timeline."""
        return self.timeline.entries

    def chosen_entry(self) -> LogRow | None:
        """The chosen entry of the timeline."""
        return self.timeline.chosen_entry

    def chosen_service(self) -> str | None:
        """The chosen service, while its pane has the keys."""
        return self.impact.chosen_service if self._focused is Pane.IMPACT else None

    # Places

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002 # the screen's own size counts
        """Lay out anew; the terminal may be of any size."""
        self.place_panes()

    def place_panes(self) -> None:
        """Carry the plan for this size out."""
        width, height = self.size
        if not width or not height:
            return
        wanted = plan(width, height, self._focused, self._side, zoomed=self._zoomed)
        if wanted != self._plan:
            self._plan = wanted
            self.query_one("#tabs").display = wanted.tabs
            self.query_one("#header", Header).styles.height = wanted.header
            for pane in ORDER:
                _place(self.pane(pane), wanted, pane)
        self.watch_chosen()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Follow the focus: where not all panes fit, the one with the keys is shown."""
        found = event.widget.id or ""
        if found in set(ORDER) and Pane(found) is not self._focused:
            self._take_focus(Pane(found))

    def _take_focus(self, pane: Pane) -> None:
        self._focused = pane
        if pane in _SIDES:
            self._side = pane
        self.place_panes()
        self.show_tabs()
        self.show_keys()

    def show_keys(self) -> None:
        """Show the keys that work in the focused pane."""
        raise NotImplementedError

    def action_pane(self, number: int) -> None:
        """Give the keys to a pane by its number, 1 to 5."""
        pane = ORDER[number - 1]
        self._take_focus(pane)
        self.pane(pane).focus()

    def action_next_pane(self, step: int) -> None:
        """Give the keys to the next pane, or to the one before."""
        self.action_pane((ORDER.index(self._focused) + step) % len(ORDER) + 1)

    def action_zoom(self) -> None:
        """Enlarge the focused pane, or put all back."""
        self._zoomed = not self._zoomed
        self.place_panes()

    def on_pane_tabs_chosen(self, message: PaneTabs.Chosen) -> None:
        """A click on a tab."""
        self.action_pane(ORDER.index(message.pane) + 1)

    def action_jump(self) -> None:
        """Show a letter beside every pane and visible incident; the next key goes there."""
        assert self._plan is not None
        from screens.jump import JumpScreen

        board = self.query_one(LiveList)
        visible = [pane for pane in ORDER if pane in self._plan.boxes]
        letters = iter(_LETTERS)
        panes = {next(letters): pane for pane in visible}
        rows = dict(zip(letters, board.visible_rows(), strict=False))
        for letter, pane in panes.items():
            self.pane(pane).set_letter(letter)
        board.show_letters({row: letter for letter, row in rows.items()})

        def over(letter: str | None) -> None:
            for pane in visible:
                self.pane(pane).set_letter("")
            board.show_letters({})
            if letter in panes:
                self.action_pane(ORDER.index(panes[letter]) + 1)
            elif letter in rows:
                board.select(rows[letter])
                self.action_pane(1)

        self.app.push_screen(JumpScreen(frozenset(panes) | frozenset(rows)), over)

    # Pictures

    def watch_chosen(self) -> None:
        """Say which panes are visible and whose impact and timeline are wanted."""
        if self._plan is None:
            return
        row = self.chosen()
        before = self._watch_now
        hidden = frozenset({Pane.BOARD})
        watch = PaneWatch(
            frozenset(self._plan.boxes) - hidden, row.id if row else None, self.timeline.kinds
        )
        if watch == before:
            return
        self._watch_now = watch
        if watch.incident != before.incident:
            impact = self.impact
            for pane in (impact, self.timeline):
                pane.show_statement(f"Reading {row.ref} …" if row else "No incident is chosen.")
            impact.show_impact(None, None)
            self.timeline.show_log(None, None)
            ref = f" · {row.ref}" if row else ""
            impact.set_heading(f"2 Impact{ref}")
            self.timeline.set_heading(f"4 Timeline{ref}")
        if not self._lent:
            desk_of(self).watch_panes(watch)

    def on_pane_arrived(self, message: PaneArrived) -> None:
        """Show a pane's picture, unless it answers an older question."""
        if message.pane not in ORDER:
            return
        now, picture, watch = desk_of(self).database_now(), message.picture, self._watch_now
        if isinstance(picture, TimersPicture):
            self.query_one(TimersList).show_timers(picture, now)
        elif isinstance(picture, HealthPicture):
            self.query_one(HealthStrip).show_health(picture, now)
            self.show_tabs()
        elif message.watch.incident != watch.incident:
            return
        elif isinstance(picture, ImpactPicture):
            row = self.chosen()
            severity = row.severity if row and row.id == picture.incident_id else None
            self.impact.show_impact(picture, now, severity)
        elif isinstance(picture, TimelinePicture):
            if message.watch.kinds == watch.kinds:
                self.timeline.show_log(picture, now)
        else:
            pane = self.pane(message.pane)
            if isinstance(pane, PaneList):
                pane.show_statement("It is not there, or not for you to see.")
        self.pane(message.pane).set_freshness(desk_of(self).freshness_of(message.pane))

    def on_older_arrived(self, message: OlderArrived) -> None:
        """Append an older page of the timeline."""
        if message.picture is None:
            self.timeline.older_failed()
        elif (message.watch.incident, message.watch.kinds) == (
            self._watch_now.incident,
            self._watch_now.kinds,
        ):
            self.timeline.show_older(message.picture)

    def on_pane_trouble(self, message: PaneTrouble) -> None:
        """Say why one pane stands still; the others go on."""
        if message.pane not in ORDER:
            return
        pane = self.pane(message.pane)
        pane.set_freshness(desk_of(self).freshness_of(message.pane))
        if isinstance(pane, PaneList) and not pane.content_height():
            pane.show_statement(safe_text(f"Nothing could be read: {message.reason}"))

    def on_timeline_list_older_wanted(self, message: TimelineList.OlderWanted) -> None:
        """Ask for the page before."""
        desk_of(self).read_older(self._watch_now, message.before)

    def on_timeline_list_filter_chosen(self, message: TimelineList.FilterChosen) -> None:  # noqa: ARG002 # the list knows it
        """Read only the chosen kinds."""
        self.watch_chosen()

    def on_timers_list_chosen(self, message: TimersList.Chosen) -> None:
        """A clock is chosen: commands are about its incident."""
        self.query_one(LiveList).select_number(message.number)

    def tick_panes(self) -> None:
        """Move clocks and ages of the visible panes on."""
        desk = desk_of(self)
        now = desk.database_now()
        for pane in self._plan.boxes if self._plan else ():
            view = self.pane(pane)
            if isinstance(view, PaneList):
                view.set_freshness(desk.freshness_of(pane))
                if now is not None:
                    view.tick(now)
        self.show_tabs()

    def show_tabs(self) -> None:
        """Show what hidden panes call: overdue clocks, and the worst verdict on the database."""
        calls: dict[Pane, tuple[str, Role]] = {}
        overdue = self.overdue_count()
        if overdue:
            calls[Pane.TIMERS] = (f"{overdue} overdue", Role.NOW_LOUD)
        worst = self.query_one(HealthStrip).worst
        if worst in {Verdict.WARN, Verdict.BAD}:
            calls[Pane.HEALTH] = LOOKS[worst]
        self.query_one(PaneTabs).show_tabs(self._focused, calls)

    def overdue_count(self) -> int:
        """Return how many incidents have a clock that has run out."""
        raise NotImplementedError


def _place(widget: Widget, wanted: Plan, pane: Pane) -> None:
    box = wanted.boxes.get(pane)
    widget.display = box is not None
    if box is not None:
        widget.styles.offset = (box.x, box.y)
        widget.styles.width = box.width
        widget.styles.height = box.height
