"""Every byte on a real pseudo-terminal: nothing foreign, only the promised colours, few of them."""

from __future__ import annotations

import re
import signal

import pytest

from tests.console.ptyrun import PtyConsole, colours, foreign

APP = ["-m", "tests.console.pty_app"]
SIZES = ((80, 24), (120, 40), (250, 70))


# What is typed into each question: no option has one of these keys.
TYPED = '[@=("]漢\\[/]'.encode()
# Terminals take ESC out of what is pasted; the rest comes as it is.
PASTED = b"\x1b[200~\x07 \xc2\x9b31m \xe2\x80\xae[@click=app.quit]x[/]\x1b[201~"
# Each key that opens a question, and what stands on the screen then.
QUESTIONS = (
    (b"t", "Status of INC-"),
    (b"s", "Severity of INC-"),
    (b"o", "Owner of INC-"),
    (b"c", "Roles of INC-"),
    (b"v", "Service of INC-"),
    (b"e", "Log an entry · INC-"),
    (b"d", "Decision · INC-"),
    (b"h", "Hypothesis · INC-"),
    (b"E", "Evidence · INC-"),
    (b"u", "Next update of INC-"),
    (b"x", "Escalation of INC-"),
    (b"w", "Snooze INC-"),
    (b"r", "Resolve INC-"),
    (b"L", "Link · INC-"),
    (b"f", "Custom field · INC-"),
    (b"M", "into …"),
    (b"X", "Split off INC-"),
    (b"D", "mark as a drill"),
    (b"F", "False alarm: INC-"),
    (b"V", "Who may see INC-"),
    (b"n", "Declare an incident"),
    (b"#", "Show an incident"),
)
# Those behind a first answer.
DEEPER = (
    (b"c", "Roles of INC-", b"s", "Scribe of INC-"),
    (b"L", "Link · INC-", b"b", "Link a bridge"),
    (b"w", "Snooze INC-", b"1", "for 15 min"),
    (b"x", "Escalation of INC-", b"s", "Skip to a step"),
    (b"f", "Custom field · INC-", b"\r", "empty takes it away"),
    (b"v", "Service of INC-", b"\r", "it may be hit"),
)


def ask_everything(console: PtyConsole) -> None:
    """Open every question, type and paste into it, and leave it; each when it is there."""
    for key, words in QUESTIONS:
        console.press(key)
        console.read_until_shown(words)
        console.press(TYPED)
        console.press(PASTED)
        leave(console, words)
    for key, words, answer, second in DEEPER:
        console.press(key)
        console.read_until_shown(words)
        console.press(answer)
        console.read_until_shown(second)
        console.press(TYPED)
        leave(console, second)


def leave(console: PtyConsole, words: str) -> None:
    """Go back to the board."""
    console.press(b"\x1b")
    console.read_until_gone(words)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_hostile_text_sends_no_foreign_byte(size: tuple[int, int]) -> None:
    with PtyConsole([*APP, "hostile", "900"], size, {"COLORTERM": "truecolor"}) as console:
        console.read_until_shown("INC-1")
        ask_everything(console)
        # What is chosen in the timeline can be pinned and corrected; a refusal quotes the text.
        console.press(b"4")
        console.read_until_shown("18 entries")
        console.press(b"g")
        console.press(b"C")
        console.read_until_shown("Correct an entry")
        console.press(TYPED)
        leave(console, "Correct an entry")
        console.press(b"p")
        console.read_until_shown("was refused")
        console.press(b"U")
        # A batch: the marked ones are quoted in what has to be confirmed.
        console.press(b"1")
        console.read_until_gone("▸4 Timeline")
        console.press(b"*")
        console.read_until_shown("18 marked")
        console.press(b"a")
        console.read_until_shown("incidents: acknowledge")
        leave(console, "incidents: acknowledge")
        console.press(b"\x1b")
        # Down through all rows, into the detail and through it, back, help, filter, palette.
        for keys in (b"j" * 9, b"j" * 9, b"G", b"g", b"\r", b" " * 9, b"\x1b[F", b"\x1b"):
            console.press(keys)
            console.read(0.3)
        # Through every pane, enlarged and not, jump mode and every kind of entry.
        for number in b"2345":
            for keys in (bytes([number]), b"j" * 9, b"z", b"G", b"g", b"z", b"'", b"\x1b"):
                console.press(keys)
                console.read(0.15)
        # Every saved view, by its key and in the palette.
        for keys in (b"4", b"iii", b"1", *[b"b"] * 8, b"\x1b", b":", b"view", b"\x1b"):
            console.press(keys)
            console.read(0.2)
        for keys in (b"?", b"\x1b", b"/click", b"\r", b"\x1b"):
            console.press(keys)
            console.read(0.3)
        ended = console.process.poll()
        assert ended is None, f"hostile text ended the console: {ended}, {console.output[-3000:]!r}"
        # A slow machine may be behind with the keys: out of whatever is open, then out.
        for _ in range(20):
            console.press(b"\x1b")
            console.read(0.5)
            console.press(b"q")
            console.read(1)
            if console.process.poll() is not None:
                break
        assert console.process.wait(20) == 0
        assert foreign(console.output) == []
        assert "␛]52;c;ZXZpbA==␇".encode() in console.output


def test_the_judge_finds_what_it_should() -> None:
    bad = "ok\x1b]52;c;eA==\x07 \x1b[31;1m fine \x9b31m \x1b[5n \u202e \x07 \x1bPq\x1b\\".encode()
    found = foreign(bad)
    assert found == ["\x1b]52;c;eA==\x07", "\x9b", "\x1b[5n", "\x07", "\x1bPq\x1b\\", "0x202e"]


@pytest.mark.parametrize(
    ("env", "kinds"),
    [
        ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, set()),
        ({"TERM": "xterm"}, {"16"}),
        ({"TERM": "xterm-256color"}, {"256"}),
        ({"COLORTERM": "truecolor"}, {"truecolor"}),
    ],
    ids=["none", "16", "256", "truecolor"],
)
def test_only_the_promised_colours(env: dict[str, str], kinds: set[str]) -> None:
    with PtyConsole([*APP, "room"], (120, 40), env) as console:
        console.read_until("INC-2041")
        for keys in (b"j", b"?", b"\x1b", b"\r", b"\x1b", b"n", b"\x1b", b"a", b"\x10", b"\x1b"):
            console.press(keys)
            console.read(0.3)
        assert colours(console.output) == kinds


def test_one_changed_row_costs_at_most_400_bytes() -> None:
    with PtyConsole([*APP, "one"], (120, 40), {"COLORTERM": "truecolor"}) as console:
        console.read_until("INC-2045")
        console.read(1.5)
        console.signal(signal.SIGUSR1)
        before = len(console.output)
        console.read_until("mira")
        console.read(0.1)
        sent = console.output[before:]
        # A tick of the clocks may fall into the moment; those cells are counted as well.
        clocks = len(re.findall(rb"\d\d:\d\d", sent))
        assert len(sent) <= 400 + clocks * 60, sent


@pytest.mark.slow
def test_a_storm_of_changes_stays_within_its_bytes() -> None:
    with PtyConsole([*APP, "load"], (250, 70), {"COLORTERM": "truecolor"}) as console:
        console.read_until("INC-1")
        console.read(2)
        seconds = 10.0
        assert len(console.read(seconds)) / seconds <= 8192


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with PtyConsole([*APP, "room"]) as console:
        console.read_until("INC-2041")
        console.signal(number)
        console.read(3)
        assert console.process.wait(20) >= 0
        assert b"\x1b[?1049l" in console.output, "the terminal was not given back"
        assert b"Traceback" not in console.output


def test_a_hung_up_terminal_ends_it() -> None:
    with PtyConsole([*APP, "room"]) as console:
        console.read_until("INC-2041")
        console.hang_up()
        assert console.process.wait(20) is not None
