"""High-probability bounds of what a Gaussian start makes of a deep equilibrium model, for every width.

W_ij ~ N(0, A/m), U_ij ~ N(0, b), a_i ~ N(0, v), independent; phi is L-Lipschitz. Each event fails with
probability at most exp(-t**2/2). Sources: Davidson & Szarek 2001, Theorem II.13 (norms of Gaussian
matrices); Gaussian concentration of Lipschitz functions (Ledoux 2001, Theorem 2.4 and (1.22) there), with
L, phi and the variances left general:

E1  |W|_2 <= w0 = sqrt(A/m)*(2*sqrt(m) + t), and |U|_2 <= sqrt(b)*(sqrt(m) + sqrt(d) + t)
E2  |a| <= sqrt(v)*(sqrt(m) + t)
E3  |phi(U X)|_F <= sqrt(m*S) + t*L*sqrt(b)*|X|_2 with S = sum_i E phi(sqrt(b)*|x_i|*g)**2, and then
    |T|_F <= that/(1 - L*w0), because |T - phi(U X)|_F <= L*w0*|T|_F
E4  |yhat| <= sqrt(v)*(|T|_F + t*|T|_2), a being independent of T

E5, lambda_min(G) >= m*lambda_star/2 with lambda_star = lambda_min(K), has no explicit bound: it is assumed.
"""

import math
from dataclasses import dataclass

from flint import arb, arb_mat, ctx, fmpq

from checker.activations import BALL_ACTIVATIONS
from checker.enclosure import Ball, frobenius, to_arb
from checker.errors import NotEnclosed
from checker.intervals import WHOLE, Interval
from checker.kernels import quadrature
from checker.kernels.dual import second_moment
from checker.kernels.population import population_gram
from checker.solving.oracle import outer
from checker.spectral import lambda_min, norm2

BITS = 64

MOST = {False: 64, True: 16}
"""The most samples for which lambda_star is enclosed: with a closed form of the kernel, and by quadrature."""

ASSUMED = "lambda_min(G) >= m*lambda_min(K)/2"
"""The event E5, as reports name it."""


@dataclass(frozen=True)
class Start:
    """The laws of a Gaussian start: `A` is m times the variance of W, `b` that of U, and m*v that of a is
    `readout`; None where a is zero. `X` (d, n) and `y` (n, 1) are exact.
    """

    activation: str
    A: Ball
    b: Ball
    readout: Ball | None
    X: arb_mat
    y: arb_mat


@dataclass(frozen=True)
class Tails:
    """What the width does not change: lambda_star, S, |X|_2, |y| and the activation's constant, as balls."""

    start: Start
    lambda_star: arb
    moments: arb
    spectral: arb
    labels: arb
    slope: arb


def tails(start: Start) -> Tails:
    """The constants of the bounds; NotEnclosed where lambda_star is costly or not certainly positive."""
    most = MOST[start.activation in quadrature.VALUES]
    if start.X.ncols() > most:
        raise NotEnclosed(f"lambda_min(K) is enclosed for at most {most} samples with {start.activation}")
    with ctx.workprec(BITS):
        C = (start.X.transpose() * start.X) * to_arb(start.b)
        K = population_gram(start.activation, start.A, C)
        least = lambda_min(K)
        if not least > 0:
            raise NotEnclosed("lambda_min(K) is not certainly positive")
        n = C.nrows()
        moments = sum((second_moment(start.activation, C[i, i].nonnegative_part()) for i in range(n)), arb(0))
        slope = to_arb(BALL_ACTIVATIONS[start.activation].lipschitz())
        return Tails(start, least, moments, norm2(start.X), norm2(start.y), slope)


def events(with_inputs: bool, with_readout: bool) -> tuple[str, ...]:
    """The norms that the events used bound: E1 for W, E3, E1 for U where its norm counts, and E2 and
    E4 with a drawn readout.
    """
    inputs = ("|U|_2",) if with_inputs else ()
    readout, predicted = (("|a|",), ("|yhat|",)) if with_readout else ((), ())
    return ("|W|_2", *inputs, *readout, "|phi(U X)|_F", *predicted)


def deviation(failure: fmpq, count: int) -> arb:
    """The t with count*exp(-t**2/2) at most `failure`, rounded up."""
    with ctx.workprec(BITS):
        return (2 * (arb(count) / arb(failure)).log()).sqrt().upper()


def measured(known: Tails, m: int, d: int, t: arb) -> dict[str, Interval]:
    """Intervals, on E1 to E5, of the numbers that hypotheses may measure, by the text of the expression."""
    with ctx.workprec(BITS):
        start, width = known.start, arb(m)
        n = start.X.ncols()
        root = width.sqrt()
        w0 = (to_arb(start.A) / width).sqrt() * (2 * root + t)
        u0 = to_arb(start.b).sqrt() * (root + arb(d).sqrt() + t)
        source = (width * known.moments).sqrt() + t * known.slope * to_arb(start.b).sqrt() * known.spectral
        low = width * known.lambda_star / 2
        shrink = 1 - known.slope * w0
        out: dict[str, Interval] = {
            "norm2(W)": _upto(w0),
            "norm2(U)": _upto(u0),
            "norm2(X)": outer(known.spectral),
            "norm_fro(X)": outer(frobenius(start.X)),
            "norm2(y)": outer(known.labels),
            "L_phi": outer(known.slope),
            "phi_0": outer(abs(to_arb(BALL_ACTIVATIONS[start.activation].at_zero()))),
        }
        bend = BALL_ACTIVATIONS[start.activation].lipschitz_derivative()
        if bend is not None:
            out["L_dphi"] = outer(bend)
        if not shrink > 0:
            return out | dict.fromkeys(_OF_T, WHOLE)
        features = source / shrink
        size, floor = outer(features)[1], outer(low.sqrt())[0]
        out["norm2(T)"] = (min(floor, size), size)
        out["norm_fro(T)"] = (min(outer((n * low).sqrt())[0], size), size)
        out["lambda_min(G)"] = _between(low, features * features / n)
        out["lambda_max(G)"] = _between(low, features * features)
        return out | _readout(known, width, t, features)


_OF_T = ("norm2(T)", "norm_fro(T)", "lambda_min(G)", "lambda_max(G)", "residual", "loss", "norm2(a)")


def _readout(known: Tails, width: arb, t: arb, features: arb) -> dict[str, Interval]:
    """The readout, and the residual |yhat - y|, which is |y| where the readout is zero."""
    start, y = known.start, known.labels
    if start.readout is None:
        loss = y * y / 2
        return {"norm2(a)": (0.0, 0.0), "residual": outer(y), "loss": outer(loss)}
    deviation_of_one = (to_arb(start.readout) / width).sqrt()
    predicted = deviation_of_one * features * (1 + t)
    least = outer(y - predicted)[0]
    most = y + predicted
    return {
        "norm2(a)": _upto(deviation_of_one * (width.sqrt() + t)),
        "residual": (max(least, 0.0), outer(most)[1]),
        "loss": (0.0, outer(most * most / 2)[1]),
    }


def _upto(x: arb) -> Interval:
    return 0.0, outer(x)[1]


def _between(low: arb, high: arb) -> Interval:
    lo, hi = outer(low)[0], outer(high)[1]
    return (lo, hi) if lo <= hi else (math.nan, math.nan)
