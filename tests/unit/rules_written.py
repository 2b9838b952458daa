"""The names of the rules that refuse, read from the domain's own source."""

from __future__ import annotations

import ast
from pathlib import Path

from warroom.domain import incident_moves


def rules_in_the_source() -> set[str]:
    """Return the names of all rules that the domain's source writes down."""
    domain = Path(incident_moves.__file__).parent
    found: set[str] = set()
    for path in domain.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id == "Rule":
                found |= {str(a.value) for a in node.args if isinstance(a, ast.Constant)}
            for word in node.keywords:
                if word.arg == "rule" and isinstance(word.value, ast.Constant):
                    found.add(str(word.value.value))
    return found
