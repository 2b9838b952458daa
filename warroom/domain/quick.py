"""Frozen dataclasses with slots, made at a third of the price.

The ``__init__`` that a frozen dataclass gets goes through ``object.__setattr__`` for every field;
with twenty fields that is a fifth of what reading a whole alert costs.  Without ``frozen`` it is
plain assignments.  So the fields are set on a twin that is not frozen, which then becomes what it
is a twin of: both have the same slots, hence the same shape in memory, and Python allows that.
"""

from __future__ import annotations

from dataclasses import field, fields, make_dataclass
from typing import TypeVar, cast

T = TypeVar("T")


def quick_maker(frozen: type[T]) -> type[T]:
    """Return what to call instead of ``frozen``; what it returns is in no way different.

    Args:
        frozen: a dataclass with ``frozen=True, slots=True`` and no base; its own
            ``__post_init__`` would not be called.
    """

    def freeze(self: object) -> None:
        self.__class__ = frozen

    twin = make_dataclass(
        frozen.__name__,
        [
            (each.name, each.type, field(default=each.default, kw_only=each.kw_only))
            for each in fields(frozen)  # type: ignore[arg-type]
        ],
        slots=True,
        namespace={"__post_init__": freeze},
    )
    return cast("type[T]", twin)
