"""Theorems that hold in one corner only: a search that misses it would call them unsatisfied."""

from clashing import theorem

LING = """
lambda_0 = "lambda_min(G)"
rho_w = "norm2(W) + delta"
rho_u = "norm2(U) + delta"
rho_a = "norm2(a) + delta"
c_w = "rho_u*rho_a/(1 - rho_w)**2"
c_u = "rho_a/(1 - rho_w)"
c_a = "rho_u/(1 - rho_w)"
"""
DELTA = 'delta = { domain = "0 < delta", quantifier = "exists" }'

CORNERS = {
    "tiny labels": theorem(
        'regular = "lambda_min(G) >= 1"\nclose = "1e9*residual <= lambda_min(G)"\nlabels = "residual > 0"\n'
        'far = "norm2(yhat) >= 1/8"'
    ),
    "zero readout": theorem(
        'zero = "norm_inf(a) <= 0"\nregular = "lambda_min(G) > 0"\nlabels = "norm2(y) > 1"'
    ),
    "orthogonal inputs": theorem(
        'orthogonal = "n*norm2(X)**2 <= 1.000001*norm_fro(X)**2"\nradius = "norm2(W) <= 1/2"\nmany = "n >= 3"'
    ),
    "one sample": theorem(
        'one = "3*n*lambda_min(G) > 2*n**2*lambda_max(G)"\nradius = "norm2(W) < 1"\nsingle = "n < 2"'
    ),
    "a wide network": theorem('wide = "m >= 64*n"\nregular = "lambda_min(G) > 0"'),
    "a free start of a printed condition": theorem(
        'radius = "rho_w < 1"\n'
        'seven = "lambda_0 >= (4/delta)*max(c_w, c_u, c_a)*norm_fro(X)*residual"\n'
        'nine = "lambda_0 >= 4*(c_w**2 + c_u**2)*norm_fro(X)**2"',
        parameters=DELTA, more=f"[definitions]{LING}", scope='activation = ["relu"]\nn = "n >= 2"',
    ),
    "least squares at the solution": theorem(
        'solved = "1e12*residual <= norm2(y)"\nlabels = "norm2(y) >= 1"\nmany = "n >= 2"',
        setting="least-squares",
    ),
}  # fmt: skip
"""Satisfiable, each in one corner."""
