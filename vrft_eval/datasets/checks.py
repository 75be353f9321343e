"""Small checks of decoded values that several loaders need."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

# Beyond it, a whole number is no longer one as a JSON number of other languages, and float() could overflow.
LARGEST = 2**53


def is_number(value: Any) -> TypeGuard[int | float]:
    """A finite number that a float can hold; booleans are none.

    >>> is_number(1.5), is_number(True), is_number(float("nan")), is_number(10**400)
    (True, False, False, False)
    """
    kind = type(value)
    return (kind is float and math.isfinite(value)) or (kind is int and -LARGEST < value < LARGEST)


def is_whole(value: Any) -> TypeGuard[int]:
    """A whole number that every JSON reader keeps.

    >>> is_whole(3), is_whole(3.0), is_whole(True)
    (True, False, False)
    """
    return type(value) is int and -LARGEST < value < LARGEST


def is_name(value: Any) -> TypeGuard[str]:
    """Text that isn't blank.

    >>> is_name("cat"), is_name(" "), is_name(3)
    (True, False, False)
    """
    return isinstance(value, str) and bool(value.strip())
