"""``make lint``: run every check, show all that fail, end with one line a check."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent
CHECKS: Final[tuple[tuple[str, list[str]], ...]] = (
    ("ruff check", [str(BIN / "ruff"), "check", "."]),
    ("ruff format", [str(BIN / "ruff"), "format", "--check", "."]),
    ("safe text", [sys.executable, "tools/lint_safe_text.py"]),
    ("sql writes", [sys.executable, "tools/lint_sql_writes.py"]),
    ("import-linter", [str(BIN / "lint-imports")]),
    ("mypy", [str(BIN / "mypy")]),
)


def main() -> int:
    """Run the checks one after the other; 0 if all pass, 1 otherwise."""
    results = []
    for name, command in CHECKS:
        print(f"== {name}", flush=True)
        started = time.monotonic()
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        results.append((name, code, time.monotonic() - started))
    print()
    for name, code, seconds in results:
        print(f"{'ok    ' if code == 0 else 'FAILED'} {name} ({seconds:.1f} s)")
    return int(any(code for _, code, _ in results))


if __name__ == "__main__":
    sys.exit(main())
