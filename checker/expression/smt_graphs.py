"""What the solvers are told of exp, log and tanh: facts about (x, y) on the graph, in SMT-LIB 2.

Every fact is true of every point of the graph, so that what is proved from it is proved of the function.
"""

from typing import Final

GRAPHS: Final[dict[str, tuple[str, ...]]] = {
    # y = exp(x): 1 + x <= y, and y <= 1/(1 - x) left of 1, both with equality at 0 only
    "exp": (
        "(> y 0.0)",
        "(ite (= x 0.0) (= y 1.0) (> y (+ 1.0 x)))",
        "(=> (and (< x 1.0) (not (= x 0.0))) (< (* y (- 1.0 x)) 1.0))",
    ),
    # y = log(x): 1 - 1/x <= y <= x - 1, both with equality at 1 only
    "log": ("(ite (= x 1.0) (= y 0.0) (and (< y (- x 1.0)) (> (* y x) (- x 1.0))))",),
    # y = tanh(x): between 0 and x, and inside (-1, 1)
    "tanh": (
        "(and (< (- 1.0) y) (< y 1.0))",
        "(=> (= x 0.0) (= y 0.0))",
        "(=> (> x 0.0) (and (< 0.0 y) (< y x)))",
        "(=> (< x 0.0) (and (< x y) (< y 0.0)))",
    ),
}

SHARP: Final[dict[str, tuple[str, ...]]] = {
    # Taylor polynomials of degree 2 and 3 at 0; the last is that of exp(-x)
    "exp": (
        "(= (> x 0.0) (> y (+ 1.0 x (* 0.5 x x))))",
        "(= (< x 0.0) (< y (+ 1.0 x (* 0.5 x x))))",
        "(=> (not (= x 0.0)) (> y (+ 1.0 x (* 0.5 x x) (* (/ 1.0 6.0) x x x))))",
        "(=> (not (= x 0.0)) (< (* y (+ (- 1.0 x) (* 0.5 x x) (* (/ (- 1.0) 6.0) x x x))) 1.0))",
    ),
    # log(x) against 2(x - 1)/(x + 1)
    "log": ("(= (> x 1.0) (> (* y (+ x 1.0)) (* 2.0 (- x 1.0))))",),
    # tanh(x) against x - x**3/3
    "tanh": (
        "(=> (> x 0.0) (> (* 3.0 y) (- (* 3.0 x) (* x x x))))",
        "(=> (< x 0.0) (< (* 3.0 y) (- (* 3.0 x) (* x x x))))",
    ),
}
