"""A counterexample is made small, and stays one."""

from fractions import Fraction

import numpy as np
import pytest
from certificate_samples import TESTS, TWINS, least_squares, random_deq, twin

from checker.certificate import verify
from checker.certificate_content import readable
from checker.certificate_writing import write_certificate
from checker.configuration import ExactArray
from checker.declaration import read_theorem
from checker.errors import UsageError
from checker.expression.tree import Number
from checker.reading import read_file
from checker.runs import run
from checker.shrink import shrink

TWIN = {path.name.removesuffix(".theorem.toml"): path for path in TWINS}


def first_failure(theorem, configuration, name, steps=20) -> int:
    """The first step at which a conclusion fails."""
    at = run(theorem, configuration, steps).outcomes[name].failed_at
    assert at is not None
    return at


def entries(configuration) -> int:
    """How many floats a configuration stores."""
    return sum(array.floats.size for array in configuration.arrays.values())


def test_a_random_counterexample_shrinks_to_one_that_a_reader_can_redo(tmp_path):
    """
    A violation by a network of five neurons shrinks to one neuron with short numbers, certified.
    """
    theorem = read_file(str(TWIN["deq-contraction-twin-half-rate"]))
    configuration = random_deq(theorem, "identity", seed=3, n=3, d=4, m=5, norm=0.9)
    configuration = type(configuration)(
        "deq", configuration.sizes, configuration.arrays, {}, "identity", theorem.kink, theorem.trains
    )
    step = first_failure(theorem, configuration, "rate")

    small, earlier = shrink(theorem, configuration, "rate", step, 20, 200)
    result = run(theorem, small, 20, stop_at=earlier)
    failure = result.outcomes["rate"].failure
    assert failure is not None
    write_certificate(theorem, small, "rate", earlier, result.precision, failure, tmp_path / "x.json")

    assert small.sizes == {"n": 1, "d": 1, "m": 1}
    assert all(abs(x) in (0, 0.5, 1) for a in small.arrays.values() for x in a.floats.ravel())
    assert earlier <= step
    assert verify(tmp_path / "x.json").status == "valid"


@pytest.mark.parametrize(
    "name", ["deq-gd-twin-rate", "deq-gd-smooth-twin-rate", "gd-least-squares-twin-step"]
)
def test_a_shrunk_violation_stands(name):
    """
    Whatever is dropped or rounded, the same conclusion fails no later.
    """
    theorem, configuration, violated = twin(TWIN[name])
    conclusion, _ = violated[0]
    step = first_failure(theorem, configuration, conclusion)

    small, earlier = shrink(theorem, configuration, conclusion, step, 20, 40)

    assert run(theorem, small, 20, stop_at=earlier).outcomes[conclusion].failed_at == earlier <= step
    assert entries(small) <= entries(configuration)


def test_parameters_become_short():
    """
    A step size of sixteen digits becomes a short one.
    """
    theorem = read_file(str(TWIN["gd-least-squares-twin-rate"]))
    configuration = least_squares(theorem, [[1.0]], [1.0], [0.0], {"eta": "0.4872365482736458"})
    step = first_failure(theorem, configuration, "rate")

    small, _ = shrink(theorem, configuration, "rate", step, 20, 60)

    eta = small.parameters["eta"]
    assert isinstance(eta, Number) and eta.value.denominator <= 10


def test_nothing_is_tried_without_a_budget():
    """
    The budget is a number of trials, and a cut ends them.
    """
    theorem, configuration, violated = twin(TWIN["deq-gd-twin-rate"])
    conclusion, _ = violated[0]

    by_budget = shrink(theorem, configuration, conclusion, 9, 20, 0)
    by_cut = shrink(theorem, configuration, conclusion, 9, 20, 100, lambda: True)

    assert by_budget == by_cut == (configuration, 9)


def test_shrinking_twice_gives_the_same():
    """
    The order of trials is fixed.
    """
    theorem, configuration, violated = twin(TWIN["gd-least-squares-twin-step"])
    conclusion, _ = violated[0]
    step = first_failure(theorem, configuration, conclusion)

    (one, at), (other, then) = (shrink(theorem, configuration, conclusion, step, 20, 30) for _ in range(2))

    assert at == then
    assert all(np.array_equal(one.arrays[k].floats, other.arrays[k].floats) for k in one.arrays)


def test_what_is_drawn_at_random_is_left_as_it_was_drawn():
    """
    An array with a stated random start keeps its floats and its shape.
    """
    base = read_file(str(TWIN["gd-least-squares-twin-rate"])).text
    theorem = read_theorem(base + '\n[initialization]\nw = "normal(0, eta)"\n', "t.theorem.toml")
    rng = np.random.default_rng(2)
    drawn = rng.standard_normal(3)
    y = rng.standard_normal(2)
    configuration = least_squares(theorem, np.eye(3, 2), y, drawn, {"eta": "0.4872365482"})
    step = first_failure(theorem, configuration, "rate")

    small, _ = shrink(theorem, configuration, "rate", step, 20, 60)

    assert np.array_equal(small.arrays["w"].floats, drawn)
    assert small.parameters == configuration.parameters
    assert small.sizes["n"] == 1


def test_an_exact_start_is_cut_to_size_and_kept():
    """
    An array that starts at zero loses entries with its neurons, and stays zero.
    """
    theorem = read_file(str(TESTS / "corpus" / "valid" / "trains-input-false.theorem.toml"))
    configuration = random_deq(theorem, "identity", seed=5, n=2, d=3, m=4)
    arrays = dict(configuration.arrays) | {"a": ExactArray(np.zeros(4))}
    configuration = type(configuration)(
        "deq", configuration.sizes, arrays, configuration.parameters, "identity", theorem.kink, theorem.trains
    )
    step = first_failure(theorem, configuration, "per_step")

    small, _ = shrink(theorem, configuration, "per_step", step, 5, 80)

    assert small.sizes["m"] < 4
    assert not small.arrays["a"].floats.any()
    assert small.arrays["a"].floats.shape == (small.sizes["m"],)


def test_a_zero_column_under_a_data_norm_is_passed_over():
    """
    A neighbour that is no configuration is no counterexample.
    """
    text = (TESTS / "corpus" / "valid" / "ls-data-norm.theorem.toml").read_text(encoding="utf-8")
    theorem = read_theorem(text.replace("<= 4 + 1/10**9", "<= 3"), "t.theorem.toml")
    plain = least_squares(theorem, [[1.25, 2.0], [3.0, 4.0]], [0.0, 0.0], [0.0, 0.0])
    X = ExactArray(plain.arrays["X"].floats, "columns", theorem.scope.data_norm)
    configuration = type(plain)(
        "least-squares", plain.sizes, dict(plain.arrays) | {"X": X}, {}, None, plain.kink, plain.trains
    )

    small, step = shrink(theorem, configuration, "entry", 0, 0, 60)

    assert (small.sizes, step) == ({"n": 1, "d": 1, "m": 1}, 0)
    assert abs(small.arrays["X"].floats).tolist() == [[1.0]]


def test_numbers_that_have_no_text_are_refused():
    """
    A number with too many digits for the claim language is no parameter of a certificate.
    """
    assert readable(Number(Fraction(1e-30))).endswith("/2**147")
    with pytest.raises(UsageError, match="too many digits"):
        readable(Number(Fraction(10**99 + 1, 3**200)))
