"""The second code path, limits: what plain mpmath is not asked for, as it would take too long or fail."""

from typing import Any, Final

from mpmath import mp


class NotReplayed(Exception):
    """The second code path has no answer; `reason` is a clause for reports."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Undefined(NotReplayed):
    """A part has no value: a division by zero, a root of a negative number."""


MOST_EXPONENT: Final = 64
"""The most bits before the point of an exponent of a power."""

MOST_MAGNITUDE: Final = 512
"""The most bits before the point of an argument of a transcendental function."""

MOST_ENTRIES: Final = 2**18
MOST_ROWS: Final = 170
"""The most rows and columns of a matrix that is inverted or whose singular values are found."""

MOST_ROWS_OF_ANY: Final = 48
"""The most rows of a matrix, not symmetric, whose eigenvalues are found; that takes fifty times as long."""

MOST_PRODUCTS: Final = 10**8


def of_size(x: Any, most: int) -> Any:
    """The number, if it is below 2**most in size. Raises NotReplayed."""
    if x and mp.mag(x) > most:
        raise NotReplayed("not available for numbers as large as here")
    return x


def of_rows(A: list[list[Any]], most: int) -> None:
    """Raises NotReplayed for a matrix that is too large for mpmath's linear algebra."""
    if min(len(A), len(A[0])) > most:
        raise NotReplayed("not available for a matrix of this size")
