"""Data and labels: what is drawn is what was asked for, the same for the same seed."""

import math

import numpy as np
import pytest

from models.data import DataError, labels, load_data, load_dataset, normalise

DRAWN = ["sphere", "near-parallel:0.001", "orthogonal", "digits", "digits:3,8", "digits:all"]


@pytest.mark.parametrize("spec", DRAWN)
def test_the_seed_determines_the_data(spec):
    """
    Equal seeds give equal arrays, different seeds different ones, in float64 and of the stated shape.
    """
    first, y = load_data(spec, n=7, d=64, seed=5)
    again, _ = load_data(spec, n=7, d=64, seed=5)
    other, _ = load_data(spec, n=7, d=64, seed=6)

    assert first.shape == (64, 7)
    assert np.float64 == first.dtype
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (y is not None) == spec.startswith("digits")


def test_points_of_the_sphere_have_unit_norm_and_no_preferred_direction():
    """
    Every column has norm 1, and the mean of many is near 0.
    """
    X, _ = load_data("sphere", n=4000, d=3, seed=0)

    assert np.allclose(1, np.linalg.norm(X, axis=0), atol=1e-15)
    assert np.linalg.norm(X.mean(axis=1)) < 0.05


@pytest.mark.parametrize("angle", [0.0, 1e-6, 0.3, math.pi / 2, 3.0])
@pytest.mark.parametrize("d", [2, 9])
def test_near_parallel_pairs_stand_at_the_stated_angle(angle, d):
    """
    Columns 1 and 2, 3 and 4 enclose the angle; the odd last one is free; all have norm 1.
    """
    X, _ = load_data(f"near-parallel:{angle}", n=5, d=d, seed=1)

    assert np.allclose(1, np.linalg.norm(X, axis=0), atol=1e-15)
    for j in (0, 2):
        chord = np.linalg.norm(X[:, j] - X[:, j + 1])
        assert 2 * math.asin(min(1.0, chord / 2)) == pytest.approx(angle, rel=1e-9, abs=1e-15)


def test_orthogonal_data_are_orthonormal():
    """
    X'X is the identity, also for a square X.
    """
    for d in (4, 9):
        X, _ = load_data("orthogonal", n=4, d=d, seed=1)
        assert np.allclose(np.eye(4), X.T @ X, atol=1e-14)


def test_digits_are_balanced_distinct_and_labelled_by_class():
    """
    Each class has half the samples, no sample twice; the first class named has label -1.
    """
    data = load_dataset("digits:3,8", n=100, d=None, seed=2)

    assert data.classes == (3, 8)
    assert [(data.y == label).sum() for label in (-1, 1)] == [50, 50]
    assert np.unique(data.X, axis=1).shape[1] == 100
    assert (data.X.min(), data.X.max()) == (0, 1)


def test_all_digits_have_their_value_as_label():
    """
    The ten labels are evenly spaced from -1 to 1, and each class appears once in ten samples.
    """
    _, y = load_data("digits:all", n=10, d=64, seed=2)

    assert np.allclose(np.linspace(-1, 1, 10), np.sort(y), atol=1e-15)


def test_all_images_of_two_classes_can_be_taken():
    """
    Balance gives way to the supply: 178 zeros and 182 ones.
    """
    _, y = load_data("digits", n=None, d=None, seed=0)

    assert [(y == label).sum() for label in (-1, 1)] == [178, 182]


@pytest.mark.parametrize(
    ("spec", "n", "d", "message"),
    [
        ("digits:0,1", 361, None, "digits:0,1 has 360 images, so n = 361 is not between 1 and 360"),
        ("digits", 0, None, "digits:0,1 has 360 images, so n = 0 is not between 1 and 360"),
        ("digits", 4, 10, "the digits have d = 64 pixels, not d = 10"),
        ("digits:3", 4, None, "digits:3 is not known; write digits, digits:3,8 or digits:all"),
        ("digits:3,3", 4, None, "digits:3,3 is not known; write digits, digits:3,8 or digits:all"),
        ("sphere", None, 3, "sphere data need a value for n"),
        ("sphere", 3, None, "sphere data need a value for d"),
        ("sphere", 0, 3, "sphere data need n >= 1 and d >= 1, not n = 0, d = 3"),
        ("near-parallel:0.1", 1, 3, "near-parallel data need n >= 2 and d >= 2, not n = 1, d = 3"),
        ("near-parallel:0.1", 3, 1, "near-parallel data need n >= 2 and d >= 2, not n = 3, d = 1"),
        ("near-parallel:nan", 3, 3, "near-parallel:nan needs an angle in radians, 0 to pi"),
        ("near-parallel:4", 3, 3, "near-parallel:4 needs an angle in radians, 0 to pi"),
        ("near-parallel:-1", 3, 3, "near-parallel:-1 needs an angle in radians, 0 to pi"),
        ("orthogonal", 5, 4, "orthogonal data need n <= d, not n = 5, d = 4"),
        ("mnist", 5, 4, "data = 'mnist' is not known; write digits, digits:A,B, digits:all, sphere"),
        ("near-parallel", 5, 4, "data = 'near-parallel' is not known"),
    ],
)
def test_impossible_requests_are_one_clear_line(spec, n, d, message):
    """
    The message says what was asked, what is possible, and is one line.
    """
    with pytest.raises(DataError) as error:
        load_data(spec, n=n, d=d, seed=0)

    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_negative_seed_is_refused():
    """
    Seeds are not negative.
    """
    with pytest.raises(DataError, match="seed = -1 is negative"):
        load_data("sphere", n=2, d=2, seed=-1)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_columns_are_scaled_to_the_norm(scale):
    """
    Every column gets the norm asked for, also where squares would overflow or vanish.
    """
    X, _ = load_data("digits", n=6, d=64, seed=0)

    scaled = normalise(scale * X, 8.0)

    assert np.allclose(8, np.linalg.norm(scaled, axis=0), rtol=1e-15)
    assert np.allclose(normalise(X, 8.0), scaled, rtol=1e-14)


def test_a_zero_sample_has_no_direction():
    """
    It cannot be scaled, and the message names it.
    """
    with pytest.raises(DataError, match="sample 2 is zero and cannot be scaled to a norm; leave it out"):
        normalise(np.array([[1.0, 0.0], [2.0, 0.0]]), 1.0)


def test_labels_of_each_kind():
    """
    Data, random and constant labels are what they say; random ones follow the seed, not the data's stream.
    """
    X, _ = load_data("sphere", n=5, d=3, seed=4)
    G, yhat = np.eye(5), np.zeros(5)
    given = np.arange(5.0)

    assert np.array_equal(given, labels("data", X, given, G, yhat, 4))
    assert np.array_equal(np.ones(5), labels("constant", X, given, G, yhat, 4))
    drawn = labels("random", X, given, G, yhat, 4)
    assert np.array_equal(drawn, labels("random", X, None, 2 * G, yhat, 4))
    assert not np.array_equal(drawn, labels("random", X, None, G, yhat, 5))


def test_the_worst_labels_leave_a_residual_along_the_least_eigenvector():
    """
    yhat - y has length `scale` and is an eigenvector of G for its least eigenvalue.
    """
    generator = np.random.default_rng(0)
    factor = generator.standard_normal((8, 5))
    G, yhat = factor.T @ factor, generator.standard_normal(5)

    residual = yhat - labels("worst", factor, None, G, yhat, 0, scale=3.0)

    assert np.linalg.norm(residual) == pytest.approx(3)
    assert np.allclose(np.linalg.eigvalsh(G)[0] * residual, G @ residual, atol=1e-12)
    assert np.abs(residual).max() == -residual.min()


@pytest.mark.parametrize(
    ("kind", "G", "message"),
    [
        ("data", np.eye(2), "these data have no labels; set labels to one of random, constant, worst"),
        ("best", np.eye(2), "labels = 'best' is not known; write one of data, random, constant, worst"),
        ("worst", np.full((2, 2), np.nan), "labels = worst need a finite Gram matrix"),
    ],
)
def test_labels_that_cannot_be_made_are_refused(kind, G, message):
    """
    The message says what may be written instead.
    """
    with pytest.raises(DataError, match=message):
        labels(kind, np.eye(2), None, G, np.zeros(2), 0)


def test_more_digits_than_zeros_and_ones_are_drawn_from_all_ten() -> None:
    assert load_dataset("digits", n=360, d=None, seed=0).name == "digits:0,1"
    more = load_dataset("digits", n=361, d=None, seed=0)
    assert (more.name, more.X.shape) == ("digits:all", (64, 361))
