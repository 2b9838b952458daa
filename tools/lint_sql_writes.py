"""Lint rule: statements that write to the database stand in services (and what they stand on).

Every change is an audited command, and ``warroom/services`` are the only writers.  This rule
looks for ``INSERT INTO``, ``UPDATE … SET``, ``DELETE FROM``, ``TRUNCATE`` and ``MERGE INTO`` at
the beginning of a string, and for SQLAlchemy's ``insert()``, ``update()`` and ``delete()``
imported from it, in all other packages of the product.  A definer function called by ``SELECT``
is not seen: those are named in the schema and guarded by grants.

A line ``# lint: sql-write <reason>`` on or above the statement permits one.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("warroom", "screens", "widgets")
# The unit of work writes the idempotency record.
ALLOWED: Final = ("warroom/services/", "warroom/db/uow.py")
_WRITE: Final = re.compile(
    r"^\s*(WITH\b.{0,2000}?\)\s*)?(INSERT\s+INTO\b|UPDATE\s+[\w.\"]+(\s+(AS\s+)?\w+)?\s+SET\b"
    r"|DELETE\s+FROM\b|TRUNCATE\s+(TABLE\s+)?[\w.\"]+\s*($|[;,])|MERGE\s+INTO\b)",
    re.IGNORECASE | re.DOTALL,
)
_BUILDERS: Final = frozenset({"insert", "update", "delete"})
_PERMIT: Final = re.compile(r"#\s*lint:\s*sql-write\s+\S+")


def check_source(source: str, path: str) -> Iterator[tuple[int, str]]:
    """Yield (line, sentence) for every write in one file."""
    if path.startswith(ALLOWED):
        return
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source, path)):
        for line, what in _writes(node):
            near = lines[max(line - 2, 0) : line]
            if not any(_PERMIT.search(text) for text in near):
                yield line, f"{what}: only warroom/services writes to the database"


def _writes(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if match := _WRITE.match(node.value):
            yield node.lineno, f"SQL {' '.join(match.group(2).split()[:2]).upper()}"
    elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
        for alias in node.names:
            if alias.name in _BUILDERS:
                yield node.lineno, f"sqlalchemy.{alias.name}"
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _BUILDERS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"sa", "sqlalchemy", "postgresql", "pg"}
    ):
        yield node.lineno, f"{node.func.value.id}.{node.func.attr}()"


def main() -> int:
    """Check the product; 1 if anything was found."""
    found = 0
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for line, sentence in sorted(set(check_source(path.read_text("utf-8"), name))):
                print(f"{name}:{line}: {sentence}")
                found += 1
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
