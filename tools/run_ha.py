"""``make test-ha``: run tests/ha with pytest; a suite that is still empty is said, not an error.

High-availability tests stop and kill whole servers, so they run one after the other.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the suite and return pytest's exit code."""
    if not any((ROOT / "tests" / "ha").rglob("test_*.py")):
        print("tests/ha holds no tests yet: nothing to run")
        return 0
    command = [sys.executable, "-m", "pytest", "tests/ha", *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
