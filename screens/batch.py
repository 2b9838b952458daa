"""One wish over many incidents: what became of each, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass, field

from screens.commands import CommandState, Fate
from warroom.domain.safe_text import SafeText, safe_text

_NAMED = 3


@dataclass
class Tally:
    """Counts the fates of a batch; the outcome of each incident stays its own."""

    total: int
    done_words: SafeText
    fates: dict[str, Fate] = field(default_factory=dict)

    def count(self, state: CommandState) -> None:
        """Take what is known of one incident now."""
        self.fates[str(state.command.ref)] = state.fate

    def refs(self, fate: Fate) -> tuple[str, ...]:
        """Return the incidents of that fate."""
        return tuple(ref for ref, found in self.fates.items() if found is fate)

    @property
    def over(self) -> bool:
        """Whether the fate of each is known."""
        done = len(self.refs(Fate.DONE)) + len(self.refs(Fate.REFUSED))
        return done >= self.total

    @property
    def sentence(self) -> SafeText:
        """Say how far it is; those that were refused are named."""
        done, refused = self.refs(Fate.DONE), self.refs(Fate.REFUSED)
        unknown = self.refs(Fate.UNKNOWN)
        mark = ("✓" if not refused else "!") if self.over else "…"
        words = f"{mark} {len(done)} of {self.total} {self.done_words}"
        if refused:
            words += f" · not done: {_names(refused)}"
        if unknown:
            words += f" · not known yet: {_names(unknown)}"
        return safe_text(words)


def _names(refs: tuple[str, ...]) -> str:
    more = len(refs) - _NAMED
    return ", ".join(refs[:_NAMED]) + (f" and {more} more" if more > 0 else "")
