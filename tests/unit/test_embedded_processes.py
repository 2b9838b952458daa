"""Who ends with whoever started it, and who goes on alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from warroom.embedded.processes import PARENT_VARIABLE

ASK = "from warroom.embedded.processes import goes_with_parent as g; print(g())"
ME = "the process that asks"


@pytest.mark.parametrize(
    ("named", "goes"),
    [
        (None, False),  # started by hand
        ("", False),
        ("nobody", False),
        ("0", False),  # detached: its starter is gone at once, and it stays
        (ME, False),  # its parent lives
        ("1999999999", True),  # its parent died, and another process adopted it
    ],
)
def test_only_whoever_was_told_to_goes_with_its_parent(named: str | None, goes: bool) -> None:
    environment = {k: v for k, v in os.environ.items() if k != PARENT_VARIABLE}
    if named is not None:
        environment[PARENT_VARIABLE] = str(os.getpid()) if named == ME else named
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(goes)
