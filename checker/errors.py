"""Users' mistakes: every one is a `CheckerError` whose text is the one line a user reads."""


class CheckerError(Exception):
    """A mistake in the input: says where it is, what is wrong, and what to write instead."""


class ExpressionError(CheckerError):
    """An expression that cannot be read or does not fit; `column` counts from 1."""

    def __init__(self, message: str, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


class TheoremError(CheckerError):
    """A theorem file that cannot be used; the text names file, key and column."""


class UsageError(CheckerError):
    """A command line or configuration that cannot be used."""


class NotEnclosed(Exception):
    """No enclosure was found at this precision: the question stays undecided.

    `reason` is a short clause for reports, such as "the equilibrium is not certified".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CertainlyUndefined(Exception):
    """A part of an expression has certainly no value (division by exact zero, root of a negative)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
