"""Starts for the next solve: polynomials through the solutions of the last steps.

Along gradient descent with a small step the equilibrium and the adjoint move along smooth curves, so
that the polynomial of order p through the last p + 1 of them predicts the next with an error of
order p + 1 in the step (Newton's backward differences). Where signs flip, the curves have kinks, and
high orders lose.
"""

from math import comb

import torch
from torch import Tensor

SMOOTH = (3, 3)
"""The orders for equilibrium and adjoint where phi is smooth; beyond 3 the solver's error is amplified."""

KINKED = (1, 0)
"""The orders where phi' jumps."""


def orders(has_kink: bool) -> tuple[int, int]:
    """The orders of extrapolation of an activation."""
    return KINKED if has_kink else SMOOTH


def extrapolated(values: list[Tensor], order: int, out: Tensor) -> Tensor:
    """Write into `out` what the polynomial through the newest min(order + 1, len) values says comes next.

    `values`, one or more, has the newest first.
    """
    points = min(order + 1, len(values))
    torch.mul(values[0], points, out=out)
    for j in range(1, points):
        out.add_(values[j], alpha=(-1) ** j * comb(points, j + 1))
    return out
