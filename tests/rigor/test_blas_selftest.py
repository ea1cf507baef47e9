"""The self-test of products: real ones pass, and each kind of broken one is caught by its own probe."""

import numpy as np
import pytest

from checker.blas import batched, extremes
from checker.blas import selftest as module
from checker.blas.probes import NAMES, failed, product_probe
from checker.blas.selftest import SIZES, SelfTest, examine, examine_gram, selftest
from checker.verdict import Verdict
from tests.rigor import fake_products as fake

CAUGHT = {
    "float32": (fake.in_float32, "rounding of products"),
    "Strassen": (fake.strassen, "scales kept apart"),
    "fixed point": (fake.fixed_point, "scales kept apart"),
    "flushed": (fake.flushed, "gradual underflow"),
    "results flushed": (fake.results_flushed, "gradual underflow"),
    "one worker upwards": (fake.one_worker_rounds(up=True), "rounding of sums"),
    "one worker to zero": (fake.one_worker_rounds(up=False), "rounding of sums"),
}


def test_the_products_of_this_machine_pass() -> None:
    """
    NumPy's and SciPy's products pass, and the answer is kept.
    """
    found = selftest("cpu")

    assert found == SelfTest("cpu", passed=True, failures=())
    assert selftest() is found


@pytest.mark.parametrize("name", CAUGHT)
def test_a_broken_product_is_caught(name: str) -> None:
    """
    Each fake product fails the probe made for it, at every size that is not scalar code.
    """
    multiply, probe = CAUGHT[name]

    for size in SIZES[1:]:
        assert probe in examine(multiply, (size,))


@pytest.mark.parametrize("name", CAUGHT)
def test_a_broken_gram_product_is_caught(name: str) -> None:
    """
    The same fakes, used for T'T, fail as well.
    """
    multiply, probe = CAUGHT[name]

    assert probe in examine_gram(lambda T: multiply(np.ascontiguousarray(T.T), T), SIZES[2:])


def test_wrong_rounding_of_products_alone_is_caught() -> None:
    """
    Rounding every entry upwards fails both rounding probes and no other.
    """
    found = examine(lambda A, B: fake.directed(A, B, up=True), SIZES[1:2])

    assert {"rounding of products", "rounding of sums"} <= set(found)
    assert "scales kept apart" not in found


@pytest.mark.parametrize("order", ["reversed", "halves"])
def test_any_order_of_summation_passes(order: str) -> None:
    """
    Other orders of summation than the library's are not complained about.
    """

    def multiply(A: np.ndarray, B: np.ndarray) -> np.ndarray:
        if order == "reversed":
            return A[:, ::-1] @ B[::-1]
        half = A.shape[1] // 2
        return A[:, :half] @ B[:half] + A[:, half:] @ B[half:]

    assert examine(multiply) == ()
    assert examine_gram(lambda T: multiply(np.ascontiguousarray(T.T), T)) == ()


def test_every_wrong_bit_of_a_result_is_seen() -> None:
    """
    One unit in the last place of any one entry, other than the sign of a zero, is a failure.
    """
    probe = product_probe(6, 7, 9)

    for index in np.ndindex(probe.expected.shape):
        moved = probe.expected.copy()
        moved[index] = np.nextafter(moved[index], 7.0)
        assert failed(probe, moved) == (NAMES[probe.kind[index]],)
        signed = probe.expected.copy()
        signed[index] = -signed[index]
        assert bool(failed(probe, signed)) is bool(probe.expected[index] != 0)


def test_results_of_another_shape_or_format_fail_everything() -> None:
    """
    A product that is not a float64 array of the right shape passes nothing.
    """
    probe = product_probe(6, 7, 9)

    assert failed(probe, probe.expected.T) == NAMES
    assert failed(probe, probe.expected.astype(np.float32)) == NAMES


def test_this_thread_rounds_to_nearest_and_other_modes_are_seen() -> None:
    """
    The check of the calling thread passes here, and fails for a number that is not quite 1.
    """
    assert module.rounds_to_nearest(1.0)
    assert not module.rounds_to_nearest(1.0 + 2.0**-52)


def test_the_products_of_torch_pass() -> None:
    """
    The products examined on a GPU are torch's; those of its CPU pass.
    """
    assert module.examine_torch("cpu") == ()


def test_a_device_that_cannot_be_used_does_not_pass() -> None:
    """
    An unknown device, or one without its library, is reported as not usable.
    """
    found = selftest("no such device")

    assert not found.passed
    assert found.failures[0].startswith("not usable: ")


def test_nothing_is_claimed_without_a_passed_selftest(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where the products have not passed, brackets are infinite and decisions open.
    """
    monkeypatch.setattr(module, "_selftest", lambda device: SelfTest(device, False, ("gemm: broken",)))
    A = np.eye(3)
    stack = A[None]

    for bound in (extremes.lambda_min, extremes.lambda_max):
        assert (bound(A).lo, bound(A).hi) == (-np.inf, np.inf)
    for bound in (extremes.norm2, extremes.sigma_min, extremes.lambda_min_of_gram):
        assert (bound(A).lo, bound(A).hi) == (0.0, np.inf)
    assert np.isinf(extremes.eigenvalues(A)).all()
    assert extremes.at_least(A, 0.5) is Verdict.UNDECIDED
    assert extremes.norm_at_most(A, 2.0) is Verdict.UNDECIDED
    assert np.isinf(batched.lambda_min(stack)).all()
    assert np.isinf(batched.norm2(stack)[1]).all()
    assert batched.at_least(stack, 0.5)[0] is Verdict.UNDECIDED
