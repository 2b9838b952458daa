"""What the safe-text rule knows before it looks at a call: return types, attributes, variables.

Python's ``ast`` has no types, so names stand for what they are annotated with: a function or an
attribute counts as safe when every declaration of that name in the checked packages says so.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final


class Level(IntEnum):
    """How far an expression may be trusted; the weaker part decides for the whole."""

    RAW = 0  # may hold anything: must not be shown
    CLEAN = 1  # harmless characters (SafeText, numbers, literals), but may look like markup
    DRAWN = 2  # Text, Content, Strip, Segment: nothing in it is interpreted any more


NUMBERS: Final = frozenset({"int", "float", "bool", "None", "timedelta", "datetime", "UUID"})
DRAWN_TYPES: Final = frozenset({"Text", "Content", "Strip", "Segment", "Style", "Table"})
_CONTAINERS: Final = frozenset(
    {"list", "tuple", "Sequence", "Iterable", "Iterator", "Mapping", "dict", "Final", "ClassVar"}
    | {"ComposeResult", "frozenset", "set", "Literal", "reactive", "var"}
)


def annotation_level(node: ast.expr | None) -> Level:
    """Return what an annotation promises; unions and containers promise their weakest part."""
    if node is None:
        return Level.RAW
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return annotation_level(ast.parse(node.value, mode="eval").body)
        return Level.DRAWN if node.value is None or node.value is Ellipsis else Level.RAW
    if isinstance(node, ast.BinOp):
        return min(annotation_level(node.left), annotation_level(node.right))
    if isinstance(node, ast.Subscript):
        outer = last_name(node.value)
        if outer == "Literal":
            return Level.CLEAN
        if outer not in _CONTAINERS:
            return Level.RAW
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return min((annotation_level(part) for part in inner), default=Level.RAW)
    name = last_name(node)
    if name in DRAWN_TYPES:
        return Level.DRAWN
    return Level.CLEAN if name == "SafeText" or name in NUMBERS else Level.RAW


def last_name(node: ast.expr) -> str:
    """Return ``c`` of ``a.b.c`` or of ``c``, empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


@dataclass(slots=True)
class Facts:
    """Levels by bare name, over all files that were shown to ``learn``."""

    returns: dict[str, Level] = field(default_factory=dict)
    attributes: dict[str, Level] = field(default_factory=dict)

    def learn(self, trees: Iterable[ast.Module]) -> None:
        """Take in every function's return type and every class attribute's annotation."""
        for tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    kind = "attributes" if _is_property(node) else "returns"
                    self._note(kind, node.name, annotation_level(node.returns))
                elif isinstance(node, ast.ClassDef):
                    for item in node.body:
                        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                            level = annotation_level(item.annotation)
                            self._note("attributes", item.target.id, level)
                elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
                    level = annotation_level(node.annotation)
                    self._note("attributes", node.target.attr, level)

    def _note(self, kind: str, name: str, level: Level) -> None:
        table = getattr(self, kind)
        table[name] = min(level, table.get(name, level))


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(last_name(item) in {"property", "cached_property"} for item in node.decorator_list)


def local_levels(
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module,
) -> tuple[dict[str, Level], dict[str, list[ast.expr]]]:
    """Return a function's annotated names, and for the others the expressions they are given.

    A name that is bound in a way this cannot follow (``with``, ``except``, unpacking) gets an
    expression of its own that counts as raw.
    """
    known: dict[str, Level] = {}
    if not isinstance(function, ast.Module):
        listed = function.args
        for argument in [*listed.posonlyargs, *listed.args, *listed.kwonlyargs]:
            known[argument.arg] = annotation_level(argument.annotation)
    given: dict[str, list[ast.expr]] = defaultdict(list)
    for node in ast.walk(function):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            known[node.target.id] = annotation_level(node.annotation)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                _bind(target, node.value, given)
        elif isinstance(node, ast.AugAssign | ast.NamedExpr):
            if isinstance(node.target, ast.Name):
                given[node.target.id].append(node.value)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            _bind_loop(node.target, node.iter, given)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            _bind(node.optional_vars, node.context_expr, given)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            given[node.name].append(ast.Name(id="?", ctx=ast.Load()))
    return known, dict(given)


def _bind(target: ast.expr, value: ast.expr, given: dict[str, list[ast.expr]]) -> None:
    if isinstance(target, ast.Name):
        given[target.id].append(value)
    elif isinstance(target, ast.Tuple | ast.List):
        same = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        parts = value.elts if same and isinstance(value, ast.Tuple | ast.List) else None
        for index, item in enumerate(target.elts):
            _bind(item, parts[index] if parts else value, given)


def _bind_loop(target: ast.expr, source: ast.expr, given: dict[str, list[ast.expr]]) -> None:
    """Bind a loop's variable to its source: a container counts as its weakest element."""
    counted = isinstance(source, ast.Call) and last_name(source.func) == "enumerate"
    if counted and isinstance(source, ast.Call) and isinstance(target, ast.Tuple):
        _bind(target.elts[0], ast.Constant(value=0), given)
        _bind(target.elts[-1], source.args[0], given)
    else:
        _bind(target, source, given)
