"""The impact pane without a room: words, rows, folds, what stays chosen, and what is repainted."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tests.console.pane_samples import hostile_panes, impact, service, suspects
from tests.console.samples import NOW
from warroom.console.themes import THEMES
from warroom.domain.impact_words import totals_line
from warroom.domain.panes import ImpactNode, ImpactPicture, ImpactTotals
from warroom.domain.reasoned import SharedDomain, Suggestion, Suspect
from widgets.cells import Line, exactly
from widgets.impact_lines import height_of, lines_of
from widgets.impact_rows import (
    DomainRow,
    HeadRow,
    Key,
    Look,
    NodeRow,
    SuspectRow,
    rows_of,
    service_of,
    suspect_key,
)
from widgets.impact_tree import ImpactTree
from widgets.impact_words import domain_words, meter, more_words, suggestion_words

STATES = ("down", "degraded", "suspected", "expected-down", "expected-degraded", "recovered", "new")
NODES = st.lists(
    st.builds(
        lambda key, state, depth, tier, kind, region: service(
            f"s{key}", state, depth, tier, kind=kind, region=region
        ),
        st.integers(0, 12), st.sampled_from(STATES), st.integers(0, 4), st.integers(0, 5),
        st.sampled_from(("", "datastore", "third_party")), st.sampled_from((None, "eu", "us")),
    ),
    max_size=30,
)  # fmt: skip


def drawn(nodes: list[ImpactNode]) -> tuple[ImpactNode, ...]:
    """Return nodes as the server draws them: roots first, no jump in depth, doubles marked."""
    seen: set[str] = set()
    found: list[ImpactNode] = []
    for node in nodes:
        depth = min(node.depth, found[-1].depth + 1 if found else 0)
        found.append(node._replace(depth=depth, elsewhere=node.key in seen))
        seen.add(node.key)
    return tuple(found)


def text(lines: tuple[Line, ...]) -> str:
    return "\n".join("".join(cell.shown for cell in line.cells) for line in lines)


def keys(picture: ImpactPicture, look: Look, *folded: Key) -> list[Key | None]:
    return [row.key for row in rows_of(picture, look, frozenset(folded))]


def test_the_totals_in_business_words() -> None:
    assert totals_line(ImpactTotals(1)) == "1 service hit"
    assert totals_line(ImpactTotals(2, 1, 40.0, regions=("eu",))) == (
        "2 services hit: 1 tier 0–1 service, ~40 % of users, region eu"
    )
    worst = ImpactTotals(14, 3, 62.4, 1200, ("eu", "us"), 2, "checkout down")
    assert totals_line(worst) == "checkout down: 3 tier 0–1 services, ~62 % of users, 2 regions"
    assert more_words(worst) == "14 services hit · ~1\u00a0200 customers · 2 third parties · eu, us"
    assert totals_line(ImpactTotals(1, headline="mail slow")) == "mail slow: 1 service hit"
    assert more_words(ImpactTotals(1, headline="mail slow")) == ""


def test_a_suggestion_says_what_it_is_now() -> None:
    suggestion = Suggestion(1, "all of checkout is down")
    assert suggestion_words(suggestion, 1) == "SEV1 fits: all of checkout is down"
    assert suggestion_words(suggestion, 3).startswith("suggests SEV1, it is SEV3: all")
    assert suggestion_words(suggestion, None).startswith("suggests SEV1: all")


def test_small_words() -> None:
    assert [meter(score) for score in (-1, 0.1, 0.5, 0.9, 7)] == ["···", "···", "■■·", "■■■", "■■■"]
    assert (
        domain_words(SharedDomain("zone", "a", 5, 6, 2)) == "5 of its 6 services hit, 2 hit outside"
    )
    assert domain_words(SharedDomain("region", "eu", 1, 0)) == "1 service hit"


@given(nodes=NODES, look=st.sampled_from(Look))
def test_every_service_is_shown_once_and_no_key_twice(nodes: list[ImpactNode], look: Look) -> None:
    picture = replace(impact(), nodes=drawn(nodes))
    rows = rows_of(picture, look)
    chosen = [row.key for row in rows if row.key is not None]
    assert len(chosen) == len(set(chosen))
    shown = [row.node.key for row in rows if isinstance(row, NodeRow) and not row.node.elsewhere]
    assert sorted(shown) == sorted({node.key for node in nodes})
    if look is Look.TREE:
        assert sum(isinstance(row, NodeRow) for row in rows) == len(nodes)


@given(nodes=NODES, look=st.sampled_from(Look), data=st.data())
def test_a_fold_hides_only_what_is_below_and_unfolding_brings_all_back(
    nodes: list[ImpactNode], look: Look, data: st.DataObject
) -> None:
    picture = replace(impact(), nodes=drawn(nodes))
    before = rows_of(picture, look)
    foldable = [row.key for row in before if row.key is not None]
    fold: Key = data.draw(st.sampled_from(foldable))
    after = rows_of(picture, look, frozenset({fold}))
    left = [row.key for row in after]
    assert fold in left, "what is folded stays, to be unfolded"
    assert [key for key in keys(picture, look) if key in left] == left, "the order stays"
    hidden = sum(row.hidden for row in after if isinstance(row, NodeRow))
    if fold[0] == "node":
        assert len(before) - len(after) == hidden
        place = [row.key for row in before].index(fold)
        gone = [row for row in before if row.key not in left]
        assert gone == list(before[place + 1 : place + 1 + len(gone)])
    assert rows_of(picture, look, frozenset({fold}) ^ {fold}) == before


def test_groups_of_the_grid() -> None:
    rows = rows_of(impact(), Look.GRID)
    heads = [row.text for row in rows if isinstance(row, HeadRow)]
    assert heads[:5] == [
        "tier 0 · 1 · worst down",
        "tier 1 · 3 · worst down",
        "tier 2 · 2 · worst degraded",
        "tier 3 · 2 · worst exp. slow",
        "third parties · 1 · worst degraded",
    ]
    tier_one = [r.node.key for r in rows if isinstance(r, NodeRow) and r.node.tier == 1]
    assert tier_one == ["orders", "checkout", "basket", "acmepay"], "the worst first"
    domains = [row.domain.value for row in rows if isinstance(row, DomainRow)]
    assert domains == ["eu-1a", "eu", "us"], "what is shared, then the other regions"


def test_third_parties_stand_apart_with_what_falls_because_of_them() -> None:
    rows = rows_of(impact(), Look.TREE)
    place = next(n for n, r in enumerate(rows) if isinstance(r, HeadRow) and "third" in r.text)
    after = [r.node.key for r in rows[place:] if isinstance(r, NodeRow)]
    assert after == ["acmepay", "refunds"]
    # What falls because of one is ours: the heading does not count it as a third party.
    head = rows[place]
    assert isinstance(head, HeadRow)
    assert head.text == "because of a third party · 2 · worst degraded"
    folded = rows_of(impact(), Look.TREE, frozenset({("group", "third parties")}))
    assert "acmepay" not in [r.node.key for r in folded if isinstance(r, NodeRow)]


def test_a_domain_of_every_kind_shows_the_worst_state_in_it() -> None:
    rows = [row for row in rows_of(impact(), Look.TREE) if isinstance(row, DomainRow)]
    assert [(r.domain.value, r.state) for r in rows] == [
        ("eu-1a", "down"), ("eu", "down"), ("us", "degraded")
    ]  # fmt: skip
    assert "✖ zone" in text(lines_of(rows[0], 76, NOW))
    unsaid = DomainRow(("domain",), SharedDomain("zone", "a", 2, 3))
    assert "·" not in text(lines_of(unsaid, 76, NOW)), "the dot means well"


@pytest.mark.parametrize("width", [76, 100, 160])
def test_the_chosen_service_says_why_and_who_feels_it_at_every_width(width: int) -> None:
    rows = rows_of(impact(), Look.GRID)
    row = next(r for r in rows if isinstance(r, NodeRow) and r.node.key == "checkout")
    said = text(lines_of(replace(row, told=True), width, NOW))
    assert "hard on orders ← hard on pg-main" in said
    assert "~62 %" in said
    assert "1 200 customers" in said.replace("\u00a0", " ")
    assert height_of(row, width, NOW) == 1, "one line as long as it is not chosen"


def test_the_path_is_that_of_the_chosen_suspect() -> None:
    def path(pursued: Key | None) -> list[str]:
        rows = rows_of(impact(), Look.TREE, pursued=pursued)
        return [row.node.key for row in rows if isinstance(row, NodeRow) and row.on_path]

    assert path(None) == ["pg-main", "orders", "checkout"], "of the first, when none is chosen"
    assert path(suspect_key(suspects()[2])) == ["checkout", "acmepay"]
    assert path(("suspect", "service", "gone", "")) == ["pg-main", "orders", "checkout"]


def test_what_a_row_is_about() -> None:
    rows = rows_of(impact(), Look.TREE)
    about = [service_of(row) for row in rows if isinstance(row, SuspectRow)]
    assert about == ["pg-main", "orders", "acmepay", None], "a failure domain has no owner"
    assert service_of(None) is None


def test_the_first_three_suspects_give_all_their_reasons() -> None:
    rows = [row for row in rows_of(impact(), Look.TREE) if isinstance(row, SuspectRow)]
    assert [row.full for row in rows] == [True, True, True, False]
    last = suspect_key(suspects()[3])
    first = suspect_key(suspects()[0])
    rows = [
        row for row in rows_of(impact(), Look.TREE, frozenset({first, last}))
        if isinstance(row, SuspectRow)
    ]  # fmt: skip
    assert [row.full for row in rows] == [False, True, True, True]


@pytest.mark.parametrize("width", [50, 69, 70, 76, 106, 140])
def test_every_reason_can_be_read_whole(width: int) -> None:
    for row in rows_of(impact(), Look.TREE):
        if isinstance(row, SuspectRow) and row.full:
            shown = " ".join(text(lines_of(row, width, NOW)).split())
            for reason in row.suspect.reasons:
                words = reason.split()
                assert all(word in shown for word in words), (reason, shown)
            assert "…" not in shown


@pytest.mark.parametrize("width", [1, 8, 20, 49, 64, 76, 110, 200])
@pytest.mark.parametrize("look", Look)
def test_lines_fit_and_nothing_steers(width: int, look: Look) -> None:
    for picture in (impact(), hostile_panes()[0]):
        for row in rows_of(picture, look, severity=3):
            lines = lines_of(row, width, NOW)
            assert len(lines) == height_of(row, width, NOW)
            for line in lines:
                assert line.cells[0].width == 1, "the mark takes its place, nothing moves"
                fitted = exactly(line, width)
                assert sum(cell_len(c.shown) for c in fitted.cells) == width
                assert all(
                    ord(char) >= 32 and char != "\x9b" for c in fitted.cells for char in c.shown
                )
                if width >= 49:
                    assert sum(c.width for c in line.cells) <= width


class PaneApp(App[None]):
    """Only the pane."""

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "dark"

    def compose(self) -> ComposeResult:
        """The pane over the whole screen."""
        yield ImpactTree(title="Impact")

    @property
    def pane(self) -> ImpactTree:
        """The pane."""
        return self.query_one(ImpactTree)


async def test_the_chosen_service_stays_chosen_when_others_come_and_go() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.focus()
        app.pane.show_impact(impact(), NOW)
        await pilot.press("down", "down", "down")
        assert app.pane.chosen_service == "checkout"
        more = (service("first", "down", 0), *impact().nodes)
        app.pane.show_impact(replace(impact(), nodes=more), NOW)
        await pilot.pause()
        assert app.pane.chosen_service == "checkout"
        await pilot.press("i")
        assert app.pane.look is Look.GRID
        assert app.pane.chosen_service == "checkout", "also in the other look"
        await pilot.press("i")
        assert (app.pane.look, app.pane.chosen_service) == (Look.TREE, "checkout")
        fewer = tuple(node for node in more if node.key != "checkout")
        app.pane.show_impact(replace(impact(), nodes=fewer), NOW)
        await pilot.pause()
        assert app.pane.chosen_service == "basket", "a lost one gives way to its neighbour"


async def test_at_80_columns_the_chosen_service_says_why_it_is_hit() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24)) as pilot:
        other = service("other", "down", 0, 1)
        app.pane.show_impact(impact(), NOW)

        def shown() -> str:
            strips = app.screen._compositor.render_strips()
            return "\n".join("".join(s.text for s in strip) for strip in strips)

        assert "← hard on pg-main" not in shown()
        app.pane.focus()
        await pilot.press("down", "down", "down")
        await pilot.pause()
        assert app.pane.chosen_service == "checkout"
        assert "hard on orders ← hard on pg-main · ~62 % of users" in shown()
        height = app.pane.content_height()
        app.pane.show_impact(replace(impact(), nodes=(*impact().nodes, other)), NOW)
        await pilot.press("i")
        await pilot.pause()
        assert "hard on orders ← hard on pg-main" in shown(), "also by tier"
        await pilot.press("i", "up", "down", "down")
        await pilot.pause()
        assert "← hard on pg-main" not in shown()
        assert app.pane.content_height() == height + 1, "one other service, and its line of why"
        app.screen.set_focus(None)
        await pilot.pause()
        await pilot.pause()
        assert "first alert" not in shown(), "without the focus nothing is chosen"


async def test_space_folds_branches_groups_and_reasons() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 60)) as pilot:
        app.pane.focus()
        app.pane.show_impact(impact(), NOW)

        def shown() -> str:
            strips = app.screen._compositor.render_strips()
            return "\n".join("".join(s.text for s in strip) for strip in strips)

        await pilot.press("down", "space")
        await pilot.pause()
        assert "pg-main +6" in shown()
        assert "catalogue" not in shown()
        await pilot.press("space", "end")
        await pilot.pause()
        assert "catalogue" in shown()
        assert "zone        eu-1a" in shown()
        while app.pane.chosen_key != ("group", "regions"):
            await pilot.press("up")
        await pilot.press("space")
        await pilot.pause()
        assert "zone        eu-1a" not in shown()
        await pilot.press("up", "up")
        assert app.pane.chosen_suspect == suspects()[2]
        assert app.pane.pursued_suspect == suspects()[2]
        await pilot.press("space")
        await pilot.pause()
        assert "it came after the first alert" not in shown()
        assert "its status page says degraded" in shown(), "the key fact stays"


async def test_a_leaf_has_nothing_to_fold() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 60)) as pilot:
        app.pane.focus()
        app.pane.show_impact(impact(), NOW)
        await pilot.press("down", "down", "down", "space")
        assert app.pane.chosen_service == "checkout"
        assert app.pane._folded == frozenset()


async def test_another_incident_begins_unfolded_at_the_top() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.focus()
        app.pane.show_impact(impact(), NOW)
        await pilot.press("down", "space", "end")
        assert app.pane.scroll_y > 0
        app.pane.show_impact(replace(impact(), incident_id=UUID(int=9)), NOW)
        await pilot.pause()
        assert app.pane.scroll_y == 0
        assert app.pane._folded == frozenset()


async def test_only_what_changed_is_drawn_again() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 60)) as pilot:
        app.pane.show_impact(impact(), NOW)
        await pilot.pause()
        before = dict(app.pane._drawn)
        nodes = list(impact().nodes)
        nodes[3] = nodes[3]._replace(state="down")
        app.pane.show_impact(replace(impact(), nodes=tuple(nodes)), NOW)
        await pilot.pause()
        changed = [y for y, line in app.pane._drawn.items() if line != before[y]]
        assert len(changed) == 1, "the basket's line, and no other"


async def test_suspects_without_a_service_are_shown() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24)) as pilot:
        found = replace(impact(), nodes=(), totals=ImpactTotals(), suspects=(
            Suspect("change", "orders", "deploy 4.18", 1.0, ()),
        ))  # fmt: skip
        app.pane.show_impact(found, NOW)
        await pilot.pause()
        assert app.pane.content_height() > 3
        app.pane.show_impact(replace(found, suspects=()), NOW)
        await pilot.pause()
        assert app.pane.content_height() == 0, "a statement instead"
