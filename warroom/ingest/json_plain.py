"""The quick way to read JSON: for a body that is certainly harmless, and silent about all others.

The strict reader (``json_body.py``) runs code of ours for every object and every number.  orjson
runs none, but it keeps the last of two equal keys, makes floats of large whole numbers and takes
NUL.  So what it has read counts only where the bytes prove that the strict reader would have read
the same; everything else, and everything that must be refused, is the strict reader's.

What is asked of the bytes is one search each.  A question may be answered "unsure" too often (a
text with `` :`` in it is enough), never too seldom.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

UNSURE: Final = object()
"""What ``read_plain`` returns instead of a value; null is a value."""

# A number of more than 100 characters has 32 digits in a row: there are four other characters in
# it at most, and three runs of digits (before the point, after it, in the exponent).
_LONG_NUMBER: Final = re.compile(rb"[0-9]{32}")
# From here on a float may have been a whole number that did not fit into 64 bits.
_LARGE: Final = 2.0**63


def read_plain(body: bytes, depth: int) -> Any:
    """Return the JSON value that ``body`` holds if nothing about it is unusual, else ``UNSURE``.

    Args:
        body: the bytes.
        depth: how many objects and lists may stand in one another.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return UNSURE
    if (b"\\" in body and b"\\u0000" in body) or not _colons_follow_quotes(body):
        return UNSURE
    # Now every key that was written ends in a quote and a colon.  A text may look like that too,
    # and a key that is there twice is in the value only once: each makes this number the larger.
    # So where they are equal there is neither.
    return value if _count_keys(value, depth, body) == body.count(b'":') else UNSURE


def _colons_follow_quotes(body: bytes) -> bool:
    """Say whether no white space stands before a colon, inside a text or outside."""
    return not (
        b" :" in body
        # Other white space is found in bodies that were printed for people, if at all: looking for
        # one byte is some forty times as fast as looking for two.
        or (b"\n" in body and b"\n:" in body)
        or (b"\r" in body and b"\r:" in body)
        or (b"\t" in body and b"\t:" in body)
    )


def _count_keys(value: Any, depth: int, body: bytes) -> int:
    """Return how many keys there are in all; -1 for numbers in doubt, and for too deep a value."""
    keys = 0
    floats = False
    level: list[Any] = [[value]]  # in a list of ours: a body may be one bare number
    for _ in range(depth + 1):
        deeper: list[Any] = []
        for container in level:
            inside = container
            if type(container) is dict:
                keys += len(container)
                inside = container.values()
            for inner in inside:
                kind = type(inner)
                if kind is str:
                    continue
                if kind is dict or kind is list:
                    deeper.append(inner)
                elif kind is float:
                    if abs(inner) >= _LARGE:
                        return -1
                    floats = True
        if not deeper:
            return -1 if floats and _LONG_NUMBER.search(body) else keys
        level = deeper
    return -1
