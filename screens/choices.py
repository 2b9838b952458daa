"""The base of the modals that offer options: a few lines, one of them chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Label

from screens.question import QuestionScreen
from warroom.domain.safe_text import safe_text
from widgets.cells import fit

_SEEN: Final = 12
# Columns of a label, and of a whole line: what is wider would wrap, and push the hint out.
_LABEL: Final = 40
_LINE: Final = 71


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: ``key`` chooses it at once, ``value`` is the answer."""

    value: str
    label: str
    hint: str = ""
    key: str = ""


class OptionsModal(QuestionScreen[str | None]):
    """Options beneath each other; the answer is None when the person changed their mind."""

    DEFAULT_CSS = """
    OptionsModal { align: center middle; background: $background 60%; }
    OptionsModal > Vertical {
        width: 76; max-width: 96%; height: auto; padding: 0 1;
        border: round $wr-chosen; border-title-color: $foreground; border-title-style: bold;
        background: $background;
    }
    OptionsModal .about { color: $foreground; width: 100%; height: 1; }
    OptionsModal .options { width: 100%; margin-top: 1; }
    OptionsModal .hint { color: $wr-quiet; width: 100%; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("down,ctrl+n", "step(1)", show=False, priority=True),
        Binding("up,ctrl+p", "step(-1)", show=False, priority=True),
    ]
    hint: ClassVar[str] = "Enter takes it · Esc back, nothing is sent"

    def __init__(self, title: str, about: str, options: tuple[Choice, ...]) -> None:
        super().__init__()
        self._title = safe_text(title, 70)
        self._about = safe_text(about, 70)
        self.options = options
        self._place = 0
        self._moved = False

    def compose(self) -> ComposeResult:
        """Lay out: what it is about, the options, what the keys do."""
        with Vertical() as box:
            box.border_title = Content(safe_text(self._title))
            yield Label(safe_text(self._about), markup=False, classes="about")
            yield from self.compose_above()
            yield Label(safe_text(""), markup=False, classes="options")
            yield Label(safe_text(self.hint), markup=False, classes="hint")

    def compose_above(self) -> ComposeResult:
        """What stands above the options."""
        yield from ()

    def on_mount(self) -> None:
        """Draw the options."""
        self._draw()

    def show_options(self, options: tuple[Choice, ...]) -> None:
        """Take other options; one that the person went to stays chosen, if it is still there.

        What merely stood first while the others were on their way does not.
        """
        before = self.chosen.value if self.chosen and self._moved else None
        self.options = options
        values = [option.value for option in options]
        self._place = values.index(before) if before in values else 0
        if self.is_mounted:
            self._draw()

    @property
    def chosen(self) -> Choice | None:
        """The chosen option."""
        return self.options[self._place] if self.options else None

    def action_step(self, step: int) -> None:
        """Choose the next or the previous option."""
        if self.options:
            self._moved = True
            self._place = (self._place + step) % len(self.options)
            self._draw()

    def action_leave(self) -> None:
        """Leave without choosing."""
        self.answer(None)

    def empty(self) -> str:
        """Say what no option means."""
        return "There is nothing to choose."

    def _draw(self) -> None:
        first = min(max(self._place - _SEEN // 2, 0), max(len(self.options) - _SEEN, 0))
        seen = self.options[first : first + _SEEN]
        keyed = any(option.key for option in self.options)
        labels = [safe_text(option.label, _LABEL) for option in seen]
        width = min(max(map(cell_len, labels), default=0), _LABEL)
        lines = []
        for place, (option, label) in enumerate(zip(seen, labels, strict=True), first):
            bar = "▌" if place == self._place else " "
            key = f"{option.key:<2} " if keyed else ""
            hint = f"  {safe_text(option.hint, _LINE)}" if option.hint else ""
            line = safe_text(f"{bar} {key}{fit(label, width)}{hint}")
            lines.append(fit(line, _LINE))
        below = len(self.options) - first - len(seen)
        if below > 0:
            lines.append(safe_text(f"  … {below} more"))
        words = "\n".join(lines) if lines else f"  {self.empty()}"
        shown = safe_text(words, 4000, single_line=False)
        self.query_one(".options", Label).update(Content(shown))
