"""What the console's background thread tells the screens: frozen facts, posted as messages."""

from __future__ import annotations

from textual.message import Message

from screens.commands import CommandState
from warroom.domain.panes import Pane, PaneWatch, Picture, TimelinePicture
from warroom.domain.picture import BoardPicture, IncidentDetail, Names
from warroom.domain.safe_text import SafeText


class BoardArrived(Message, bubble=False):
    """A new picture of the board; ``read_mono`` is our monotonic clock when its read began."""

    def __init__(self, board: BoardPicture, read_mono: float) -> None:
        super().__init__()
        self.board = board
        self.read_mono = read_mono


class DetailArrived(Message, bubble=False):
    """A new picture of one incident, None when there is none that this person may see."""

    def __init__(self, number: int, detail: IncidentDetail | None) -> None:
        super().__init__()
        self.number = number
        self.detail = detail


class NamesArrived(Message, bubble=False):
    """The names that a person can choose from."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self.names = names


class PaneArrived(Message, bubble=False):
    """A new picture of one pane; None when its incident is not for this person to see.

    ``watch`` is what was asked for, so that an answer to an older question is known as one.
    """

    def __init__(
        self, pane: Pane, picture: Picture | None, watch: PaneWatch, read_mono: float
    ) -> None:
        super().__init__()
        self.pane = pane
        self.picture = picture
        self.watch = watch
        self.read_mono = read_mono


class OlderArrived(Message, bubble=False):
    """An older page of the timeline; None when it could not be read."""

    def __init__(self, picture: TimelinePicture | None, watch: PaneWatch) -> None:
        super().__init__()
        self.picture = picture
        self.watch = watch


class PaneTrouble(Message, bubble=False):
    """One pane is not being renewed; ``reason`` says why."""

    def __init__(self, pane: Pane, reason: SafeText) -> None:
        super().__init__()
        self.pane = pane
        self.reason = reason


class FeedTrouble(Message, bubble=False):
    """The picture is not being renewed; ``reason`` is None when it is again."""

    def __init__(self, reason: SafeText | None) -> None:
        super().__init__()
        self.reason = reason


class IdentityKnown(Message, bubble=False):
    """The API said who the token belongs to."""

    def __init__(self, name: SafeText) -> None:
        super().__init__()
        self.name = name


class StartStep(Message, bubble=False):
    """What is being started; ``failed`` when it could not be."""

    def __init__(self, sentence: SafeText, *, failed: bool = False) -> None:
        super().__init__()
        self.sentence = sentence
        self.failed = failed


class CommandChanged(Message, bubble=False):
    """A command got on."""

    def __init__(self, state: CommandState) -> None:
        super().__init__()
        self.state = state
