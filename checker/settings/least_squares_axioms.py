"""What always holds in least squares, yhat = X' w, at initialization: the features are X, and m = d."""

from checker.settings.axioms import TRAINED, Axiom

_TRAINED = frozenset({"w"})

LEAST_SQUARES_AXIOMS: tuple[Axiom, ...] = (
    *TRAINED,
    Axiom("size of the predictions", "norm2(yhat) <= norm2(X)*norm2(w)", "yhat = X' w"),
    Axiom("gradient from above", "grad_norm <= norm2(X)*residual", "grad_w = X (yhat - y)"),
    Axiom("gradient domination", "grad_norm**2 >= lambda_min(G)*residual**2", "|X r|^2 = r' G r",
          trains=_TRAINED),
    Axiom("tangent kernel, least eigenvalue", "lambda_min(NTK) == lambda_min(G)", "NTK = X' X = G",
          trains=_TRAINED),
    Axiom("tangent kernel, largest eigenvalue", "lambda_max(NTK) == lambda_max(G)", "NTK = X' X = G",
          trains=_TRAINED),
    Axiom("tangent kernel, trace", "trace(NTK) == trace(G)", "NTK = X' X = G", trains=_TRAINED),
    Axiom("interpolation", "lambda_min(G)*loss_star == 0",
          "where G is regular, some weights fit every label", trains=_TRAINED),
)  # fmt: skip
"""The axioms of the setting `least-squares`."""
