"""Numbers too large, runs too long, arrays too big: a file that asks for them is answered soon."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from certificate_samples import deq, least_squares, put
from flint import arb, arb_mat, ctx, fmpq
from forged_samples import NEURON, POINT, forged, replace_fields, theorem_of
from mpmath import mp

from checker.certificate import verify
from checker.certificate_bounds import bounds_of, misfit, read_bounds
from checker.certificate_format import BoundsPart, ViolationPart, sealed
from checker.certificate_reading import NotJson, parsed
from checker.certificate_size import check_size
from checker.certificate_writing import build_certificate
from checker.configuration import ExactArray
from checker.enclosure import decimal_bounds
from checker.errors import NotEnclosed
from checker.expression.arrays import BALL_ARRAYS, FUNCTIONS_OF_ONE
from checker.expression.enclose import Judgement
from checker.expression.parse import parse_expression
from checker.rational_polynomials import NotRational
from checker.rational_roots import minus, root
from checker.rational_story import exact_scalar
from checker.replay_arrays import array_of
from checker.replay_values import NotReplayed, evaluate, power, times
from checker.verdict import Verdict
from checker.violation import judge_step


def names(count: int) -> str:
    """Parameters p0, p1, ..., each for all values."""
    return "[parameters]\n" + "".join(f'p{k} = {{ quantifier = "forall" }}\n' for k in range(count))


def chain(count: int, link) -> dict[str, str]:
    """Parameters, each given in terms of the one before."""
    return {"p0": "1"} | {f"p{k}": link(f"p{k - 1}") for k in range(1, count)}


SMALL = '\n[conclusions]\nc = "loss <= 0"\n'
TOWER = "\n[parameters]\n" + "".join(f'{name} = {{ quantifier = "forall" }}\n' for name in "abg")
STEP = '\n[parameters]\neta = { domain = "0 < eta" }\n'


def undecided(tmp_path, certificate) -> str:
    """The reason why `verify` leaves the file undecided."""
    report = verify(put(tmp_path, certificate))
    assert report.status == "undecided"
    return report.reason


# Tiny and huge sides


TINY = '\n[conclusions]\nc = "loss <= exp({})*norm2(y)**2"\n'


@pytest.mark.parametrize("exponent", ["-10**4", "-10**5", "-10**6", "-10**18", "-10**30"])
def test_a_side_near_zero_is_recorded_and_found_again(tmp_path, exponent):
    """
    A true certificate is valid however small a side is; where its exponent is long it has no bounds.
    """
    theorem = theorem_of(TINY.format(exponent))
    configuration = least_squares(theorem, [[1.0]], [1.0], [0.0])
    judgement = judge_step(theorem, configuration, "c", 0, 192)
    report = verify(put(tmp_path, build_certificate(theorem, configuration, "c", 0, 192, judgement)))

    assert judgement.verdict is Verdict.FAILS
    assert report.status == "valid", report.reason


def test_bounds_with_long_exponents_are_null_and_every_other_is_read_back():
    """
    What is written is read: no exponent has more digits than a reader takes.
    """
    with ctx.workprec(192):
        assert bounds_of(arb(-(10**6)).exp()) == BoundsPart(None, None)
        assert bounds_of(arb(10**6).exp()) == BoundsPart(None, None)
        for k in (-150_000, -3_000, 3_000, 150_000):
            assert read_bounds(bounds_of(arb(k).exp())) is not None
    long = fmpq(3) ** 20_000 / fmpq(7) ** 4
    bounds = read_bounds(bounds_of(long))
    assert bounds is not None and bounds[0] <= Fraction(3**20_000, 7**4) <= bounds[1]


def _judged(lhs) -> Judgement:
    return Judgement(Verdict.FAILS, "<=", lhs, fmpq(0), 1.0)


@pytest.mark.parametrize(
    ("lo", "hi", "fits"),
    [(None, None, True), ("0", "1", True), ("1e-9", "1", False), ("-1", "0", False), ("x", "1", False)],
)
def test_a_side_without_decimals_is_compared_as_a_ball(lo, hi, fits):
    """
    Bounds recorded for a side too small to be written out must hold its ball all the same.
    """
    recorded = ViolationPart("<=", BoundsPart(lo, hi), BoundsPart("0", "0"))
    with ctx.workprec(192):
        assert (misfit(recorded, _judged(arb(-(10**6)).exp())) == "") is fits


def test_decimals_are_refused_for_monstrous_exponents():
    """
    A ball around 10**(10**60) has no decimal digits that could be written down.
    """
    with ctx.workprec(128):
        assert decimal_bounds((arb(10) ** 59).exp()) == (None, None)
        lo, hi = decimal_bounds(arb(10**12).exp())
    assert lo is not None and hi is not None and lo.endswith("e+434294481903")


def test_a_monstrous_side_is_answered(tmp_path):
    """
    A number with 10**59 digits is larger than 0, and both paths see it.
    """
    certificate = forged('\n[conclusions]\nc = "exp(10**50*10**9) <= 0"\n', "c", POINT)

    assert verify(put(tmp_path, certificate)).status == "valid"


# Parameters in terms of each other


@pytest.mark.parametrize("conclusion", ["loss <= 0", "exp(loss) <= 0", "loss <= p59"])
def test_a_chain_that_doubles_is_refused(tmp_path, conclusion):
    """
    Sixty parameters, each the difference of the one before with itself, are 2**59 parts when written out.
    """
    more = names(60) + f'\n[conclusions]\nc = "{conclusion}"\n'
    certificate = forged(more, "c", POINT, parameters=chain(60, lambda p: f"{p}-{p}"))

    assert (
        undecided(tmp_path, certificate) == "configuration: the parameter p16 is too large once written out"
    )


def test_a_deep_chain_is_refused(tmp_path):
    """
    Ninety-nine parameters nested forty deep each would exhaust the stack.
    """
    link = "sqrt(" * 40 + "abs({})" + ")" * 40
    certificate = forged(names(99) + SMALL, "c", POINT, parameters=chain(99, link.format))

    assert "is too large once written out" in undecided(tmp_path, certificate)


def test_every_parameter_is_evaluated_once():
    """
    Both second paths keep what they know: a chain that doubles takes them no time either.
    """
    theorem = theorem_of(names(60) + SMALL)
    configuration = least_squares(theorem, [[1.0]], [1.0], [0.0])
    nodes = {name: parse_expression(text) for name, text in chain(60, lambda p: f"{p}-{p}/2").items()}
    object.__setattr__(configuration, "parameters", nodes)
    array = ExactArray(np.array([1.0]), "constant", parse_expression("p59"))

    assert exact_scalar(parse_expression("p59"), configuration) == fmpq(1, 2**59)
    assert array_of(array, configuration) == [mp.mpf(2) ** -59]


# Numbers too large for the second path


@pytest.mark.parametrize(
    "parameters",
    [{"a": "10**60", "b": "2**a", "g": "2**b"}, {"a": "exp(1000)", "b": "exp(a)", "g": "exp(b)"}],
)
def test_towers_are_undecided(tmp_path, parameters):
    """
    A tower of powers has no number in any path.
    """
    certificate = forged(TOWER + SMALL, "c", POINT, parameters=parameters)

    assert "not available for numbers as large as here" in undecided(tmp_path, certificate)


@pytest.mark.parametrize(
    "text",
    ["sin(exp(exp(22)))", "cos(exp(exp(22)))", "tanh(exp(exp(22)))", "exp(exp(exp(9)))", "eye(exp(99))"],
)
def test_the_second_path_refuses_large_arguments(text):
    """
    mpmath would reduce them with billions of digits, or overflow.
    """
    with mp.workdps(60), pytest.raises(NotReplayed):
        evaluate(parse_expression(text), None)


def test_the_second_path_refuses_large_powers():
    """
    Neither a huge exponent nor a base with a huge exponent has a power there.
    """
    with mp.workdps(60):
        for x, y in (
            (mp.mpf(2), mp.mpf(10) ** 60),
            (mp.mpf(2) ** (2**70), mp.mpf(2)),
            (mp.mpf(3), mp.exp(99)),
        ):
            with pytest.raises(NotReplayed):
                power(x, y)
        assert power(mp.mpf(2), mp.mpf(100)) == 2**100


def test_roots_of_negative_numbers_are_refused():
    """
    Neither path takes -2 for its own root.
    """
    theorem = theorem_of(SMALL, "deq")
    configuration = deq(theorem, **NEURON)
    negative = ExactArray(np.array([[0.5]]), "goe", parse_expression("0-1/8"))

    with pytest.raises(NotRational):
        root(fmpq(-2), 2)
    with pytest.raises(NotRational):
        root(minus(fmpq(1), root(fmpq(2), 2)), 2)
    with mp.workdps(60), pytest.raises(NotReplayed):
        array_of(negative, configuration)


@pytest.mark.parametrize("error", [OverflowError, MemoryError, TypeError, RecursionError, ZeroDivisionError])
def test_a_second_path_that_breaks_is_undecided(tmp_path, monkeypatch, error):
    """
    Whatever a number makes a library raise, there is an answer, and it is no claim.
    """

    def broken(*_arguments):
        raise error("too large")

    monkeypatch.setattr("checker.certificate.check_second_path", broken)
    reason = undecided(tmp_path, forged(SMALL, "c", POINT))

    assert reason == f"second code path: it cannot be carried out: {error.__name__}"


def test_a_first_path_that_breaks_is_undecided(tmp_path, monkeypatch):
    """
    The same where balls, or exact numbers, have no answer.
    """

    def broken(*_arguments):
        raise OverflowError("too large")

    monkeypatch.setattr("checker.certificate.rational_replay", broken)
    reason = undecided(tmp_path, forged(SMALL, "c", POINT))

    assert reason == "program: it cannot carry out this check: OverflowError"


# Work and memory


def _wide(d: int, n: int = 1) -> dict:
    return {"X": np.ones((d, n)), "y": np.ones(n), "W": [[0.5]], "U": np.zeros((1, d)), "a": [0.0]}


TOO_LARGE = {
    "a product of a matrix with itself": ("trace(X @ transpose(X)) <= 0", {"arrays": _wide(20_000)}),
    "an identity": ("trace(eye(d)) <= 0", {"arrays": _wide(8192)}),
    "an inverse": ("norm_fro(inv(eye(d) + X @ transpose(X))) <= 0", {"arrays": _wide(1500)}),
    "an eigenvalue": ("lambda_min(G) > 1", {"arrays": _wide(1, 1500)}),
    "a million steps": (
        "loss <= 0",
        {"more": STEP, "algorithm": "gradient-descent", "step": 10**6, "parameters": {"eta": "1/3"}},
    ),
    "training of a wide model": (
        "loss <= 0",
        {
            "more": STEP, "algorithm": "gradient-descent", "step": 200, "parameters": {"eta": "1/3"},
            "arrays": {
                "X": np.ones((1, 8)), "y": np.ones(8), "W": np.eye(100) / 4, "U": np.ones((100, 1)),
                "a": np.ones(100),
            },
        },
    ),
    "a million bits": (
        "loss <= 0", {
            "more": STEP, "algorithm": "gradient-descent", "step": 10**4, "precision": 2**20,
            "parameters": {"eta": "1/3"},
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large_is_seen_before_it_is_computed(tmp_path, monkeypatch, name):
    """
    The work and the memory of claims and steps are bounded from shapes, steps and bits alone.
    """
    claim, given = TOO_LARGE[name]
    given = {"arrays": POINT, "more": ""} | given
    given["more"] += f'\n[conclusions]\nc = "{claim}"\n'
    certificate = forged(given.pop("more"), "c", given.pop("arrays"), **given)
    monkeypatch.setattr("checker.certificate.check_laws", None)  # nothing is asked after the size

    assert undecided(tmp_path, certificate) == "size: the run is too large to be made again"


def test_common_runs_are_not_too_large():
    """
    Two hundred steps of a moderate model, and a long precision, are made again.
    """
    m, d, n = 32, 16, 16
    arrays = {
        "X": np.ones((d, n)),
        "y": np.ones(n),
        "W": np.eye(m) / 4,
        "U": np.ones((m, d)),
        "a": np.ones(m),
    }
    more = STEP + '\n[hypotheses]\nh = "lambda_min(G) > 0 and norm2(W) < 1"\n' + SMALL
    for precision in (192, 1024):
        certificate = forged(
            more, "c", arrays, algorithm="gradient-descent", step=200, precision=precision,
            parameters={"eta": "1/3"},
        )  # fmt: skip
        theorem = theorem_of(more, "deq", "gradient-descent")
        configuration = deq(theorem, parameters={"eta": "1/3"}, activation="relu", **arrays)

        assert check_size(theorem, certificate, configuration).verdict is Verdict.HOLDS


def test_arrays_of_balls_have_a_limit():
    """
    A matrix of too many balls is refused before it is formed, by whatever makes it.
    """
    column, row = arb_mat(4096, 1, [1] * 4096), arb_mat(1, 4096, [1] * 4096)

    for make in (
        lambda: BALL_ARRAYS.filled("eye", fmpq(2049)),
        lambda: BALL_ARRAYS.product(column, row, 2, 2),
        lambda: FUNCTIONS_OF_ONE["diag"](column, 1),
    ):
        with pytest.raises(NotEnclosed, match="too large"):
            make()
    assert BALL_ARRAYS.product(row, column, 2, 2)[0, 0] == 4096


def test_arrays_of_the_second_path_have_a_limit():
    """
    The same in mpmath, whose numbers are larger.
    """
    column, row = [[mp.mpf(1)]] * 2000, [[mp.mpf(1)] * 2000]

    with pytest.raises(NotReplayed):
        times(column, row)
    with pytest.raises(NotReplayed):
        evaluate(parse_expression("eye(3000)"), None)
    assert times(row, column) == [[2000]]


@pytest.mark.parametrize(
    ("function", "size"),
    [("inv", 200), ("sigma_min", 200), ("norm2", 200), ("lambda_min", 200), ("spectral_radius", 64)],
)
def test_the_linear_algebra_of_the_second_path_has_a_limit(function, size):
    """
    mpmath would take minutes; a matrix of a few rows is no trouble.
    """
    with mp.workdps(60), pytest.raises(NotReplayed, match="of this size"):
        evaluate(parse_expression(f"{function}(eye({size}))"), None)
    with mp.workdps(60):
        found = evaluate(parse_expression(f"{function}(2*eye(3))"), None)
        assert (found[0][0] if function == "inv" else found) == (0.5 if function == "inv" else 2)


def test_a_key_that_stands_twice_among_many_is_found():
    """
    Which key it is takes one look at each.
    """
    many = ",".join(f'"{k:x}":0' for k in range(200_000))

    with pytest.raises(NotJson, match="the key '30d3f' stands twice"):
        parsed(f'{{{many},"30d3f":1}}'.encode())


def test_verifying_a_hostile_file_needs_little_memory(tmp_path):
    """
    In a process with one gibibyte beyond what its modules take, the identity of 8192 rows is answered.
    """
    path = put(tmp_path, forged('\n[conclusions]\nc = "trace(eye(d)) <= 0"\n', "c", _wide(8192)))
    code = (
        "import pathlib, resource, sys; from checker.certificate import verify; "
        "status = pathlib.Path('/proc/self/statm'); "
        "used = int(status.read_text().split()[0])*resource.getpagesize() if status.exists() else 2**34; "
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30)); "
        "print(verify(pathlib.Path(sys.argv[1])).status)"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=300, check=False
    )

    assert (done.returncode, done.stdout.strip()) == (0, "undecided"), done.stderr


def test_a_sealed_file_with_unreadable_bounds_fails(tmp_path):
    """
    Text that is no number, in the file, is the file's mistake.
    """
    broken = replace_fields(
        forged(SMALL, "c", POINT),
        violation=ViolationPart("<=", BoundsPart("1e123456", "x"), BoundsPart("0", "0")),
    )
    report = verify(put(tmp_path, sealed(broken)))

    assert (report.status, report.reason) == (
        "invalid", "recorded bounds: the bounds of the left side are no bounds",
    )  # fmt: skip
