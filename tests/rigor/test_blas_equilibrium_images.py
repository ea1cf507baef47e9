"""phi and phi' of float arrays: the error bounds hold against balls at 200 bits, and are narrow."""

from collections.abc import Callable

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from numpy.typing import NDArray

from checker.activations import BALL_ACTIVATIONS
from checker.blas import images
from checker.blas.images import phi_of, smooth_slopes_of

NAMES = sorted(BALL_ACTIVATIONS)
SMOOTH = [name for name in NAMES if not BALL_ACTIVATIONS[name].has_kink]
CURVED = [name for name in SMOOTH if name != "identity"]
Floats = NDArray[np.float64]
Evaluated = tuple[Floats, Floats]


def hard_arguments(count: int) -> Floats:
    """Random arguments of every size and sign, middles and edges of cells, zero, and the ends of the grid."""
    rng = np.random.default_rng(count)
    grid = np.arange(-1030, 1031) / 64
    edges = (np.arange(-2060, 2061) + 0.5) / 64
    special = np.array(
        [0.0, -0.0, 5e-324, -5e-324, 1e-300, 16.0, -16.0, 16.5, 40.0, -40.0, 800.0, -800.0, 1e9]
    )
    near = np.concatenate([np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), grid, edges, special])
    spread = rng.choice((-1, 1), count) * 10.0 ** rng.uniform(-20, 1.5, count)
    return np.concatenate([near, spread, rng.uniform(-17, 17, count)])


def missed(name: str, Z: Floats, values: Floats, errors: Floats, *, derivative: bool) -> list[float]:
    """The arguments whose true value is certainly farther off than the bound."""
    activation = BALL_ACTIVATIONS[name]
    out: list[float] = []
    with ctx.workprec(200):
        bounds = np.broadcast_to(errors, Z.shape).tolist()
        for z, value, bound in zip(Z.tolist(), values.tolist(), bounds, strict=True):
            truth = activation.dphi(arb(z), fmpq(0)) if derivative else activation.phi(arb(z))
            if not abs(truth - arb(value)) <= arb(bound):
                out.append(z)
    return out


def in_parts(f: Callable[[str, Floats], tuple[Floats, Floats]], name: str, Z: Floats, most: int) -> Evaluated:
    """The function on parts of at most so many entries, put together."""
    parts = [f(name, Z[k : k + most]) for k in range(0, Z.size, most)]
    sizes = [values.shape for values, _ in parts]
    errors = [np.broadcast_to(off, shape) for (_, off), shape in zip(parts, sizes, strict=True)]
    return np.concatenate([values for values, _ in parts]), np.concatenate(errors)


@pytest.mark.parametrize("most", [images._FEW - 1, 2**30])
@pytest.mark.parametrize("name", NAMES)
def test_values_are_within_their_bounds(name: str, most: int) -> None:
    """
    phi differs from the float value by at most the bound, in small arrays and in large ones.
    """
    Z = hard_arguments(5000)

    values, errors = in_parts(phi_of, name, Z, most)

    assert missed(name, Z, values, errors, derivative=False) == []


@pytest.mark.parametrize("most", [images._FEW - 1, 2**30])
@pytest.mark.parametrize("name", SMOOTH)
def test_slopes_are_within_their_bounds(name: str, most: int) -> None:
    """
    phi' differs from the float value by at most the bound, in small arrays and in large ones.
    """
    Z = hard_arguments(5000)

    values, errors = in_parts(smooth_slopes_of, name, Z, most)

    assert missed(name, Z, values, errors, derivative=True) == []


@pytest.mark.parametrize("name", NAMES)
def test_bounds_are_narrow(name: str) -> None:
    """
    A value is known to 20 unit roundoffs of the larger of 1 and itself, and relatively where phi(0) = 0.
    """
    Z = np.random.default_rng(3).standard_normal(images._FEW) * 3

    values, errors = phi_of(name, Z)

    assert (errors <= 20 * 2.0**-53 * np.maximum(1, np.abs(values))).all()
    if BALL_ACTIVATIONS[name].at_zero() == 0:
        assert (np.broadcast_to(errors, Z.shape) <= 2.0**-41 * np.abs(Z)).all()


@pytest.mark.parametrize("name", ["relu", "abs", "identity"])
def test_lines_of_slope_one_are_exact(name: str) -> None:
    """
    Piecewise linear functions with slopes -1, 0 and 1 have no error at all.
    """
    Z = hard_arguments(100)

    _, errors = phi_of(name, Z)

    assert not np.any(errors)


@pytest.mark.parametrize("count", [4, images._FEW + 4])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_finite_has_no_bound(name: str, count: int) -> None:
    """
    NaN and infinity get an infinite bound, never a finite one.
    """
    Z = np.zeros(count)
    Z[:3] = np.nan, np.inf, -np.inf

    _, errors = phi_of(name, Z)

    assert np.isinf(np.broadcast_to(errors, Z.shape)[:3]).all()
    if name in CURVED:
        assert np.isinf(smooth_slopes_of(name, Z)[1][:3]).all()


def test_slopes_of_a_kink_and_series_that_are_cut_off_are_mistakes() -> None:
    """
    phi' of relu is no function of floats alone, and a series that flint shortens is noticed.
    """
    with pytest.raises(ValueError, match="has a kink"):
        smooth_slopes_of("relu", np.zeros(3))
    cap = ctx.cap
    try:
        ctx.cap = 6
        with pytest.raises(ValueError, match="cut off"):
            images._coefficients(images._SERIES["tanh"], arb(0), 10)
    finally:
        ctx.cap = cap


@pytest.mark.parametrize("name", CURVED)
def test_a_spoiled_table_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The comparison with balls notices one coefficient that is off by a part in 2**34.
    """
    table = images._table(name, derivative=False)
    spoiled = table.coefficients.copy()
    spoiled[1] *= 1 + 2.0**-34
    broken = images._Table(spoiled, table.slope, table.floor)
    monkeypatch.setattr(images, "_table", lambda name, derivative: broken)
    Z = hard_arguments(images._FEW)

    values, errors = phi_of(name, Z)

    assert missed(name, Z, values, errors, derivative=False)
