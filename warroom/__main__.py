"""``python -m warroom`` is ``warroom``."""

from __future__ import annotations

import sys

from warroom.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
