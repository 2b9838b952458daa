"""Lint rule: no raw string reaches a widget.

Text from outside is hostile: it may hold escape sequences, bidirectional overrides or console
markup such as ``[@click=…]``.  In ``widgets``, ``screens`` and ``warroom/console`` this rule wants

* a **drawn** value (``Text(…)``, ``Content(…)``, ``Strip``, or a function annotated to return
  one) or a string literal wherever Textual would interpret markup: the content of ``Static``,
  ``Label``, ``Button`` …, ``.update(…)``, ``border_title``, ``border_subtitle``, ``tooltip``;
  with ``markup=False`` a clean value will do;
* a **clean** value (``safe_text(…)``, a name, attribute or function annotated as ``SafeText``, a
  number, a literal, an UPPER_CASE constant, an f-string or sum of these) in ``Text(…)``,
  ``Content(…)``, ``Segment(…)``, ``Text.assemble(…)``, ``text.append(…)`` and ``notify(…)``;
* ``markup=False`` on every ``notify(…)``;
* never ``from_markup``, ``from_ansi``, ``markup=True``, ``rich.print`` or ``console.print``.

Where the rule cannot see that a value is harmless, ``# lint: safe-text <reason>`` on the line or
the one above permits it.  A plain dictionary is merged by ``|=``, because ``.update(…)`` belongs
to widgets here.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.safe_text_facts import Facts, Level, last_name, local_levels

ROOT: Final = Path(__file__).resolve().parent.parent
CHECKED: Final = ("widgets", "screens", "warroom/console")
LEARNT: Final = (*CHECKED, "warroom/domain")

_WIDGETS: Final = frozenset(
    {"Static", "Label", "Button", "Digits", "Markdown", "Checkbox", "RadioButton", "Option"}
    | {"Collapsible", "Tab", "TabPane", "Link", "Placeholder", "Tooltip", "Toast"}
)
_DRAWERS: Final = frozenset({"Text", "Content", "Segment"})
_TITLES: Final = frozenset({"border_title", "border_subtitle", "tooltip"})
_KEEPS_CLEAN: Final = frozenset(
    {"ljust", "rjust", "center", "strip", "lstrip", "rstrip", "upper", "lower", "title"}
    | {"capitalize", "zfill", "removeprefix", "removesuffix", "partition", "splitlines", "split"}
)
_NUMERIC: Final = frozenset({"len", "int", "float", "round", "abs", "ord", "cell_len", "bool"})
_PASSES: Final = frozenset(
    {"str", "sorted", "list", "tuple", "reversed", "min", "max", "set_cell_size"}
)
_PERMIT: Final = re.compile(r"#\s*lint:\s*safe-text\s+\S+")
_NUMBER_FORMAT: Final = re.compile(r"[0-9.,+_ <>^=-]*[dfeg%xXn]$")


class Checker(ast.NodeVisitor):
    """Walk one file and collect (line, sentence) in ``found``."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.found: list[tuple[int, str]] = []
        self._scopes: list[tuple[dict[str, Level], dict[str, list[ast.expr]]]] = []
        self._open: set[str] = set()

    # -- what an expression is worth ------------------------------------------------------------

    def level(self, node: ast.expr) -> Level:
        """Return how far an expression may be trusted."""
        match node:
            case ast.Constant():
                return Level.CLEAN
            case ast.JoinedStr(values=values):
                return min([Level.CLEAN, *(self._piece(value) for value in values)])
            case ast.Name(id=name):
                return self._name(name)
            case ast.Attribute(attr=attr):
                return Level.CLEAN if attr.isupper() else self.facts.attributes.get(attr, Level.RAW)
            case ast.Call():
                return self._call(node)
            case ast.BinOp(left=left, op=ast.Mod()):
                return min(self.level(left), self.level(node.right))
            case ast.BinOp(left=left, right=right):
                return min(self.level(left), self.level(right))
            case ast.UnaryOp() | ast.Compare():
                return Level.CLEAN
            case ast.BoolOp(values=values):
                return min(self.level(value) for value in values)
            case ast.IfExp(body=body, orelse=orelse):
                return min(self.level(body), self.level(orelse))
            case ast.NamedExpr(value=value) | ast.Starred(value=value) | ast.Await(value=value):
                return self.level(value)
            case ast.Subscript(value=value):
                return self.level(value)
            case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
                return min((self.level(element) for element in elements), default=Level.CLEAN)
            case ast.Dict(values=values):
                return min((self.level(value) for value in values), default=Level.CLEAN)
            case (
                ast.GeneratorExp(elt=element) | ast.ListComp(elt=element) | ast.SetComp(elt=element)
            ):
                return self.level(element)
        return Level.RAW

    def _piece(self, node: ast.expr) -> Level:
        if isinstance(node, ast.FormattedValue):
            spec = node.format_spec
            if isinstance(spec, ast.JoinedStr) and len(spec.values) == 1:
                only = spec.values[0]
                if isinstance(only, ast.Constant) and _NUMBER_FORMAT.match(str(only.value)):
                    return Level.CLEAN  # a string would raise with this format
            return self.level(node.value)
        return Level.CLEAN

    def _name(self, name: str) -> Level:
        if name.isupper() or name.lstrip("_").isupper():
            return Level.CLEAN  # a constant of ours
        for known, given in reversed(self._scopes):
            if name in known:
                return known[name]
            if name in given:
                key = f"{id(given)}:{name}"
                if key in self._open:  # `text = text + …`: the other assignments decide
                    return Level.DRAWN
                self._open.add(key)
                try:
                    return min(self.level(value) for value in given[name])
                finally:
                    self._open.discard(key)
        return Level.RAW

    def _call(self, node: ast.Call) -> Level:
        name = last_name(node.func)
        if name == "safe_text" or name in _NUMERIC:
            return Level.CLEAN
        if name in _DRAWERS or name in {"Strip", "Style", "assemble", "blank", "from_text"}:
            return Level.DRAWN
        if name in _PASSES:
            return min((self.level(argument) for argument in node.args), default=Level.RAW)
        if isinstance(node.func, ast.Attribute):
            owner = self.level(node.func.value)
            if name == "join":
                parts = [self.level(argument) for argument in node.args]
                return min([owner, *parts])
            if name in _KEEPS_CLEAN:
                return min([owner, *(self.level(argument) for argument in node.args)])
            if name in {"get", "values", "keys", "items", "copy"} and owner > Level.RAW:
                return min([owner, *(self.level(argument) for argument in node.args[1:])])
        return self.facts.returns.get(name, Level.RAW)

    def enter_module(self, tree: ast.Module) -> None:
        """Check one file; its own statements are the outermost scope."""
        inner = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        own = [item for item in tree.body if not isinstance(item, inner)]
        self._scopes.append(local_levels(ast.Module(body=own, type_ignores=[])))
        self.visit(tree)

    # -- where strings go -----------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Enter a function with the names that it binds."""
        self._enter(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """Enter a function with the names that it binds."""
        self._enter(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Enter a lambda with the names that it binds."""
        self._enter(node)

    def _enter(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        self._scopes.append(local_levels(node))
        self.generic_visit(node)
        self._scopes.pop()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Refuse the modules whose purpose is markup."""
        names = {alias.name for alias in node.names}
        if (node.module == "rich" and "print" in names) or node.module in _MARKUP_MODULES:
            self._report(node, "markup is never interpreted")

    def visit_Assign(self, node: ast.Assign) -> None:
        """Look at titles and tooltips, which interpret markup."""
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr in _TITLES:
                self._want_drawn(node.value, f"{target.attr} interprets markup")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Look at every call that shows something."""
        name = last_name(node.func)
        markup = _keyword(node, "markup")
        markup_off = isinstance(markup, ast.Constant) and markup.value is False
        if name in {"from_markup", "from_ansi"}:
            self._report(node, f"{name}() interprets foreign text")
        elif isinstance(markup, ast.Constant) and markup.value is True:
            self._report(node, "markup=True interprets foreign text")
        elif name == "notify" and isinstance(node.func, ast.Attribute):
            if not markup_off:
                self._report(node, "notify() needs markup=False")
            shown = [*node.args[:1], _keyword(node, "message"), _keyword(node, "title")]
            self._want_clean(shown, "notify()")
        elif name == "print" and isinstance(node.func, ast.Attribute):
            self._report(node, "console.print() interprets markup")
        elif name in _WIDGETS:
            self._widget(node, name, markup_off)
        elif name == "update" and isinstance(node.func, ast.Attribute) and node.args:
            if not isinstance(node.args[0], ast.Dict):
                self._want_drawn(node.args[0], ".update() interprets markup")
        elif name in _DRAWERS:
            first = [*node.args[:1], _keyword(node, "text")]
            self._want_clean(first, f"{name}()")
        elif name == "assemble":
            parts = [
                part.elts[0] if isinstance(part, ast.Tuple) and part.elts else part
                for part in node.args
            ]
            self._want_clean(parts, "assemble()")
        elif name in {"append", "insert"} and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if self._is_text(owner) and node.args:
                self._want_clean(node.args[:1], "Text.append()")
        self.generic_visit(node)

    def _widget(self, node: ast.Call, name: str, markup_off: bool) -> None:
        shown = [*node.args[:1], *(_keyword(node, word) for word in ("content", "label", "prompt"))]
        for value in shown:
            if value is None:
                continue
            if markup_off:
                self._want_clean([value], f"{name}()")
            else:
                self._want_drawn(value, f"{name}() interprets markup")

    def _is_text(self, owner: ast.expr) -> bool:
        return isinstance(owner, ast.Name | ast.Attribute) and self.level(owner) is Level.DRAWN

    def _want_clean(self, values: Sequence[ast.expr | None], where: str) -> None:
        for value in values:
            if value is not None and self.level(value) is Level.RAW:
                self._report(value, f"raw text in {where}: wrap it in safe_text()")

    def _want_drawn(self, value: ast.expr, why: str) -> None:
        literal = isinstance(value, ast.Constant)
        if not literal and self.level(value) is not Level.DRAWN:
            self._report(value, f"{why}: give it Text/Content made of safe_text(), or a literal")

    def _report(self, node: ast.AST, sentence: str) -> None:
        self.found.append((getattr(node, "lineno", 0), sentence))


_MARKUP_MODULES: Final = frozenset({"rich.markup", "textual.markup", "rich.ansi"})


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in node.keywords if item.arg == name), None)


def check_source(source: str, facts: Facts | None = None) -> Iterator[tuple[int, str]]:
    """Yield (line, sentence) for every violation in one file, permitted ones left out."""
    tree = ast.parse(source)
    if facts is None:
        facts = Facts()
        facts.learn([tree])
    checker = Checker(facts)
    checker.enter_module(tree)
    lines = source.splitlines()
    for line, sentence in sorted(set(checker.found)):
        if not any(_PERMIT.search(text) for text in lines[max(line - 2, 0) : line]):
            yield line, sentence


def main() -> int:
    """Check the packages that draw; 1 if anything was found."""
    files = {
        path: path.read_text("utf-8")
        for folder in LEARNT
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    facts = Facts()
    facts.learn(ast.parse(source, str(path)) for path, source in files.items())
    found = 0
    for path, source in files.items():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(CHECKED):
            for line, sentence in check_source(source, facts):
                print(f"{name}:{line}: {sentence}")
                found += 1
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
