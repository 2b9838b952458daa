"""Circles among pairs: who needs whom needs whom and so needs itself."""

from __future__ import annotations

from collections.abc import Collection

Pair = tuple[str, str]


def cycles(pairs: Collection[Pair]) -> list[tuple[str, ...]]:
    """Return the sets of names that reach each other, each sorted, the largest first.

    Tarjan's strongly connected components, without recursion: a chain of 100,000 is no problem.
    """
    needs: dict[str, list[str]] = {}
    for name, needed in sorted(pairs):
        needs.setdefault(name, []).append(needed)
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    is_open: set[str] = set()
    found: list[tuple[str, ...]] = []
    for start in needs:
        if start in number:
            continue
        work: list[tuple[str, int]] = [(start, 0)]
        while work:
            name, at = work.pop()
            if at == 0:
                number[name] = low[name] = len(number)
                open_.append(name)
                is_open.add(name)
            following = needs.get(name, ())
            deeper = False
            for index in range(at, len(following)):
                needed = following[index]
                if needed not in number:
                    work += [(name, index + 1), (needed, 0)]
                    deeper = True
                    break
                if needed in is_open:
                    low[name] = min(low[name], number[needed])
            if deeper:
                continue
            if low[name] == number[name]:
                found += _close(name, open_, is_open)
            if work:
                above = work[-1][0]
                low[above] = min(low[above], low[name])
    return sorted(found, key=lambda c: (-len(c), c))


def _close(name: str, open_: list[str], is_open: set[str]) -> list[tuple[str, ...]]:
    """Take a component off the stack; only one of several names is a circle."""
    component: list[str] = []
    while True:
        last = open_.pop()
        is_open.discard(last)
        component.append(last)
        if last == name:
            return [tuple(sorted(component))] if len(component) > 1 else []
