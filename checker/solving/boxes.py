"""Claims over intervals: what holds for every value in them, in outward floats."""

import math

from flint import arb

from checker.expression.ranges import Ranges
from checker.expression.simplify import sides
from checker.expression.tree import Atom, Claim, Comparison
from checker.solving.oracle import FAR


def surely(claim: Claim, box: Ranges) -> bool:
    """Does the claim have a truth value and hold, for every value in the box?"""
    return all(not isinstance(part, Atom) and _holds(part, box) for part in claim.parts) and box.certain


def _holds(part: Comparison, box: Ranges) -> bool:
    small, large = map(box.node, sides(part))
    if part.operator == "==":
        return small[0] == small[1] == large[0] == large[1]
    return small[1] < large[0] or (part.operator in {"<=", ">="} and small[1] <= large[0])


def box_margin(part: Comparison, box: Ranges) -> arb | None:
    """log of the larger side's lower end over the smaller side's upper end; None where one is unbounded."""
    small, large = map(box.node, sides(part))
    if (math.isinf(large[0]) and large[0] < 0) or math.isinf(small[1]):
        return None
    if large[0] <= 0:
        return arb(-FAR)
    if small[1] <= 0:
        return arb(FAR)
    return arb(max(-FAR, min(FAR, math.log(large[0]) - math.log(small[1]))))
