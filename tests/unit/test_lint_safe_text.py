"""The rule that no raw string reaches a widget: what it refuses and what it lets pass."""

from __future__ import annotations

import pytest

from tools.lint_safe_text import check_source

_HEAD = """
from warroom.domain.safe_text import SafeText, safe_text
from textual.content import Content
from rich.text import Text

GLYPHS = {1: "▲"}

class Row:
    title: str
    shown: SafeText
    severity: int

def age(seconds: float) -> SafeText: ...
def headline(row: Row) -> Text: ...
def raw_words(row: Row) -> str: ...
"""

GOOD = [
    'Static("literal")',
    "Static(Text(safe_text(row.title)))",
    "Static(safe_text(row.title), markup=False)",
    "Label(headline(row))",
    "Button('Acknowledge', id='ack')",
    "Text(row.shown)",
    "Text(f'SEV{row.severity}')",
    "Text(f'{GLYPHS[row.severity]} {safe_text(row.title)}')",
    "Text(f'{whatever:>5.1f} s')",
    "Text(age(3.0).rjust(5) + ' ago')",
    "Text(' · '.join(safe_text(name) for name in names))",
    "Text.assemble((safe_text(row.title), 'bold'), ' ', str(len(names)))",
    "self.notify(safe_text(row.title), markup=False)",
    "self.notify('Sent', markup=False, severity='information')",
    "self.update(headline(row))",
    "known = {}; known.update({'a': row.title})",
    "names.append(row.title)",
    "text = Text(); text.append(safe_text(row.title)); text.append(' ok')",
    "words = safe_text(row.title); Text(words)",
    "words = 'a' if names else safe_text(row.title); Text(words)",
    "panel.border_title = 'Timers'",
    "panel.border_title = Content(safe_text(row.title))",
    "Segment(' ' * 4, style)",
    "Text(row.title)  # lint: safe-text the title was cleaned by the caller",
    "for name in names:\n        Text(safe_text(name))",
]

BAD = [
    ("Static(row.title)", "Static"),
    ("Static(f'{row.title}')", "Static"),
    ("Static(safe_text(row.title))", "interprets markup"),
    ("Label(str(row.severity) + row.title)", "Label"),
    ("Button(raw_words(row))", "Button"),
    ("Text(row.title)", "raw text"),
    ("Text(row.title[:10])", "raw text"),
    ("Text(f'{row.title:>10}')", "raw text"),
    ("Text(' '.join(names))", "raw text"),
    ("Text('%s' % row.title)", "raw text"),
    ("Text('{}'.format(row.title))", "raw text"),
    ("Content(row.title)", "raw text"),
    ("Segment(row.title, style)", "raw text"),
    ("Text.assemble((row.title, 'bold'))", "raw text"),
    ("text = Text(); text.append(row.title)", "append"),
    ("words = 'a'; words = row.title; Text(words)", "raw text"),
    ("a, b = names; Text(a)", "raw text"),
    ("for name in names:\n        Text(name)", "raw text"),
    ("self.notify('Sent')", "markup=False"),
    ("self.notify(row.title, markup=False)", "raw text"),
    ("self.notify('Sent', title=row.title, markup=False)", "raw text"),
    ("self.update(row.title)", "update"),
    ("self.update(safe_text(row.title))", "update"),
    ("panel.border_title = row.title", "border_title"),
    ("panel.border_title = safe_text(row.title)", "border_title"),
    ("panel.tooltip = row.title", "tooltip"),
    ("Text.from_markup('[bold]x')", "from_markup"),
    ("Content.from_markup(row.title)", "from_markup"),
    ("Text.from_ansi(row.title)", "from_ansi"),
    ("Static('x', markup=True)", "markup=True"),
    ("console.print(row.title)", "console.print"),
    ("from rich import print", "markup"),
    ("from rich.markup import render", "markup"),
    ("with names as n:\n        Text(n)", "raw text"),
    ("Text(row.title)  # lint: safe-text", "raw text"),
]


def _check(statement: str) -> list[str]:
    body = statement if "\n" in statement else statement.replace("; ", "\n    ")
    code = f"{_HEAD}\ndef draw(self, row: Row, names: list[str], style, whatever):\n    {body}\n"
    return [sentence for _, sentence in check_source(code)]


@pytest.mark.parametrize("statement", GOOD)
def test_clean_text_passes(statement: str) -> None:
    assert _check(statement) == []


@pytest.mark.parametrize(("statement", "says"), BAD)
def test_raw_text_is_refused(statement: str, says: str) -> None:
    found = _check(statement)
    assert len(found) == 1, found
    assert says in found[0]


def test_an_attribute_is_only_safe_if_every_class_says_so() -> None:
    code = "class A:\n    note: SafeText\nclass B:\n    note: str\ndef f(a):\n    Text(a.note)\n"
    assert len(list(check_source(code))) == 1


def test_a_name_of_one_function_says_nothing_about_another() -> None:
    code = "def f(words: SafeText):\n    Text(words)\ndef g(words: str):\n    Text(words)\n"
    assert [line for line, _ in check_source(code)] == [4]
