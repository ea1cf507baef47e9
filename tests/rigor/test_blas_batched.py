"""Stacks of matrices are bounded as single ones are."""

import math

import numpy as np
import pytest

from checker.blas import batched, extremes
from checker.verdict import Verdict
from tests.rigor.spectral_cases import symmetrised, wishart


def test_stacks_are_bounded_as_single_matrices_are() -> None:
    """
    Of every matrix of a stack the bounds contain the narrow single bracket, at any scale.
    """
    rng = np.random.default_rng(10)
    scales = (1.0, 1e-150, 1e300, 1e-310, 0.0)
    stack = np.stack([symmetrised(s * wishart(rng, 6, 9)) for s in scales for _ in range(3)])
    slack = np.tile([0.0, 1e-13, 0.1], 5) * np.abs(stack).max(axis=(1, 2))

    lows, highs = batched.lambda_min(stack, slack)
    norms = batched.norm2(stack[:, :, :4].copy(), slack)

    for k, A in enumerate(stack):
        one, norm = extremes.lambda_min(A, slack[k]), extremes.norm2(A[:, :4].copy(), slack[k])
        tolerated = 1e-11 * np.abs(A).max() + 1e-322
        assert abs(lows[k] - one.lo) <= tolerated
        assert abs(highs[k] - one.hi) <= tolerated
        assert abs(norms[0][k] - norm.lo) <= tolerated
        assert abs(norms[1][k] - norm.hi) <= tolerated
        assert batched.at_least(stack, lows)[k] is Verdict.HOLDS
        assert batched.at_least(stack, highs, slack)[k] in (Verdict.UNDECIDED, Verdict.HOLDS)


def test_stacks_with_bad_members_leave_only_those_open() -> None:
    """
    NaN, infinity and an infinite slack open one member each; shapes and symmetry are required.
    """
    stack = np.stack([np.eye(3)] * 4)
    stack[1, 0, 1] = math.nan
    stack[2, 0, 0] = math.inf
    slack = np.array([0.0, 0.0, 0.0, math.inf])

    lows, highs = batched.lambda_min(stack, slack)
    verdicts = batched.at_least(stack, [0.5, 0.5, 0.5, 0.5], slack)

    assert np.isfinite(lows).tolist() == [True, False, False, False]
    assert np.isfinite(highs).tolist() == [True, False, False, False]
    assert verdicts.tolist() == [Verdict.HOLDS] + [Verdict.UNDECIDED] * 3
    assert batched.norm2(stack, slack)[1][1:].tolist() == [math.inf] * 3
    assert batched.lambda_min(np.zeros((0, 2, 2)))[0].shape == (0,)
    for wrong in (np.eye(3), np.zeros((2, 0, 0)), np.zeros((1, 2, 3)), np.triu(np.ones((1, 2, 2)))):
        with pytest.raises(ValueError, match=r"needed|without entries|not square"):
            batched.lambda_min(wrong)
    with pytest.raises(ValueError, match="slack"):
        batched.norm2(np.zeros((1, 2, 3)), -1.0)
