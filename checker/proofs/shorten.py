"""A confirmed counterexample with plainer numbers, confirmed again at every move."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

from checker.proofs.exact import Found, cost

_PLAIN: Final = tuple(Fraction(x) for x in ("0", "1", "2", "1/2", "3", "3/2", "4", "10", "-1", "1/10"))
_DENOMINATORS: Final = (1, 2, 3, 4, 6, 10, 100, 10**4)
_CHECKS: Final = 120


def shortened(
    found: Found, variables: tuple[str, ...], confirm: Callable[[Found], bool], checks: int = _CHECKS
) -> Found:
    """The point with as plain numbers as one move at a time finds; `confirm` judges every candidate."""
    best, price = found, cost(found.shown(variables))
    improved = True
    while improved:
        improved = False
        for candidate in _moves(best):
            if checks <= 0:
                return best
            new = cost(candidate.shown(variables))
            if new >= price:
                continue
            checks -= 1
            if confirm(candidate):
                best, price, improved = candidate, new, True
                break
    return best


def _moves(found: Found) -> Iterator[Found]:
    """The same point with one value (first: with all) replaced by a plainer one."""
    for denominator in _DENOMINATORS[:4]:
        rounded = {name: value.limit_denominator(denominator) for name, value in found.point.items()}
        yield Found(rounded, found.solved)
    longest = sorted(found.point, key=lambda name: -len(str(found.point[name])))
    for name in longest:
        value = found.point[name]
        near = (value.limit_denominator(denominator) for denominator in _DENOMINATORS)
        for plain in dict.fromkeys((*near, *_PLAIN)):
            if plain != value and len(str(plain)) <= len(str(value)):
                yield Found({**found.point, name: plain}, found.solved)
