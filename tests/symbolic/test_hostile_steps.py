"""Steps made to hang or to grow: each gets an answer within its limits, and none is a wrong one."""

import time

import pytest
from step_samples import Text, decide

SECONDS = 2.0
PLENTY = 20.0
MANY = [f"x{i}" for i in range(60)]


def _roots(depth: int) -> str:
    text = "x"
    for _ in range(depth):
        text = f"sqrt({text} + 1)"
    return text


HOSTILE: dict[str, tuple[Text, str]] = {
    "nested roots": ((["x > 0"], f"{_roots(60)} > 0"), "not fails"),
    "nested fractions": ((["x > 0"], "1/(1 + " * 50 + "x" + ")" * 50 + " > 0"), "holds"),
    "60 variables": (([f"{x} >= 0" for x in MANY], "+".join(f"{x}*x1" for x in MANY) + " >= 0"), "not fails"),
    "60 variables, wrong": (
        ([], f"({'+'.join(MANY)})**2 <= 59*({'+'.join(f'{x}**2' for x in MANY)})"),
        "not holds",
    ),
    "extremes of 60": (([], f"min({', '.join(MANY)}) <= max({', '.join(MANY)})"), "not fails"),
    "the largest exponent of the solvers": ((["0 <= x", "x <= y"], "x**64 <= y**64"), "not fails"),
    "the largest exponent": ((["0 <= x", "x <= y"], "x**10000 <= y**10000"), "not fails"),
    "the largest exponent, wrong": ((["0 <= x", "x <= y"], "y**10000 <= x**9999 + 1"), "fails"),
    "powers of powers": ((["x >= 1"], "((((x**64)**64)**64)**64)**64 >= 1"), "holds"),
    "equations that double": (
        ([f"x{i + 1} == x{i}*x{i} + x{i}" for i in range(40)], "x40 >= -1"),
        "not fails",
    ),
    "thousands of assumptions": (
        ([*(f"x{i % 50} <= {i}" for i in range(3000)), "x1 > 0"], "x1 > -1"),
        "not fails",
    ),
    "a thousand exponentials": (
        ([f"exp(x{i % 60}*{i}) >= {i}" for i in range(1000)], "x1 > -1"),
        "not holds",
    ),
    "a long number": ((["x > 0"], f"x*{'9' * 60} > 1e-300"), "fails"),
    "nothing at all": (([], "2 < 1"), "fails"),
    "division by zero": (([], "1/0 == 1"), "undecided"),
    "an assumption without a value": ((["1/0 == 1"], "1 == 2"), "undecided"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_step_is_answered_within_its_limits(name: str) -> None:
    """
    No exception, no endless work, and never the wrong verdict.
    """
    (assume, show), expected = HOSTILE[name]

    begun = time.monotonic()
    record = decide(assume, show, seconds=SECONDS if expected.startswith("not ") else PLENTY)

    assert time.monotonic() - begun < 120  # far beyond the limit: a hang, not a slow machine
    if expected.startswith("not "):
        assert record.status != expected.removeprefix("not "), record
    else:
        assert record.status == expected, record
